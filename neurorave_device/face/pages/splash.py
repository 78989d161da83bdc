"""The sign of life while the sound process starts."""

from ..canvas import WIDTH, Canvas
from ..font import text_width, wrap

_DOT_SPACING = 10


def draw(canvas: Canvas, message: str, beat: int) -> None:
    """Draw the name, one of three dots (``beat`` counts them on), and what is being waited for."""
    name = "neurorave"
    canvas.text((WIDTH - text_width(name)) // 2, 12, name)
    for dot in range(3):
        x = WIDTH // 2 - _DOT_SPACING - 1 + dot * _DOT_SPACING
        size = 3 if dot == beat % 3 else 1
        canvas.fill(x + (3 - size) // 2, 28 + (3 - size) // 2, size, size)
    for row, line in enumerate(wrap(message, WIDTH)[:3]):
        canvas.text((WIDTH - text_width(line)) // 2, 38 + 9 * row, line)
