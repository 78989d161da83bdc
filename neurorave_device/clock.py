"""Time as an object, so that gates, long presses and savers are tested in virtual time."""

import abc
import time


class Clock(abc.ABC):
    """A monotonic clock in seconds with an arbitrary zero."""

    @abc.abstractmethod
    def now(self) -> float:
        """Return the seconds since this clock's zero; never falls.  Any thread."""

    @abc.abstractmethod
    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass; nothing happens for zero or less.  Any thread but the callback."""


class SystemClock(Clock):
    """The machine's own monotonic clock."""

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        if seconds > 0.0:
            time.sleep(seconds)


class VirtualClock(Clock):
    """A clock that stands still until a test or an offline render moves it."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = float(start)

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        if seconds > 0.0:
            self._now += seconds

    def advance(self, seconds: float) -> None:
        """Move time on by `seconds`; ValueError where that would turn it back."""
        if seconds < 0.0:
            raise ValueError("a clock cannot go back by {} s".format(-seconds))
        self._now += seconds
