"""The front panel as one thing: actions out, picture and light in. Its devices have a thread of their own.

A bus can take milliseconds and a device can be gone; the face, which also serves the browser, must not wait for either.
"""

import threading
from collections import deque
from typing import Callable, Deque, List, NamedTuple, Optional, Tuple

from neurorave_device.clock import Clock
from neurorave_device.drivers.device import D, Retried
from neurorave_device.machine.board import Board

from . import i2c_encoder, oled
from .gpio_encoder import GpioButton, GpioEncoder
from .painter import Painter
from .protocols import RELEASE, TURN, Action, Colour, EncoderSource, Led, Screen
from .saver import AWAKE, BLANK, SAVER, Saver, Timeouts, saver_picture

POLL_SECONDS = 0.01
_DARK_COLOUR: Colour = (0, 0, 0)
_DIM_CONTRAST = 8
_MOST_ACTIONS = 256


class Makers(NamedTuple):
    """What opens the devices; a test puts others in their place. None: there is no such device."""

    encoder: Optional[Callable[[], EncoderSource]]
    button: Optional[Callable[[], GpioButton]]
    screen: Optional[Callable[[], Screen]]


def makers(board: Board) -> Makers:
    """Return what opens the devices of a wiring; nothing is opened or imported yet."""

    def open_breakout() -> EncoderSource:
        return i2c_encoder.I2cEncoder(
            board.encoder_bus, board.encoder_address, board.encoder_reversed
        )

    encoders = {"breakout": open_breakout, "quadrature": lambda: GpioEncoder(board), "none": None}
    pin = board.button_pin
    button = None if pin is None or board.encoder == "none" else lambda: GpioButton(board, pin)
    return Makers(
        encoders[board.encoder],
        button,
        None if board.screen == "none" else lambda: oled.Oled(board),
    )


class ScreenSettings(NamedTuple):
    """`contrast` is a share of what the board gives as the screen's contrast."""

    contrast: float = 1.0
    timeouts: Timeouts = Timeouts()


class FrontPanel:
    """Screen, encoder, button and light.

    `take`, `show`, `adjust` and `faults` belong to the face's thread, `step`, `run` and `close` to the panel's own.
    """

    def __init__(self, board: Board, clock: Clock, made: Optional[Makers] = None) -> None:
        made = makers(board) if made is None else made
        name, check = i2c_encoder.place(board.encoder_bus, board.encoder_address)
        if board.encoder == "quadrature":
            name, check = "The encoder on pins %d and %d" % tuple(board.encoder_pins), "its wires"
        self._encoder = _retried(name, check, made.encoder)
        self._button = _retried("The button on pin %s" % board.button_pin, "its wires", made.button)
        self._screen = _retried(*oled.place(board), opening=made.screen)
        self._full = board.screen_contrast
        self._clock = clock
        self._painter = Painter(board.screen_rotated)
        self._saver = Saver(clock.now())
        self._actions: Deque[Action] = deque(maxlen=_MOST_ACTIONS)
        self._down = False
        self._picture = b""
        self._colour: Colour = _DARK_COLOUR
        self._set: Optional[Tuple[str, int]] = None
        self._wanted = ScreenSettings()

    def take(self) -> List[Action]:
        """Return what the player has done since the last call, oldest first."""
        return [self._actions.popleft() for _ in range(len(self._actions))]

    def show(self, picture: bytes, colour: Colour) -> None:
        """Let the screen show a picture (1024 bytes) and the light a colour, as soon as may be."""
        self._picture = picture
        self._colour = colour

    def adjust(self, settings: ScreenSettings) -> None:
        """Take the player's settings of the screen."""
        self._wanted = settings

    @property
    def faults(self) -> Tuple[str, ...]:
        """One sentence for each device, '' where it works; each device has its place."""
        devices = (self._screen, self._encoder, self._button)
        return tuple("" if device is None else device.fault for device in devices)

    @property
    def fault(self) -> str:
        """The sentences of all devices that do not work now, '' where all do."""
        return " ".join(text for text in self.faults if text)

    def run(self, stop: threading.Event) -> None:
        """Look after the devices until `stop` is set; the body of the thread."""
        while not stop.is_set():
            if not self.step():
                stop.wait(POLL_SECONDS)
        self.close()

    def step(self) -> bool:
        """Look at encoder and button, then send one piece to the screen; say whether there is more to send."""
        now = self._clock.now()
        self._saver.timeouts = self._wanted.timeouts
        self._actions.extend(self._saver.filter(self._look(now), now))
        return self._draw(now)

    def close(self) -> None:
        """Turn light and screen off and give the buses back."""
        for device in (self._encoder, self._button, self._screen):
            if device is not None:
                device.close()

    def _look(self, now: float) -> List[Action]:
        """Return what has been done, and light the light, which may be on the encoder's chip."""
        actions: List[Action] = []
        if self._encoder is not None:
            steps = self._encoder.use(now, lambda encoder: self._follow(encoder, now))
            if steps:
                actions.append(Action(TURN, steps, now))
        if self._button is not None:
            changes = self._button.use(now, lambda button: button.changes(now))
            if changes is not None:
                actions += changes
            elif self._down:
                # Its release will not come any more, and a press without one means "home".
                actions.append(Action(RELEASE, 0, now))
            for action in actions:
                self._down = self._down if action.kind == TURN else action.kind != RELEASE
        return actions

    def _follow(self, encoder: EncoderSource, now: float) -> int:
        steps = encoder.turned(now)
        if isinstance(encoder, Led):
            encoder.light(self._colour)
        return steps

    def _draw(self, now: float) -> bool:
        if self._screen is None:
            return False
        if not self._screen.working:
            self._painter.cleared()
            self._set = None
        state = self._saver.state(now)
        if state == SAVER:
            self._painter.show(saver_picture(now))
        elif state != BLANK and self._picture:
            self._painter.show(self._picture)
        return bool(self._screen.use(now, lambda screen: self._send(screen, state, now)))

    def _send(self, screen: Screen, state: str, now: float) -> bool:
        contrast = round(self._full * self._wanted.contrast)
        if state != AWAKE:
            contrast = min(contrast, _DIM_CONTRAST)
        if (state, contrast) != self._set:
            screen.contrast(contrast)
            before = None if self._set is None else self._set[0]
            if (state == BLANK) != (before == BLANK):
                screen.power(state != BLANK)
            self._set = (state, contrast)
        if state == BLANK:
            return False
        piece = self._painter.piece(now)
        if piece is None:
            return False
        screen.write(*piece)
        self._painter.sent(piece)
        return True


def _retried(name: str, check: str, opening: Optional[Callable[[], D]]) -> Optional[Retried[D]]:
    return None if opening is None else Retried(name, check, opening)
