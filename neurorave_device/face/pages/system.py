"""The page of what concerns the module as a whole: beginning afresh, in two sizes, and which version plays."""

from typing import List

from neurorave_device.parameters import PARAMETERS
from neurorave_device.update.trial import Standing

from ..reach import Reach
from .lines import Destroying, Line, Text
from .list_page import ListPage


class SystemPage(ListPage):
    """Resets, each of which takes a press of four seconds and a question; then the versions."""

    heading = "System"

    def __init__(self, reach: Reach) -> None:
        super().__init__()
        self._reach = reach
        self._resets: List[Line] = [
            Destroying("Reset patch", "reset the patch", reach, self._patch),
            Destroying("Reset setup", "reset the setup", reach, self._setup),
        ]
        self._standing = Standing("")
        self._versions: List[Line] = []

    def entries(self) -> List[Line]:
        work = self._reach.workshop
        if work is not None and work.standing() != self._standing:
            self._standing = work.standing()
            self._versions = version_lines(self._standing, self._reach)
        return self._resets + self._versions

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


def version_lines(found: Standing, reach: Reach) -> List[Line]:
    """Return a line for the version that plays, and what there is to say of an update; a click tells it in full."""
    if found.on_trial:
        told = "Version %s is on trial: it stays once it has played for 30 s." % found.version
        return [Text("Version", found.version + " on trial", reach, told)]
    lines: List[Line] = [Text("Version", found.version, reach)]
    if found.why:
        told = "Version %s is not taken: %s." % (found.update, found.why.rstrip("."))
        lines.append(Text("Update", found.update + " not taken", reach, told))
        lines.append(Text("  " + found.why, "", reach, told))
    elif found.update:
        told = "Version %s is installed: the next start tries it." % found.update
        lines.append(Text("Update", found.update + " waits", reach, told))
    return lines
