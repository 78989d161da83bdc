"""Input pins behind one interface, and the choice between the kernel's line events and polling."""

import abc
from typing import List, NamedTuple, Sequence

from neurorave_device.board import Board
from neurorave_device.drivers.device import Device, DeviceError, reason


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
