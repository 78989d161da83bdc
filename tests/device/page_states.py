"""Every page in the states that matter, as pictures; `python -m tests.device.page_states` draws them anew.

Look at each picture that changed before you commit it: the tests only say that nothing changed unseen.
"""

import os
from typing import Callable, Dict, Tuple

from PIL import Image

from neurorave_device.face.link import FAULT, STARTING
from neurorave_device.parameters import DESTINATIONS
from neurorave_device.update.trial import Standing

from .hand import Hand
from .procedure_states import PROCEDURES

FOLDER = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "pages")


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


def _play_marks() -> bytes:
    """Cables in two jacks, a morph at 70 %, and a gate that holds the sound still."""
    hand = Hand()
    hand.memory.save_preset("amber")
    hand.memory.save_preset("birch")
    hand.memory.morph_presets("amber", "birch")
    hand.wait()
    hand.link.extra = {"patched": (True, False, True, False), "frozen": True, "morph": 0.7}
    return hand.picture()


def _morph(*lines: str) -> Callable[[], bytes]:
    def draw() -> bytes:
        hand = Hand()
        for name in ("amber", "Rain on a tin roof in the early morning"):
            hand.memory.save_preset(name)
        hand.wait()
        hand.open("Morph")
        for line in lines:
            hand.line(line)
            hand.click()
            if line != "Morph":
                hand.turn(1 if line == "B" else -1)
                hand.click()
        hand.wait()
        return hand.picture()

    return draw


def _play_level() -> bytes:
    hand = Hand()
    hand.face.turn(-3, hand.clock.now())
    return hand.picture()


def _play_others() -> bytes:
    """Two CVs move what is no descriptor and share the last row; it is the second one's turn."""
    hand = Hand()
    hand.link.set("cv4.destination", float(DESTINATIONS.index("morph")))
    hand.link.set_jack(4, volts=-3.0)
    hand.clock.advance(4.0)
    return hand.picture()


def _list() -> bytes:
    hand = Hand()
    hand.click()
    hand.turn(4)
    return hand.picture()


def _list_end() -> bytes:
    hand = Hand()
    hand.click()
    hand.turn(40)
    return hand.picture()


def _models() -> bytes:
    hand = Hand()
    hand.link.shelf += [("broken", "broken/bundle.yaml: schema is 7, allowed is 1")]
    hand.open("Models")
    return hand.picture()


def _models_long() -> bytes:
    """A name and an author that do not fit."""
    hand = Hand()
    hand.link.name = "a_bundle_with_a_very_long_name_indeed"
    hand.link.author = "Somebody With a Long Name and a Longer Institution"
    hand.link.shelf = [(hand.link.name, "")] + hand.link.shelf
    hand.open("Models")
    return hand.picture()


def _models_bad() -> bytes:
    hand = Hand()
    hand.link.shelf = [
        ("broken", "/media/card/models/broken/bundle.yaml: schema is 7, allowed is 1")
    ]
    hand.open("Models")
    return hand.picture()


def _models_loading() -> bytes:
    hand = Hand()
    hand.open("Models")
    hand.turn(1)
    hand.face.press(hand.clock.now())
    hand.face.release(hand.clock.now())
    hand.clock.advance(0.1)
    return hand.picture()


def _shelf() -> Hand:
    hand = Hand()
    for name in ("amber", "Rain on a tin roof in the early morning", "zinc"):
        hand.memory.save_preset(name)
    hand.wait()
    hand.open("Presets")
    return hand


def _presets() -> bytes:
    return _shelf().picture()


def _presets_load() -> bytes:
    hand = _shelf()
    hand.line("amber")
    hand.click()
    return hand.picture()


def _presets_loaded() -> bytes:
    hand = _shelf()
    hand.line("amber")
    hand.click()
    hand.face.press(hand.clock.now())
    hand.face.release(hand.clock.now())
    hand.clock.advance(0.1)
    return hand.picture()


def _presets_hold() -> bytes:
    """Half way to deleting one."""
    hand = _shelf()
    hand.line("Rain on a tin roof in the early morning")
    hand.click()
    hand.turn(2)
    hand.press(2.4)
    return hand.picture()


def _presets_question() -> bytes:
    hand = _shelf()
    hand.line("amber")
    hand.click()
    hand.turn(2)
    hand.hold(4.1)
    return hand.picture()


def _presets_name() -> bytes:
    hand = _shelf()
    hand.line("Save as new")
    hand.click()
    return hand.picture()


def _presets_letters() -> bytes:
    hand = _shelf()
    hand.line("Save as new")
    hand.click()
    hand.turn(12)
    for _ in range(20):
        hand.click()
    return hand.picture()


def _cv() -> bytes:
    hand = Hand()
    hand.link.set_jack(3, volts=-2.345)
    hand.open("CV 3")
    return hand.picture()


def _cv_edit() -> bytes:
    hand = Hand()
    hand.open("CV 3")
    hand.line("Amount")
    hand.click()
    return hand.picture()


def _cv_fine() -> bytes:
    hand = Hand()
    hand.open("CV 3")
    hand.line("Amount")
    hand.click()
    hand.turn(7, fine=True)
    return hand.picture()


def _cv_end() -> bytes:
    hand = Hand()
    hand.open("CV 1")
    hand.turn(30)
    return hand.picture()


def _descriptors() -> bytes:
    hand = Hand()
    hand.open("Descriptors")
    hand.turn(7)
    hand.click()
    return hand.picture()


def _motion() -> bytes:
    hand = Hand()
    hand.link.set("motion.rms.shape", 1.0)
    hand.open("Motion")
    hand.turn(3)
    return hand.picture()


def _motion_pitched() -> bytes:
    """The model that plays has a pitch for its first latent."""
    hand = Hand()
    hand.link.name = "notes"
    hand.link.pitched = True
    hand.link.set("motion.latent_0.shape", 6.0)
    hand.open("Motion")
    return hand.picture()


def _opened(title: str) -> Callable[[], bytes]:
    def draw() -> bytes:
        hand = Hand()
        hand.open(title)
        return hand.picture()

    return draw


def _system_hold() -> bytes:
    hand = Hand()
    hand.open("System")
    hand.press(3.5)
    return hand.picture()


def _system_question() -> bytes:
    hand = Hand()
    hand.open("System")
    hand.hold(4.1)
    hand.turn(1)
    return hand.picture()


def _system_versions(versions: Standing, line: str = "") -> Callable[[], bytes]:
    """``line``: what is clicked on."""

    def draw() -> bytes:
        hand = Hand()
        hand.workshop.versions = versions
        hand.open("System")
        if line:
            hand.line(line)
            hand.face.press(hand.clock.now())
            hand.face.release(hand.clock.now())
            hand.clock.advance(0.1)
        return hand.picture()

    return draw


_LEFT = Standing("0.1.0", update="0.2.0", why="it was started 2 times and never played for 30 s")


def _info_work() -> bytes:
    """The self-test is done, the support bundle under way."""
    hand = Hand()
    hand.workshop.found = ("2 hints", "")
    hand.workshop.made = ("writing", "")
    hand.open("Info")
    hand.line("Self-test")
    return hand.picture()


def _info_end() -> bytes:
    hand = Hand()
    hand.open("Info")
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
    "play_others": _play_others,
    "play_marks": _play_marks,
    "morph": _morph(),
    "morph_half": _morph("A"),
    "morph_plays": _morph("A", "B", "Morph"),
    "list": _list,
    "list_end": _list_end,
    "models": _models,
    "models_long": _models_long,
    "models_bad": _models_bad,
    "models_loading": _models_loading,
    "presets": _presets,
    "presets_load": _presets_load,
    "presets_loaded": _presets_loaded,
    "presets_hold": _presets_hold,
    "presets_question": _presets_question,
    "presets_name": _presets_name,
    "presets_letters": _presets_letters,
    "cv": _cv,
    "cv_edit": _cv_edit,
    "cv_fine": _cv_fine,
    "cv_end": _cv_end,
    "gates": _opened("Gates"),
    "descriptors": _descriptors,
    "macro": _opened("Macro"),
    "motion": _motion,
    "motion_pitched": _motion_pitched,
    "sound": _opened("Sound"),
    "screen": _opened("Screen"),
    "encoder": _opened("Encoder"),
    "midi": _opened("MIDI"),
    "learn": _opened("MIDI learn"),
    **PROCEDURES,
    "system": _opened("System"),
    "system_trial": _system_versions(Standing("0.2.0", on_trial=True)),
    "system_waits": _system_versions(Standing("0.1.0", update="0.2.0")),
    "system_left": _system_versions(_LEFT),
    "system_why": _system_versions(_LEFT, "Update"),
    "system_hold": _system_hold,
    "system_question": _system_question,
    "info": _opened("Info"),
    "info_work": _info_work,
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
