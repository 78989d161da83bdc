"""What the player should know most of all now, of all that could be said."""

from typing import List, Optional, Sequence

from neurorave_device.clock import Clock

# How long the face says what has happened.
NOTICE_SECONDS = 12.0


class Notices:
    """Chooses between what has happened, what stands, and what goes on; one thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._notice = ""
        self._ends = 0.0
        self._standing: List[str] = []

    def say(self, notice: str) -> None:
        """Let a sentence be said for a while."""
        self._notice = notice
        self._ends = self._clock.now() + NOTICE_SECONDS

    def message(self, output: Optional[str], faults: Sequence[str], building: str) -> str:
        """Return what is to be shown: the output's own words, a notice, the faults that stand, or what is being built.

        A fault that begins takes the place of what was said before it. What is said later is news again.
        """
        standing = [text for text in faults if text]
        if self._clock.now() >= self._ends or any(text not in self._standing for text in standing):
            self._notice = ""
        self._standing = standing
        return output or self._notice or " ".join(standing) or building
