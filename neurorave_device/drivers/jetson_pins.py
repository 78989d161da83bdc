"""Input pins read again and again through Jetson.GPIO, for boards whose kernel gives no line events."""

from typing import Any, List, Sequence

from neurorave_device.drivers.device import DeviceError
from neurorave_device.drivers.pins import PinEvent, Pins


def load_gpio() -> Any:
    """Return the Jetson.GPIO module, set to header pin numbers; DeviceError where it cannot be used.

    Its import looks for the board, and raises RuntimeError or Exception where that fails.
    """
    try:
        import Jetson.GPIO as GPIO

        GPIO.setmode(GPIO.BOARD)
    except ImportError as error:
        raise DeviceError("the package Jetson.GPIO is missing (%s)" % error) from None
    except RuntimeError:
        # Its own text is long and begins with permissions, also where there is no such file.
        raise DeviceError("Jetson.GPIO finds no /dev/gpiochip0 that it may use") from None
    except Exception as error:
        raise DeviceError("Jetson.GPIO cannot be used (%s)" % error) from None
    return GPIO


class PolledPins(Pins):
    """Pins whose changes are found by looking; an edge is as late as the time between two looks.

    Jetson.GPIO has events too, but drops the kernel's time stamps and uses a thread for each pin.
    """

    def __init__(self, pins: Sequence[int], inverted: bool) -> None:
        self._gpio = load_gpio()
        self._pins = list(pins)
        self._inverted = inverted
        try:
            for pin in self._pins:
                self._gpio.setup(pin, self._gpio.IN)
            self._last = self.levels()
        except Exception:
            self.close()
            raise

    def read(self) -> List[PinEvent]:
        found = self.levels()
        events = [
            PinEvent(place, level, 0.0)
            for place, (level, before) in enumerate(zip(found, self._last))
            if level != before
        ]
        self._last = found
        return events

    def levels(self) -> List[bool]:
        return [bool(self._gpio.input(pin)) != self._inverted for pin in self._pins]

    def close(self) -> None:
        self._gpio.cleanup(self._pins)
