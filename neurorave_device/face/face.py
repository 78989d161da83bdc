"""The face as one thing: encoder events in, a picture and a light out; screen and browser panel share it."""

from typing import List, Optional

from neurorave_device.sound_process.governor import FACE

from .canvas import Canvas
from .catch_up import CatchUp
from .encoder import Encoder, Gesture
from .led import Lamp, Light
from .link import FaceLink
from .memory import Memory
from .menu import Menu
from .pace import Pace
from .procedures import Procedures
from .workshop import Workshop

PICTURES_PER_SECOND = 15
"""At most; a still page sends none. A display that is written to can be heard (ANCHORS of the field)."""
EASED_PICTURES_PER_SECOND = 5
"""Where the governor has slowed the face; a turned encoder still shows within a fifth of a second."""


class Face:
    """One face of one module. All methods belong to one thread; time is in seconds on one clock."""

    def __init__(
        self,
        link: FaceLink,
        memory: Optional[Memory] = None,
        workshop: Optional[Workshop] = None,
        catch_up: Optional[CatchUp] = None,
        procedures: Optional[Procedures] = None,
    ) -> None:
        self._link = link
        self._encoder = Encoder()
        self._lamp = Lamp()
        self.menu = Menu(link, memory, workshop, catch_up, procedures)
        self.missing = False
        """Set by who looks after the front panel: one of its devices does not answer."""
        self._pictures = Pace(PICTURES_PER_SECOND)
        self._looks = Pace(PICTURES_PER_SECOND)
        self._touched = False
        self._picture = b""

    @property
    def picture(self) -> bytes:
        """The newest picture, 1024 bytes as ``Canvas.pixels``; empty before the first ``refresh``."""
        return self._picture

    def turn(self, steps: int, now: float, fine: bool = False) -> None:
        """Take detents of the encoder, clockwise positive."""
        self._turn(-steps if self._link.get("encoder.direction") else steps, now, fine)

    def arrow(self, steps: int, now: float, fine: bool = False) -> None:
        """Take steps of an upward key: a value rises, a list goes to the entry above."""
        self._turn(steps if self.menu.changing else -steps, now, fine)

    def press(self, now: float) -> None:
        """Take the encoder's switch going down."""
        self._act(self._encoder.press(now, bool(self.menu.destroys(now))), now)

    def release(self, now: float) -> None:
        """Take the encoder's switch going up."""
        self._act(self._encoder.release(now), now)

    def cancel(self) -> None:
        """Forget a press whose release will never come."""
        self._encoder.cancel()

    def say(self, text: str, now: float) -> None:
        """Show one sentence on the screen for some seconds."""
        self.menu.say(text, now)

    def setting(self, parameter_id: str) -> float:
        """Return a parameter's value, for who looks after screen and light."""
        return self._link.get(parameter_id)

    def light(self, now: float) -> Light:
        """Return what the RGB light shows now."""
        telemetry = self._link.telemetry()
        missing = self.missing or bool(telemetry.fault)
        return self._lamp.light(telemetry, now, self.menu.learning, missing)

    def refresh(self, now: float) -> Optional[bytes]:
        """Let time pass and return a new picture, or None where it is too early or nothing has changed."""
        self._act(self._encoder.poll(now), now)
        self.menu.follow(now)
        rate = self._rate()
        if not self._pictures.permitted(now, rate):
            return None
        # What the player has just done waits for the last new picture only, not for the last look for one.
        if not self._touched and not self._looks.permitted(now, rate):
            return None
        self._touched = False
        self._looks.took(now, rate)
        canvas = Canvas()
        self.menu.draw(canvas, now, self._encoder.on_the_way(now))
        pixels = canvas.pixels()
        if pixels == self._picture:
            return None
        self._picture = pixels
        self._pictures.took(now, rate)
        return pixels

    def _turn(self, steps: int, now: float, fine: bool) -> None:
        self._encoder.accelerates = bool(self._link.get("encoder.acceleration"))
        self._act(self._encoder.turn(steps, now, fine), now)

    def _rate(self) -> int:
        eased = self._link.telemetry().eased >= FACE
        return EASED_PICTURES_PER_SECOND if eased else PICTURES_PER_SECOND

    def _act(self, gestures: List[Gesture], now: float) -> None:
        self._touched = self._touched or bool(gestures)
        for gesture in gestures:
            self.menu.handle(gesture, now)
