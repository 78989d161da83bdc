"""The morph: two presets to play between, and where between them."""

from typing import List, Optional, Tuple

from neurorave_device.errors import UserError

from ..encoder import Gesture
from ..groups import Group
from ..reach import Reach
from .lines import Deed, Line
from .page import Move
from .settings import SettingsPage

_NOTHING = "choose"


class _End(Line):
    """One of the two presets; turning goes through the shelf, the click that ends the edit takes what is shown."""

    editable = True

    def __init__(self, place: int, page: "MorphPage", reach: Reach) -> None:
        super().__init__("AB"[place])
        self._place = place
        self._page = page
        self._reach = reach
        self._chosen: Optional[str] = None

    @property
    def value(self) -> str:
        return self._chosen or self._page.ends()[self._place] or _NOTHING

    def begin(self, now: float) -> None:
        names = self._reach.presets()
        if not names:
            raise UserError("there is no preset to morph from: save two first")
        present = self._page.ends()[self._place]
        self._chosen = present if present in names else names[0]

    def turn(self, gesture: Gesture, now: float) -> None:
        names = self._reach.presets()
        place = names.index(self._chosen) if self._chosen in names else 0
        self._chosen = names[min(max(place + gesture.steps, 0), len(names) - 1)] if names else None

    def end(self, now: float) -> Move:
        chosen, self._chosen = self._chosen, None
        if chosen is not None:
            self._page.choose(self._place, chosen)
        return None

    def quit(self) -> None:
        self._chosen = None


class MorphPage(SettingsPage):
    """Both ends, the position, and an end to it. It plays as soon as both ends are chosen."""

    def __init__(self, group: Group, reach: Reach) -> None:
        super().__init__(group, reach)
        # What was chosen while there is only one of them.
        self._half: Tuple[str, str] = ("", "")
        self._lines = [_End(0, self, reach), _End(1, self, reach)] + self._lines
        self._stop = Deed("End the morph", self._finish)

    def entries(self) -> List[Line]:
        if self._reach.link.morph() is None:
            return self._lines
        return self._lines + [self._stop]

    def ends(self) -> Tuple[str, str]:
        """Return the names of both presets, '' where none is chosen."""
        present = self._reach.link.morph()
        return self._half if present is None else present.names

    def choose(self, place: int, name: str) -> None:
        """Take a preset as an end."""
        first, second = self.ends()
        ends = (name, second) if place == 0 else (first, name)
        if not all(ends):
            self._half = ends
        elif self._reach.memory is not None:
            self._half = ("", "")
            self._reach.memory.morph_presets(*ends)

    def _finish(self, now: float) -> Move:
        self._reach.link.clear_morph()
        self._reach.say("what plays is set", now)
        return None
