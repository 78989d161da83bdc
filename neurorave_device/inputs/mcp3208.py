"""The MCP3208, a converter of eight channels and twelve bits on SPI (Microchip DS21298)."""

from typing import Any, List, Optional, Sequence

from neurorave_device.drivers.device import Device, DeviceError

FULL_SCALE = 4096
HIGHEST_COUNT = FULL_SCALE - 1
_MODE = 0
_START_SINGLE_ENDED = 0b11


def command(channel: int) -> List[int]:
    """Return the three bytes that ask for a channel.

    Five zeros, the start bit, one for single-ended, three bits of the channel; the rest is time to answer in, so that
    the answer's twelve bits end with the third byte.
    """
    bits = (_START_SINGLE_ENDED << 3 | channel) << 6
    return [bits >> 8, bits & 0xFF, 0]


def count(answer: Sequence[int]) -> int:
    """Return the twelve bits of an answer; DeviceError where the zero before them is missing.

    The converter pulls its output low for one clock before the first bit: where nobody does, the wire is not driven.
    """
    if len(answer) != 3:
        raise DeviceError("answered %d bytes instead of 3" % len(answer))
    if answer[1] & 0x10:
        raise DeviceError("reads all ones, so nothing answers")
    return (answer[1] & 0x0F) << 8 | answer[2]


class Mcp3208(Device):
    """The converter over spidev; one thread. OSError or DeviceError where it is not there."""

    def __init__(self, bus: int, device: int, hertz: int, spi: Optional[Any] = None) -> None:
        if spi is None:
            import spidev

            spi = spidev.SpiDev()
        self._spi = spi
        spi.open(bus, device)
        try:
            spi.mode = _MODE
            spi.max_speed_hz = hertz
        except Exception:
            spi.close()
            raise

    def read(self, channels: Sequence[int]) -> List[int]:
        """Return the counts, 0 to 4095, of some channels, one right after the other.

        Each is a transfer of its own, since the converter starts with each fall of its chip select.
        """
        return [count(self._spi.xfer2(command(channel))) for channel in channels]

    def close(self) -> None:
        self._spi.close()
