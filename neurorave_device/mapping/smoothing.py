"""Movement through time that comes out the same however the time is cut into frames."""

import math
from typing import Tuple


class OnePole:
    """A first-order low-pass of a value that holds still between calls; exact for any step."""

    def __init__(self) -> None:
        self._value = 0.0
        self._empty = True

    @property
    def value(self) -> float:
        """The smoothed value after the last step."""
        return self._value

    def snapshot(self) -> Tuple[float, bool]:
        """Return the state between two steps."""
        return self._value, self._empty

    def restore(self, state: Tuple[float, bool]) -> None:
        """Go back to a state taken by `snapshot`."""
        self._value, self._empty = state

    def snap(self) -> None:
        """Let the next step jump to its target at once."""
        self._empty = True

    def step(self, target: float, dt: float, tau: float) -> float:
        """Return the value `dt` seconds later on its way to `target` with time constant `tau` s.

        Jumps on the first step, after `snap` and where `tau` is not above zero.
        """
        if self._empty or tau <= 0.0:
            self._value = target
            self._empty = False
        elif self._value != target:
            self._value = target + (self._value - target) * math.exp(-max(dt, 0.0) / tau)
        return self._value


class Ramp:
    """An envelope between 0 and 1 that rises and falls in straight lines; `value` is where it is."""

    def __init__(self) -> None:
        self.value = 0.0

    def step(self, up: bool, dt: float, seconds: float) -> float:
        """Return the envelope `dt` later; the whole way takes `seconds`, no time for zero."""
        change = dt / seconds if seconds > 0.0 else 1.0
        moved = self.value + change if up else self.value - change
        self.value = min(max(moved, 0.0), 1.0)
        return self.value
