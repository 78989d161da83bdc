"""A name made with one encoder: a proposed one to be taken at once, or letter by letter on a wheel.

Turning moves along the wheel, a click takes what is under the frame: Back, OK, another proposal, a step back, letters.
"""

from typing import List, Sequence

from ..canvas import WIDTH, Canvas
from ..font import text_width
from ..naming import LONGEST

_BACK, _OK, _OTHER, _DELETE = "Back", "OK", "other", "del"
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-+.,'"
_SPACE = "space"
WHEEL: List[str] = [_BACK, _OK, _OTHER, _DELETE, _SPACE] + list(_LETTERS)
_WHEEL_Y = 42
_GAP = 8


class NameWheel:
    """Makes one name. It is ``done`` when a name was taken or the player went back."""

    def __init__(self, proposals: Sequence[str]) -> None:
        """``proposals`` are names that are free, at least one."""
        self._proposals = list(proposals)
        self._proposed = 0
        self.text = self._proposals[0]
        self.place = WHEEL.index(_OK)
        self.done = False

    def turn(self, steps: int) -> None:
        """Move along the wheel, which ends at Back and at the last letter."""
        self.place = min(max(self.place + steps, 0), len(WHEEL) - 1)

    def click(self) -> str:
        """Do what is under the frame; return the name once it is taken, else ''."""
        item = WHEEL[self.place]
        if item == _BACK:
            self.done = True
        elif item == _OK:
            self.done = bool(self.text.strip())
            return self.text.strip()
        elif item == _OTHER:
            self._proposed = (self._proposed + 1) % len(self._proposals)
            self.text = self._proposals[self._proposed]
        elif item == _DELETE:
            self.text = self.text[:-1]
        elif len(self.text) < LONGEST:
            self.text += " " if item == _SPACE else item
        return ""

    def draw(self, canvas: Canvas) -> None:
        """Draw the end of the name, where it grows, and the part of the wheel around the frame."""
        canvas.text(0, 0, "Name")
        shown = self.text
        while text_width(shown) > WIDTH - 8:
            shown = shown[1:]
        end = canvas.text(0, 18, shown)
        canvas.fill(end + 1, 26, 5, 1)
        item = WHEEL[self.place]
        width = text_width(item)
        left = (WIDTH - width) // 2
        canvas.frame(left - 4, _WHEEL_Y - 4, width + 8, 15)
        canvas.text(left, _WHEEL_Y, item)
        self._neighbours(canvas, left - 4 - _GAP, -1)
        self._neighbours(canvas, left + width + 4 + _GAP, 1)

    def _neighbours(self, canvas: Canvas, x: int, way: int) -> None:
        place = self.place + way
        while 0 <= place < len(WHEEL):
            item = WHEEL[place]
            width = text_width(item)
            left = x if way > 0 else x - width
            if left < 0 or left + width > WIDTH:
                break
            canvas.text(left, _WHEEL_Y, item)
            x = x + width + _GAP if way > 0 else x - width - _GAP
            place += way
