"""What the face sees of the memory and the workshop, without a disk."""

from typing import Dict, List, Optional, Tuple

from neurorave_device.errors import UserError
from neurorave_device.face.catch_up import CatchUp
from neurorave_device.face.memory import Memory
from neurorave_device.face.workshop import Workshop
from neurorave_device.parameters import PARAMETERS
from neurorave_device.update.trial import Standing

from .fake_link import FakeLink


class FakeMemory(Memory):
    """Presets in a dictionary; they are written at once."""

    def __init__(self, link: FakeLink, catch_up: CatchUp) -> None:
        self.link = link
        self.catch_up = catch_up
        self.kept: Dict[str, Dict[str, float]] = {}
        self._said: Tuple[int, str] = (0, "")
        self._present = ""

    def present(self) -> str:
        return self._present

    def presets(self) -> List[str]:
        return sorted(self.kept)

    def save_preset(self, name: str) -> None:
        self.kept[name] = {row.id: self.link.get(row.id) for row in PARAMETERS if not row.setup}
        self._present = name
        self._say("%s is saved" % name)

    def load_preset(self, name: str) -> None:
        if name not in self.kept:
            raise UserError("there is no preset %r" % name)
        for key, value in self.catch_up.loaded(self.kept[name], self.link.clock.now()).items():
            self.link.set(key, value)
        self._present = name
        self._say("%s is loaded" % name)

    def morph_presets(self, first: str, second: str) -> None:
        self.link.set_morph(self.kept[first], self.kept[second], (first, second))

    def rename_preset(self, name: str, new: str) -> None:
        self.kept[new] = self.kept.pop(name)

    def delete_preset(self, name: str) -> None:
        del self.kept[name]
        self._say("%s is deleted" % name)

    def said(self) -> Tuple[int, str]:
        return self._said

    def _say(self, text: str) -> None:
        self._said = (self._said[0] + 1, text)


class FakeWorkshop(Workshop):
    """Counts what it is asked to do; its answers are set by the test."""

    def __init__(self) -> None:
        self.heat: Optional[float] = 52.4
        self.asked: List[str] = []
        self.found = ("", "")
        self.made = ("", "")
        self.versions = Standing("0.1.0")

    def celsius(self) -> Optional[float]:
        return self.heat

    def version(self) -> str:
        return "0.1.0"

    def standing(self) -> Standing:
        return self.versions

    def test(self) -> None:
        self.asked.append("test")

    def tested(self) -> Tuple[str, str]:
        return self.found

    def pack(self) -> None:
        self.asked.append("pack")

    def packed(self) -> Tuple[str, str]:
        return self.made
