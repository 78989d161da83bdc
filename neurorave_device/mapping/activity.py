"""Whether a jack says something: there is no switch in it, so its voltage has to tell."""

import enum
from typing import Tuple

WAKE_VOLTS = 0.05
REST_VOLTS = 0.02
REST_SECONDS = 2.0


class JackState(enum.Enum):
    """IDLE: as if unplugged.  ACTIVE: moving.  RESTING: back at 0 V, but not yet for long enough."""

    IDLE = "idle"
    ACTIVE = "active"
    RESTING = "resting"


class JackActivity:
    """Decides whether one CV counts as patched.

    It wakes when the voltage leaves noise (more than 0.05 V from 0) and rests again when it has
    been within 0.02 V of 0 for 2 s without a break.
    """

    def __init__(self) -> None:
        self._state = JackState.IDLE
        self._rested = 0.0

    @property
    def state(self) -> JackState:
        """The state after the last update."""
        return self._state

    def update(self, volts: float, dt: float) -> bool:
        """Say whether the jack counts as patched, `volts` having been there for `dt` seconds."""
        size = abs(volts)
        if size > WAKE_VOLTS:
            self._state = JackState.ACTIVE
        elif self._state is not JackState.IDLE:
            self._rest(size, dt)
        return self._state is not JackState.IDLE

    def snapshot(self) -> Tuple[JackState, float]:
        """Return what it remembers between two updates."""
        return self._state, self._rested

    def restore(self, state: Tuple[JackState, float]) -> None:
        """Go back to what `snapshot` has returned."""
        self._state, self._rested = state

    def _rest(self, size: float, dt: float) -> None:
        # NaN is no voltage at all: it rests.
        if size > REST_VOLTS:
            self._state = JackState.ACTIVE
            return
        if self._state is JackState.ACTIVE:
            self._state = JackState.RESTING
            self._rested = 0.0
        self._rested += max(dt, 0.0)
        # A sum of frame lengths may miss the exact number by rounding.
        if self._rested >= REST_SECONDS - 1e-9:
            self._state = JackState.IDLE
