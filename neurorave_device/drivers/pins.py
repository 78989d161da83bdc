"""Input pins behind one interface, and the choice between the kernel's line events and polling."""

import abc
from typing import List, NamedTuple, Sequence, Tuple

from neurorave_device.board import Board
from neurorave_device.drivers.device import Device, DeviceError, reason

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


def open_pins(board: Board, pins: Sequence[int], inverted: bool) -> Pins:
    """Open header pins as inputs the way the wiring asks for: line events, polling, or whichever works first.

    DeviceError or OSError where neither does.
    """
    from neurorave_device.drivers.gpio_lines import LinePins
    from neurorave_device.drivers.jetson_pins import PolledPins

    if board.gpio_mode == "polling":
        return PolledPins(pins, inverted)
    try:
        return LinePins(board.gpio_chip, [board.line(pin) for pin in pins], inverted)
    except (DeviceError, OSError) as error:
        if board.gpio_mode == "lines":
            raise
        failed = reason(error)
    try:
        return PolledPins(pins, inverted)
    except Exception as error:
        # Jetson.GPIO raises plain Exception where it knows no board.
        raise DeviceError("%s, and no polling either: %s" % (failed, reason(error))) from None
