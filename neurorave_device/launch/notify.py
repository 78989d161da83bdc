"""What systemd is told of the module: that it plays, that it still plays, that it ends (the sd_notify protocol).

One datagram for each. Without systemd nothing is sent.
"""

import os
import socket
from typing import Mapping, Optional

from neurorave_device.clock import Clock

_ADDRESS = "NOTIFY_SOCKET"
_PERIOD = "WATCHDOG_USEC"
_PROCESS = "WATCHDOG_PID"
# So many times within the watchdog's time it is fed: a datagram that comes late does no harm.
_TIMES = 4.0


class Notifier:
    """Belongs to one thread. Nothing raises: a module that systemd cannot hear plays all the same."""

    def __init__(self, clock: Clock, environment: Optional[Mapping[str, str]] = None) -> None:
        given = os.environ if environment is None else environment
        self._clock = clock
        self._address = given.get(_ADDRESS, "")
        self._every = _period(given)
        self._ready = False
        self._due = 0.0

    def alive(self, text: str) -> None:
        """Say that sound has been made since the last call: the first time that all is ready, then that all is well.

        ``text`` is what ``systemctl status`` shows.
        """
        now = self._clock.now()
        if not self._ready:
            self._ready = True
            self._send("READY=1\nSTATUS=%s" % text)
        elif self._every is not None and now >= self._due:
            self._send("WATCHDOG=1")
        else:
            return
        self._due = now + (self._every or 0.0)

    def stopping(self) -> None:
        """Say that the module ends because it was asked to."""
        self._send("STOPPING=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        # A name that begins with @ is none in the file system.
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sending:
                # Its queue may be full while systemd is busy; the sound's supervisor waits for nobody.
                sending.setblocking(False)
                sending.sendto(text.encode("utf-8"), address)
        except OSError:
            pass


def _period(given: Mapping[str, str]) -> Optional[float]:
    """Return after how many seconds the watchdog is fed again, None where there is none for this process."""
    try:
        if int(given.get(_PROCESS, os.getpid())) != os.getpid():
            return None
        microseconds = int(given[_PERIOD])
    except (KeyError, ValueError):
        return None
    return microseconds / 1e6 / _TIMES if microseconds > 0 else None
