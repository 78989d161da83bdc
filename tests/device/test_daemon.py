"""The module as real processes: deaths, restarts, signals, and an end that leaves nothing behind."""

import os
import queue
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection
from typing import Any, Callable, Dict, List, Set

import numpy as np
import pytest
import soundfile

from neurorave_device import cli
from neurorave_device.clock import SystemClock
from neurorave_device.launch import daemon
from neurorave_device.link.running import find_running, sound_processes, waits
from neurorave_device.link.telemetry import PLAYING, Report, pack
from tests.device.toy import CV, TOY, copy_toy

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOUND = "neurorave_device.sound_process.sound"
FACE = "neurorave_device.face_process.process"
# A watchdog, not a measure: on a machine that is busy with other tests all this takes its time.
PATIENCE = 120.0


class Running:
    """`neurorave run` as a process, with its output line by line."""

    def __init__(self, *arguments: str) -> None:
        environment = dict(os.environ, PYTHONUNBUFFERED="1")
        environment.pop("NEURORAVE_DEBUG", None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "neurorave_device.cli", "run", "--port", "0"] + list(arguments),
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
            start_new_session=True,
        )
        self.lines: "queue.Queue[str]" = queue.Queue()
        self.seen: List[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=(stream,), daemon=True)
            for stream in (self.process.stdout, self.process.stderr)
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: Any) -> None:
        for line in stream:
            self.lines.put(line.rstrip("\n"))

    def wait_for(self, pattern: str) -> str:
        """Read lines until one matches and return it."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                line = self.lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                pytest.fail("no %r in %r" % (pattern, self.seen))
            self.seen.append(line)
            if re.search(pattern, line):
                return line

    def children(self) -> Dict[str, int]:
        """Return the children that run, module -> process number."""
        found = {}
        for pid in children_of(self.process.pid):
            for module in (SOUND, FACE):
                # A spare one that waits does not count.
                if module in command_of(pid) and not waits(pid):
                    found[module] = pid
        return found

    def child(self, module: str, other_than: Set[int]) -> int:
        """Wait until a child of this module runs whose number is new."""
        return until(
            lambda: {pid for name, pid in self.children().items() if name == module} - other_than
        ).pop()

    def end(self) -> int:
        """Wait for the end and return the exit status."""
        status = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        while not self.lines.empty():
            self.seen.append(self.lines.get())
        return status

    def kill(self) -> None:
        """End what a failing test has left over."""
        pids = list(self.children().values())
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass


def children_of(parent: int) -> List[int]:
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name) as handle:
                    text = handle.read()
            except OSError:
                continue
            if int(text.rpartition(")")[2].split()[1]) == parent:
                found.append(int(name))
    return found


def command_of(pid: int) -> str:
    try:
        with open("/proc/%d/cmdline" % pid) as handle:
            return handle.read().replace("\0", " ")
    except OSError:
        return ""


def until(condition: Callable[[], Any]) -> Any:
    """Wait until a condition is true and return what it gave."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    return pytest.fail("waited in vain")


def page(address: str) -> int:
    """Fetch the panel's page; a listening socket makes a request wait until somebody answers."""
    host, port = re.match(r"http://([\d.]+):(\d+)/", address).groups()  # type: ignore[union-attr]
    connection = HTTPConnection(host, int(port), timeout=PATIENCE)
    connection.request("GET", "/")
    status = connection.getresponse().status
    connection.close()
    return status


def gone(pid: int) -> bool:
    # A zombie has no command line: it has ended.
    return command_of(pid) == ""


def no_tracebacks(lines: List[str]) -> bool:
    return not any("Traceback" in line or "Exception ignored" in line for line in lines)


def leftovers() -> Set[str]:
    """What of ours lies about where files outlive their process."""
    return {name for name in os.listdir("/dev/shm") if name.startswith("neurorave")}


@pytest.fixture
def start() -> Any:
    made: List[Running] = []

    def begin(*arguments: str) -> Running:
        made.append(Running("--bundle", TOY, *arguments))
        return made[-1]

    yield begin
    for running in made:
        running.kill()


def address_in(line: str) -> str:
    return re.search(r"http://\S+", line).group(0)  # type: ignore[union-attr]


def test_a_killed_face_and_a_killed_sound_are_started_again(
    start: Any, tmp_path: Any, monkeypatch: Any
) -> None:
    systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    systemd.bind(str(tmp_path / "notify"))
    systemd.settimeout(PATIENCE)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "1000000")
    running = start("--audio", "null")
    line = running.wait_for("Panel: ")
    assert line.startswith("neurorave plays toy. Panel: http://127.0.0.1:")
    address = address_in(line)
    assert page(address) == 200
    first = running.children()
    assert set(first) == {SOUND, FACE}
    assert systemd.recv(100) == b"READY=1\nSTATUS=toy"
    assert systemd.recv(100) == b"WATCHDOG=1"

    os.kill(first[FACE], signal.SIGKILL)
    running.wait_for("face process died")
    assert page(address) == 200
    assert running.children()[SOUND] == first[SOUND]
    assert running.children()[FACE] != first[FACE]

    os.kill(first[SOUND], signal.SIGKILL)
    running.wait_for("sound process died and is started again")
    running.child(SOUND, {first[SOUND]})
    assert page(address) == 200

    children = running.children()
    # Its queue is short, and what does not fit is not said.
    systemd.recv(100)
    while select.select([systemd], [], [], 0)[0]:
        systemd.recv(100)
    running.process.send_signal(signal.SIGTERM)
    assert running.end() == 0
    assert no_tracebacks(running.seen)
    assert all(gone(pid) for pid in children.values())
    while systemd.recv(100) != b"STOPPING=1":
        pass
    systemd.close()


def test_a_spare_sound_process_waits_and_takes_over_at_once(start: Any) -> None:
    running = start("--audio", "null")
    running.wait_for("Panel: ")

    def spares() -> List[int]:
        found = children_of(running.process.pid)
        return [pid for pid in found if SOUND in command_of(pid) and waits(pid)]

    spare = until(spares)[0]
    first = running.children()[SOUND]
    playing = [
        pid for pid, found in sound_processes() if found["supervisor"] == running.process.pid
    ]
    assert playing == [first], "the one that waits says nothing"
    os.kill(first, signal.SIGKILL)
    running.wait_for("sound process died and is started again")
    assert running.child(SOUND, {first}) == spare
    assert until(lambda: find_running() is not None)
    # Another one waits; killed, it is replaced; and at the end none is left.
    second = until(spares)[0]
    os.kill(second, signal.SIGKILL)
    third = until(lambda: set(spares()) - {second}).pop()
    running.process.send_signal(signal.SIGTERM)
    assert running.end() == 0
    assert gone(spare) and gone(third)
    assert no_tracebacks(running.seen)


def test_ctrl_c_ends_it_well_with_the_file_complete(start: Any, tmp_path: Any) -> None:
    out = str(tmp_path / "out.wav")
    running = start("--audio", "file", "--out", out)
    running.wait_for("Panel: ")
    children = running.children()
    # As a terminal does it: to the whole group.
    os.killpg(running.process.pid, signal.SIGINT)
    assert running.end() == 0
    assert no_tracebacks(running.seen)
    assert any("written to " + out in line for line in running.seen)
    assert all(gone(pid) for pid in children.values())
    assert leftovers() == set()
    assert soundfile.info(out).frames > 0


def test_a_recording_is_played_into_a_file_and_that_is_the_end(start: Any, tmp_path: Any) -> None:
    out, cv = str(tmp_path / "out.wav"), str(tmp_path / "cv.wav")
    volts = np.zeros((500, 6))
    volts[100:200, 4] = 5.0
    soundfile.write(cv, volts / 10.0, 1000, subtype="PCM_16")
    running = start("--panel", "replay", "--cv", cv, "--audio", "file", "--out", out)
    assert running.end() == 0
    assert no_tracebacks(running.seen)
    samples, rate = soundfile.read(out)
    assert rate == 44100
    # As long as the recording and the constant delay; where the machine is busy, some silence follows.
    assert samples.size >= 0.5 * rate
    assert abs(samples).max() > 0.01


def test_a_killed_supervisor_takes_its_children_with_it(start: Any) -> None:
    running = start("--audio", "null")
    running.wait_for("Panel: ")
    # Be one waiting or not.
    children = children_of(running.process.pid)
    running.process.kill()
    running.process.wait()
    until(lambda: all(gone(pid) for pid in children))
    assert leftovers() == set()


def test_bad_input_found_by_the_sound_process_is_one_sentence(tmp_path: Any) -> None:
    bundle = copy_toy(tmp_path)
    with open(bundle + "/decoder.onnx", "ab") as handle:
        handle.write(b"tampered")
    running = Running("--bundle", bundle, "--audio", "null")
    try:
        assert running.end() == 2
        assert len(running.seen) == 1
        assert "decoder.onnx" in running.seen[0]
    finally:
        running.kill()


def refused(capsys: Any, *arguments: str) -> str:
    """Run `neurorave run` up to its refusal, which comes before any process starts."""
    before = children_of(os.getpid())
    assert cli.main(["run"] + list(arguments)) == 2
    assert children_of(os.getpid()) == before
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.strip().splitlines()
    assert len(lines) == 1
    return str(lines[0])


def test_a_port_in_use_is_told_before_anything_starts(capsys: Any) -> None:
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen(1)
    port = str(taken.getsockname()[1])
    said = refused(capsys, "--bundle", TOY, "--port", port)
    assert port in said and "--port" in said
    taken.close()


@pytest.mark.parametrize(
    "arguments,word",
    [
        (["--bundle", "no/such/folder"], "no/such/folder"),
        (["--bundle", TOY, "--panel", "replay"], "--cv"),
        (["--bundle", TOY, "--cv", "x.wav"], "--panel replay"),
        (["--bundle", TOY, "--audio", "file"], "--out"),
        (["--bundle", TOY, "--out", "x.wav"], "--audio file"),
        (
            ["--bundle", TOY, "--audio", "file", "--out", "x.mp3"],
            "'x.mp3', allowed is the WAV file",
        ),
        (["--bundle", TOY, "--audio", "file", "--out", ""], "must end in .wav"),
        (
            ["--bundle", TOY, "--panel", "replay", "--cv", CV, "--audio", "file", "--out", CV],
            "is the recording",
        ),
        (["--bundle", TOY, "--engine", "tensorrt"], "--engine onnx"),
        (["--bundle", TOY, "--audio", "tape"], "tape"),
        (["--bundle", TOY, "--seconds", "0"], "seconds"),
        (["--bundle", TOY, "--port", "70000"], "70000"),
        (["--config", "no/such/file.yaml"], "no/such/file.yaml"),
    ],
)
def test_bad_usage_is_one_sentence_and_status_2(
    capsys: Any, arguments: List[str], word: str
) -> None:
    assert word in refused(capsys, *arguments)


def test_an_unknown_key_of_the_configuration_is_named(capsys: Any, tmp_path: Any) -> None:
    path = tmp_path / "my.yaml"
    path.write_text("bundel: models/mine\n")
    said = refused(capsys, "--config", str(path))
    assert "bundel" in said and str(path) in said


def test_faults_of_midi_and_of_jacks_are_told_on_the_terminal(capsys: Any) -> None:
    nobody: Any = None
    module = daemon._Module(nobody, nobody, False, nobody, SystemClock())
    try:
        report = Report(state=PLAYING, midi_fault="The MIDI port is busy.", faults=("No CVs.", ""))
        for told in (report, report, report._replace(midi_fault="")):
            module._shared.telemetry.write(pack(told))
            module._follow_faults()
    finally:
        module.close()
    assert capsys.readouterr().err.splitlines() == [
        "neurorave: The MIDI port is busy.",
        "neurorave: No CVs.",
        "neurorave: This is over: The MIDI port is busy.",
    ]
