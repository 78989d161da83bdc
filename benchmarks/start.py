"""How long a start takes, and how soon it sounds again after the sound process was killed.

    python -m benchmarks.start --rounds 100

Each round starts `neurorave run` afresh, with a clock of 8 Hz on gate 1 as the player had left it, and waits until
sound has been played (start); then it kills the sound process with SIGKILL at a random moment and waits for sound again
(again). What is played is seen in the memory that the processes share: a report of the new process with a level above
-80 dB, which comes only when the output has taken the samples. `--python` runs the module on another Python.
"""

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from neurorave_device.clock import SystemClock
from neurorave_device.inputs.virtual import VirtualPanel
from neurorave_device.link.running import attach, sound_processes
from neurorave_device.link.settings import pack_panel
from neurorave_device.link.shared import SharedMemory
from neurorave_device.link.telemetry import Report, unpack
from neurorave_device.storage.patch import default_patch, patch_file, to_payload

ROOT = Path(__file__).resolve().parent.parent
AUDIBLE = 1e-4
GIVE_UP = 60.0
GATE_HZ = 8.0
WANTED_AGAIN = 1.5


def remember_a_clock(state: str) -> None:
    """Leave the module's memory as a player would who has set gate 1 to a clock."""
    panel = VirtualPanel(SystemClock())
    panel.set_clock(1, on=True, rate=GATE_HZ)
    jacks = json.loads(pack_panel(panel).decode("utf-8"))
    patch_file(state).save(to_payload(default_patch()._replace(jacks=jacks)))


class Module:
    """One `neurorave run`, and what its sound process says of itself."""

    def __init__(self, python: str, bundle: str, audio: str, state: str) -> None:
        self.began = time.monotonic()
        command = [python, "-m", "neurorave_device.cli", "run", "--bundle", bundle, "--port", "0"]
        environment = dict(os.environ, PYTHONPATH=str(ROOT))
        self._process = subprocess.Popen(
            [*command, "--audio", audio, "--state", state],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._shared: Optional[SharedMemory] = None

    def sound_pid(self) -> Optional[int]:
        """Return the process number of the sound process that runs now."""
        for pid, settings in sound_processes():
            if settings.get("supervisor") == self._process.pid:
                if self._shared is None:
                    self._shared = attach(pid, settings["shared"])
                return pid
        return None

    def report(self) -> Report:
        """Return the newest report."""
        return Report() if self._shared is None else unpack(self._shared.telemetry.read())

    def wait_for_sound(self, begin: float, other_than: int = 0) -> Tuple[float, int]:
        """Wait until a sound process (not the one that was killed) has played; return seconds and its number."""
        pid: Optional[int] = None
        before = self.report().samples
        while time.monotonic() - begin < GIVE_UP:
            if pid is None or pid == other_than:
                pid = self.sound_pid()
            else:
                report = self.report()
                # The old one's report stays until the new one writes its first.
                fresh = not other_than or report.samples < before
                if fresh and report.level > AUDIBLE:
                    return time.monotonic() - begin, pid
            if self._process.poll() is not None:
                break
            time.sleep(0.002)
        return float("inf"), pid or 0

    def end(self) -> None:
        """End it in order."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._shared is not None:
            self._shared.close()


def one_round(options: argparse.Namespace, chance: random.Random) -> Tuple[float, float]:
    """Return how long the start took and how long it was silent after the kill, in seconds."""
    with tempfile.TemporaryDirectory() as state:
        remember_a_clock(state)
        module = Module(options.python, options.bundle, options.audio, state)
        try:
            start, pid = module.wait_for_sound(module.began)
            if start == float("inf"):
                return start, start
            time.sleep(options.settle + chance.random())
            killed = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            again, _ = module.wait_for_sound(killed, pid)
            return start, again
        finally:
            module.end()


def line(name: str, values: List[float], wanted: float) -> str:
    """Return a line of the table."""
    ordered = sorted(values)
    return "%-6s  min %.2f  p50 %.2f  p90 %.2f  max %.2f s; within %.1f s: %d of %d" % (
        name,
        ordered[0],
        statistics.median(ordered),
        ordered[int(0.9 * (len(ordered) - 1))],
        ordered[-1],
        wanted,
        sum(value <= wanted for value in values),
        len(values),
    )


def main() -> int:
    """Measure, print, and return 1 where it was not always in time."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--python", default=sys.executable, help="the Python that runs the module")
    parser.add_argument("--bundle", default="models/hand_percussion")
    parser.add_argument("--audio", default="null", help="null, browser or soundcard")
    parser.add_argument(
        "--settle", type=float, default=5.0, help="seconds of playing before a kill"
    )
    parser.add_argument("--wanted", type=float, default=3.0, help="seconds that a start may take")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    found: Dict[str, List[float]] = {"start": [], "again": []}
    for number in range(options.rounds):
        start, again = one_round(options, chance)
        found["start"].append(start)
        found["again"].append(again)
        load = os.getloadavg()[0]
        print(
            "%3d  start %.2f s  again %.2f s  (load %.1f)" % (number + 1, start, again, load),
            flush=True,
        )
    print(line("start", found["start"], options.wanted))
    print(line("again", found["again"], WANTED_AGAIN))
    late = [value for value in found["again"] if value > WANTED_AGAIN]
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
