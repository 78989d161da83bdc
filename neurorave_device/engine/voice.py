"""The voice: hits that start at their own sample, the old sound ending under the new one."""

from collections import deque
from typing import Callable, Deque, List, Mapping, Sequence, Tuple, TypeVar

import numpy as np

from neurorave_device.engine.bundle import Bundle
from neurorave_device.engine.heard import HeardReport, Meter
from neurorave_device.engine.hit import FrameReport, Hit
from neurorave_device.inputs.base import Edge, Volts
from neurorave_device.mapping.gates import GateRoles
from neurorave_device.mapping.guard import Guard
from neurorave_device.mapping.mapper import LOUDNESS, Mapper
from neurorave_device.parameters import default_values

# Reports that nobody fetches are dropped, oldest first: 12 s of frames at 44.1 kHz and hop 512.
KEPT_REPORTS = 1024

_T = TypeVar("_T")


class Voice:
    """Plays one bundle: edges start hits, volts move them; mono float32, before the output stage.

    The frame grid of a hit starts at the very sample of its trigger (docs/decisions/0002-voice-frame-grid.md).
    Before the first trigger there is silence.  `frame` and `heard` are the newest reports, `hits` the count of
    triggers under the present seed, `started_at` the sample of the last one, `late_edges` the triggers that
    came too late for their sample.  All methods belong to one thread, the synthesis thread.
    """

    def __init__(
        self, bundle: Bundle, values: Mapping[str, float], meter: bool = True, start_sample: int = 0
    ) -> None:
        info = bundle.info
        self.info = info
        self.sample_rate = info.sample_rate
        self.hop = info.hop
        names = [row.name for row in info.descriptors]
        loudness = names.index(LOUDNESS) if LOUDNESS in names else -1
        prior, decoder = bundle.graphs["prior"], bundle.graphs["decoder"]
        self._hit = Hit(prior.fork(), decoder.fork(), Guard(info.guard, loudness))
        self._meter = None
        if meter and "meter" in bundle.graphs:
            self._meter = Meter(bundle.graphs["meter"].fork(), info.latency_samples, start_sample)
        self._mapper = Mapper(values, info)
        self._gates = GateRoles(values)
        self._position = start_sample
        self._mapped_at = start_sample - info.hop
        # Up to where the sound has been played, as far as `listen` was told.
        self._listened = start_sample
        self._resting = False
        self._pending: List[Tuple[int, Edge]] = []
        self._frames: Deque[FrameReport] = deque(maxlen=KEPT_REPORTS)
        self._heard: Deque[HeardReport] = deque(maxlen=KEPT_REPORTS)
        self._triggers: Deque[int] = deque(maxlen=KEPT_REPORTS)
        self._temperature = 1.0
        self._guarded = True
        self._fade = _fade(1)
        # What is left of older sounds, from the present sample on.
        self._tail = np.zeros(0, dtype=np.float32)
        self._given = np.zeros(0, dtype=np.float32)
        self._seed = -1
        self.started_at = start_sample
        self.hits = 0
        self.late_edges = 0
        nothing = (0.0,) * len(names)
        self.frame = FrameReport(start_sample, nothing, (False,) * len(names))
        self.heard = HeardReport(start_sample, nothing)
        self.update(values)

    @property
    def position(self) -> int:
        """The absolute sample that the next call of `render` begins with."""
        return self._position

    @property
    def bad_frames(self) -> int:
        """How many frames held NaN or infinity and were replaced by a fade."""
        return self._hit.bad_frames

    @property
    def has_meter(self) -> bool:
        """Whether there is a meter that can measure or rest."""
        return self._meter is not None

    @property
    def measured(self) -> bool:
        """Whether `heard` is measured: there is a meter, it does not rest, and it has heard enough."""
        return self._meter is not None and not self._resting and self._meter.heard_enough

    @property
    def gate_levels(self) -> Tuple[bool, bool]:
        """Whether gate 1 and gate 2 are high at the last sample rendered."""
        return self._gates.levels

    def update(self, values: Mapping[str, float]) -> None:
        """Takes new parameter values (id -> value; what is missing has its default).

        A new `seed` starts the count of triggers again: the same seed and the same trigger number give the same
        noise, and so the same hit for the same voltages.
        """
        merged = default_values()
        merged.update(values)
        self._mapper.update(merged)
        self._gates.update(merged)
        self._temperature = float(merged["temperature"])
        self._guarded = merged["guard"] >= 0.5
        crossfade = max(1, round(float(merged["crossfade"]) * 1e-3 * self.sample_rate))
        if crossfade != self._fade.size:
            self._fade = _fade(crossfade)
        seed = round(float(merged["seed"]))
        if seed != self._seed:
            self._seed = seed
            self.hits = 0

    def render(
        self,
        count: int,
        modulation_at: Callable[[int], Volts],
        edges: Sequence[Edge] = (),
    ) -> np.ndarray:
        """Returns the next `count` samples, float32 [count].

        `modulation_at(sample)` gives the calibrated volts at an absolute sample; it is asked once per frame, at
        the frame's first sample.  `edges` are those not given before, in order of time: an edge ahead of these
        samples waits for its own, one that lies behind acts on the first sample; where it starts a hit, it
        counts in `late_edges`.  However the stream is cut into calls, the samples are the same.
        """
        out = np.zeros(count, dtype=np.float32)
        start, end = self._position, self._position + count
        self.queue(edges)
        while True:
            due = bool(self._pending) and self._pending[0][0] < end
            stop = self._pending[0][0] if due else end
            self._fill(out[self._position - start : stop - start], modulation_at)
            if not due:
                break
            self._act(stop, modulation_at)
        return out

    def starts(self, edge: Edge) -> bool:
        """Says whether a hit starts at this edge, were it the next one."""
        return self._gates.starts(edge)

    def go_back(self, sample: int, given: np.ndarray) -> None:
        """Goes back to `sample`, where an edge of the next call starts a hit.

        `given` [n] is what was returned since that sample; it is taken for the old sound, which fades
        out under the hit.  The levels of the gates stay what they are.
        """
        self._position = sample
        self._given = given

    def slip(self, samples: int) -> None:
        """Lets everything from the last hit on happen so many samples later, since its own place has passed."""
        self._position += samples
        self._mapped_at += samples
        self.started_at += samples
        if self._triggers:
            self._triggers[-1] += samples
        self._pending = [(max(sample, self._position), edge) for sample, edge in self._pending]

    def take_over(
        self, old: "Voice", fade_samples: int, modulation_at: Callable[[int], Volts]
    ) -> None:
        """Goes on where `old` is, which is done with: its sound fades out under this voice's.

        A gate that is held and starts hits starts one here, so that a sound which was held goes on. `old` must
        have the same sample rate.
        """
        self._position, self.started_at = old._position, old.started_at
        self._mapped_at = self._position - self.hop
        self._pending, old._pending = old._pending, []
        self._frames.clear()
        self._heard.clear()
        self._triggers.clear()
        self.hits = 0
        # The count is the module's, whatever plays.
        self.late_edges = old.late_edges
        self._hit.stop()
        # What `old` has made and nobody has heard yet is still to come.
        self._listened = old._listened
        self._restart_meter()
        held = self._gates.follow(old._gates) and old._hit.sounding
        self._tail = old.render(fade_samples, modulation_at) * _fade(fade_samples)
        if held:
            self._start_hit()

    def listen(self, sound: np.ndarray) -> None:
        """Measures what has been played, the next samples [n] of it; without a meter or while it rests not."""
        self._listened += sound.size
        if self._meter is not None and not self._resting:
            for report in self._meter.feed(sound):
                self.heard = report
                self._heard.append(report)

    def rest_meter(self, resting: bool) -> None:
        """Lets the meter rest, or measure again from what is played next."""
        if resting != self._resting:
            self._resting = resting
            self._restart_meter()

    def sample_of(self, edge: Edge) -> int:
        """Returns the absolute sample of an edge."""
        return round(float(edge.time) * self.sample_rate)

    def take_frames(self) -> List[FrameReport]:
        """Returns, once each, the reports of the frames begun since the last call (at most 1024)."""
        return _take(self._frames)

    def take_heard(self) -> List[HeardReport]:
        """Returns, once each, what was measured since the last call (at most 1024)."""
        return _take(self._heard)

    def take_triggers(self) -> List[int]:
        """Returns, once each, the absolute samples of the hits started since the last call (at most 1024)."""
        return _take(self._triggers)

    def queue(self, edges: Sequence[Edge]) -> None:
        """Takes edges as `render` does, for the next call of it."""
        for edge in edges:
            sample = self.sample_of(edge)
            if sample < self._position:
                sample = self._position
                self.late_edges += self._gates.starts(edge)
            self._pending.append((sample, edge))
        if edges:
            self._pending.sort(key=_sample_of)

    def _act(self, sample: int, modulation_at: Callable[[int], Volts]) -> None:
        """Takes all edges of one sample, then starts at most one hit, so that the hit sees them all."""
        starts = False
        while self._pending and self._pending[0][0] == sample:
            starts = self._gates.feed(self._pending.pop(0)[1]) or starts
        if starts:
            self._end_old(modulation_at)
            self._start_hit()
            self._triggers.append(sample)
            self.started_at = sample

    def _restart_meter(self) -> None:
        if self._meter is not None:
            self._meter.start(self._listened)

    def _start_hit(self) -> None:
        self._hit.start(self._seed, self.hits)
        self._mapper.trigger()
        self.hits += 1

    def _end_old(self, modulation_at: Callable[[int], Volts]) -> None:
        """Makes what sounds now, old tails included, the tail that fades out from the present sample on."""
        old, self._given = self._given[: self._fade.size], self._given[:0]
        start = self._position
        if old.size < self._fade.size:
            self._position += old.size
            rest = np.zeros(self._fade.size - old.size, dtype=np.float32)
            reported = len(self._frames)
            self._fill(rest, modulation_at)
            while len(self._frames) > reported:
                # A frame of the sound that ends is nobody's present frame.
                self._frames.pop()
            old = np.concatenate((old, rest))
            self._position = start
        self._tail = old * self._fade

    def _fill(self, out: np.ndarray, modulation_at: Callable[[int], Volts]) -> None:
        """Writes the next samples into `out` [n], which holds zeros."""
        place = 0
        while place < out.size and (self._hit.sounding or self._hit.left):
            if self._hit.left == 0:
                self._next_frame(self._position + place, modulation_at)
            part = self._hit.read(min(self._hit.left, out.size - place))
            out[place : place + part.size] = part
            place += part.size
        count = min(out.size, self._tail.size)
        if count > 0:
            out[:count] += self._tail[:count]
            self._tail = self._tail[count:]
        self._position += out.size

    def _next_frame(self, sample: int, modulation_at: Callable[[int], Volts]) -> None:
        # A hit may start before a frame that the old sound's end has needed.
        passed = max(0, sample - self._mapped_at) / float(self.sample_rate)
        self._mapped_at = sample
        targets = self._mapper.frame(modulation_at(sample), self._gates.macro, passed)
        self.frame = self._hit.frame(sample, targets, self._temperature, self._guarded)
        self._frames.append(self.frame)


def _fade(length: int) -> np.ndarray:
    """Returns the gain of a fade, float32 [length]: a raised cosine without its two ends."""
    steps = np.arange(1, length + 1) / (length + 1.0)
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * steps), dtype=np.float32)


def _sample_of(pair: Tuple[int, Edge]) -> int:
    return pair[0]


def _take(queue: "Deque[_T]") -> List[_T]:
    taken = list(queue)
    queue.clear()
    return taken
