"""What the face has done in the background: a look at the machine, and a file of facts for whoever helps."""

import os
import threading
from typing import Any, Callable, Generic, Mapping, Optional, Tuple, TypeVar

from neurorave_device import __version__
from neurorave_device.clock import Clock
from neurorave_device.errors import UserError
from neurorave_device.face.workshop import Workshop
from neurorave_device.machine.thermal import Zones
from neurorave_device.processes.child import describe
from neurorave_device.storage.safe_file import make_folder, reason
from neurorave_device.update.trial import Standing, standing

SUPPORT_FILE = "support.zip"
_FRESH_SECONDS = 5.0
_BUSY = "at work"

T = TypeVar("T")
Job = Callable[[], None]
CheckUp = Callable[[Optional[str]], Mapping[str, Any]]


def _in_thread(job: Job) -> None:
    threading.Thread(target=job, name="workbench", daemon=True).start()


class _Fact(Generic[T]):
    """Something that is read beside the face, every five seconds at most, and only while somebody asks for it."""

    def __init__(
        self, value: T, read: Callable[[], T], clock: Clock, begin: Callable[[Job], None]
    ) -> None:
        """``value`` is what is known at first."""
        self._value = value
        self._read = read
        self._clock = clock
        self._begin = begin
        self._read_at = float("-inf")
        self._reading = False

    def get(self) -> T:
        """Return what was read last, and have it read anew where that is long ago."""
        now = self._clock.now()
        if now - self._read_at >= _FRESH_SECONDS and not self._reading:
            self._read_at = now
            self._reading = True
            # A sensor can be slow, or never answer; so can a disk.
            self._begin(self._job)
        return self._value

    def _job(self) -> None:
        self._value = self._read()
        self._reading = False


class Workbench(Workshop):
    """Works for one face. Its jobs run where ``begin`` puts them; what they find is assigned in one step.

    ``check_up`` returns what the doctor finds, and writes a support bundle where it is given a file's path.
    """

    def __init__(
        self,
        folder: str,
        check_up: CheckUp,
        clock: Clock,
        zones: Optional[Zones] = None,
        begin: Callable[[Job], None] = _in_thread,
        versions: Callable[[], Standing] = standing,
    ) -> None:
        """``folder`` is the state folder, where the support bundle goes; ``versions`` tells how it stands with them."""
        self._folder = folder
        self._check_up = check_up
        self._zones = Zones() if zones is None else zones
        self._begin = begin
        self._tested = ("", "")
        self._packed = ("", "")
        self._celsius: _Fact[Optional[float]] = _Fact(None, self._heat, clock, begin)
        self._standing = _Fact(versions(), versions, clock, begin)

    def celsius(self) -> Optional[float]:
        return self._celsius.get()

    def version(self) -> str:
        return __version__

    def standing(self) -> Standing:
        return self._standing.get()

    def test(self) -> None:
        if self._tested[0] != _BUSY:
            self._tested = (_BUSY, "")
            self._begin(self._test)

    def tested(self) -> Tuple[str, str]:
        return self._tested

    def pack(self) -> None:
        if self._packed[0] != _BUSY:
            self._packed = (_BUSY, "")
            self._begin(self._pack)

    def packed(self) -> Tuple[str, str]:
        return self._packed

    def _heat(self) -> Optional[float]:
        heat = self._zones.read()
        return None if heat is None else heat.celsius

    def _test(self) -> None:
        try:
            self._tested = verdict(self._check_up(None))
        except Exception as error:
            self._tested = ("failed", "the self-test did not work: %s" % describe(error))

    def _pack(self) -> None:
        path = os.path.join(self._folder, SUPPORT_FILE)
        try:
            make_folder(self._folder)
            self._check_up(path)
        except UserError as error:
            self._packed = ("failed", str(error))
        except OSError as error:
            self._packed = ("failed", "%s: cannot be written (%s)" % (path, reason(error)))
        except Exception as error:
            self._packed = ("failed", "the support bundle did not work: %s" % describe(error))
        else:
            self._packed = ("written", "the support bundle is %s" % path)


def verdict(found: Mapping[str, Any]) -> Tuple[str, str]:
    """Return what a doctor's findings come to: a word or two for a line, and what is not well in full."""
    rows = [row for row in found["checks"] if row["state"] != "ok"]
    faults = [row for row in rows if row["state"] == "fault"]
    first = faults + [row for row in rows if row not in faults]
    told = "; ".join("%s: %s" % (row["name"], row["text"].rstrip(".")) for row in first)
    if faults:
        return _count(len(faults), "fault"), told
    if rows:
        return _count(len(rows), "warning"), told
    return "ok", "the self-test has found nothing that is missing"


def _count(number: int, word: str) -> str:
    return "%d %s%s" % (number, word, "" if number == 1 else "s")
