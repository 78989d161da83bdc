"""When the screen is dimmed, shows next to nothing, and is off: an OLED ages with light, and is heard as hum."""

from typing import List, Optional, Tuple

from .protocols import HEIGHT, PRESS, RELEASE, TURN, WIDTH, Action

AWAKE = "awake"
DIM = "dim"
SAVER = "saver"
BLANK = "blank"
STATES: Tuple[Tuple[str, float], ...] = (
    (BLANK, 20 * 60.0),
    (SAVER, 5 * 60.0),
    (DIM, 2 * 60.0),
)
# Detents of the turn that has woken the screen are not meant for what appears on it.
_WAKING_SECONDS = 0.3
_MOVE_SECONDS = 8.0
_DOT = 2
_STRIDE = 857


class Saver:
    """Which state the screen is in, and which actions were only to wake it; time is given with each call."""

    def __init__(self, now: float) -> None:
        self._touched_at = now
        self._waking_until: Optional[float] = None
        self._swallowing_press = False

    def state(self, now: float) -> str:
        """Return AWAKE, DIM (after 2 min), SAVER (5 min) or BLANK (20 min)."""
        for state, seconds in STATES:
            if now - self._touched_at >= seconds:
                return state
        return AWAKE

    def touch(self, now: float) -> None:
        """Count as touched: something that the player must see has happened."""
        self._touched_at = now

    def filter(self, actions: List[Action], now: float) -> List[Action]:
        """Wake the screen with the player's actions, and return those that are meant for what was seen."""
        return [action for action in actions if self._meant(action, now)]

    def _meant(self, action: Action, now: float) -> bool:
        # A dimmed page can still be read, so what is done there is meant.
        unseen = self.state(now) in (SAVER, BLANK)
        self._touched_at = now
        if action.kind == RELEASE:
            swallowed, self._swallowing_press = self._swallowing_press, False
            return not swallowed
        if unseen:
            self._swallowing_press = action.kind == PRESS
            self._waking_until = now + _WAKING_SECONDS
            return False
        if action.kind == TURN and (self._swallowing_press or self._waking(now)):
            return False
        return True

    def _waking(self, now: float) -> bool:
        return self._waking_until is not None and now < self._waking_until


def saver_picture(now: float) -> bytes:
    """Return what the saver shows: one small dot, which wanders over the whole screen (1024 bytes as a picture)."""
    # The stride has no common divisor with the count of places, so each has its turn.
    place = int(now / _MOVE_SECONDS) * _STRIDE % (WIDTH // _DOT * (HEIGHT // _DOT))
    row, column = (_DOT * part for part in divmod(place, WIDTH // _DOT))
    picture = bytearray(WIDTH * HEIGHT // 8)
    for line in range(row, row + _DOT):
        picture[line * WIDTH // 8 + column // 8] = 0xC0 >> column % 8
    return bytes(picture)
