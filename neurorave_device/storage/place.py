"""Where the module keeps what it remembers, and that only one module at a time writes there."""

import fcntl
import os
from typing import Optional

from neurorave_device.storage.safe_file import make_folder

_LOCK = "in use"


def state_folder(given: Optional[str] = None) -> str:
    """Return the folder: the one given, else that of the XDG base directory specification for state."""
    if given is not None:
        return os.path.abspath(given)
    base = os.environ.get("XDG_STATE_HOME", "")
    # The specification says that a relative one counts as not set.
    if not os.path.isabs(base):
        base = os.path.join(os.path.expanduser("~"), ".local", "state")
    return os.path.join(base, "neurorave")


class Lock:
    """Held by the module that writes in a folder; the system lets go of it however the holder ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Let go."""
        os.close(self._descriptor)


def lock(folder: str) -> Optional[Lock]:
    """Take a folder, making it where it is missing; None where another module has it. OSError where it cannot be."""
    make_folder(folder)
    # Read-only, so that nothing keeps a disk from being made so. Children must not hold it after their parent's end.
    flags = os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC
    descriptor = os.open(os.path.join(folder, _LOCK), flags, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        os.close(descriptor)
        raise
    return Lock(descriptor)
