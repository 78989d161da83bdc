"""The real calibration on a fake module, and a made-up dialog in the place of MIDI learn."""

from pathlib import Path
from typing import Callable, List

from neurorave_device.dialog import Choice, Dialog, View
from neurorave_device.face.procedures import Procedures
from neurorave_device.face_process.calibration_desk import CalibrationDesk
from neurorave_device.storage.calibration import CalibrationFile

from .fake_link import FakeLink

REACH = 10.2


class Steps(Dialog):
    """Two steps; the second waits for something from outside."""

    def __init__(self) -> None:
        self.step = 0
        self.left = False

    def view(self) -> View:
        leave = Choice("leave", "Leave")
        if self.step == 0:
            choices = (Choice("go", "Learn"), leave)
            return View("what", "MIDI learn", "What shall be moved?", choices=choices)
        if self.step == 1:
            return View("wait", "MIDI learn", "Move the controller.", choices=(leave,))
        return View("done", "MIDI learn", "Controller 7 moves the level.", ended=True)

    def choose(self, choice: str) -> None:
        if choice == "go":
            self.step = 1

    def leave(self) -> None:
        self.left = True


class FakeProcedures(Procedures):
    """`jobs` are what the writing thread would do."""

    def __init__(self, link: FakeLink, folder: Path) -> None:
        self.jobs: List[Callable[[], None]] = []
        self.file = CalibrationFile(str(folder), "board")
        self.desk = CalibrationDesk(link, self.file, REACH, self.jobs.append)
        self.steps = Steps()

    def calibrate(self) -> Dialog:
        return self.desk.begin()

    def learn(self) -> Dialog:
        self.steps = Steps()
        return self.steps

    def follow(self, now: float) -> None:
        """Let time pass and the writing thread work."""
        self.desk.follow(now)
        while self.jobs:
            self.jobs.pop(0)()
