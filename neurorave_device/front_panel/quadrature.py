"""The two contacts of a mechanical encoder as detents, whatever they bounce and whatever was missed."""

from typing import Dict, Tuple

# Contacts A and B as a number of two bits, in the order of turning clockwise: a Gray code, one change a step.
_CLOCKWISE = (0b11, 0b01, 0b00, 0b10)
_PLACE = {state: place for place, state in enumerate(_CLOCKWISE)}
_STEP: Dict[int, int] = {0: 0, 1: 1, 3: -1}
_SKIP = 2
# At rest both contacts are open in every detent, or open and closed in turns; with one step a detent always.
_RESTS: Dict[int, Tuple[int, ...]] = {4: (0b11,), 2: (0b11, 0b00), 1: _CLOCKWISE}


class Quadrature:
    """Counts detents; pure.

    A bounce goes one step there and back, so it adds up to nothing. A step that was missed leaves both contacts
    changed at once, which says no direction: it is taken for two steps in the direction of this detent so far.
    At rest what has been counted is rounded to whole detents, and the rest forgotten: no error outlives its detent.
    """

    def __init__(self, a: bool, b: bool, steps_per_detent: int = 4) -> None:
        """Begin with contacts as they are, True for open; a detent is 1, 2 or 4 steps."""
        self._rests = _RESTS[steps_per_detent]
        self._steps_per_detent = steps_per_detent
        self._state = _state(a, b)
        self._steps = 0

    def feed(self, a: bool, b: bool) -> int:
        """Take the contacts as they are now; return the detents that this completes, clockwise positive."""
        state = _state(a, b)
        change = (_PLACE[state] - _PLACE[self._state]) % len(_CLOCKWISE)
        self._state = state
        if change == _SKIP:
            self._steps += _SKIP * ((self._steps > 0) - (self._steps < 0))
        else:
            self._steps += _STEP[change]
        if state not in self._rests:
            return 0
        steps, self._steps = self._steps, 0
        # Half a detent counts: a skip at its beginning says no direction, the half that follows does.
        detents = (abs(steps) + self._steps_per_detent // 2) // self._steps_per_detent
        return detents if steps > 0 else -detents


def _state(a: bool, b: bool) -> int:
    return int(a) << 1 | int(b)
