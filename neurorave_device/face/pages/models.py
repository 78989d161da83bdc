"""The model browser: what can be played, what it costs, and why some of it cannot."""

import re
from typing import Any, Dict, List

from ..canvas import WIDTH, Canvas
from ..font import NO_BREAK, wrap
from ..reach import Reach
from ..words import title
from .lines import Line
from .list_page import ListPage
from .page import Move

_DETAIL_Y = 47
_DETAIL_ROWS = 2


class _Model(Line):
    """One bundle; a click plays it, or says what is wrong with it."""

    def __init__(self, row: Dict[str, Any], alone: bool, reach: Reach) -> None:
        """``alone``: no other bundle has this title; those that have are told apart by their folders."""
        super().__init__(title(str(row["title" if alone else "name"])))
        self.row = row
        self._reach = reach

    @property
    def value(self) -> str:
        if self.row["fault"]:
            return "bad"
        return "plays" if self.row["playing"] else ""

    @property
    def detail(self) -> str:
        """What the lower edge of the page says of it."""
        row = self.row
        if row["fault"]:
            return without_folder(str(row["fault"]), str(row["name"]))
        cost = "%.0f M/s, " % (row["mac_per_second"] / 1e6) if row["mac_per_second"] else ""
        text = "%s, %s, %sgate %.0f ms" % (
            row["author"] or "nobody",
            size_of(int(row["size"])),
            cost,
            row["latency_ms"],
        )
        return re.sub(r"(?<=\d) (?=\D)", NO_BREAK, text)

    def click(self, now: float) -> Move:
        if self.row["fault"]:
            self._reach.say(self.detail, now)
        elif not self.row["playing"]:
            self._reach.link.play_bundle(str(self.row["name"]))
            self._reach.say("loading " + self.name, now)
        return None


class ModelsPage(ListPage):
    """Four lines of the list, and two about the one under the cursor."""

    heading = "Models"
    visible = 4

    def __init__(self, reach: Reach) -> None:
        super().__init__()
        self._reach = reach
        self._models: List[_Model] = []

    def entries(self) -> List[Line]:
        rows = self._reach.link.bundles()
        if rows != [model.row for model in self._models]:
            titles = [row["title"] for row in rows]
            self._models = [
                _Model(row, titles.count(row["title"]) == 1, self._reach) for row in rows
            ]
        return list(self._models)

    def draw(self, canvas: Canvas, now: float) -> None:
        super().draw(canvas, now)
        line = self._line()
        if isinstance(line, _Model):
            lines = wrap(line.detail, WIDTH)
            if len(lines) > _DETAIL_ROWS:
                lines[_DETAIL_ROWS - 1] += "\u2026"
            for row, text in enumerate(lines[:_DETAIL_ROWS]):
                canvas.text_fit(0, _DETAIL_Y + 9 * row, text, WIDTH)


def without_folder(fault: str, name: str) -> str:
    """Return a sentence about the bundle ``name`` without the way to its folder, which has the screen's whole width."""
    path, colon, said = fault.partition(": ")
    if not colon or "/" not in path:
        return fault
    file = path.rpartition("/")[2]
    return said if file == name else file + colon + said


def size_of(count: int) -> str:
    """Return a count of bytes as people read it: 2 kB, 3.4 MB, 1.2 GB."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if count >= factor:
            return "%.1f %s" % (count / factor, unit)
    return "%d kB" % max(1, round(count / 1e3))
