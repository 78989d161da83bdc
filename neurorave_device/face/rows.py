"""How a list looks: one line per entry with its value, a cursor, and the value under edit turned dark on light."""

from typing import NamedTuple, Optional, Sequence

from .canvas import WIDTH, Canvas
from .font import fit, text_width

_ROW_HEIGHT = 9
_FIRST_ROW = 10
VISIBLE_ROWS = 6
_TEXT_X = 7
_RIGHT = WIDTH - 4
# What is left of a long name beside the longest value.
_LEAST_NAME = 34


class Row(NamedTuple):
    """An entry: its name, its value as text, and where the value lies in its range (0..1), if it has one."""

    name: str
    value: str = ""
    share: Optional[float] = None


def draw(
    canvas: Canvas,
    heading: str,
    rows: Sequence[Row],
    cursor: int,
    editing: bool = False,
    hint: str = "",
    visible: int = VISIBLE_ROWS,
) -> None:
    """Draw a list with the cursor kept in view; ``hint`` stands right of the heading, such as 'fine'.

    ``visible`` lines are drawn at most, so that a page may use the room below.
    """
    left = WIDTH
    if hint:
        left = canvas.text_right(WIDTH, 0, hint)
    canvas.text_fit(0, 0, heading, left - 4)
    top = _top(cursor, len(rows), visible)
    for line, row in enumerate(rows[top : top + visible]):
        selected = top + line == cursor
        _row(canvas, _FIRST_ROW + line * _ROW_HEIGHT, row, selected, selected and editing)
    scroll_mark(canvas, top, len(rows), visible)


def _top(cursor: int, count: int, visible: int) -> int:
    """Return the first entry shown, so that the cursor has a neighbour in view on both sides."""
    return max(0, min(cursor - visible + 2, count - visible))


def fitting_value(row: Row) -> str:
    """Return an entry's value, cut where it would leave its name no room."""
    name = min(_LEAST_NAME, text_width(row.name))
    return fit(row.value, _RIGHT - _TEXT_X - name - 4)


def _row(canvas: Canvas, y: int, row: Row, selected: bool, editing: bool) -> None:
    """Draw one entry; the value keeps its room and the name is cut where both do not fit."""
    if selected:
        canvas.text(0, y, ">")
    room = _RIGHT - _TEXT_X
    if row.value:
        value = fitting_value(row)
        width = text_width(value)
        left = _RIGHT - width
        if editing:
            canvas.fill(left - 2, y - 1, width + 3, 9)
        canvas.text(left, y, value, lit=not editing)
        room = left - 4 - _TEXT_X
    canvas.text_fit(_TEXT_X, y, row.name, room)
    if editing and row.share is not None:
        canvas.fill(_TEXT_X, y + 7, round(max(0.0, min(1.0, row.share)) * room), 1)


def scroll_mark(canvas: Canvas, top: int, count: int, visible: int = VISIBLE_ROWS) -> None:
    """Draw a short line at the right edge that says how far down the list the page is."""
    if count <= visible:
        return
    height = _ROW_HEIGHT * visible - 2
    size = max(4, height * visible // count)
    offset = (height - size) * top // (count - visible)
    canvas.fill(WIDTH - 1, _FIRST_ROW + offset, 1, size)
