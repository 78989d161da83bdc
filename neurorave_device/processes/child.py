"""Child processes of the module: how the supervisor starts one, hears from it and ends it.

A child is a fresh Python that calls ``MODULE.main`` with its settings as one JSON argument. It inherits
the descriptors that the settings name and answers over a pipe with one JSON line per status. It runs in a
session of its own, so Ctrl-C on the terminal reaches the supervisor only, which then ends its children in
order. A child whose supervisor is gone ends by itself.
"""

import abc
import json
import os
import signal
import sys
import traceback
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional

from neurorave_device.errors import UserError
from neurorave_device.processes.spawn import Spawned

READY = "ready"  # it works; the text is for the player
REFUSED = "refused"  # bad input, found before it worked; the text is the sentence
FAILED = (
    "failed"  # something outside gave way while it ran (a full disk ...): starting again is no use
)
CRASHED = "crashed"  # a fault of its own; the text is one line about it
DONE = "done"  # it ended as planned
_KINDS = (READY, REFUSED, FAILED, CRASHED, DONE)

DEBUG_VARIABLE = "NEURORAVE_DEBUG"

# Unlike "-m", this leaves the current folder out of the search path: a stray numpy.py there does no harm. Nor does
# it take the interpreter down in order: all is closed by then, and a library's own threads could hold that up.
_START = (
    "import os, sys; sys.path[0] = sys.argv[1]; from importlib import import_module; "
    "status = import_module(sys.argv[2]).main(sys.argv[3:]); "
    "sys.stdout.flush(); sys.stderr.flush(); os._exit(status)"
)
# The same for one that has its imports behind it and waits for its settings; without any it ends. What then reads from
# its standard input finds nothing.
_WAIT = (
    "import os, sys; sys.path[0] = sys.argv[1]; from importlib import import_module; "
    "module = import_module(sys.argv[2]); module.prepare(); settings = sys.stdin.readline(); "
    "os.dup2(os.open(os.devnull, os.O_RDONLY), 0); status = module.main([settings]) if settings else 0; "
    "sys.stdout.flush(); sys.stderr.flush(); os._exit(status)"
)
# Where the package itself lies.
_ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))


class Status(NamedTuple):
    """One message from a child: its kind (READY, REFUSED, FAILED, CRASHED, DONE) and a text."""

    kind: str
    text: str


class Process(abc.ABC):
    """What the supervisor needs of a child process."""

    @abc.abstractmethod
    def statuses(self) -> List[Status]:
        """Return the statuses that have come in since the last call, oldest first."""

    @abc.abstractmethod
    def returncode(self) -> Optional[int]:
        """Return the exit status (negative: the signal that killed it), None while it runs."""

    @abc.abstractmethod
    def terminate(self) -> None:
        """Ask it to end."""

    @abc.abstractmethod
    def kill(self) -> None:
        """End it at once and take its leftovers away; nothing where it has ended already."""

    @abc.abstractmethod
    def close(self) -> None:
        """Free what the supervisor holds of it; it must have ended."""


class Child(Process):
    """A child process of this machine."""

    def __init__(
        self,
        module: str,
        settings: Mapping[str, Any],
        descriptors: Mapping[str, int],
        waits: bool = False,
    ) -> None:
        """Start ``module.main``; ``descriptors`` (name -> number) are inherited.

        One that ``waits`` calls ``module.prepare`` and goes on when it is told to `begin`.
        """
        receiving, sending = os.pipe()
        os.set_blocking(receiving, False)
        everything = dict(settings)
        everything.update(descriptors)
        everything["status"] = sending
        everything["supervisor"] = os.getpid()
        # One thread per numeric library: the threads of a pool would take cores from each other's deadlines.
        environment = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
        arguments = [sys.executable, "-c", _WAIT if waits else _START]
        arguments += [_ROOT, module, json.dumps(everything)]
        passed = [sending] + list(descriptors.values())
        stdin, self._settings = os.pipe() if waits else (None, -1)
        try:
            self._process = Spawned(arguments, environment, passed, stdin)
        except BaseException:
            os.close(receiving)
            self._forget_settings()
            raise
        finally:
            os.close(sending)
            if stdin is not None:
                os.close(stdin)
        self._receiving = receiving
        self._unread = b""
        self._everything = everything

    @property
    def pid(self) -> int:
        """The child's process number."""
        return self._process.pid

    def begin(self, settings: Mapping[str, Any]) -> bool:
        """Let one that waits go on with these settings, in place of those it was made with; False where it has died."""
        line = json.dumps(dict(self._everything, **settings)) + "\n"
        try:
            # A pipe takes more than that in one piece.
            os.write(self._settings, line.encode("utf-8"))
        except OSError:
            return False
        finally:
            self._forget_settings()
        return self._process.poll() is None

    def fileno(self) -> int:
        """The descriptor to wait on: readable on a new status and when the child ends."""
        return self._receiving

    def statuses(self) -> List[Status]:
        while True:
            try:
                piece = os.read(self._receiving, 65536)
            except BlockingIOError:
                break
            if not piece:
                break
            self._unread += piece
        lines = self._unread.split(b"\n")
        self._unread = lines.pop()
        return [Status(**json.loads(line.decode("utf-8"))) for line in lines]

    def returncode(self) -> Optional[int]:
        return self._process.poll()

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self._forget_settings()
        if self._receiving >= 0:
            os.close(self._receiving)
            self._receiving = -1

    def _forget_settings(self) -> None:
        if self._settings >= 0:
            os.close(self._settings)
            self._settings = -1


class StatusPipe:
    """The child's end of the status pipe."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def send(self, kind: str, text: str = "") -> None:
        """Tell the supervisor; nothing happens where it is gone."""
        line = json.dumps({"kind": kind, "text": text[:2000]}).encode("utf-8") + b"\n"
        try:
            os.write(self._descriptor, line)
        except OSError:
            pass


def run_child(arguments: List[str], work: Callable[[Dict[str, Any], "StatusPipe"], None]) -> int:
    """Run ``work(settings, status)`` as the body of a child process and return its exit status.

    A UserError before READY is reported as REFUSED, later as FAILED; any other exception as CRASHED, with
    its traceback on stderr where NEURORAVE_DEBUG is set.
    """
    settings = json.loads(arguments[0])
    status = _Remembering(settings["status"])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        work(settings, status)
    except UserError as error:
        status.send(FAILED if status.was_ready else REFUSED, str(error))
        return 1 if status.was_ready else 2
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE):
            traceback.print_exc()
        status.send(CRASHED, describe(error))
        return 1
    return 0


class _Remembering(StatusPipe):
    """A status pipe that knows whether the child has said that it is ready."""

    was_ready = False

    def send(self, kind: str, text: str = "") -> None:
        if kind == READY:
            self.was_ready = True
        StatusPipe.send(self, kind, text)


def describe(error: BaseException) -> str:
    """Tell an exception in one line: its class, its text, and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    where = ""
    if frames:
        where = " (%s:%d)" % (os.path.basename(frames[-1].filename), frames[-1].lineno or 0)
    text = " ".join(str(error).split())
    return "%s%s%s" % (type(error).__name__, ": " + text if text else "", where)


def orphaned(supervisor: int) -> bool:
    """Say whether the supervisor (its process number) has gone without ending this child."""
    return os.getppid() != supervisor


def stop_on_signal(stop: Callable[[], None]) -> None:
    """Call ``stop`` on SIGTERM and SIGHUP; main thread only."""

    def handler(number: int, frame: Any) -> None:
        stop()

    signal.signal(signal.SIGTERM, handler)
    signal.signal(signal.SIGHUP, handler)
