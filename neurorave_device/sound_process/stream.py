"""The stream's own time, and what the jacks said lately on it.

Stream time is how much of the voice's sound the output has taken, in seconds. Inputs are stamped with it, so
that a sound card whose clock drifts against the machine's, or a gap, never shifts gates against the sound.
"""

import collections
from typing import Deque, List, NamedTuple

from neurorave_device.clock import Clock
from neurorave_device.inputs.base import SILENT_VOLTS, Volts
from neurorave_device.inputs.raw_volts import RawVolts

# How fast the estimate follows: outputs drift by 100 ppm.
FOLLOW_SECONDS = 1.0
# A block may be noticed late, never early: the least late one of so much time tells where the output is.
WINDOW_SECONDS = 0.1
# An output further behind than this does not drift: it had stopped for a while.
JUMP_SECONDS = 0.002
# Outputs take up to so much at once, or a block. Stream time is never further ahead of what they have taken: were it,
# it would stand still after a stop of the output for as long as the stop was, and gates meanwhile would fall together.
AHEAD_SECONDS = 0.05


class _Block(NamedTuple):
    """One look at the output: the machine's time, and how far stream time was ahead of it."""

    time: float
    offset: float


class StreamClock(Clock):
    """Seconds of sound that the output has taken, smooth between its blocks of ``block`` samples; never falls.

    Right after an output that had stopped, the time is late by the stop for ``WINDOW_SECONDS`` (or four blocks) at
    most. ``anchor`` and ``now`` may be called from two threads.
    """

    def __init__(self, clock: Clock, sample_rate: int, block: int) -> None:
        self._clock = clock
        self._rate = float(sample_rate)
        self._window = max(WINDOW_SECONDS, 4.0 * block / sample_rate)
        self._ahead = max(AHEAD_SECONDS, 2.0 * block / sample_rate)
        # Those that are less late than all after them, the least late one first.
        self._blocks: Deque[_Block] = collections.deque()
        self._offset = 0.0
        self._anchored_at = 0.0
        self._limit = 0.0
        self._latest = 0.0
        self._running = False

    def anchor(self, position: int) -> None:
        """Tell that the output has just taken samples up to ``position``. Synthesis thread."""
        now = self._clock.now()
        self._limit = position / self._rate + self._ahead
        offset = position / self._rate - now
        while self._blocks and self._blocks[-1].offset <= offset:
            self._blocks.pop()
        self._blocks.append(_Block(now, offset))
        while self._blocks[0].time < now - self._window:
            self._blocks.popleft()
        error = self._blocks[0].offset - self._offset
        if not self._running or error > 0.0 or error < -JUMP_SECONDS:
            # No block comes early, so an output that is further than was thought really is.
            self._offset += error
            self._running = True
        else:
            self._offset += error * min(1.0, (now - self._anchored_at) / FOLLOW_SECONDS)
        self._anchored_at = now

    def now(self) -> float:
        """Return the stream time; 0 until the output has taken its first block."""
        if self._running:
            estimate = min(self._clock.now() + self._offset, self._limit)
            self._latest = max(self._latest, estimate)
        return self._latest

    def sleep(self, seconds: float) -> None:
        """Let seconds of the machine's time pass."""
        self._clock.sleep(seconds)


class VoltHistory:
    """The last ``size`` readings of the four CVs with their times; one writer, one reader, no lock.

    ``raw`` has the same readings before calibration.
    """

    def __init__(self, size: int = 512) -> None:
        self.raw = RawVolts()
        self._times: List[float] = [0.0] * size
        self._volts: List[Volts] = [SILENT_VOLTS] * size
        self._count = 0

    @property
    def newest(self) -> Volts:
        """The last reading."""
        return self._volts[(self._count - 1) % len(self._volts)]

    def put(self, time: float, volts: Volts) -> None:
        """Add a reading; times never fall."""
        place = self._count % len(self._times)
        self._times[place] = time
        self._volts[place] = volts
        self._count += 1

    def at(self, time: float) -> Volts:
        """Return the last reading not after ``time``; the oldest one kept where that was long ago."""
        count = self._count
        # The writer may be at work on the oldest entry, so that one is left out.
        kept = min(count, len(self._times) - 1)
        for back in range(1, kept + 1):
            place = (count - back) % len(self._times)
            if self._times[place] <= time:
                return self._volts[place]
        return self._volts[(count - kept) % len(self._volts)] if kept else SILENT_VOLTS
