"""What a page is: it draws itself, takes turns and clicks, and says what it opens.

The menu only keeps the stack of pages; whatever a page shows and does is in its own file.
"""

import abc
import enum
from typing import Union

from ..canvas import Canvas
from ..encoder import Gesture


class Leave(enum.Enum):
    """What a page answers to a click that ends it."""

    BACK = "back"


BACK = Leave.BACK
Move = Union[None, Leave, "Page"]


class Page(abc.ABC):
    """One page; its methods belong to the face's thread, time is in seconds on one clock.

    A click may raise UserError, and so may a turn: the menu shows its sentence.
    """

    edge = 54
    """From this row on a short notice may be written over the page."""

    @property
    def changing(self) -> bool:
        """Whether turning changes a value, and does not move through a list or a text."""
        return False

    @property
    def learning(self) -> bool:
        """Whether the page waits for something from outside, such as a voltage or a MIDI controller."""
        return False

    @property
    def destroys(self) -> str:
        """What a press of four seconds would do away with here, as 'delete Rain'; '' where nothing."""
        return ""

    @abc.abstractmethod
    def draw(self, canvas: Canvas, now: float) -> None:
        """Draw the page on a dark canvas."""

    @abc.abstractmethod
    def turn(self, gesture: Gesture, now: float) -> None:
        """Take a turn of the encoder."""

    @abc.abstractmethod
    def click(self, now: float) -> Move:
        """Take a click; return the page that it opens, BACK to leave this one, None to stay."""

    def hold(self, now: float) -> None:  # noqa: B027
        """Take the press of four seconds where ``destroys`` said what it does."""

    def follow(self, now: float) -> None:  # noqa: B027
        """Let time pass while the page is open; called often, with or without a picture being drawn."""

    def enter(self, now: float) -> None:  # noqa: B027
        """The page is opened."""

    def leave(self, now: float) -> None:  # noqa: B027
        """End what the page has begun, because the player goes back or home."""
