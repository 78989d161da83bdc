"""A mechanical encoder and a push switch on GPIO pins."""

from typing import List, Optional, Tuple

from neurorave_device.drivers.debounce import Debounce
from neurorave_device.drivers.device import Device
from neurorave_device.drivers.pin_choice import open_pins
from neurorave_device.drivers.pins import Lookout, Pins
from neurorave_device.machine.board import Board

from .protocols import PRESS, RELEASE, Action, EncoderSource
from .quadrature import Quadrature

# Contacts of switches bounce for some milliseconds, far shorter than a finger is down.
_BUTTON_HOLD = 0.008


class GpioEncoder(EncoderSource):
    """An encoder whose contacts are two pins; each contact's change is an event of the kernel, so that none is missed.

    A contact that is closed pulls its pin to ground.
    """

    def __init__(self, board: Board, pins: Optional[Pins] = None) -> None:
        self._pins = pins if pins is not None else open_pins(board, board.encoder_pins, False)
        try:
            self._levels = self._pins.levels()
        except Exception:
            self._pins.close()
            raise
        self._lookout = Lookout()
        self._sign = -1 if board.encoder_reversed else 1
        self._decoder = Quadrature(self._levels[0], self._levels[1], board.detent_steps)

    def turned(self, now: float) -> int:
        detents = 0
        for event in self._pins.read() or self._lookout.missed(self._pins, self._levels, now):
            self._levels[event.place] = event.high
            detents += self._decoder.feed(self._levels[0], self._levels[1])
        return self._sign * detents

    def close(self) -> None:
        self._pins.close()


class GpioButton(Device):
    """A push switch on one pin, without its bounces; one thread."""

    def __init__(self, board: Board, pin: int, pins: Optional[Pins] = None) -> None:
        self._pins = pins if pins is not None else open_pins(board, (pin,), board.button_inverted)
        try:
            (level,) = self._pins.levels()
        except Exception:
            self._pins.close()
            raise
        self._lookout = Lookout()
        self._debounce = Debounce(_BUTTON_HOLD, level)

    def changes(self, now: float) -> List[Action]:
        """Return the presses and releases since the last call, oldest first; never waits."""
        edges: List[Tuple[float, bool]] = []
        known = [self._debounce.line]
        for event in self._pins.read() or self._lookout.missed(self._pins, known, now):
            edges += self._debounce.feed(event.high, now - event.age)
        edges += self._debounce.settle(now)
        return [Action(PRESS if down else RELEASE, 0, time) for time, down in edges]

    def close(self) -> None:
        self._pins.close()
