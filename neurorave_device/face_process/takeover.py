"""A MIDI controller takes a parameter over only where they meet, so that nothing jumps."""

from typing import Dict

# A controller has 128 positions: the next one counts as the same place.
_NEAR = 1.5 / 127.0


class TakeOver:
    """Of all controllers; places are 0..1. One thread."""

    def __init__(self) -> None:
        self._last: Dict[int, float] = {}
        # What the controller has set, for as long as nobody else has set anything.
        self._holds: Dict[int, float] = {}

    def moved(self, controller: int, place: float, present: float, step: float = 0.0) -> bool:
        """Return whether a controller that is at `place` now moves the parameter that is at `present`.

        It does once it has met the parameter or passed it, and until something else moves that. `step` is the
        distance between two values of the parameter: so near, a switch or the next choice is taken at once.
        """
        last = self._last.get(controller)
        self._last[controller] = place
        if self._holds.get(controller) == present:
            return True
        near = max(_NEAR, step)
        passed = last is not None and (last - present) * (place - present) <= 0.0
        return passed or abs(place - present) <= near

    def holds(self, controller: int, present: float) -> None:
        """Tell where the parameter is after the controller has moved it."""
        self._holds[controller] = present

    def forget(self, controller: int) -> None:
        """The controller moves something else from now on."""
        self._last.pop(controller, None)
        self._holds.pop(controller, None)
