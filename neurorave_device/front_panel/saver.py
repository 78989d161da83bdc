"""When the screen is dimmed, shows next to nothing, and is off: an OLED ages with light, and is heard as hum."""

from typing import List, NamedTuple, Optional

from .protocols import HEIGHT, PRESS, RELEASE, TURN, WIDTH, Action

AWAKE = "awake"
DIM = "dim"
SAVER = "saver"
BLANK = "blank"
# Detents of the turn that has woken the screen are not meant for what appears on it.
_WAKING_SECONDS = 0.3
_MOVE_SECONDS = 8.0
_DOT = 2
_STRIDE = 857


class Timeouts(NamedTuple):
    """Seconds after the last touch until the screen is dimmed, shows the saver, and is off; 0 means never."""

    dim: float = 2 * 60.0
    saver: float = 5 * 60.0
    blank: float = 20 * 60.0


class Saver:
    """Which state the screen is in, and which actions were only to wake it; time is given with each call."""

    def __init__(self, now: float) -> None:
        self.timeouts = Timeouts()
        self._touched_at = now
        self._waking_until: Optional[float] = None
        self._swallowing_press = False

    def state(self, now: float) -> str:
        """Return AWAKE, DIM, SAVER or BLANK; of those that have begun the darkest."""
        idle = now - self._touched_at
        dim, saver, blank = self.timeouts
        for state, seconds in ((BLANK, blank), (SAVER, saver), (DIM, dim)):
            if 0.0 < seconds <= idle:
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
