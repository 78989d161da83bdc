"""The voice: hits that start at their own sample, the old sound ending under the new one."""

from collections import deque
from operator import itemgetter
from typing import Callable, Deque, List, Mapping, Optional, Sequence, Tuple, TypeVar

import numpy as np

from neurorave_device.engine.bundle import Bundle
from neurorave_device.engine.fades import Release, falling
from neurorave_device.engine.heard import HeardReport, Meter
from neurorave_device.engine.hit import FrameReport, Hit
from neurorave_device.engine.series import Series
from neurorave_device.engine.steering import Steering
from neurorave_device.inputs.base import Edge, Volts
from neurorave_device.mapping.gates import REFRACTORY_SECONDS, Act, GateRoles
from neurorave_device.mapping.guard import Guard
from neurorave_device.mapping.mapper import LOUDNESS
from neurorave_device.mapping.targets import Targets
from neurorave_device.storage.morph import Morph

# Reports that nobody fetches are dropped, oldest first: 12 s of frames at 44.1 kHz and hop 512.
KEPT_REPORTS = 1024
# CVs that are sampled so soon after a hit has started belong to it: one clock on both gates.
TOGETHER_SECONDS = 0.001

_T = TypeVar("_T")


class Voice:
    """Plays one bundle: edges start hits, volts move them; mono float32, before the output stage.

    The frame grid of a hit starts at the very sample of its trigger (docs/decisions/0002-voice-frame-grid.md).
    Before the first trigger, and when a sound was released, there is silence.  `frame` and `heard` are the newest
    reports, `started_at` the sample of the last hit, `late_edges` those starts and ends of hits that came too late for
    their sample; `steering` tells what jacks, macro and morph do.  Synthesis thread.
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
        self.steering = Steering(values, info, start_sample)
        self._gates = GateRoles(self.steering.values)
        self._series = Series(round(self.steering.values["seed"]))
        self._release = Release()
        self._position = start_sample
        # Up to where the sound has been played, as far as `listen` was told.
        self._listened = start_sample
        self._resting = False
        self._pending: List[Tuple[int, Edge]] = []
        self._frames: Deque[FrameReport] = deque(maxlen=KEPT_REPORTS)
        self._heard: Deque[HeardReport] = deque(maxlen=KEPT_REPORTS)
        self._triggers: Deque[int] = deque(maxlen=KEPT_REPORTS)
        self._wishes: Deque[str] = deque(maxlen=KEPT_REPORTS)
        self._revision = -1
        self._guarded = True
        self._fade = falling(1)
        # What is left of older sounds, from the present sample on.
        self._tail = np.zeros(0, dtype=np.float32)
        # What was made already of the samples from the present one on.
        self._given = np.zeros(0, dtype=np.float32)
        # So much of it dies away already.
        self._faded = 0
        # A hit begins with the next frame; whether it is the last one's variant once more.
        self._starting = False
        self._same = False
        self._held: Optional[Volts] = None
        self._began_at = start_sample
        self.started_at = start_sample
        self.late_edges = 0
        nothing = (0.0,) * len(names)
        self.frame = FrameReport(start_sample, nothing, (False,) * len(names))
        self.heard = HeardReport(start_sample, nothing)
        self._take_settings()

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

    @property
    def hits(self) -> int:
        """How many hits have begun since the present seed's series did."""
        return self._series.hits

    @property
    def frozen(self) -> bool:
        """Whether a gate lets the sound stand still."""
        return self._gates.frozen

    def update(self, values: Mapping[str, float], morph: Optional[Morph] = None) -> None:
        """Takes new parameter values (id -> value; what is missing has its default), and the morph that plays.

        A new `seed` starts the count of hits again: the same seed and the same number of a hit give the same
        noise, and so the same hit for the same voltages.
        """
        self.steering.update(values, morph)
        self._take_settings()

    def render(
        self, count: int, modulation_at: Callable[[int], Volts], edges: Sequence[Edge] = ()
    ) -> np.ndarray:
        """Returns the next `count` samples, float32 [count].

        `modulation_at(sample)` gives the calibrated volts at an absolute sample; it is asked once per frame, at
        the frame's first sample; where nothing sounds, every hop.  `edges` are those not given before, in order of
        time: an edge ahead of these samples waits for its own, one that lies behind acts on the first sample; where
        it starts or ends a hit, it counts in `late_edges`.  However the stream is cut, the samples are the same.
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

    def cuts(self, edge: Edge) -> bool:
        """Says whether the sound is another one from the sample of this edge on, were it the next one."""
        act = self._gates.act(edge)
        if act is Act.RELEASE:
            return self._sounding and not self._release.set
        if act is Act.SAMPLE:
            return self._belongs(self.sample_of(edge))
        return act in (Act.START, Act.RESET)

    def go_back(self, sample: int, given: np.ndarray) -> None:
        """Goes back to `sample`, where an edge of the next call starts a hit or lets the sound die away.

        `given` [n] is what was returned since that sample; it is played again, or taken for the old sound that
        fades out under the hit.  The levels of the gates stay what they are.
        """
        self._position = sample
        # Of what was given before some may still be to come.
        self._given = np.concatenate((given, self._given))
        self._faded = given.size if self._release.set else 0
        self.steering.tell_again(sample)

    def slip(self, since: int, samples: int) -> None:
        """Lets everything from the sample `since` on happen so many samples later, since its own place has passed."""
        self._position += samples
        self.steering.slip(since, samples)
        self._release.slip(since, samples)
        if self._began_at >= since:
            self._began_at += samples
            self._triggers[-1] += samples
        if self.started_at >= since:
            self.started_at += samples
        self._pending = [(max(sample, self._position), edge) for sample, edge in self._pending]

    def take_over(
        self, old: "Voice", fade_samples: int, modulation_at: Callable[[int], Volts]
    ) -> None:
        """Goes on where `old` is, which is done with: its sound fades out under this voice's.

        A gate that is held and starts hits starts one here, so that a sound which was held goes on. `old` must
        have the same sample rate.
        """
        self._position, self.started_at = old._position, old.started_at
        self.steering.follow(old.steering, self._position)
        self._held = old._held
        self._pending, old._pending = old._pending, []
        self._frames.clear()
        self._heard.clear()
        self._triggers.clear()
        self._series.begin(self._series.seed)
        # The count is the module's, whatever plays.
        self.late_edges = old.late_edges
        self._hit.stop()
        self._release.cancel()
        # What `old` has made and nobody has heard yet is still to come.
        self._listened = old._listened
        self._restart_meter()
        sounds = old._sounding and not old._release.set
        held = self._gates.follow(old._gates) and sounds
        self._tail = old.render(fade_samples, modulation_at) * falling(fade_samples)
        if held:
            self._start_hit(self._position)

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

    def take_wishes(self) -> List[str]:
        """Returns, once each, what gates have asked of the module: 'next preset' or 'next model' (at most 1024)."""
        return _take(self._wishes)

    def queue(self, edges: Sequence[Edge]) -> None:
        """Takes edges as `render` does, for the next call of it."""
        for edge in edges:
            sample = self.sample_of(edge)
            if sample < self._position:
                sample = self._position
                self.late_edges += self.cuts(edge)
            self._pending.append((sample, edge))
        if edges:
            self._pending.sort(key=itemgetter(0))

    @property
    def _sounding(self) -> bool:
        return self._hit.sounding or self._starting

    def _belongs(self, sample: int) -> bool:
        """Says whether CVs that are sampled at `sample` belong to the hit that has begun just now."""
        together = TOGETHER_SECONDS * self.sample_rate
        return self._sounding and 0 <= sample - self._began_at <= together

    def _act(self, sample: int, modulation_at: Callable[[int], Volts]) -> None:
        """Takes all edges of one sample, then starts at most one hit, so that the hit sees them all."""
        starts = releases = sampled = again = False
        while self._pending and self._pending[0][0] == sample:
            edge = self._pending.pop(0)[1]
            act = self._gates.feed(edge)
            if act in (Act.START, Act.RESET):
                starts, releases = True, False
                again = again or act is Act.RESET
            elif act is Act.RELEASE:
                releases = True
            elif act is Act.HOLD:
                # The fall before was bounce.
                releases = False
                self._release.withdraw(sample)
            elif act is Act.SAMPLE:
                self._held = modulation_at(self.sample_of(edge))
                sampled = True
            elif act is not None:
                self._wishes.append(act.value)
        if starts or (sampled and self._belongs(sample)):
            self._same = not starts
            self._end_old(modulation_at)
            self._start_hit(sample)
            if again:
                self._series.begin(self._series.seed)
                self.steering.start_again()
            if starts:
                self._triggers.append(sample)
                self._began_at = sample
            self.started_at = sample
        if releases and self._sounding and not self._release.set:
            earliest = self._began_at + round(REFRACTORY_SECONDS * self.sample_rate)
            length = round(self.steering.values["release"] * self.sample_rate)
            self._release.begin(max(sample, earliest), length)

    def _restart_meter(self) -> None:
        if self._meter is not None:
            self._meter.start(self._listened)

    def _start_hit(self, sample: int) -> None:
        self._hit.stop()
        self._release.cancel()
        self.steering.start(sample)
        self._starting = True

    def _end_old(self, modulation_at: Callable[[int], Volts]) -> None:
        """Makes what sounds now, old tails included, the tail that fades out from the present sample on."""
        start = self._position
        old = np.zeros(self._fade.size, dtype=np.float32)
        reported = len(self._frames)
        self._fill(old, modulation_at)
        while len(self._frames) > reported:
            # A frame of the sound that ends is nobody's present frame.
            self._frames.pop()
        self._position = start
        self._given = self._given[:0]
        self._faded = 0
        self._tail = old * self._fade

    def _fill(self, out: np.ndarray, modulation_at: Callable[[int], Volts]) -> None:
        """Writes the next samples into `out` [n], which holds zeros."""
        place = min(out.size, self._given.size)
        out[:place] = self._given[:place]
        self._given = self._given[place:]
        made = place
        while place < out.size:
            if self._release.over(self._position + place):
                self._hit.stop()
            if self._starting or (self._hit.sounding and self._hit.left == 0):
                self._next_frame(self._position + place, modulation_at)
            count = min(self._hit.left, out.size - place)
            if count:
                out[place : place + count] = self._hit.read(count)
            else:
                count = self._rest(self._position + place, out.size - place, modulation_at)
            place += count
        count = min(out.size - made, self._tail.size)
        if count > 0:
            out[made : made + count] += self._tail[:count]
            self._tail = self._tail[count:]
        faded = min(self._faded, out.size)
        self._faded -= faded
        self._release.apply(out[faded:], self._position + faded)
        self._position += out.size

    def _rest(self, sample: int, most: int, modulation_at: Callable[[int], Volts]) -> int:
        """Returns for how many samples, at most `most`, there is silence until jacks are looked at again."""
        due = self.steering.mapped_at + self.hop - sample
        if due > 0:
            return min(due, most)
        self._map(sample, modulation_at)
        return min(self.hop, most)

    def _next_frame(self, sample: int, modulation_at: Callable[[int], Volts]) -> None:
        targets = self._map(sample, modulation_at)
        if self._starting:
            self._starting = False
            series = self._series
            number = series.variant if self._same else series.next(targets.vary)
            self._hit.start(series.seed, number)
        self.frame = self._hit.frame(sample, targets, self._guarded, self._gates.frozen)
        self._frames.append(self.frame)

    def _map(self, sample: int, modulation_at: Callable[[int], Volts]) -> Targets:
        if not self._gates.samples:
            self._held = None
        volts = modulation_at(sample) if self._held is None else self._held
        targets = self.steering.map(sample, volts, self._gates.macro)
        self._take_settings()
        return targets

    def _take_settings(self) -> None:
        """Follows the settings that play, where a morph or the player has changed them."""
        if self.steering.revision == self._revision:
            return
        self._revision = self.steering.revision
        values = self.steering.values
        self._gates.update(values)
        self._guarded = values["guard"] >= 0.5
        crossfade = max(1, round(values["crossfade"] * 1e-3 * self.sample_rate))
        if crossfade != self._fade.size:
            self._fade = falling(crossfade)
        seed = round(values["seed"])
        if seed != self._series.seed:
            self._series.begin(seed)


def _take(queue: "Deque[_T]") -> List[_T]:
    taken = list(queue)
    queue.clear()
    return taken
