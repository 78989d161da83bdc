"""The front panel and the face: what is done to the one reaches the other, and the other's picture comes back."""

import sys
import threading
from typing import Callable

from neurorave_device.drivers.fault_teller import FaultTeller
from neurorave_device.face.face import Face
from neurorave_device.face.led import colour_now
from neurorave_device.front_panel.front_panel import FrontPanel, ScreenSettings
from neurorave_device.front_panel.protocols import PRESS, RELEASE, TURN
from neurorave_device.front_panel.saver import Timeouts


def _complain(text: str) -> None:
    print("neurorave: " + text, file=sys.stderr, flush=True)


class FrontWiring:
    """Carries actions, pictures, colours and faults; all methods belong to the face's thread."""

    def __init__(
        self, panel: FrontPanel, face: Face, complain: Callable[[str], None] = _complain
    ) -> None:
        self._panel = panel
        self._face = face
        self._teller = FaultTeller(complain)
        self._fault = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=panel.run, args=(self._stop,), name="front panel", daemon=True
        )

    def start(self) -> None:
        """Let the devices be looked after."""
        self._thread.start()

    def follow(self, now: float) -> None:
        """Carry what is new; `now` is the time of the face's clock."""
        for action in self._panel.take():
            if action.kind == TURN:
                self._face.turn(action.steps, now)
            elif action.kind == PRESS:
                self._face.press(now)
            elif action.kind == RELEASE:
                self._face.release(now)
        self._face.refresh(now)
        self._panel.adjust(self._screen())
        self._panel.show(
            self._face.picture,
            colour_now(self._face.light(now), now, self._face.setting("encoder.light")),
        )
        self._teller.follow(self._panel.faults)
        fault = self._panel.fault
        self._face.missing = bool(fault)
        if fault != self._fault:
            self._fault = fault
            if fault:
                self._face.say(fault, now)

    def _screen(self) -> ScreenSettings:
        minutes = [60.0 * self._face.setting("screen." + name) for name in Timeouts._fields]
        return ScreenSettings(self._face.setting("screen.contrast"), Timeouts(*minutes))

    def close(self) -> None:
        """Turn screen and light off, and end the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(1.0)
