"""A line that chatters, as a gate that does not: the first change counts at once, and then there is a pause."""

from typing import List, Tuple


class Debounce:
    """Edges at least `hold` seconds apart, the last of which always is the line's own level.

    A change is never delayed, only one that follows too soon: so a hit has no latency of this, and a trigger shorter
    than `hold` becomes as long as that.  Low at first; a line that is high when it is opened has to be low once, since
    pins float before their driver has them.
    """

    def __init__(self, hold: float, high: bool = False) -> None:
        self._hold = hold
        self._waiting_for_low = high
        self._line = False
        self._level = False
        self._changed_at = float("-inf")

    @property
    def line(self) -> bool:
        """The level of the line itself after the last change."""
        return self._line or self._waiting_for_low

    @property
    def level(self) -> bool:
        """The level after the last edge that was given."""
        return self._level

    def feed(self, high: bool, time: float) -> List[Tuple[float, bool]]:
        """Take a change of the line; return the (time, rising) of the edges up to it.

        A change to what the line is already says that one before it was missed: Linux 4.9 looks at the line some time
        after the interrupt, and takes a pulse that is over by then for a second fall.
        """
        if self._waiting_for_low:
            self._waiting_for_low = high
            return []
        edges = self.settle(time)
        if high == self._line:
            self._line = not high
            edges += self.settle(time, at_once=True)
        self._line = high
        return edges + self.settle(time, at_once=True)

    def settle(self, now: float, at_once: bool = False) -> List[Tuple[float, bool]]:
        """Let time pass; return the edge that a pause has held back, where it is due."""
        free = self._changed_at + self._hold
        if self._line == self._level or now < free:
            return []
        self._level = self._line
        self._changed_at = now if at_once else free
        return [(self._changed_at, self._level)]

    def drop(self, now: float) -> List[Tuple[float, bool]]:
        """Let the line be gone: a gate that was high falls."""
        self._line = self._waiting_for_low = False
        if not self._level:
            return []
        self._level = False
        self._changed_at = now
        return [(now, False)]
