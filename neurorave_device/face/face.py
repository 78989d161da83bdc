"""The face as one thing: encoder events in, a picture and a light out; screen and browser panel share it."""

from typing import List, Optional

from neurorave_device.governor import FACE

from .canvas import Canvas
from .encoder import Encoder, Gesture
from .led import Light, light_for
from .link import FaceLink
from .menu import Menu

PICTURES_PER_SECOND = 15
"""At most; a still page sends none. A display that is written to can be heard (ANCHORS of the field)."""
EASED_PICTURES_PER_SECOND = 5
"""Where the governor has slowed the face; a turned encoder still shows within a fifth of a second."""


class Face:
    """One face of one module. All methods belong to one thread; time is in seconds on one clock."""

    def __init__(self, link: FaceLink) -> None:
        self._link = link
        self._encoder = Encoder()
        self.menu = Menu(link)
        self._drawn_at = self._changed_at = float("-inf")
        self._touched = False
        self._picture = b""

    @property
    def picture(self) -> bytes:
        """The newest picture, 1024 bytes as ``Canvas.pixels``; empty before the first ``refresh``."""
        return self._picture

    def turn(self, steps: int, now: float, fine: bool = False) -> None:
        """Take detents of the encoder, clockwise positive."""
        self._act(self._encoder.turn(steps, now, fine), now)

    def arrow(self, steps: int, now: float, fine: bool = False) -> None:
        """Take steps of an upward key: a value rises, a list goes to the entry above."""
        self.turn(steps if self.menu.changing else -steps, now, fine)

    def press(self, now: float) -> None:
        """Take the encoder's switch going down."""
        self._act(self._encoder.press(now), now)

    def release(self, now: float) -> None:
        """Take the encoder's switch going up."""
        self._act(self._encoder.release(now), now)

    def cancel(self) -> None:
        """Forget a press whose release will never come."""
        self._encoder.cancel()

    def say(self, text: str, now: float) -> None:
        """Show one sentence on the screen for some seconds."""
        self.menu.say(text, now)

    def light(self) -> Light:
        """Return what the RGB light shows now."""
        return light_for(self._link.telemetry())

    def refresh(self, now: float) -> Optional[bytes]:
        """Let time pass and return a new picture, or None where it is too early or nothing has changed."""
        self._act(self._encoder.poll(now), now)
        # What the player has just done waits for the last new picture only, not for the last look for one.
        since = self._changed_at if self._touched else self._drawn_at
        if now - since < 1.0 / self._rate():
            return None
        self._touched = False
        canvas = Canvas()
        self.menu.draw(canvas, now)
        pixels = canvas.pixels()
        self._drawn_at = now
        if pixels == self._picture:
            return None
        self._picture = pixels
        self._changed_at = now
        return pixels

    def _rate(self) -> int:
        eased = self._link.telemetry().eased >= FACE
        return EASED_PICTURES_PER_SECOND if eased else PICTURES_PER_SECOND

    def _act(self, gestures: List[Gesture], now: float) -> None:
        self._touched = self._touched or bool(gestures)
        for gesture in gestures:
            self.menu.handle(gesture, now)
