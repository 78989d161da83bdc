"""How the chips of the front panel are wired: buses, addresses, pins, and the analogue stage before the converter.

The defaults are the 40-pin header of a Jetson Nano, wired without a clash: the converter on SPI 1, gates, button and
encoder on free pins, the screen and the encoder breakout on I2C bus 1.
"""

import os
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

from neurorave_device.errors import UserError
from neurorave_device.machine.section import check_section

SCHEMA_PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "board_schema.json")

# Header pins of the Jetson Nano that can be GPIO, and their lines on the chip `tegra-gpio` (NVIDIA's jetson-gpio,
# JETSON_NANO_PIN_DEFS). Another board gives its own with `gpio_lines`.
NANO_LINES: Mapping[int, int] = {
    7: 216,
    11: 50,
    12: 79,
    13: 14,
    15: 194,
    16: 232,
    18: 15,
    19: 16,
    21: 17,
    22: 13,
    23: 18,
    24: 19,
    26: 20,
    29: 149,
    31: 200,
    32: 168,
    33: 38,
    35: 76,
    36: 51,
    37: 12,
    38: 77,
    40: 78,
}


class Board(NamedTuple):
    """The wiring; `docs/hardware-inputs.md` lists the keys.

    Header pins are numbered as printed, 1 to 40.  `adc_reference`, `cv_zero` in volts, `cv_slope` in volts at the
    converter per volt at the jack: 100k and 30k around an inverting amplifier whose other input is at 1.27 V
    (hardware/netlist.py; for inputs of 0 to 10 V `cv_zero` is 3.154).
    `screen_pins` are D/C and reset, for a screen on SPI only.
    """

    adc_bus: int = 0
    adc_device: int = 0
    adc_hz: int = 1000000
    adc_channels: Tuple[int, ...] = (0, 1, 2, 3)
    adc_reference: float = 3.3
    cv_zero: float = 1.65
    cv_slope: float = -0.3
    gpio_chip: str = "tegra-gpio"
    gpio_lines: Mapping[str, int] = {}
    gpio_mode: str = "auto"
    gate_pins: Tuple[int, ...] = (29, 31)
    gates_inverted: bool = False
    gate_hold_ms: float = 1.0
    encoder: str = "breakout"
    encoder_bus: int = 1
    encoder_address: int = 0x0F
    encoder_pins: Tuple[int, ...] = (15, 36)
    encoder_reversed: bool = False
    detent_steps: int = 4
    button_pin: Optional[int] = 11
    button_inverted: bool = True
    screen: str = "ssd1306"
    screen_interface: str = "i2c"
    screen_bus: int = 1
    screen_address: int = 0x3C
    screen_device: int = 0
    screen_pins: Tuple[int, ...] = (15, 36)
    screen_rotated: bool = False
    screen_contrast: int = 207

    def line(self, pin: int) -> int:
        """Return the line of a header pin on the GPIO chip; UserError for a pin that has none."""
        found = self.gpio_lines.get(str(pin), NANO_LINES.get(pin))
        if found is None:
            raise UserError(
                "board: pin %d is no GPIO of a Jetson Nano, allowed are %s; other boards name theirs in gpio_lines"
                % (pin, ", ".join(str(known) for known in sorted(NANO_LINES)))
            )
        return found

    def used_pins(self) -> List[Tuple[str, int]]:
        """Return (key, header pin) of the pins that this wiring uses as GPIO."""
        used = [("gate_pins", pin) for pin in self.gate_pins]
        if self.encoder == "quadrature":
            used += [("encoder_pins", pin) for pin in self.encoder_pins]
        if self.encoder != "none" and self.button_pin is not None:
            used.append(("button_pin", self.button_pin))
        if self.screen != "none" and self.screen_interface == "spi":
            used += [("screen_pins", pin) for pin in self.screen_pins]
        return used


def board_from(values: Mapping[str, Any]) -> Board:
    """Return the wiring that checked values (see `checked`) describe."""
    plain: Dict[str, Any] = dict(values)
    for key, value in plain.items():
        if isinstance(value, list):
            plain[key] = tuple(value)
    return Board(**plain)


def checked(source: str, values: Mapping[str, Any]) -> Dict[str, Any]:
    """Return `values` as they are where they describe a wiring; UserError names source, key, value, what is allowed."""
    plain = dict(values)
    if isinstance(plain.get("gpio_lines"), dict):
        # YAML reads these keys as numbers.
        plain["gpio_lines"] = {str(pin): line for pin, line in plain["gpio_lines"].items()}
    check_section(source, "board", SCHEMA_PATH, plain)
    _check_pins(source, board_from(plain))
    return plain


def _check_pins(source: str, board: Board) -> None:
    seen: Dict[int, str] = {}
    for key, pin in board.used_pins():
        try:
            board.line(pin)
        except UserError as error:
            raise UserError("%s: %s (%s)" % (source, error, key)) from None
        if pin in seen:
            raise UserError(
                "%s: board: pin %d is given to %s and to %s, allowed is one of them"
                % (source, pin, seen[pin], key)
            )
        seen[pin] = key
