"""From an encoder's raw turns and presses to gestures: turn, fine turn, click, home, and the very long press."""

from typing import List, NamedTuple

TURN = "turn"
CLICK = "click"
HOME = "home"
LONG = "long"

HOLD_SECONDS = 0.7
"""A press this long goes home, while it is still held."""
LONG_SECONDS = 4.0
"""A press this long does what destroys, where there is something to destroy; let go before, it goes home."""

# Time between two detents below which a numeric field takes several steps per detent. Slow turning must stay one
# to one, so the table starts at a rate that nobody reaches while reading the value.
_ACCELERATION = ((0.015, 5), (0.030, 3), (0.060, 2))


class Gesture(NamedTuple):
    """What the player meant.

    kind: 'turn', 'click', 'home' or 'long'. steps: detents turned, clockwise positive, for lists and choices.
    accelerated: the same for numeric fields, larger when turned fast. fine: turned while pressed.
    """

    kind: str
    steps: int = 0
    accelerated: int = 0
    fine: bool = False


class Encoder:
    """The gesture state machine of one encoder with a push switch.

    Time is given with each event, in seconds on any monotonic clock; times must not go back. Each method
    returns the gestures that the event completed. Call ``poll`` between events, so that a hold fires.
    ``accelerates`` says whether fast turns count more in numeric fields.
    """

    def __init__(self) -> None:
        self.accelerates = True
        self._pressed = False
        self._pressed_at = 0.0
        self._spent = False
        self._long = False
        self._last_turn = float("-inf")
        self._last_sign = 0

    @property
    def pressed(self) -> bool:
        """True while the switch is down."""
        return self._pressed

    def turn(self, steps: int, now: float, fine: bool = False) -> List[Gesture]:
        """Take ``steps`` detents; ``fine`` stands for a press-turn where a host has a better key for it."""
        gestures = self.poll(now)
        if steps == 0:
            return gestures
        fine = fine or self._pressed
        if self._pressed:
            # The press was for turning: it is neither a click nor a way home any more.
            self._spent = True
        gain = self._gain(steps, now) if self.accelerates and not fine else 1
        self._last_turn = now
        self._last_sign = 1 if steps > 0 else -1
        return gestures + [Gesture(TURN, steps, steps * gain, fine)]

    def press(self, now: float, long: bool = False) -> List[Gesture]:
        """Take the switch going down; a second press without a release changes nothing.

        ``long``: a very long press means something here, so home waits for the release.
        """
        gestures = self.poll(now)
        if not self._pressed:
            self._pressed = True
            self._pressed_at = now
            self._spent = False
            self._long = long
        return gestures

    def release(self, now: float) -> List[Gesture]:
        """Take the switch going up: a click, unless the press went home or was used for turning."""
        gestures = self.poll(now)
        if self._pressed and not self._spent:
            held = now - self._pressed_at >= HOLD_SECONDS
            gestures = gestures + [Gesture(HOME if held else CLICK)]
        self._pressed = False
        return gestures

    def cancel(self) -> None:
        """Forget a press whose release will never come, as when a panel disconnects."""
        self._pressed = False

    def poll(self, now: float) -> List[Gesture]:
        """Let time pass; returns the home or long gesture once per press."""
        if not self._pressed or self._spent:
            return []
        if now - self._pressed_at < (LONG_SECONDS if self._long else HOLD_SECONDS):
            return []
        self._spent = True
        return [Gesture(LONG if self._long else HOME)]

    def on_the_way(self, now: float) -> float:
        """Return how far a very long press has come, 0..1; 0 where there is none or it may still be a click."""
        if not self._pressed or self._spent or not self._long:
            return 0.0
        past = now - self._pressed_at - HOLD_SECONDS
        return min(max(past / (LONG_SECONDS - HOLD_SECONDS), 0.0), 1.0)

    def _gain(self, steps: int, now: float) -> int:
        """Return how many steps a detent counts, from the time since the last one in the same direction."""
        if (steps > 0) != (self._last_sign > 0) or self._last_sign == 0:
            return 1
        per_detent = (now - self._last_turn) / abs(steps)
        for limit, gain in _ACCELERATION:
            if per_detent < limit:
                return gain
        return 1
