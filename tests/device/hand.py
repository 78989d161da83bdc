"""A player's hand on the face of a fake module, in virtual time."""

from pathlib import Path
from typing import Any

from neurorave_device.clock import VirtualClock
from neurorave_device.face.catch_up import CatchUp
from neurorave_device.face.face import Face
from neurorave_device.face.menu import MESSAGE_SECONDS
from neurorave_device.face.pages.dialog_page import ordered

from .fake_link import FakeLink
from .fake_memory import FakeMemory, FakeWorkshop
from .fake_procedures import FakeProcedures


class Hand:
    """A player's hand on one face in virtual time."""

    def __init__(self, folder: Path = Path("/nowhere")) -> None:
        """`folder` is where a calibration is kept."""
        self.clock = VirtualClock(10.0)
        self.link = FakeLink(self.clock)
        catch_up = CatchUp()
        self.memory = FakeMemory(self.link, catch_up)
        self.workshop = FakeWorkshop()
        self.procedures = FakeProcedures(self.link, folder)
        self.face = Face(self.link, self.memory, self.workshop, catch_up, self.procedures)

    @property
    def page(self) -> Any:
        return self.face.menu.page

    def turn(self, steps: int, fine: bool = False) -> None:
        self.face.turn(steps, self.clock.now(), fine)
        self.clock.advance(1.0)

    def click(self) -> None:
        self.hold(0.1)
        self.clock.advance(1.0)

    def hold(self, seconds: float) -> None:
        """Press for so long, looking at the screen all the time."""
        self.press(seconds)
        self.face.release(self.clock.now())

    def press(self, seconds: float) -> None:
        """Press and keep on pressing."""
        self.face.press(self.clock.now())
        self.look(seconds)

    def look(self, seconds: float) -> None:
        """Look at the screen for so long, while all that works by itself goes on."""
        for _ in range(max(1, round(seconds / 0.1))):
            self.clock.advance(0.1)
            self.procedures.follow(self.clock.now())
            self.face.refresh(self.clock.now())

    def patch(self, *volts: float) -> None:
        """Put voltages into the jacks, which read 2 % and 30 mV too much."""
        for jack, value in zip(self.link.cv, volts):
            jack["volts"] = 1.02 * value + 0.03

    def choose(self, label: str) -> None:
        """Take a choice of the dialog that is open."""
        labels = [choice.label for choice in ordered(self.page.view())]
        self.turn(labels.index(label) - self.page.cursor)
        self.click()

    def home(self) -> None:
        self.hold(0.8)
        self.clock.advance(1.0)

    def open(self, title: str) -> None:
        """From the play page, open a page of the list."""
        contents = self.face.menu.contents
        titles = [line.name for line in contents.lines()]
        self.click()
        self.turn(titles.index(title) - contents.cursor)
        self.click()

    def line(self, name: str) -> None:
        """Move to a line of the open list."""
        names = [line.name for line in self.page.lines()]
        self.turn(names.index(name) - self.page.cursor)

    def wait(self) -> None:
        """Wait until what was said for a moment is gone."""
        self.face.refresh(self.clock.now())
        self.clock.advance(MESSAGE_SECONDS + 0.1)

    def picture(self) -> bytes:
        self.face.refresh(self.clock.now())
        return self.face.picture
