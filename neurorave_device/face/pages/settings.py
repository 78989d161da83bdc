"""A page of settings, derived from the parameter table: what is new in the table is here without a word."""

from typing import List

from ..groups import Group
from ..reach import Reach
from ..words import word
from .lines import Line, Setting
from .list_page import ListPage


class SettingsPage(ListPage):
    """One group of the table."""

    def __init__(self, group: Group, reach: Reach) -> None:
        super().__init__()
        self.group = group
        self._reach = reach
        self._lines: List[Line] = [Setting(entry, reach) for entry in group.entries]

    @property
    def heading(self) -> str:
        return self.group.title

    def entries(self) -> List[Line]:
        return self._lines


class CvPage(SettingsPage):
    """What one CV moves and how; its head says where to, and the volts at the jack."""

    @property
    def heading(self) -> str:
        return "%s \u2192 %s" % (self.group.title, word(self._lines[0].value).full)

    @property
    def hint(self) -> str:
        volts = self._reach.link.telemetry().volts[int(self.group.key[2:]) - 1]
        return "%+.1f V" % volts if volts == volts else ""
