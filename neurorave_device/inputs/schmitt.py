"""A gate from a sampled voltage: it rises at one level and falls at a lower one."""

from typing import List, Tuple

import numpy as np

HIGH_VOLTS = 1.5
LOW_VOLTS = 0.8


class SchmittTrigger:
    """Finds the edges of a gate; between the two levels it stays what it was, low at first."""

    def __init__(self, high: float = HIGH_VOLTS, low: float = LOW_VOLTS) -> None:
        self._high = high
        self._low = low
        self._level = False

    @property
    def level(self) -> bool:
        """Whether the gate is high after the last sample."""
        return self._level

    def feed(self, volts: np.ndarray) -> List[Tuple[int, bool]]:
        """Return (index, rising) of each edge within the next samples `volts` [n].

        However the samples are cut into blocks, the edges are the same.
        """
        if volts.size and (volts.min() >= self._low if self._level else volts.max() < self._high):
            # As nearly always, nothing happens.
            return []
        decided = np.flatnonzero((volts >= self._high) | (volts < self._low))
        levels = volts[decided] >= self._high
        before = np.concatenate(([self._level], levels[:-1])) if decided.size else levels
        changes = np.flatnonzero(levels != before)
        if decided.size:
            self._level = bool(levels[-1])
        return [(int(decided[at]), bool(levels[at])) for at in changes]
