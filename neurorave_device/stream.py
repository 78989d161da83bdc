"""The stream's own time, and what the jacks said lately on it.

Stream time is how much of the voice's sound the output has taken, in seconds. Inputs are stamped with it, so
that a sound card whose clock drifts against the machine's, or a gap, never shifts gates against the sound.
"""

from typing import List

from neurorave_device.clock import Clock
from neurorave_device.inputs.base import SILENT_VOLTS, Volts

# How fast the estimate follows: outputs take blocks at jittery times, but drift by 100 ppm at most.
FOLLOW_SECONDS = 1.0
# A difference larger than this is a gap, not jitter.
JUMP_SECONDS = 0.05


class StreamClock(Clock):
    """Seconds of sound that the output has taken, smooth between its blocks; never falls.

    ``anchor`` and ``now`` may be called from two threads.
    """

    def __init__(self, clock: Clock, sample_rate: int) -> None:
        self._clock = clock
        self._rate = float(sample_rate)
        self._offset = 0.0
        self._anchored_at = 0.0
        self._running = False
        self._latest = 0.0

    def anchor(self, position: int) -> None:
        """Tell that the output has just taken samples up to ``position``. Synthesis thread."""
        now = self._clock.now()
        offset = position / self._rate - now
        error = offset - self._offset
        if not self._running or abs(error) > JUMP_SECONDS:
            self._offset = offset
            self._running = True
        else:
            passed = now - self._anchored_at
            self._offset += error * min(1.0, passed / FOLLOW_SECONDS)
        self._anchored_at = now

    def now(self) -> float:
        """Return the stream time; 0 until the output has taken its first block."""
        if self._running:
            self._latest = max(self._latest, self._clock.now() + self._offset)
        return self._latest

    def sleep(self, seconds: float) -> None:
        """Let seconds of the machine's time pass."""
        self._clock.sleep(seconds)


class VoltHistory:
    """The last ``size`` readings of the four CVs with their times; one writer, one reader, no lock."""

    def __init__(self, size: int = 512) -> None:
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
