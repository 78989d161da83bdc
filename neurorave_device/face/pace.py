"""How often something may be done: so many times in any second, evenly, without losing any to a coarse tick.

A gap of 1/15 s between two pictures, looked at every 10 or 25 ms, would be stretched to the next tick and give 12
pictures a second. So what is due is counted on from the last due time and not from when it was taken.
"""

from collections import deque
from typing import Deque

_ROUNDING = 1e-6


class Pace:
    """Remembers when it was taken; time is given with each call and does not go back."""

    def __init__(self, most: int) -> None:
        """``most`` is the highest rate that will be asked for, per second."""
        self._due = float("-inf")
        self._taken: Deque[float] = deque(maxlen=most)

    def permitted(self, now: float, rate: int) -> bool:
        """Say whether it may be done now, at ``rate`` a second."""
        if now < self._due:
            return False
        # The grid alone would let a late one and an early one a second later be one too many.
        return len(self._taken) < rate or now - self._taken[-rate] >= 1.0 - _ROUNDING

    def took(self, now: float, rate: int) -> None:
        """It has been done."""
        period = 1.0 / rate
        self._due = self._due + period if now - self._due < period else now + period
        self._taken.append(now)
