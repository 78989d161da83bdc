"""The MIDI ports of a Linux machine, as ALSA's raw devices; those that come and go are followed."""

import errno
import glob
import os
from typing import Callable, Dict, List, NamedTuple, Tuple

from neurorave_device.drivers.device import reason

FOLDER = "/dev/snd"
# How often somebody may have plugged something in.
LOOK_SECONDS = 1.0
_LARGEST = 1024


class Heard(NamedTuple):
    """What a port has said: `data`, and `gone` where it is not there any more."""

    port: str
    data: bytes
    gone: bool = False


class MidiPorts:
    """All ports that there are, open for reading; `read` never waits. One thread; `fault` any."""

    def __init__(self, folder: str = FOLDER, opening: Callable[[str, int], int] = os.open) -> None:
        self._pattern = os.path.join(folder, "midiC*D*")
        self._opening = opening
        self._open: Dict[str, int] = {}
        self._look_at = float("-inf")
        self._fault = ""

    @property
    def fault(self) -> str:
        """One sentence where a port is there and cannot be opened, otherwise ''."""
        return self._fault

    @property
    def ports(self) -> Tuple[str, ...]:
        """The ports that are open."""
        return tuple(sorted(self._open))

    def read(self, now: float) -> List[Heard]:
        """Return what has come in since the last call."""
        if now >= self._look_at:
            self._look_at = now + LOOK_SECONDS
            self._look()
        return [heard for port in list(self._open) for heard in self._read(port)]

    def close(self) -> List[Heard]:
        """Close all ports, and say that they are gone."""
        self._look_at = float("-inf")
        self._fault = ""
        return [self._lose(port) for port in list(self._open)]

    def _look(self) -> None:
        faults = []
        for path in sorted(glob.glob(self._pattern)):
            if path in self._open:
                continue
            try:
                self._open[path] = self._opening(path, os.O_RDONLY | os.O_NONBLOCK)
            except OSError as error:
                # One that only sends has nothing to be read.
                if error.errno not in (errno.ENXIO, errno.ENODEV, errno.ENOENT, errno.EINVAL):
                    faults.append("The MIDI port %s: %s." % (path, _why(error)))
        self._fault = faults[0] if faults else ""

    def _read(self, port: str) -> List[Heard]:
        try:
            data = os.read(self._open[port], _LARGEST)
        except BlockingIOError:
            return []
        except OSError:
            return [self._lose(port)]
        return [Heard(port, data)] if data else [self._lose(port)]

    def _lose(self, port: str) -> Heard:
        try:
            os.close(self._open.pop(port))
        except OSError:
            # What is gone counts as closed.
            pass
        return Heard(port, b"", True)


def _why(error: OSError) -> str:
    if error.errno in (errno.EBUSY, errno.EAGAIN):
        return "another program has it"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "not permitted; this user has to be in the group audio"
    return reason(error)
