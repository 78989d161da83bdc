"""Starts a process without copying this one.

`subprocess` of Python before 3.10 forks: the tables of this process's memory are copied while its interpreter stands
still, 5 to 30 ms for a process that plays (docs/decisions/0020-graphs-elsewhere.md). POSIX's `posix_spawn` copies
nothing, and a call through ctypes leaves the interpreter to the other threads.
"""

import ctypes
import os
import signal
from typing import Any, Callable, Dict, List, Optional

# What the C library keeps in its two kinds of settings is its own business; 80 and 336 bytes in glibc.
_ROOM = 1024
# <spawn.h>: the child leads a session of its own (glibc 2.26, musl 1.1.17).
_NEW_SESSION = 0x80
_DESCRIPTORS = "/proc/self/fd"

_C = ctypes.CDLL(None)


class Spawned:
    """A process that was started; the methods belong to one thread."""

    def __init__(
        self,
        arguments: List[str],
        environment: Dict[str, str],
        descriptors: List[int],
        stdin: Optional[int] = None,
    ) -> None:
        """Start ``arguments[0]``, a path, in a session of its own.

        It has ``descriptors`` under their own numbers, ``stdin`` (nothing to read where that is None), this process's
        standard output and error, and nothing else that is open here. Raises OSError.
        """
        self.pid = _spawn(arguments, environment, descriptors, stdin)
        self._status: Optional[int] = None

    def poll(self) -> Optional[int]:
        """Return the exit status (negative: the signal that killed it), None while it runs."""
        return self._wait(os.WNOHANG)

    def wait(self) -> None:
        """Wait until it has ended."""
        self._wait(0)

    def send(self, number: int) -> None:
        """Send it a signal; nothing happens where it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send(signal.SIGKILL)

    def _wait(self, how: int) -> Optional[int]:
        if self._status is None:
            found, status = os.waitpid(self.pid, how)
            if found:
                killed = os.WIFSIGNALED(status)
                self._status = -os.WTERMSIG(status) if killed else os.WEXITSTATUS(status)
        return self._status


def _spawn(
    arguments: List[str], environment: Dict[str, str], descriptors: List[int], stdin: Optional[int]
) -> int:
    """Start a process and return its number."""
    files, settings = (
        _settings(_C.posix_spawn_file_actions_init),
        _settings(_C.posix_spawnattr_init),
    )
    try:
        _check(_C.posix_spawnattr_setflags(settings, ctypes.c_short(_NEW_SESSION)))
        if stdin is None:
            null = os.devnull.encode()
            _check(_C.posix_spawn_file_actions_addopen(files, 0, null, os.O_RDONLY, 0))
        else:
            _check(_C.posix_spawn_file_actions_adddup2(files, stdin, 0))
        # Libraries open devices that a new program would inherit: a card is busy as long as anyone has it open.
        for number in map(int, os.listdir(_DESCRIPTORS)):
            if number > 2 and number not in descriptors:
                _check(_C.posix_spawn_file_actions_addclose(files, number))
        words = [os.fsencode(word) for word in arguments]
        pairs = [os.fsencode("%s=%s" % pair) for pair in environment.items()]
        pid = ctypes.c_int()
        for number in descriptors:
            os.set_inheritable(number, True)
        try:
            _check(
                _C.posix_spawn(
                    ctypes.byref(pid), words[0], files, settings, _strings(words), _strings(pairs)
                ),
                arguments[0],
            )
        finally:
            for number in descriptors:
                os.set_inheritable(number, False)
        return pid.value
    finally:
        _C.posix_spawn_file_actions_destroy(files)
        _C.posix_spawnattr_destroy(settings)


def _settings(begin: Callable[..., int]) -> Any:
    """Return room for settings of the C library that ``begin`` has set up."""
    room = ctypes.create_string_buffer(_ROOM)
    _check(begin(room))
    return room


def _strings(words: List[bytes]) -> Any:
    """Return words as C wants a list of them."""
    return (ctypes.c_char_p * (len(words) + 1))(*words, None)


def _check(error: int, path: Optional[str] = None) -> None:
    """Raise OSError where a call has returned an error; these do not set errno."""
    if error:
        raise OSError(error, os.strerror(error), path)
