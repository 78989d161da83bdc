"""Every page in the states that matter, as pictures; `python -m tests.device.page_states` draws them anew.

Look at each picture that changed before you commit it: the tests only say that nothing changed unseen.
"""

import os
from typing import Callable, Dict, Tuple

from PIL import Image

from neurorave_device.clock import VirtualClock
from neurorave_device.face.face import Face
from neurorave_device.face.link import FAULT, STARTING

from .fake_link import FakeLink

FOLDER = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "pages")


class Hand:
    """A player's hand on one face in virtual time."""

    def __init__(self) -> None:
        self.clock = VirtualClock(10.0)
        self.link = FakeLink(self.clock)
        self.face = Face(self.link)

    def turn(self, steps: int, fine: bool = False) -> None:
        self.face.turn(steps, self.clock.now(), fine)
        self.clock.advance(1.0)

    def click(self) -> None:
        self.face.press(self.clock.now())
        self.clock.advance(0.1)
        self.face.release(self.clock.now())
        self.clock.advance(1.0)

    def open(self, line: int) -> None:
        """From the play page, open the entry of the list in this line (0 is Back)."""
        self.click()
        self.turn(line - 1)
        self.click()

    def picture(self) -> bytes:
        self.face.refresh(self.clock.now())
        return self.face.picture


def _splash() -> bytes:
    hand = Hand()
    hand.link.state = STARTING
    hand.link.message = "checking the bundle"
    return hand.picture()


def _play() -> bytes:
    hand = Hand()
    hand.link.set_jack(1, volts=3.0)
    hand.link.set_jack(2, volts=2.0)
    hand.link.set_jack(3, volts=-2.0)
    hand.link.set_gate(1, True)
    return hand.picture()


def _play_full() -> bytes:
    """Long name, all CVs on one descriptor, both gates, overload, many late blocks."""
    hand = Hand()
    hand.link.name = "a_bundle_with_a_very_long_name_indeed"
    for index in range(1, 5):
        hand.link.set("cv%d.destination" % index, 1.0)
        hand.link.set_jack(index, volts=9.0)
    hand.link.set_gate(1, True)
    hand.link.set_gate(2, True)
    hand.link.load = 1.24
    hand.link.late = 12345
    hand.link.peak = 1.5
    return hand.picture()


def _play_eased() -> bytes:
    """The meter rests: only what is asked is there."""
    hand = Hand()
    hand.link.measured = False
    hand.link.eased = 1
    hand.link.load = 0.83
    hand.link.set_jack(2, volts=2.0)
    hand.link.set_jack(3, volts=-2.0)
    hand.link.set_gate(1, True)
    return hand.picture()


def _eased() -> bytes:
    hand = Hand()
    hand.link.message = "Too hot (93 C): the screen is drawn less often."
    return hand.picture()


def _play_level() -> bytes:
    hand = Hand()
    hand.face.turn(-3, hand.clock.now())
    return hand.picture()


def _list() -> bytes:
    hand = Hand()
    hand.click()
    hand.turn(4)
    return hand.picture()


def _cv() -> bytes:
    hand = Hand()
    hand.open(3)
    return hand.picture()


def _cv_edit() -> bytes:
    hand = Hand()
    hand.open(3)
    hand.turn(2)
    hand.click()
    return hand.picture()


def _cv_fine() -> bytes:
    hand = Hand()
    hand.open(3)
    hand.turn(2)
    hand.click()
    hand.turn(7, fine=True)
    return hand.picture()


def _gates() -> bytes:
    hand = Hand()
    hand.open(5)
    return hand.picture()


def _descriptors() -> bytes:
    hand = Hand()
    hand.open(6)
    hand.turn(7)
    hand.click()
    return hand.picture()


def _sound() -> bytes:
    hand = Hand()
    hand.open(7)
    return hand.picture()


def _info() -> bytes:
    hand = Hand()
    hand.open(12)
    return hand.picture()


def _info_end() -> bytes:
    hand = Hand()
    hand.open(12)
    hand.turn(50)
    return hand.picture()


def _message() -> bytes:
    hand = Hand()
    hand.face.say("seed is 99999.0, allowed is a whole number from 0 to 9999", hand.clock.now())
    return hand.picture()


def _fault() -> bytes:
    hand = Hand()
    hand.link.state = FAULT
    hand.link.message = (
        "The bundle /media/sd/kicks was not loaded: decoder.onnx does not match its sha256 sum "
        "in bundle.yaml, so copy the whole folder once more."
    )
    return hand.picture()


STATES: Dict[str, Callable[[], bytes]] = {
    "splash": _splash,
    "play": _play,
    "play_full": _play_full,
    "play_eased": _play_eased,
    "play_level": _play_level,
    "list": _list,
    "cv": _cv,
    "cv_edit": _cv_edit,
    "cv_fine": _cv_fine,
    "gates": _gates,
    "descriptors": _descriptors,
    "sound": _sound,
    "info": _info,
    "info_end": _info_end,
    "message": _message,
    "eased": _eased,
    "fault": _fault,
}


def path_of(name: str) -> str:
    """Return where the reference picture of a state lies."""
    return os.path.join(FOLDER, name + ".png")


def load(name: str) -> Tuple[Tuple[int, int], bytes]:
    """Return a reference picture's size and points."""
    with Image.open(path_of(name)) as image:
        return image.size, bytes(image.convert("1").tobytes())


def main() -> None:
    os.makedirs(FOLDER, exist_ok=True)
    for name, make in STATES.items():
        Image.frombytes("1", (128, 64), make()).save(path_of(name))
    print("%d pictures in %s" % (len(STATES), FOLDER))


if __name__ == "__main__":
    main()
