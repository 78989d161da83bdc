"""The lines of a list page: what each shows, and what clicks and turns do to it."""

from typing import Callable, Optional, Sequence, Tuple

from neurorave_device.parameters import by_id

from ..encoder import Gesture
from ..groups import Entry, moves_something, shown
from ..reach import Reach
from ..steps import stepped
from .page import BACK, Move


class Line:
    """One entry of a list. ``editable``: a click begins an edit in place and the next one ends it."""

    editable = False

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def name(self) -> str:
        """What stands at the left edge."""
        return self._name

    @property
    def value(self) -> str:
        """What stands at the right edge."""
        return ""

    @property
    def share(self) -> Optional[float]:
        """Where the value lies in its range, 0..1; None where it has none."""
        return None

    @property
    def destroys(self) -> str:
        """See ``Page.destroys``; asked for the line under the cursor."""
        return ""

    def click(self, now: float) -> Move:
        """Take a click on a line that is not editable."""
        return None

    def begin(self, now: float) -> None:
        """An edit begins."""

    def turn(self, gesture: Gesture, now: float) -> None:
        """Change what is edited."""

    def end(self, now: float) -> Move:
        """The edit ends with a click."""
        return None

    def quit(self) -> None:
        """The edit ends without a click, because the page is left or a question takes its place."""

    def destroy(self, now: float) -> None:
        """Do what ``destroys`` says; the player has held for four seconds and been asked."""


class Back(Line):
    """The first line of each list."""

    def __init__(self) -> None:
        super().__init__("Back")

    def click(self, now: float) -> Move:
        return BACK


class Setting(Line):
    """A parameter of the table."""

    editable = True

    def __init__(self, entry: Entry, reach: Reach) -> None:
        super().__init__(entry.name)
        self.parameter = entry.parameter
        self._entry = entry
        self._reach = reach

    @property
    def name(self) -> str:
        hangs = self._entry.name != self._entry.pitched_name
        return self._entry.named(hangs and self._pitched)

    @property
    def value(self) -> str:
        return shown(
            self.parameter, self._present, moves_something(self.parameter) and self._pitched
        )

    @property
    def share(self) -> Optional[float]:
        return self.parameter.to_unit(self._present) if self.parameter.measured else None

    @property
    def _present(self) -> float:
        return self._reach.link.get(self.parameter.id)

    @property
    def _pitched(self) -> bool:
        # What plays is told anew with all its tables: it is asked only where a word hangs on it.
        return bool(self._reach.link.info()["pitched"])

    def turn(self, gesture: Gesture, now: float) -> None:
        turn_setting(self._reach, self.parameter.id, gesture, now)


def turn_setting(reach: Reach, parameter_id: str, gesture: Gesture, now: float) -> None:
    """Turn a parameter; from now on it is under the hand."""
    parameter = by_id(parameter_id)
    reach.link.set(parameter_id, stepped(parameter, reach.link.get(parameter_id), gesture))
    reach.catch_up.turned(parameter_id, now)


class Text(Line):
    """A fact; a click shows the whole of it where it does not fit."""

    def __init__(self, name: str, value: str, reach: Reach, full: str = "") -> None:
        super().__init__(name)
        self._value = value
        self._reach = reach
        self._full = full

    @property
    def value(self) -> str:
        return self._value

    def click(self, now: float) -> Move:
        if self._full:
            self._reach.say(self._full, now)
        return None


class Deed(Line):
    """Something that a click does. ``value``: a word about it, asked for whenever the line is drawn."""

    def __init__(
        self,
        name: str,
        do: Callable[[float], Move],
        value: Optional[Callable[[], str]] = None,
    ) -> None:
        super().__init__(name)
        self._do = do
        self._value = value

    @property
    def value(self) -> str:
        return "" if self._value is None else self._value()

    def click(self, now: float) -> Move:
        return self._do(now)


class Destroying(Line):
    """Something that only a press of four seconds does, after a question."""

    def __init__(self, name: str, what: str, reach: Reach, do: Callable[[float], None]) -> None:
        super().__init__(name)
        self._what = what
        self._reach = reach
        self._do = do

    @property
    def value(self) -> str:
        return "hold 4 s"

    @property
    def destroys(self) -> str:
        return self._what

    def click(self, now: float) -> Move:
        self._reach.say("hold for 4 s", now)
        return None

    def destroy(self, now: float) -> None:
        self._do(now)


class Choices(Line):
    """A line whose click offers some deeds in place of its value; the next click does the chosen one.

    The first of the deeds is to go back; ``destroying`` names the one that takes a press of four seconds.
    """

    editable = True

    def __init__(
        self,
        name: str,
        deeds: Sequence[Tuple[str, Callable[[float], Move]]],
        reach: Reach,
        first: int = 1,
        value: str = "",
        destroying: str = "",
    ) -> None:
        super().__init__(name)
        self._deeds = [("back", _nothing)] + list(deeds)
        self._reach = reach
        self._first = first
        self._plain = value
        self._destroying = destroying
        self._chosen: Optional[int] = None

    @property
    def value(self) -> str:
        return self._plain if self._chosen is None else self._deeds[self._chosen][0]

    @property
    def destroys(self) -> str:
        if self._chosen is None or self._deeds[self._chosen][0] != self._destroying:
            return ""
        return "%s %s" % (self._destroying, self.name)

    def begin(self, now: float) -> None:
        self._chosen = self._first

    def turn(self, gesture: Gesture, now: float) -> None:
        chosen = self._first if self._chosen is None else self._chosen
        self._chosen = min(max(chosen + gesture.steps, 0), len(self._deeds) - 1)

    def end(self, now: float) -> Move:
        chosen, self._chosen = self._chosen, None
        if chosen is None:
            return None
        name, do = self._deeds[chosen]
        if name == self._destroying:
            self._reach.say("hold for 4 s", now)
            return None
        return do(now)

    def destroy(self, now: float) -> None:
        dict(self._deeds)[self._destroying](now)

    def quit(self) -> None:
        self._chosen = None


def _nothing(now: float) -> Move:
    return None
