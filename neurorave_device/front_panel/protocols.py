"""What an encoder, a light and a screen can do, whichever chip it is; and what the player does with them."""

import abc
from typing import List, NamedTuple, Tuple

import numpy as np

from neurorave_device.drivers.device import Device

TURN = "turn"
PRESS = "press"
RELEASE = "release"

WIDTH = 128
HEIGHT = 64
STRIPES = HEIGHT // 8
DARK = bytes(WIDTH)

Colour = Tuple[int, int, int]


class Action(NamedTuple):
    """What was done to the encoder: 'turn' by so many detents (clockwise positive), 'press' or 'release'; seconds."""

    kind: str
    steps: int
    time: float


class EncoderSource(Device):
    """An encoder; one thread. Errors are OSError or DeviceError."""

    @abc.abstractmethod
    def turned(self, now: float) -> int:
        """Return the detents since the last call, clockwise positive; never waits."""


class Led(Device):
    """A light of three colours; one thread."""

    @abc.abstractmethod
    def light(self, colour: Colour) -> None:
        """Show red, green and blue, each 0..255."""


class Screen(Device):
    """A 128x64 screen of single points, dark when opened; one thread."""

    @abc.abstractmethod
    def write(self, stripe: int, column: int, points: bytes) -> None:
        """Set columns from `column` on in stripe 0..7 of eight rows: a byte each, its lowest bit on top."""

    @abc.abstractmethod
    def contrast(self, level: int) -> None:
        """Set the brightness, 0..255."""

    @abc.abstractmethod
    def power(self, on: bool) -> None:
        """Light the screen or let it sleep; what was written stays."""


def stripes(picture: bytes, rotated: bool = False) -> List[bytes]:
    """Cut a picture (1024 bytes, rows from the top, the leftmost point in the highest bit) into eight stripes.

    `rotated` turns it by half a turn, for a screen that is mounted upside down.
    """
    points = np.unpackbits(np.frombuffer(picture, np.uint8)).reshape(HEIGHT, WIDTH)
    if rotated:
        points = points[::-1, ::-1]
    # packbits takes the first row for the highest bit; here it is the lowest.
    columns = np.packbits(points.reshape(STRIPES, 8, WIDTH)[:, ::-1], axis=1)[:, 0]
    return [bytes(row.tobytes()) for row in columns]
