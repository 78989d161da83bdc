"""What of a picture has to be sent: only what the screen does not show already, and at most 15 pictures a second."""

from collections import deque
from typing import Deque, List, NamedTuple, Optional

from .protocols import DARK, STRIPES, stripes

PICTURES_PER_SECOND = 15


class Piece(NamedTuple):
    """Some columns of one stripe, as `Screen.write` takes them."""

    stripe: int
    column: int
    points: bytes


class Painter:
    """Knows what the screen shows and what it is to show; pure, time is given with each call.

    A picture is sent stripe by stripe, so that an encoder on the same bus never waits for a whole one. A newer picture
    takes the place of one that is not sent to its end.
    """

    def __init__(self, rotated: bool = False) -> None:
        self._rotated = rotated
        self._shown: List[bytes] = [DARK] * STRIPES
        self._wanted: List[bytes] = [DARK] * STRIPES
        self._picture = b""
        self._waiting: Optional[bytes] = None
        self._accepted: Deque[float] = deque(maxlen=PICTURES_PER_SECOND)
        self._next = 0

    def show(self, picture: bytes) -> None:
        """Take the picture (1024 bytes) that is to be seen from now on."""
        self._waiting = None if picture == self._picture else picture

    def cleared(self) -> None:
        """The screen has been opened again and is dark."""
        self._shown = [DARK] * STRIPES

    def piece(self, now: float) -> Optional[Piece]:
        """Return what to send next, None where the screen shows what it should."""
        if self._waiting is not None and self._permitted(now):
            self._accepted.append(now)
            self._picture, self._waiting = self._waiting, None
            self._wanted = stripes(self._picture, self._rotated)
        for offset in range(STRIPES):
            # On from where it was left, so that a stripe that always changes does not hold up the others.
            stripe = (self._next + offset) % STRIPES
            if self._shown[stripe] != self._wanted[stripe]:
                return _difference(stripe, self._shown[stripe], self._wanted[stripe])
        return None

    def sent(self, piece: Piece) -> None:
        """The screen has taken a piece."""
        old = self._shown[piece.stripe]
        end = piece.column + len(piece.points)
        self._shown[piece.stripe] = old[: piece.column] + piece.points + old[end:]
        self._next = (piece.stripe + 1) % STRIPES

    def _permitted(self, now: float) -> bool:
        full = len(self._accepted) == PICTURES_PER_SECOND
        return not full or now - self._accepted[0] >= 1.0


def _difference(stripe: int, old: bytes, new: bytes) -> Piece:
    changed = [column for column, (one, other) in enumerate(zip(old, new)) if one != other]
    return Piece(stripe, changed[0], new[changed[0] : changed[-1] + 1])
