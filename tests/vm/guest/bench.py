"""The guest's simulated chips as somebody at the module handles them: volts, gates, the encoder, plugs pulled out."""

import glob
from typing import Sequence

from neurorave_device.machine.board import Board

# Lines of the chip `tegra-gpio` behind the header pins of gate 1, gate 2 and the switch
# (neurorave_device/machine/board.py).
GATE_LINES = (149, 200)
SWITCH_LINE = 50

_SPIDEV = "/sys/bus/spi/drivers/spidev"
_BOARD = Board()
_FULL = 4096


def write(path: str, text: str) -> None:
    """Write a text to a file of the kernel's."""
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def volts(wanted: Sequence[float]) -> None:
    """Patch volts into CV 1-4, through the analogue stage that the board has."""
    at_converter = [_BOARD.cv_zero + _BOARD.cv_slope * value for value in wanted]
    counts = [round(value * _FULL / _BOARD.adc_reference) for value in at_converter]
    _parameter("fake_mcp3208", "counts", ",".join(str(count) for count in counts + [0] * 4))


def gate(number: int, high: bool) -> None:
    """Raise or lower gate 1 or 2."""
    _pull(GATE_LINES[number - 1], high)


def switch(down: bool) -> None:
    """Press or release the encoder's switch, which closes to ground."""
    _pull(SWITCH_LINE, not down)


def turned(count: int) -> None:
    """Let the breakout have counted so many detents since its power came on."""
    _parameter("fake_i2c", "turned", str(count % 256))


def screen(there: bool) -> None:
    """Plug the screen in or out."""
    _parameter("fake_i2c", "screen", "Y" if there else "N")


def encoder(there: bool) -> None:
    """Plug the encoder breakout in or out; it comes back with nothing in its registers."""
    if there:
        _parameter("fake_i2c", "reset", "1")
    _parameter("fake_i2c", "encoder", "Y" if there else "N")


def converter(there: bool) -> None:
    """Let the converter answer, or nobody drive MISO, which stays at 0 then."""
    _parameter("fake_mcp3208", "wire", "-1" if there else "0")


def spi(there: bool) -> None:
    """Let /dev/spidev0.0 be there or not."""
    write(_SPIDEV + ("/bind" if there else "/unbind"), "spi0.0")


def counted(module: str, parameter: str) -> int:
    """Return a number that a kernel module tells."""
    with open("/sys/module/%s/parameters/%s" % (module, parameter), encoding="ascii") as file:
        return int(file.read())


def _parameter(module: str, parameter: str, value: str) -> None:
    write("/sys/module/%s/parameters/%s" % (module, parameter), value)


def _pull(line: int, high: bool) -> None:
    (chip,) = glob.glob("/sys/devices/platform/gpio-sim.*/gpiochip*")
    write("%s/sim_gpio%d/pull" % (chip, line), "pull-up" if high else "pull-down")
