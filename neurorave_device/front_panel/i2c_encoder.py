"""The encoder breakout on I2C (Pimoroni PIM522): its controller counts the detents and drives an RGB light.

It is an MS51 microcontroller, whose registers are reached by number; names and numbers are those of its maker's
public library (pimoroni/ioe-python). It has no push switch of which we know; that is a GPIO pin of the board.
"""

from typing import Any, Optional, Tuple

from neurorave_device.drivers.device import DeviceError

from .protocols import Colour, EncoderSource, Led

CHIP_ID = 0xE26A
ID_LOW, ID_HIGH = 0xFA, 0xFB
ENCODER_ENABLE, ENCODER_PINS, ENCODER_COUNT = 0x04, 0x05, 0x06
PORT0, PORT1 = 0x40, 0x50
PORT0_MODE1, PORT0_MODE2, PORT0_SCHMITT = 0x71, 0x72, 0xC2
PORT1_MODE1, PORT1_MODE2, PORT1_SCHMITT = 0x73, 0x74, 0xC4
PWM_PERIOD_LOW, PWM_PERIOD_HIGH = 0x99, 0x91
PWM_CONTROL, PWM_DIVIDER, PWM_INVERTED = 0x98, 0x9F, 0x96
PWM_PINS0, PWM_PINS1 = 0x9E, 0xC9
# Low and high byte of the duty of each colour: PWM channels 5, 1 and 2 of pins 1, 7 and 2.
DUTIES = ((0xCB, 0xC8), (0x9B, 0x93), (0x9C, 0x94))

_ENABLED, _MICROSTEPS = 0x01, 0x02
_RUN, _LOAD = 0x80, 0x40
# Contact A is pin 12 (port 0, bit 5), B pin 3 (port 1, bit 2), their common pin 11 (port 0, bit 6).
_A_AND_B = 12 | 3 << 4
_A_BIT, _COMMON_BIT, _B_BIT = 5, 6, 2
_RED_BIT, _GREEN_BIT, _BLUE_BIT = 5, 1, 0
_CHANNELS = 1 << 5 | 1 << 1 | 1 << 2
# A port's register sets one bit: bits 0 to 2 say which, bit 3 what to.
_HIGH = 0x08
# The light is on for half of the period at most: it is bright enough, and steps stay one of PWM.
_PERIOD = 2 * 255
_DIVIDE_BY_2 = 0x01
# Nobody turns that far between two looks; it is a bit that was read wrong.
_FARTHEST = 40
_CHECK_SECONDS = 1.0


class I2cEncoder(EncoderSource, Led):
    """The breakout over smbus2; one thread. OSError or DeviceError where it is not there or is something else."""

    def __init__(
        self, bus: int, address: int, turned_round: bool, smbus: Optional[Any] = None
    ) -> None:
        if smbus is None:
            from smbus2 import SMBus

            smbus = SMBus(bus)
        self._bus = smbus
        self._address = address
        self._sign = -1 if turned_round else 1
        self._colour: Optional[Colour] = None
        self._checked_at = float("-inf")
        try:
            self._set_up()
            self._count = self._read(ENCODER_COUNT)
        except Exception:
            smbus.close()
            raise

    def turned(self, now: float) -> int:
        if now - self._checked_at >= _CHECK_SECONDS:
            # After a dip of its supply it answers as before, but counts and lights no more.
            if not self._read(ENCODER_ENABLE) & _ENABLED:
                raise DeviceError("has lost its settings")
            self._checked_at = now
        count = self._read(ENCODER_COUNT)
        # The counter has eight bits and goes round.
        detents = (count - self._count + 128) % 256 - 128
        self._count = count
        return self._sign * detents if abs(detents) <= _FARTHEST else 0

    def light(self, colour: Colour) -> None:
        if colour == self._colour:
            return
        before = self._colour
        # Unknown until all of it is written.
        self._colour = None
        for place, (low, high) in enumerate(DUTIES):
            if before is None or colour[place] != before[place]:
                self._write(low, colour[place])
                self._write(high, 0)
        self._write(PWM_CONTROL, _RUN | _LOAD)
        self._colour = colour

    def close(self) -> None:
        try:
            self.light((0, 0, 0))
        except OSError:
            # It may be unplugged; the bus is given back all the same.
            pass
        finally:
            self._bus.close()

    def _set_up(self) -> None:
        found = self._read(ID_LOW) | self._read(ID_HIGH) << 8
        if found != CHIP_ID:
            raise DeviceError(
                "another chip is there (it says 0x%04X, not 0x%04X)" % (found, CHIP_ID)
            )
        # Contacts: inputs with pull-up and Schmitt trigger; their common contact is pulled down.
        self._change(PORT0_MODE1, on=1 << _COMMON_BIT, off=1 << _A_BIT)
        self._change(PORT0_MODE2, on=1 << _COMMON_BIT, off=1 << _A_BIT)
        self._change(PORT0_SCHMITT, on=1 << _A_BIT)
        self._write(PORT0, _HIGH | _A_BIT)
        self._write(PORT0, _COMMON_BIT)
        self._change(PORT1_MODE1, off=1 << _B_BIT)
        self._change(PORT1_MODE2, off=1 << _B_BIT)
        self._change(PORT1_SCHMITT, on=1 << _B_BIT)
        self._write(PORT1, _HIGH | _B_BIT)
        self._write(ENCODER_PINS, _A_AND_B)
        self._change(ENCODER_ENABLE, on=_ENABLED, off=_MICROSTEPS)
        self._write(ENCODER_COUNT, 0)
        # Light: its cathodes are on the pins, so the outputs are inverted.
        leds = 1 << _RED_BIT | 1 << _GREEN_BIT | 1 << _BLUE_BIT
        self._write(PWM_DIVIDER, _DIVIDE_BY_2)
        self._write(PWM_PERIOD_LOW, _PERIOD & 0xFF)
        self._write(PWM_PERIOD_HIGH, _PERIOD >> 8)
        self._change(PWM_INVERTED, on=_CHANNELS)
        self._change(PWM_PINS0, on=1 << 1 | 1 << 2)
        self._change(PWM_PINS1, on=1 << 5)
        self._change(PORT1_MODE1, off=leds)
        self._change(PORT1_MODE2, on=leds)
        self.light((0, 0, 0))

    def _change(self, register: int, on: int = 0, off: int = 0) -> None:
        self._write(register, (self._read(register) & ~off) | on)

    def _read(self, register: int) -> int:
        return int(self._bus.read_byte_data(self._address, register))

    def _write(self, register: int, value: int) -> None:
        self._bus.write_byte_data(self._address, register, value)


def place(bus: int, address: int) -> Tuple[str, str]:
    """Return how the breakout is called in a sentence, and what to check when it does not answer."""
    name = "The encoder at 0x%02X on I2C bus %d" % (address, bus)
    return name, "its cable, and `i2cdetect -y -r %d`" % bus
