"""The states of the procedures: calibration and MIDI learn, step by step."""

import tempfile
from pathlib import Path
from typing import Callable, Dict

from .hand import Hand


def _calibrating(*labels: str, folder: Path = Path("/nowhere")) -> Hand:
    """All four inputs with 5 V, on the way that the labels say."""
    hand = Hand(folder)
    hand.open("Calibrate")
    for label in labels:
        if label.startswith("patch "):
            hand.patch(*[5.0 if n == int(label[6:]) else 0.0 for n in range(1, 5)])
            hand.look(0.3)
            hand.choose("Measure")
            hand.look(3.0)
        else:
            hand.choose(label)
            hand.look(3.0 if label == "Measure" else 0.3)
    return hand


def _calibrate(*labels: str) -> Callable[[], bytes]:
    return lambda: _calibrating(*labels).picture()


_REST = ("All four", "5 V", "Measure")


_ALL = _REST + ("patch 1", "patch 2", "patch 3", "patch 4")


def _calibrate_saved() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return _calibrating(*(_ALL + ("Finish", "Save")), folder=Path(folder)).picture()


def _calibrate_measuring() -> bytes:
    hand = _calibrating("All four", "5 V")
    hand.click()
    return hand.picture()


def _calibrate_hold() -> bytes:
    hand = _calibrating("No calibration")
    hand.turn(1)
    hand.press(2.0)
    return hand.picture()


def _learn_wait() -> bytes:
    hand = Hand()
    hand.open("MIDI learn")
    hand.choose("Learn")
    return hand.picture()


def _learn_done() -> bytes:
    hand = Hand()
    hand.open("MIDI learn")
    hand.procedures.steps.step = 2
    return hand.picture()


PROCEDURES: Dict[str, Callable[[], bytes]] = {
    "learn_wait": _learn_wait,
    "learn_done": _learn_done,
    "calibrate": _calibrate(),
    "calibrate_voltage": _calibrate("All four"),
    "calibrate_unplug": _calibrate("All four", "5 V"),
    "calibrate_measuring": _calibrate_measuring,
    "calibrate_patch": _calibrate(*_REST),
    "calibrate_problem": _calibrate(*(_REST + ("Measure",))),
    "calibrate_negative": _calibrate(*_ALL),
    "calibrate_result": _calibrate(*(_ALL + ("Finish",))),
    "calibrate_saved": _calibrate_saved,
    "calibrate_reset": _calibrate("No calibration"),
    "calibrate_hold": _calibrate_hold,
}
