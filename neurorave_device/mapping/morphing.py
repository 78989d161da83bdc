"""The morph as it plays: from one preset to another, frame by frame, at little cost."""

from typing import Any, Dict, List, Mapping, Optional, Tuple

from neurorave_device.parameters import PATCH_PARAMETERS
from neurorave_device.storage.morph import Morph, stands

# A choice switches to the second preset this far beyond the half, and back as far before it: a voltage on
# the half must not flutter.
SWITCHING = 0.02

State = Tuple[float, Optional[bool]]


class Morphing:
    """The values at each position between two presets; one thread.

    What belongs to the module is no part of them, nor what the morph leaves as it is set in `values`.
    """

    def __init__(self, morph: Morph, values: Mapping[str, float]) -> None:
        self._gliding: List[Tuple[Any, float, float]] = []
        self._switching: List[Tuple[str, float, float]] = []
        self._still: Dict[str, float] = {}
        for row in PATCH_PARAMETERS:
            if stands(morph, values, row.id):
                continue
            start = row.clamp(morph.first.get(row.id, row.default))
            end = row.clamp(morph.second.get(row.id, row.default))
            if start == end:
                self._still[row.id] = start
            elif row.blends:
                self._gliding.append((row, row.to_unit(start), row.to_unit(end)))
            else:
                self._switching.append((row.id, start, end))
        self._position = -1.0
        # Whether the second preset's choices play; None before the first position.
        self._beyond: Optional[bool] = None
        self._begun = False

    def at(self, position: float) -> Dict[str, float]:
        """Return the values at `position` (0..1); an empty dictionary where nothing has changed since the last call."""
        if position == self._position:
            return {}
        self._position = position
        found: Dict[str, float] = {}
        if self._beyond is None:
            self._beyond = position >= 0.5
        else:
            self._beyond = position >= (0.5 - SWITCHING if self._beyond else 0.5 + SWITCHING)
        if not self._begun:
            found.update(self._still)
            self._begun = True
        for key, start, end in self._switching:
            found[key] = end if self._beyond else start
        for row, start, end in self._gliding:
            found[row.id] = row.from_unit(start + position * (end - start))
        return found

    def snapshot(self) -> State:
        """Return the state between two frames."""
        return self._position, self._beyond

    def restore(self, state: State) -> None:
        """Go back to a state taken by `snapshot`; the next call of `at` returns what lies at its position anew."""
        self._position, self._beyond = -1.0, state[1]
