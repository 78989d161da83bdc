"""OLED screens with an SSD1306 or SH1106, over luma.oled on I2C or SPI.

luma sets the chip up and brings commands and points to it. Its own `display` sends the whole picture each time, which
takes 92 ms on an I2C bus at 100 kHz; so what has changed is sent with the chips' own addressing.
"""

from typing import Any, Tuple

from neurorave_device.machine.board import Board

from .protocols import WIDTH, Screen

_SPI_HERTZ = 4000000
_SET_COLUMNS, _SET_STRIPES = 0x21, 0x22
_SH1106_STRIPE, _SH1106_COLUMN_HIGH = 0xB0, 0x10
# The SH1106 has 132 columns, of which the screen shows the middle ones.
_SH1106_LEFT = 2


class Oled(Screen):
    """A 128x64 OLED; one thread. Errors are OSError, DeviceError or luma's own."""

    def __init__(self, board: Board) -> None:
        from luma.oled import device

        self._sh1106 = board.screen == "sh1106"
        self._serial = _serial(board)
        try:
            kind = device.sh1106 if self._sh1106 else device.ssd1306
            self._device: Any = kind(self._serial, width=WIDTH, height=64)
        except Exception:
            self._serial.cleanup()
            raise

    def write(self, stripe: int, column: int, points: bytes) -> None:
        if self._sh1106:
            left = column + _SH1106_LEFT
            self._device.command(
                _SH1106_STRIPE | stripe, left & 0x0F, _SH1106_COLUMN_HIGH | left >> 4
            )
        else:
            right = column + len(points) - 1
            self._device.command(_SET_COLUMNS, column, right, _SET_STRIPES, stripe, stripe)
        self._device.data(list(points))

    def contrast(self, level: int) -> None:
        self._device.contrast(level)

    def power(self, on: bool) -> None:
        if on:
            self._device.show()
        else:
            self._device.hide()

    def close(self) -> None:
        try:
            self._device.hide()
        finally:
            self._serial.cleanup()


def _serial(board: Board) -> Any:
    if board.screen_interface == "i2c":
        from luma.core.interface.serial import i2c

        return i2c(port=board.screen_bus, address=board.screen_address)
    from luma.core.interface.serial import spi

    from neurorave_device.drivers.jetson_pins import load_gpio

    data_pin, reset_pin = board.screen_pins
    return spi(
        gpio=load_gpio(),
        port=board.screen_bus,
        device=board.screen_device,
        bus_speed_hz=_SPI_HERTZ,
        gpio_DC=data_pin,
        gpio_RST=reset_pin,
    )


def place(board: Board) -> Tuple[str, str]:
    """Return how the screen is called in a sentence, and what to check when it does not answer."""
    if board.screen_interface == "i2c":
        name = "The screen at 0x%02X on I2C bus %d" % (board.screen_address, board.screen_bus)
        return name, "its cable, and `i2cdetect -y -r %d`" % board.screen_bus
    name = "The screen on /dev/spidev%d.%d" % (board.screen_bus, board.screen_device)
    return name, "its cable, and that jetson-io has SPI enabled"
