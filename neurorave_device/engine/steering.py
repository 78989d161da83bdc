"""The mapping on the stream's own time: what is asked at a sample, and back where a hit replaces what was made."""

from collections import deque
from typing import Any, Deque, List, Mapping, NamedTuple, Optional, Tuple

from neurorave_device.engine.info import BundleInfo
from neurorave_device.inputs.base import Volts
from neurorave_device.mapping.mapper import Mapper
from neurorave_device.mapping.targets import Targets
from neurorave_device.storage.morph import Morph

# So many frames can be gone back: far more than is ever made ahead.
_KEPT_FRAMES = 64


class LevelChange(NamedTuple):
    """From `sample` on the output stage aims at this `level` and this `limiter`, both in dB."""

    sample: int
    level: float
    limiter: float


class Steering:
    """Maps frame after frame; `mapped_at` is the sample of the newest one. Synthesis thread."""

    def __init__(self, values: Mapping[str, float], info: BundleInfo, start_sample: int) -> None:
        self._rate = float(info.sample_rate)
        self._mapper = Mapper(values, info)
        self.mapped_at = start_sample - info.hop
        self._marks: Deque[Tuple[int, Any]] = deque(maxlen=_KEPT_FRAMES)
        self._marks.append((self.mapped_at, self._mapper.snapshot()))
        # Told lately, and still to be told.
        self._levels: Deque[LevelChange] = deque(maxlen=_KEPT_FRAMES)
        self._telling: List[LevelChange] = []
        self.targets = Targets(0.0, False, (), (), (), ())

    @property
    def values(self) -> Mapping[str, float]:
        """The settings that play; `revision` counts how often they have changed."""
        return self._mapper.values

    @property
    def revision(self) -> int:
        """How often the settings that play have changed."""
        return self._mapper.revision

    @property
    def patched(self) -> Tuple[bool, bool, bool, bool]:
        """Which of CV 1-4 count as patched."""
        one, two, three, four = self._mapper.active
        return one, two, three, four

    def update(self, values: Mapping[str, float], morph: Optional[Morph]) -> None:
        """Take new settings."""
        self._mapper.update(values, morph)

    def map(self, sample: int, volts: Volts, macro: bool) -> Targets:
        """Return the targets of the frame that begins at `sample`."""
        passed = max(0, sample - self.mapped_at) / self._rate
        self.mapped_at = sample
        self.targets = targets = self._mapper.frame(volts, macro, passed)
        self._marks.append((sample, self._mapper.snapshot()))
        limiter = self._mapper.values["limiter"]
        last = self._levels[-1] if self._levels else None
        if last is None or (last.level, last.limiter) != (targets.level, limiter):
            change = LevelChange(sample, targets.level, limiter)
            self._levels.append(change)
            self._telling.append(change)
        return targets

    def start(self, sample: int) -> None:
        """Let a hit begin at `sample`: what was mapped from there on is forgotten, and nothing is smoothed in its first
        frame."""
        while len(self._marks) > 1 and self._marks[-1][0] >= sample:
            self._marks.pop()
        if self.mapped_at >= sample:
            self.mapped_at, state = self._marks[-1]
            self._mapper.restore(state)
        while self._levels and self._levels[-1].sample >= sample:
            self._levels.pop()
        self._telling = [change for change in self._telling if change.sample < sample]
        self._mapper.trigger()

    def start_again(self) -> None:
        """Let the motions begin at their beginning."""
        self._mapper.start_again()

    def tell_again(self, sample: int) -> None:
        """Tell the levels from `sample` on once more, since what was made there is played anew."""
        known = [change.sample for change in self._telling]
        again = [change for change in self._levels if change.sample >= sample]
        self._telling += [change for change in again if change.sample not in known]

    def take_levels(self, end: int) -> List[LevelChange]:
        """Return, once each, the changes of the level before the sample `end`."""
        taken = [change for change in self._telling if change.sample < end]
        if taken:
            self._telling = [change for change in self._telling if change.sample >= end]
        return taken

    def slip(self, since: int, samples: int) -> None:
        """Let what was mapped from the sample `since` on be so many samples later."""
        marks = [(at + samples if at >= since else at, state) for at, state in self._marks]
        self._marks = deque(marks, _KEPT_FRAMES)
        self.mapped_at = marks[-1][0]

    def follow(self, other: "Steering", sample: int) -> None:
        """Go on at `sample` where another model's steering is."""
        self._mapper.follow(other._mapper)
        self.mapped_at = min(other.mapped_at, sample)
        self._marks.clear()
        self._marks.append((self.mapped_at, self._mapper.snapshot()))
        self._levels.clear()
        self._telling = []
