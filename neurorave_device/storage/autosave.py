"""When to save: soon after the last change, seldom enough for an SD card, and again where the disk refused."""

from typing import Optional

# Seconds.
QUIET = 2.0
SPACING = 5.0
RETRY = 30.0


class AutoSave:
    """Decides on the moment; one thread, times in seconds on one clock.

    A save is due QUIET after the last change. While changes go on and on it does not wait for their end:
    nothing stays unsaved for longer than SPACING. Between two saves lie at least SPACING, after one that failed RETRY.
    """

    def __init__(self) -> None:
        self._first: Optional[float] = None
        self._last = 0.0
        self._earliest = float("-inf")

    @property
    def unsaved(self) -> bool:
        """Whether there is something to be saved."""
        return self._first is not None

    def changed(self, now: float) -> None:
        """Note a change."""
        self._last = now
        if self._first is None:
            self._first = now

    def due(self, now: float) -> bool:
        """Say whether to save now."""
        if self._first is None or now < self._earliest:
            return False
        return now - self._last >= QUIET or now - self._first >= SPACING

    def saved(self, now: float) -> None:
        """Note that all is saved."""
        self._first = None
        self._earliest = now + SPACING

    def failed(self, now: float) -> None:
        """Note that saving did not succeed; it stays unsaved."""
        self._earliest = now + RETRY
