"""A procedure on the screen: what to do now, what came of it, and the choices in a row at the lower edge."""

from typing import Callable, Collection, List, NamedTuple, Optional, Tuple

from neurorave_device.dialog import Choice, Dialog, View

from ..canvas import WIDTH, Canvas
from ..encoder import Gesture
from ..font import text_width, wrap
from ..reach import Reach
from .page import BACK, Move, Page

LEAVE = "leave"
SURE = "sure"
"""A step in which the dialog itself asks whether the player means it."""
_FIRST_ROW = 10
_ROW = 9
_ROWS = 5
_PROGRESS_ROWS = 4
_CHOICES_Y = 55
_GAP = 8


class _Asked(NamedTuple):
    """The question before what destroys, and where the cursor goes back to."""

    view: View
    cursor: int


class DialogPage(Page):
    """Begins the dialog when it is opened and leaves it when it is left, whatever it is doing then."""

    def __init__(
        self,
        begin: Callable[[], Dialog],
        reach: Reach,
        destroying: Collection[Tuple[str, str]] = (),
        destroys: str = "",
    ) -> None:
        """``destroying``: (step, choice) that takes a press of four seconds, since it does what ``destroys`` says."""
        self._begin = begin
        self._reach = reach
        self._destroying = destroying
        self._destroys = destroys
        self._dialog: Optional[Dialog] = None
        self._step = ""
        self._asked: Optional[_Asked] = None
        self.cursor = 0

    @property
    def learning(self) -> bool:
        return self._dialog is not None and not self._dialog.view().ended

    @property
    def destroys(self) -> str:
        view = self.view()
        choice = self._chosen(view)
        if (
            self._asked is not None
            or choice is None
            or (view.step, choice.id) not in self._destroying
        ):
            return ""
        return self._destroys

    def view(self) -> View:
        """Return what the dialog shows; the cursor goes to what it begins with when it has gone on.

        A question before what destroys takes its place.
        """
        assert self._dialog is not None, "the page is open"
        if self._asked is not None:
            return self._asked.view
        view = self._dialog.view()
        if view.step != self._step:
            self._step = view.step
            first = view.choices[0].id if view.choices else ""
            self.cursor = (
                max(0, [choice.id for choice in ordered(view)].index(first)) if first else 0
            )
        return view

    def enter(self, now: float) -> None:
        self._dialog = self._begin()
        self._step = ""
        self.view()

    def leave(self, now: float) -> None:
        if self._dialog is not None:
            self._dialog.leave()
        self._dialog = self._asked = None

    def turn(self, gesture: Gesture, now: float) -> None:
        last = max(0, len(self.view().choices) - 1)
        self.cursor = min(max(self.cursor + gesture.steps, 0), last)

    def click(self, now: float) -> Move:
        view = self.view()
        choice = self._chosen(view)
        if self._asked is not None:
            self._answer(choice)
            return None
        if view.ended or (choice is not None and choice.id == LEAVE):
            return BACK
        if self.destroys:
            self._reach.say("hold for 4 s", now)
        elif choice is not None and self._dialog is not None:
            self._dialog.choose(choice.id)
        return None

    def hold(self, now: float) -> None:
        view = self.view()
        choice = self._chosen(view)
        if choice is None or self._dialog is None:
            return
        if view.step == SURE:
            self._dialog.choose(choice.id)
            return
        text = self._destroys[:1].upper() + self._destroys[1:] + "?"
        answers = (Choice(LEAVE, "Back"), Choice(choice.id, choice.label))
        self._asked = _Asked(View(SURE, view.title, text, choices=answers), self.cursor)
        self.cursor = 0

    def _answer(self, choice: Optional[Choice]) -> None:
        asked, self._asked = self._asked, None
        if asked is None or self._dialog is None:
            return
        self.cursor = asked.cursor
        if choice is not None and choice.id != LEAVE:
            self._dialog.choose(choice.id)

    def draw(self, canvas: Canvas, now: float) -> None:
        view = self.view()
        canvas.text_fit(0, 0, view.title, WIDTH)
        for row, line in enumerate(_texts(view)):
            canvas.text_fit(0, _FIRST_ROW + _ROW * row, line, WIDTH)
        if view.progress >= 0.0:
            y = _FIRST_ROW + _ROW * _PROGRESS_ROWS
            canvas.frame(0, y, WIDTH, 7)
            canvas.fill(2, y + 2, round(min(view.progress, 1.0) * (WIDTH - 4)), 3)
        if view.ended:
            canvas.text_right(WIDTH, _CHOICES_Y, "click: go on")
        else:
            self._draw_choices(canvas, ordered(view))

    def _chosen(self, view: View) -> Optional[Choice]:
        choices = ordered(view)
        return choices[min(self.cursor, len(choices) - 1)] if choices else None

    def _draw_choices(self, canvas: Canvas, choices: List[Choice]) -> None:
        """Draw them in a row that slides, so that the chosen one is in view with its neighbours."""
        if not choices:
            return
        chosen = min(self.cursor, len(choices) - 1)
        widths = [text_width(choice.label) for choice in choices]
        lefts = [sum(widths[:place]) + _GAP * place for place in range(len(choices))]
        total = lefts[-1] + widths[-1]
        slide = lefts[chosen] + widths[chosen] // 2 - WIDTH // 2
        slide = max(0, min(slide, total - WIDTH + 4))
        for place, choice in enumerate(choices):
            left = 2 + lefts[place] - slide
            if left < 0 or left + widths[place] > WIDTH:
                continue
            if place == chosen:
                canvas.fill(left - 2, _CHOICES_Y - 1, widths[place] + 4, 9)
            canvas.text(left, _CHOICES_Y, choice.label, lit=place != chosen)


def ordered(view: View) -> List[Choice]:
    """Return the choices with the way out first, as in every list."""
    return sorted(view.choices, key=lambda choice: choice.id != LEAVE)


def _texts(view: View) -> List[str]:
    """Return the lines above the choices: what went wrong, what to do, and results, as far as they fit."""
    room = _PROGRESS_ROWS if view.progress >= 0.0 else _ROWS
    problem, sentence = wrap(view.problem, WIDTH), wrap(view.sentence, WIDTH)
    if len(problem) + len(sentence) > room:
        problem = problem[: max(1, room - len(sentence))]
    # What is asked is read to its end; the results have the room that is left.
    left = max(0, room - len(problem) - len(sentence))
    return (problem + list(view.rows[:left]) + sentence)[:room]
