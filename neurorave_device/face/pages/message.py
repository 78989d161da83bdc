"""The page that tells the player one thing: what went wrong, or what could not be done."""

from ..canvas import WIDTH, Canvas
from ..font import fit, wrap

_ROW_HEIGHT = 9
_FIRST_ROW = 11
_ROWS = 5


def draw(canvas: Canvas, heading: str, text: str, hint: str = "click: go on") -> None:
    """Draw a heading over a line, up to five lines of text, and how to leave; longer text ends in dots."""
    canvas.text_fit(0, 0, heading, WIDTH)
    canvas.fill(0, 9, WIDTH, 1)
    lines = wrap(text, WIDTH)
    shown = lines[:_ROWS]
    if len(lines) > _ROWS:
        shown[-1] = fit(shown[-1] + " " + lines[_ROWS], WIDTH)
    for row, line in enumerate(shown):
        canvas.text(0, _FIRST_ROW + row * _ROW_HEIGHT, line)
    if hint and len(shown) < _ROWS:
        canvas.text_right(WIDTH, 56, hint)
