"""What systemd is told: over a real socket, and when."""

import os
import socket
from pathlib import Path
from typing import Dict, List

import pytest

from neurorave_device.clock import VirtualClock
from neurorave_device.launch.notify import Notifier


class Systemd:
    """The receiving end of NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address[0] == "@" else address)
        self._socket.setblocking(False)
        self.environment: Dict[str, str] = {"NOTIFY_SOCKET": address}

    def heard(self) -> List[str]:
        found = []
        while True:
            try:
                found.append(str(self._socket.recv(4096), "utf-8"))
            except BlockingIOError:
                return found

    def close(self) -> None:
        self._socket.close()


@pytest.mark.parametrize("abstract", [False, True])
def test_the_first_sign_of_life_is_ready_and_later_ones_feed_the_watchdog(
    tmp_path: Path, abstract: bool
) -> None:
    systemd = Systemd("@neurorave-test-%d" % os.getpid() if abstract else str(tmp_path / "notify"))
    try:
        clock = VirtualClock(50.0)
        notifier = Notifier(clock, dict(systemd.environment, WATCHDOG_USEC="20000000"))
        notifier.alive("hand_percussion")
        assert systemd.heard() == ["READY=1\nSTATUS=hand_percussion"]
        for _ in range(49):
            clock.advance(0.1)
            notifier.alive("hand_percussion")
        assert systemd.heard() == []
        clock.advance(0.2)
        notifier.alive("hand_percussion")
        notifier.alive("hand_percussion")
        assert systemd.heard() == ["WATCHDOG=1"]
        # Nobody is alive: nothing is said, however long it takes.
        clock.advance(100.0)
        assert systemd.heard() == []
        notifier.stopping()
        assert systemd.heard() == ["STOPPING=1"]
    finally:
        systemd.close()


@pytest.mark.parametrize(
    "more", [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_PID": "1"}]
)
def test_where_no_watchdog_is_for_this_process_none_is_fed(
    tmp_path: Path, more: Dict[str, str]
) -> None:
    systemd = Systemd(str(tmp_path / "notify"))
    try:
        given = dict({"WATCHDOG_USEC": "20000000"} if "WATCHDOG_PID" in more else {}, **more)
        clock = VirtualClock()
        notifier = Notifier(clock, dict(systemd.environment, **given))
        notifier.alive("toy")
        clock.advance(1000.0)
        notifier.alive("toy")
        assert systemd.heard() == ["READY=1\nSTATUS=toy"]
    finally:
        systemd.close()


def test_without_systemd_or_with_one_that_is_gone_nothing_happens(tmp_path: Path) -> None:
    for environment in ({}, {"NOTIFY_SOCKET": str(tmp_path / "gone"), "WATCHDOG_USEC": "1"}):
        notifier = Notifier(VirtualClock(), environment)
        notifier.alive("toy")
        notifier.alive("toy")
        notifier.stopping()


def test_a_systemd_that_does_not_listen_is_not_waited_for(tmp_path: Path) -> None:
    systemd = Systemd(str(tmp_path / "notify"))
    try:
        clock = VirtualClock()
        notifier = Notifier(clock, dict(systemd.environment, WATCHDOG_USEC="4"))
        for _ in range(2000):
            clock.advance(1.0)
            notifier.alive("toy")
        assert 1 <= len(systemd.heard()) < 2000
    finally:
        systemd.close()
