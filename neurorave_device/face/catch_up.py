"""A value that is being turned does not jump when a preset is loaded: it catches up when the hand has let go.

While a value is under the hand (its last detent less than TURN_SECONDS ago) a loaded preset leaves it alone. If no
further detent comes, it takes the preset's value when the turn is over. A further detent is the player's last word:
then the preset's value is dropped, and the next load counts again.
"""

from typing import Dict, List, Mapping, Optional, Tuple

TURN_SECONDS = 1.0


class CatchUp:
    """Which value is under the hand, and what it has to catch up with; time is given with each call."""

    def __init__(self) -> None:
        self._id: Optional[str] = None
        self._turned_at = float("-inf")
        self._waiting: Optional[float] = None

    def turned(self, parameter_id: str, now: float) -> None:
        """The player has turned a value."""
        self._id = parameter_id
        self._turned_at = now
        self._waiting = None

    def loaded(self, values: Mapping[str, float], now: float) -> Dict[str, float]:
        """Return what of a preset's values is to be set at once; what is under the hand has to wait."""
        found = dict(values)
        # What an earlier preset had left to catch up with is of no interest any more.
        self._waiting = None
        if self._id in found and now - self._turned_at < TURN_SECONDS:
            self._waiting = found.pop(self._id)
        return found

    def due(self, now: float) -> List[Tuple[str, float]]:
        """Return the value that has to be set now because the turn is over, each once."""
        if self._waiting is None or self._id is None or now - self._turned_at < TURN_SECONDS:
            return []
        value, self._waiting = self._waiting, None
        return [(self._id, value)]
