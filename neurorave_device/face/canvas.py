"""A 128 x 64 picture of lit and dark points, with the few shapes that the pages need."""

from functools import lru_cache

from PIL import Image, ImageDraw

from .font import GAP, fit, glyph, text_width
from .font import HEIGHT as HEIGHT_OF_LETTERS

WIDTH = 128
HEIGHT = 64


@lru_cache(maxsize=256)
def _line(text: str) -> Image.Image:
    """Return the points of a line of text as a picture of its own; most lines are drawn again and again."""
    line = Image.new("1", (text_width(text) + GAP, HEIGHT_OF_LETTERS), 0)
    pen = ImageDraw.Draw(line)
    x = 0
    for character in text:
        rows = glyph(character)
        for y, row in enumerate(rows):
            pen.point([(x + dx, y) for dx, point in enumerate(row) if point == "#"], fill=1)
        x += len(rows[0]) + GAP
    return line


class Canvas:
    """One picture for the OLED; dark when made. Not shared between threads."""

    def __init__(self) -> None:
        self.image = Image.new("1", (WIDTH, HEIGHT), 0)
        self._draw = ImageDraw.Draw(self.image)

    def text(self, x: int, y: int, text: str, lit: bool = True) -> int:
        """Write a line with its top left corner at (x, y); returns the x just after it."""
        if not text:
            return x
        line = _line(text)
        self._draw.bitmap((x, y), line, fill=1 if lit else 0)
        return x + line.width

    def text_right(self, right: int, y: int, text: str, lit: bool = True) -> int:
        """Write a line that ends at column ``right`` (the first one not used); returns its left x."""
        left = right - text_width(text)
        self.text(left, y, text, lit)
        return left

    def text_fit(self, x: int, y: int, text: str, width: int, lit: bool = True) -> int:
        """Write a line, cut with an ellipsis at ``width`` pixels; returns the x just after it."""
        return self.text(x, y, fit(text, width), lit)

    def fill(self, x: int, y: int, width: int, height: int, lit: bool = True) -> None:
        """Light (or darken) a rectangle; nothing where it has no area."""
        if width > 0 and height > 0:
            self._draw.rectangle((x, y, x + width - 1, y + height - 1), fill=1 if lit else 0)

    def frame(self, x: int, y: int, width: int, height: int) -> None:
        """Draw the one-pixel outline of a rectangle, its corners left dark."""
        self.fill(x + 1, y, width - 2, 1)
        self.fill(x + 1, y + height - 1, width - 2, 1)
        self.fill(x, y + 1, 1, height - 2)
        self.fill(x + width - 1, y + 1, 1, height - 2)

    def dots(self, x: int, y: int, width: int, step: int = 4) -> None:
        """Draw a dotted horizontal line: the quietest way to show a scale."""
        self._draw.point([(column, y) for column in range(x, x + width, step)], fill=1)

    def pixels(self) -> bytes:
        """Return 1024 bytes: rows from the top, eight columns a byte, the leftmost in the highest bit."""
        return bytes(self.image.tobytes())

    def lit_share(self) -> float:
        """Return the share of lit points, 0..1; an OLED's hum follows it."""
        return sum(bin(byte).count("1") for byte in self.pixels()) / float(WIDTH * HEIGHT)
