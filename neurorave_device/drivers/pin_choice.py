"""The choice between the kernel's line events and polling for input pins."""

from typing import Sequence

from neurorave_device.drivers.device import DeviceError, reason
from neurorave_device.drivers.gpio_lines import LinePins
from neurorave_device.drivers.jetson_pins import PolledPins
from neurorave_device.drivers.pins import Pins
from neurorave_device.machine.board import Board


def open_pins(board: Board, pins: Sequence[int], inverted: bool) -> Pins:
    """Open header pins as inputs the way the wiring asks for: line events, polling, or whichever works first.

    DeviceError or OSError where neither does.
    """
    if board.gpio_mode == "polling":
        return PolledPins(pins, inverted)
    try:
        return LinePins(board.gpio_chip, [board.line(pin) for pin in pins], inverted)
    except (DeviceError, OSError) as error:
        if board.gpio_mode == "lines":
            raise
        failed = error
    try:
        return PolledPins(pins, inverted)
    except Exception as error:
        # Jetson.GPIO raises plain Exception where it knows no board.
        if isinstance(failed, DeviceError) and failed.remedy:
            # There is no chip, and what it makes of that adds nothing.
            raise failed from None
        both = "%s, and no polling either: %s" % (reason(failed), reason(error))
        raise DeviceError(both) from None
