"""Processes that are started without a copy of this one: what they have of it, and how they end."""

import os
import signal
import sys

import pytest

from neurorave_device.processes.spawn import Spawned


def run(code, descriptors=(), stdin=None, environment=None):
    """Return a Python that has run ``code``, and what it wrote into the pipe whose number it was given."""
    receiving, sending = os.pipe()
    line = [sys.executable, "-S", "-c", code, str(sending)]
    try:
        process = Spawned(line, environment or {}, [sending, *descriptors], stdin)
    finally:
        os.close(sending)
    with open(receiving, "rb") as stream:
        told = stream.read().decode()
    process.wait()
    return process, told


def test_it_has_what_it_is_given_and_nothing_else():
    # A library's descriptor is often one that a new program inherits.
    leaky, given = os.open(os.devnull, os.O_RDONLY), os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(leaky, True)
    code = (
        "import os, sys; out = int(sys.argv[1]); found = set(map(int, os.listdir('/proc/self/fd')))\n"
        "there = sorted(n for n in found if os.path.exists('/proc/self/fd/%d' % n))\n"
        "os.write(out, repr((out, there, sorted(os.environ.items()), sys.stdin.read())).encode())"
    )
    try:
        process, told = run(code, [given], environment={"A": "b c", "PYTHONIOENCODING": "utf-8"})
        out, there, environment, read = eval(told)
        assert process.poll() == 0
        assert set(there) == {0, 1, 2, given, out} and leaky not in there
        assert ("A", "b c") in environment and "HOME" not in dict(environment)
        assert read == ""
        assert not os.get_inheritable(given)
    finally:
        os.close(leaky)
        os.close(given)


def test_it_reads_what_it_is_sent():
    read, write = os.pipe()
    os.write(write, b"a line\n")
    os.close(write)
    code = "import os, sys; os.write(int(sys.argv[1]), sys.stdin.readline().encode())"
    try:
        assert run(code, stdin=read)[1] == "a line\n"
    finally:
        os.close(read)


def test_it_leads_a_session_of_its_own():
    code = "import os, sys; os.write(int(sys.argv[1]), b'%d %d' % (os.getpid(), os.getsid(0)))"
    process, told = run(code)
    assert told.split() == [str(process.pid)] * 2


@pytest.mark.parametrize(
    "code,status",
    [
        ("raise SystemExit(3)", 3),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    ],
)
def test_how_it_ended_is_known_and_stays_so(code, status):
    process, _ = run(code)
    assert process.poll() == status
    process.kill()
    process.wait()
    assert process.poll() == status


def test_it_can_be_ended():
    process = Spawned([sys.executable, "-S", "-c", "import time; time.sleep(60)"], {}, [])
    assert process.poll() is None
    process.terminate()
    process.wait()
    assert process.poll() == -signal.SIGTERM


def test_a_program_that_is_not_there_is_named():
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError, match="/nowhere/python"):
        Spawned(["/nowhere/python"], {}, [])
    assert set(os.listdir("/proc/self/fd")) == before
