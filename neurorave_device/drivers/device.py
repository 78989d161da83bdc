"""A device that may be missing, fail or come back, and never takes anything else down with it."""

import abc
from typing import Callable, Generic, Optional, TypeVar

FIRST_WAIT = 0.5
LONGEST_WAIT = 10.0
# A device that has worked for so long is well again: its fault is forgotten, its next one is tried again at once.
STEADY_SECONDS = 1.0


class DeviceError(Exception):
    """What is wrong with a device, in a few words that fit behind its name.

    `remedy` says what to do about just this; '' leaves that to the device.
    """

    def __init__(self, text: str, remedy: str = "") -> None:
        super().__init__(text)
        self.remedy = remedy


class Device(abc.ABC):
    """Something open that must be closed."""

    @abc.abstractmethod
    def close(self) -> None:
        """Give it back to the system; does not fail where it no longer answers."""


D = TypeVar("D", bound=Device)
R = TypeVar("R")


class Retried(Generic[D]):
    """Opens one device, uses it, and after an error tries again: after 0.5 s, then twice as long, at most 10 s.

    `name` says what and where it is, `check` what the player can look at.  One thread; `fault` any.
    """

    def __init__(self, name: str, check: str, opening: Callable[[], D]) -> None:
        self._name = name
        self._check = check
        self._opening = opening
        self._device: Optional[D] = None
        self._wait = FIRST_WAIT
        self._due = float("-inf")
        self._opened_at = 0.0
        self._fault = ""

    @property
    def fault(self) -> str:
        """One sentence about the device, '' where it is well."""
        return self._fault

    @property
    def working(self) -> bool:
        """Whether the device is open."""
        return self._device is not None

    def use(self, now: float, work: Callable[[D], R]) -> Optional[R]:
        """Return what `work` makes of the device; None where it is not there or fails at that."""
        device = self._device
        try:
            if device is None:
                if now < self._due:
                    return None
                device = self._device = self._opening()
                self._opened_at = now
            result = work(device)
        except Exception as error:
            # Drivers and their libraries raise what they like; the other devices must go on in any case.
            self._lose(error, now)
            return None
        if self._fault and now - self._opened_at >= STEADY_SECONDS:
            self._fault = ""
            self._wait = FIRST_WAIT
        return result

    def close(self) -> None:
        """Close the device where it is open."""
        device, self._device = self._device, None
        if device is not None:
            try:
                device.close()
            except Exception as error:
                self._fault = self._sentence(error)

    def _lose(self, error: Exception, now: float) -> None:
        self.close()
        self._fault = self._sentence(error)
        self._due = now + self._wait
        self._wait = min(LONGEST_WAIT, 2.0 * self._wait)

    def _sentence(self, error: Exception) -> str:
        remedy = "install it" if isinstance(error, ImportError) else "check " + self._check
        if isinstance(error, DeviceError) and error.remedy:
            remedy = error.remedy
        return "%s: %s; %s." % (self._name, reason(error), remedy)


def reason(error: Exception) -> str:
    """Say in a few words what an exception is about."""
    if isinstance(error, OSError) and error.strerror:
        return "not there" if error.strerror == "No such file or directory" else error.strerror
    text = " ".join(str(error).split()).rstrip(".")
    if isinstance(error, ImportError):
        return "a package is missing (%s)" % text
    if isinstance(error, DeviceError):
        return text
    return "%s (%s)" % (text, type(error).__name__) if text else type(error).__name__
