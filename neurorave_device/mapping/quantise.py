"""Equal steps in place of a sweep, without fluttering on the border between two of them."""

import math
from typing import Optional, Tuple

# So much of a step a voltage must go beyond the middle between two before the next one counts.
HYSTERESIS = 0.1

State = Tuple[int, Optional[int]]


class Quantiser:
    """Rounds to multiples of one part in `steps`: 0 V and both ends of a range are steps themselves."""

    def __init__(self) -> None:
        self._steps = 0
        self._place: Optional[int] = None

    def step(self, part: float, steps: int) -> float:
        """Return `part` (-1..1) rounded to one of `steps` equal steps on each side of 0; 0 leaves it as it is."""
        if steps == 0:
            self._steps = 0
            return part
        place = part * steps
        last = self._place
        if last is None or steps != self._steps or abs(place - last) > 0.5 + HYSTERESIS:
            last = math.floor(place + 0.5)
            self._place, self._steps = last, steps
        return last / float(steps)

    def snapshot(self) -> State:
        """Return the state between two frames."""
        return self._steps, self._place

    def restore(self, state: State) -> None:
        """Go back to a state taken by `snapshot`."""
        self._steps, self._place = state
