"""What the face has done in the background: a look at the machine, and a file of facts for whoever helps."""

import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import zipfile
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

from neurorave_device import __version__
from neurorave_device.clock import Clock
from neurorave_device.face.workshop import Workshop
from neurorave_device.processes import describe
from neurorave_device.storage.safe_file import make_folder
from neurorave_device.thermal import Zones

SUPPORT_FILE = "support.zip"
# The child gives up its priority itself: this process has threads, so nothing may run between its fork and its start.
_DOCTOR = """
import sys
from neurorave_device.background import step_back
from neurorave_device.cli import main
step_back()
sys.exit(main(["doctor", "--json", "-"]))
"""
_DOCTOR_SECONDS = 120
_HEAT_SECONDS = 5.0
_BUSY = "at work"

Job = Callable[[], None]
Facts = Callable[[], Mapping[str, Any]]


def look() -> Dict[str, Any]:
    """Return what `neurorave doctor` finds; it runs in a process of its own, which takes the lowest place."""
    done = subprocess.run(
        [sys.executable, "-c", _DOCTOR],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=_DOCTOR_SECONDS,
    )
    found = json.loads(done.stdout.decode("utf-8"))
    assert isinstance(found, dict)
    return found


def _in_thread(job: Job) -> None:
    threading.Thread(target=job, name="workbench", daemon=True).start()


class Workbench(Workshop):
    """Works for one face. Its jobs run where ``begin`` puts them; what they find is assigned in one step.

    ``facts`` are what goes into the support bundle besides: name of a part -> what is JSON-able.
    """

    def __init__(
        self,
        folder: str,
        facts: Facts,
        clock: Clock,
        zones: Optional[Zones] = None,
        look: Callable[[], Dict[str, Any]] = look,
        begin: Callable[[Job], None] = _in_thread,
    ) -> None:
        """``folder`` is the state folder, where the support bundle goes."""
        self._folder = folder
        self._facts = facts
        self._clock = clock
        self._zones = Zones() if zones is None else zones
        self._look = look
        self._begin = begin
        self._tested = ("", "")
        self._packed = ("", "")
        self._celsius: Optional[float] = None
        self._read_at = float("-inf")
        self._reading = False

    def celsius(self) -> Optional[float]:
        now = self._clock.now()
        if now - self._read_at >= _HEAT_SECONDS and not self._reading:
            self._read_at = now
            self._reading = True
            # A sensor can be slow, or never answer.
            self._begin(self._read_heat)
        return self._celsius

    def version(self) -> str:
        return __version__

    def test(self) -> None:
        if self._tested[0] != _BUSY:
            self._tested = (_BUSY, "")
            self._begin(self._test)

    def tested(self) -> Tuple[str, str]:
        return self._tested

    def pack(self) -> None:
        if self._packed[0] != _BUSY:
            self._packed = (_BUSY, "")
            # What is set is looked up now, in the face's thread.
            facts = dict(self._facts())
            self._begin(lambda: self._pack(facts))

    def packed(self) -> Tuple[str, str]:
        return self._packed

    def _read_heat(self) -> None:
        heat = self._zones.read()
        self._celsius = None if heat is None else heat.celsius
        self._reading = False

    def _test(self) -> None:
        try:
            self._tested = verdict(self._look())
        except Exception as error:
            self._tested = ("failed", "the self-test did not work: %s" % describe(error))

    def _pack(self, facts: Dict[str, Any]) -> None:
        try:
            facts["doctor"] = self._look()
        except Exception as error:
            facts["doctor"] = describe(error)
        facts["versions"] = versions()
        path = os.path.join(self._folder, SUPPORT_FILE)
        try:
            make_folder(self._folder)
            _write(path, facts)
        except OSError as error:
            self._packed = ("failed", "%s: cannot be written (%s)" % (path, error.strerror))
            return
        self._packed = ("written", "the support bundle is %s" % path)


def verdict(found: Mapping[str, Any]) -> Tuple[str, str]:
    """Return what a doctor's findings come to: a word or two for a line, and what is not well in full."""
    rows = [row for row in found["checks"] if row["state"] != "ok"]
    faults = [row for row in rows if row["state"] == "fail"]
    first = faults + [row for row in rows if row not in faults]
    told = "; ".join("%s: %s" % (row["name"], row["text"].rstrip(".")) for row in first)
    if faults:
        return _count(len(faults), "fault"), told
    if rows:
        return _count(len(rows), "hint"), told
    return "ok", "the self-test has found nothing that is missing"


def versions() -> Dict[str, Any]:
    """Return the versions; the packages' are in what the doctor finds. Nothing here names owner or machine."""
    return {
        "neurorave": __version__,
        "python": platform.python_version(),
        "system": "%s %s %s" % (platform.system(), platform.release(), platform.machine()),
    }


def _count(number: int, word: str) -> str:
    return "%d %s%s" % (number, word, "" if number == 1 else "s")


def _write(path: str, facts: Mapping[str, Any]) -> None:
    """Write the parts as JSON into a zip file, which takes the old one's place when it is whole."""
    descriptor, new = tempfile.mkstemp(dir=os.path.dirname(path), suffix=".new")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, fact in sorted(facts.items()):
                    archive.writestr(name + ".json", _text(fact))
        os.replace(new, path)
    except Exception:
        os.unlink(new)
        raise


def _text(fact: Any) -> str:
    """Return a fact as JSON, without the name of the home folder, which may be a person's."""
    text = json.dumps(fact, indent=1, sort_keys=True, default=str)
    home = os.path.expanduser("~")
    return text.replace(home, "~") if len(home) > 1 else text
