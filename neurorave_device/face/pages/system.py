"""The page of what concerns the module as a whole: beginning afresh, in two sizes."""

from typing import List

from neurorave_device.parameters import PARAMETERS

from ..reach import Reach
from .lines import Destroying, Line
from .list_page import ListPage


class SystemPage(ListPage):
    """Resets; each takes a press of four seconds and a question."""

    heading = "System"

    def __init__(self, reach: Reach) -> None:
        super().__init__()
        self._reach = reach
        self._lines: List[Line] = [
            Destroying("Reset patch", "reset the patch", reach, self._patch),
            Destroying("Reset setup", "reset the setup", reach, self._setup),
        ]

    def entries(self) -> List[Line]:
        return self._lines

    def _patch(self, now: float) -> None:
        self._reach.link.clear_morph()
        self._reset(False)
        self._reach.say("the patch is as new", now)

    def _setup(self, now: float) -> None:
        self._reset(True)
        self._reach.say("the setup is as new", now)

    def _reset(self, setup: bool) -> None:
        for row in PARAMETERS:
            if row.setup == setup:
                self._reach.link.set(row.id, row.default)
