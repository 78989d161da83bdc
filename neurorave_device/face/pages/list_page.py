"""A page that is a list: a cursor, values edited in their place, and a question before what destroys."""

import abc
from typing import Callable, List, NamedTuple, Optional

from ..canvas import Canvas
from ..encoder import Gesture
from ..rows import VISIBLE_ROWS, Row, draw
from .lines import Back, Line
from .page import Move, Page


class _Question(NamedTuple):
    """What is asked, the word for yes, and what is done then."""

    text: str
    yes: str
    do: Callable[[float], None]


class ListPage(Page):
    """Shows ``lines``; the first of them is Back."""

    visible = VISIBLE_ROWS
    remembers = False
    """Whether the cursor is where it was when the page is opened again."""

    def __init__(self) -> None:
        self.cursor = 1
        self.editing = False
        self._fine = False
        self._question: Optional[_Question] = None
        self._sure = False
        self._back = Back()

    @property
    @abc.abstractmethod
    def heading(self) -> str:
        """What stands above the list."""

    @abc.abstractmethod
    def entries(self) -> List[Line]:
        """Return the lines below Back; the same objects for as long as they are the same lines."""

    @property
    def hint(self) -> str:
        """What stands at the right of the heading, such as a voltage."""
        return ""

    def lines(self) -> List[Line]:
        """Return all lines."""
        return [self._back] + self.entries()

    @property
    def changing(self) -> bool:
        return self.editing

    @property
    def destroys(self) -> str:
        return "" if self._question is not None else self._line().destroys

    def turn(self, gesture: Gesture, now: float) -> None:
        if self._question is not None:
            self._sure = gesture.steps > 0
        elif self.editing:
            self._fine = gesture.fine
            self._line().turn(gesture, now)
        else:
            self.cursor = min(max(self.cursor + gesture.steps, 0), len(self.lines()) - 1)

    def click(self, now: float) -> Move:
        if self._question is not None:
            question, self._question = self._question, None
            if self._sure:
                question.do(now)
            return None
        line = self._line()
        if self.editing:
            self.editing = False
            return line.end(now)
        if line.editable:
            line.begin(now)
            self.editing = True
            self._fine = False
            return None
        return line.click(now)

    def hold(self, now: float) -> None:
        line = self._line()
        self.ask(line.destroys, line.destroys.partition(" ")[0], line.destroy)

    def ask(self, text: str, yes: str, do: Callable[[float], None]) -> None:
        """Put a question in the place of the list; ``do`` follows on yes. The cursor stands on no."""
        self._quit()
        self._question = _Question(text, yes, do)
        self._sure = False

    def enter(self, now: float) -> None:
        if not self.remembers:
            # The first entry is what one opens a page for; Back is one detent away.
            self.cursor = 1

    def leave(self, now: float) -> None:
        self._quit()
        self._question = None

    def draw(self, canvas: Canvas, now: float) -> None:
        if self._question is not None:
            answers = [Row("Back"), Row(_capital(self._question.yes))]
            draw(canvas, _capital(self._question.text) + "?", answers, int(self._sure))
            return
        rows = [Row(line.name, line.value, line.share) for line in self.lines()]
        self.cursor = min(self.cursor, len(rows) - 1)
        hint = "fine" if self.editing and self._fine else self.hint
        draw(canvas, self.heading, rows, self.cursor, self.editing, hint, self.visible)

    def _quit(self) -> None:
        """End an edit without a click."""
        if self.editing:
            self.editing = False
            self._line().quit()

    def _line(self) -> Line:
        lines = self.lines()
        self.cursor = min(self.cursor, len(lines) - 1)
        return lines[self.cursor]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
