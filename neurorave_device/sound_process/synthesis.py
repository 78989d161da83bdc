"""The synthesis: blocks of the voice's sound, made a little ahead of the output.

The synthesis thread fills the frame buffer whenever a block fits. A gate does not wait behind what is queued
there: its hit starts a constant delay after the edge, at its own sample, and replaces what was made from that
sample on as soon as the hit's first frame has been made; what was there becomes the old sound that fades out. What has
been played is measured and told of.
"""

import collections
import math
from typing import Callable, Deque, NamedTuple, Optional, Sequence

import numpy as np

from neurorave_device.audio.buffer import FrameBuffer
from neurorave_device.audio.output import FADE_SECONDS, OutputStage, State
from neurorave_device.clock import Clock
from neurorave_device.engine.steering import LevelChange
from neurorave_device.engine.voice import Voice
from neurorave_device.inputs.base import Edge, Volts
from neurorave_device.link import telemetry
from neurorave_device.link.settings import unpack_morph, unpack_values
from neurorave_device.link.shared import Cell
from neurorave_device.link.telemetry import Report
from neurorave_device.sound_process.governor import ALL, METER
from neurorave_device.sound_process.stream import StreamClock, VoltHistory

CHECK_SECONDS = 0.05
# How long the sound of a bundle fades out when another one takes its place.
CHANGE_SECONDS = 0.02
# How often the thread looks whether a block fits.
_WAIT_SECONDS = 0.001
_LOAD_SMOOTHING = 0.1
# So many blocks that have been played wait for being measured; then it is done although it is not the moment.
_LONGEST_WAIT = 64


class _Queued(NamedTuple):
    """A block that the output has not taken yet: its first sample, the voice's sound, what is played of it, the
    state of the output stage before it, and the changes of the level in it."""

    start: int
    sound: np.ndarray
    played: np.ndarray
    state: State
    levels: Sequence[LevelChange]


def _nobody(wish: str) -> None:
    """Be told of a wish where there is nobody who could grant it."""


class Synthesis:
    """Fills the frame buffer; all methods belong to the synthesis thread but where they say otherwise.

    ``tap`` gets all sound once the output has taken it. ``parameters`` is read, ``report`` written in shared
    memory, and so is the ``morph`` where there is one; ``wish`` is told what gates ask of the module. After ``length``
    samples (None: never) the sound fades out and ends.
    """

    def __init__(
        self,
        voice: Voice,
        stage: OutputStage,
        buffer: FrameBuffer,
        stream: StreamClock,
        history: VoltHistory,
        parameters: Cell,
        report: Cell,
        block: int,
        delay: float,
        tap: Callable[[np.ndarray], None],
        clock: Clock,
        length: Optional[int] = None,
        morph: Optional[Cell] = None,
        wish: Callable[[str], None] = _nobody,
    ) -> None:
        self._voice = voice
        self._stage = stage
        self._buffer = buffer
        self._stream = stream
        self._history = history
        self._parameters = parameters
        self._report = report
        self._block = block
        self._delay = delay
        self._tap = tap
        self._clock = clock
        self._length = length
        self._morph = morph
        self._wish = wish
        # The fade is part of the length that was asked for.
        self._fade_begins = math.ceil((length or 0) - FADE_SECONDS * voice.sample_rate)
        self._rate = float(voice.sample_rate)
        self._edges: Deque[Edge] = collections.deque()
        self._queue: Deque[_Queued] = collections.deque()
        # What is still in the buffer may be taken back.
        self._longest_queue = buffer.free // block + _LONGEST_WAIT
        self._read_position = -1
        self._seen = (0, 0)
        self._stopping = False
        self._frame = np.zeros(0, np.float32)
        self._load = 0.0
        self._aside = 0.0
        self._late = 0
        self._eased = ALL
        self.template = Report()
        self.ended = False

    def add_edge(self, edge: Edge) -> None:
        """Take an edge at its stream time; it acts the constant delay later. Inputs thread."""
        self._edges.append(edge._replace(time=edge.time + self._delay))

    def fade_out(self) -> None:
        """Fade out and end. Any thread."""
        self._stopping = True

    def change(self, voice: Voice) -> None:
        """Play ``voice`` from the next block on, the present one fading out under it."""
        fade = round(CHANGE_SECONDS * self._rate)
        voice.rest_meter(self._eased >= METER)
        voice.take_over(self._voice, fade, self._volts_at)
        self._voice = voice
        # Settings may have changed while it was loaded.
        self._seen = (0, 0)

    def ease(self, level: int) -> None:
        """Do without what the governor's ``level`` says: from its first step on nothing is measured."""
        self._eased = level
        self._voice.rest_meter(level >= METER)

    @property
    def has_meter(self) -> bool:
        """Whether what plays has a meter that can rest."""
        return self._voice.has_meter

    @property
    def busy(self) -> float:
        """The share of the time that making sound, measuring it and telling of it take, smoothed."""
        return self._load + self._aside

    @property
    def late(self) -> int:
        """How many blocks were ready only when the output had run out of sound. Any thread."""
        return self._late

    def prefill(self) -> None:
        """Fill the buffer before the output starts; how long that takes counts nowhere."""
        while self.step():
            pass
        self._late = 0
        self._load = self._aside = 0.0

    def run(self, check: Callable[[], None]) -> None:
        """Fill the buffer until the sound has faded out; ``check`` is called now and then and may raise."""
        due = self._clock.now()
        while not self.ended:
            if self._clock.now() >= due:
                due = self._clock.now() + CHECK_SECONDS
                check()
            if not self.step():
                self._clock.sleep(_WAIT_SECONDS)

    def step(self) -> bool:
        """Make one block if there is room for it, and say whether there was anything to do."""
        self._follow_output()
        if self.ended:
            return False
        self._take_edges()
        if self._buffer.free < self._block:
            return self._tell_played()
        position = self._voice.position
        if self._length is not None and not self._stopping:
            self._stopping = position + self._block >= self._fade_begins
        if self._stopping:
            self._stage.stop()
        began = self._clock.now()
        queued = self._make(self._block)
        self._queue.append(queued)
        self._measure(self._clock.now() - began, self._block)
        self._buffer.write(queued.played)
        if self._stage.silent:
            self._buffer.close()
            self.ended = True
        while len(self._queue) > self._longest_queue or (self.ended and self._queue):
            # There was no time for it, or will be none.
            self._tell(self._queue.popleft())
        return True

    def _take_edges(self) -> None:
        """Give the voice the edges that came in; where one starts a hit in what is queued, replace that."""
        edges = []
        begin = self._voice.position
        earliest = max(self._buffer.read_position + self._block, self._voice.started_at)
        while self._edges:
            edge = self._edges.popleft()
            edges.append(edge)
            if self._voice.cuts(edge):
                begin = min(begin, max(self._voice.sample_of(edge), earliest))
        if begin < self._voice.position and not self._stopping:
            self._replace(begin, edges)
        else:
            # Nothing is queued there, or the output is about to run dry.
            self._voice.queue(edges)

    def _replace(self, begin: int, edges: Sequence[Edge]) -> None:
        """Play hits from the sample ``begin`` on in place of what is queued there.

        That stays in the buffer until the first frame of the hit has been made, and so much is put there at once: a
        machine that stops meanwhile makes the hit late and no gap. The old sound fades out under the new one.
        """
        old = [queued for queued in self._queue if queued.start + queued.sound.size > begin]
        sound = np.concatenate([queued.sound for queued in old])
        played = np.concatenate([queued.played for queued in old])
        kept = begin - old[0].start
        self._stage.restore(old[0].state)
        levels = [change for queued in old for change in queued.levels if change.sample < begin]
        self._stage.play(sound[:kept], old[0].start, levels)
        known_late = self._voice.late_edges
        self._voice.go_back(begin, sound[kept:])
        self._voice.queue(edges)
        began = self._clock.now()
        new = self._make(self._first_samples(begin))
        passed = self._buffer.read_position
        if passed + self._block > begin:
            # The output has gone on too far meanwhile; of what it plays the hit fades in a block from now.
            fits = passed + self._buffer.capacity - new.played.size
            start = min(passed + 2 * self._block, begin + played.size - kept, fits)
            new = self._late_hit(new, start, played[kept + start - begin :])
            self._voice.late_edges = max(self._voice.late_edges, known_late + 1)
        self._cut_queue(new.start)
        self._queue.append(new)
        self._measure(self._clock.now() - began, new.sound.size)
        self._buffer.overwrite(new.start, new.played)

    def _first_samples(self, begin: int) -> int:
        """Return how much of a hit is made at once: a frame, in blocks, as far as it fits."""
        room = self._buffer.capacity - (begin - self._buffer.read_position)
        if self._length is not None:
            room = min(room, self._fade_begins - begin)
        return max(1, min(self._voice.hop, room) // self._block) * self._block

    def _late_hit(self, new: _Queued, start: int, old: np.ndarray) -> _Queued:
        """Return a hit moved to ``start``, ``old`` [n] being what would have been played from there."""
        self._voice.slip(new.start, start - new.start)
        count = min(old.size, new.played.size, round(FADE_SECONDS * self._rate))
        rise = np.arange(1, count + 1, dtype=np.float32) / (count + 1)
        played = new.played.copy()
        played[:count] = old[:count] + rise * (played[:count] - old[:count])
        return new._replace(start=start, played=played)

    def _cut_queue(self, end: int) -> None:
        """Forget what was queued from the sample ``end`` on."""
        while self._queue and self._queue[-1].start >= end:
            self._queue.pop()
        if self._queue:
            last = self._queue[-1]
            kept = end - last.start
            self._queue[-1] = last._replace(sound=last.sound[:kept], played=last.played[:kept])

    def _make(self, count: int) -> _Queued:
        seen = (self._parameters.sequence, 0 if self._morph is None else self._morph.sequence)
        if seen != self._seen:
            self._seen = seen
            record = self._parameters.read()
            morph = None if self._morph is None else unpack_morph(self._morph.read())
            if record is not None:
                self._voice.update(unpack_values(record), morph)
        start, state = self._voice.position, self._stage.snapshot()
        sound = self._voice.render(count, self._volts_at)
        levels = self._voice.steering.take_levels(start + count)
        for wish in self._voice.take_wishes():
            self._wish(wish)
        return _Queued(start, sound, self._stage.play(sound, start, levels), state, levels)

    def _volts_at(self, sample: int) -> Volts:
        return self._history.at(sample / self._rate - self._delay)

    def _follow_output(self) -> None:
        """Note when the output has taken something: that is what stream time is made of."""
        position = self._buffer.read_position
        if position != self._read_position:
            self._read_position = position
            if position > 0:
                self._stream.anchor(position)

    def _measure(self, seconds: float, samples: int) -> None:
        self._load = self._smooth(self._load, seconds, samples)
        if self._buffer.filled == 0 and self._buffer.read_position > 0:
            self._late += 1

    def _smooth(self, share: float, seconds: float, samples: int) -> float:
        return share + _LOAD_SMOOTHING * (seconds * self._rate / samples - share)

    def _tell_played(self) -> bool:
        """Measure and tell of one block that the output has taken, and say whether there was one."""
        taken = self._buffer.read_position
        if not self._queue or self._queue[0].start + self._queue[0].sound.size > taken:
            return False
        self._tell(self._queue.popleft())
        return True

    def _tell(self, queued: _Queued) -> None:
        began = self._clock.now()
        self._voice.listen(queued.sound)
        self._tap(queued.played)
        self._publish(queued.played, queued.start + queued.played.size)
        self._aside = self._smooth(self._aside, self._clock.now() - began, queued.sound.size)

    def _publish(self, samples: np.ndarray, position: int) -> None:
        """Report once per frame; ``position`` is where ``samples`` end."""
        self._frame = np.concatenate((self._frame, samples))
        if self._frame.size < self._voice.hop and not self.ended:
            return
        frame, self._frame = self._frame, np.zeros(0, np.float32)
        voice = self._voice
        raw = self._history.raw.summary()
        report = self.template._replace(
            time=position / self._rate,
            samples=position,
            state=telemetry.STOPPING if self._stopping else telemetry.PLAYING,
            gates=voice.gate_levels,
            patched=voice.steering.patched,
            frozen=voice.frozen,
            macro=voice.steering.targets.macro,
            morph=voice.steering.targets.morph,
            mask=voice.frame.mask,
            asked=voice.frame.asked,
            heard=voice.heard.heard,
            measured=voice.measured,
            eased=self._eased,
            level=float(np.sqrt(np.mean(np.square(frame)))),
            peak=float(np.max(np.abs(frame))),
            load=self._load,
            late=self._late,
            underruns=self._buffer.underruns,
            late_edges=voice.late_edges,
            volts=self._history.newest,
            raw=raw.mean,
            spread=raw.spread,
        )
        self._report.write(telemetry.pack(report))
