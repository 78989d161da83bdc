"""Input pins behind one interface, and a lookout for what the kernel has dropped of them."""

import abc
from typing import List, NamedTuple, Sequence, Tuple

from neurorave_device.drivers.device import Device

# How often the levels themselves are looked at.
LOOK_SECONDS = 0.02


class PinEvent(NamedTuple):
    """A pin has changed: its place in the list that was opened, its new level, how many seconds ago."""

    place: int
    high: bool
    age: float


class Pins(Device):
    """Some input pins, opened together; one thread."""

    @abc.abstractmethod
    def read(self) -> List[PinEvent]:
        """Return the changes since the last call, oldest first; never waits."""

    @abc.abstractmethod
    def levels(self) -> List[bool]:
        """Return the levels now, those of inverted pins already turned round."""


class Lookout:
    """Finds what the kernel has dropped: it keeps 16 edges of a line in Linux 4.9, where nobody reads them in time."""

    def __init__(self) -> None:
        self._looked_at = float("-inf")
        self._suspects: List[Tuple[int, bool]] = []

    def missed(self, pins: Pins, known: Sequence[bool], now: float) -> List[PinEvent]:
        """Return the changes that bring `known` to the pins' levels; call it where `read` had nothing.

        A level that has changed before its event arrives is nothing that was dropped, so it has to be wrong twice.
        """
        if now - self._looked_at < LOOK_SECONDS:
            return []
        self._looked_at = now
        levels = pins.levels()
        events = pins.read()
        if events:
            return events
        wrong = [
            (place, level)
            for place, (level, before) in enumerate(zip(levels, known))
            if level != before
        ]
        if wrong != self._suspects:
            self._suspects = wrong
            return []
        self._suspects = []
        return [PinEvent(place, level, 0.0) for place, level in wrong]
