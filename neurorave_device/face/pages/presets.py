"""The presets: keep what is set under a name, and load, replace or delete what is kept."""

from typing import List, Optional, Tuple

from neurorave_device.errors import UserError

from ..canvas import Canvas
from ..encoder import Gesture
from ..memory import Memory
from ..naming import proposals
from ..reach import Reach
from ..words import title
from .lines import Choices, Deed, Line
from .list_page import ListPage
from .name_wheel import NameWheel
from .page import Move


class PresetsPage(ListPage):
    """The shelf of presets, and in its place the wheel of letters while a name is made."""

    heading = "Presets"

    def __init__(self, reach: Reach) -> None:
        super().__init__()
        self._reach = reach
        self._names: Optional[Tuple[str, ...]] = None
        self._lines: List[Line] = []
        self._wheel: Optional[NameWheel] = None

    @property
    def changing(self) -> bool:
        return super().changing or self._wheel is not None

    @property
    def destroys(self) -> str:
        return "" if self._wheel is not None else super().destroys

    def entries(self) -> List[Line]:
        names = tuple(self._reach.presets())
        if names != self._names:
            self._quit_edit(names)
            self._names = names
            self._lines = [Deed("Save as new", self._name)]
            self._lines += [self._line_of(name) for name in names]
        return self._lines

    def turn(self, gesture: Gesture, now: float) -> None:
        if self._wheel is not None:
            self._wheel.turn(gesture.steps)
        else:
            super().turn(gesture, now)

    def click(self, now: float) -> Move:
        if self._wheel is None:
            return super().click(now)
        name = self._wheel.click()
        if self._wheel.done:
            self._wheel = None
        if name:
            self._memory().save_preset(name)
        return None

    def leave(self, now: float) -> None:
        super().leave(now)
        self._wheel = None

    def draw(self, canvas: Canvas, now: float) -> None:
        if self._wheel is not None:
            self._wheel.draw(canvas)
        else:
            super().draw(canvas, now)

    def _memory(self) -> Memory:
        if self._reach.memory is None:
            raise UserError("another neurorave keeps the presets, so this one has none")
        return self._reach.memory

    def _name(self, now: float) -> Move:
        self._memory()
        about = title(str(self._reach.link.info()["name"]))
        self._wheel = NameWheel(proposals(about, self._reach.presets()))
        return None

    def _quit_edit(self, names: Tuple[str, ...]) -> None:
        """The list changes under the cursor: it stays on its line where that is still there."""
        if self._names is None:
            return
        at = self.cursor - 2
        name = self._names[at] if 0 <= at < len(self._names) else None
        self.editing = False
        if name in names:
            self.cursor = names.index(str(name)) + 2

    def _line_of(self, name: str) -> Line:
        def load(now: float) -> Move:
            self._memory().load_preset(name)
            return None

        def replace(now: float) -> Move:
            self.ask("replace " + name, "replace", lambda now: self._memory().save_preset(name))
            return None

        def delete(now: float) -> Move:
            self._memory().delete_preset(name)
            return None

        deeds = [("load", load), ("replace", replace), ("delete", delete)]
        return Choices(name, deeds, self._reach, destroying="delete")
