"""Another bundle while it plays, again and again: late frames, gaps, stalls of the interpreter, steps in the sound.

The real sound process plays to nobody at the pace of a sound card, with voltages that wander and eight gates a second,
and changes between two copies of a bundle. What it has played is read from its shared memory. Per row:

late, underruns   what the sound process counted, after its first seconds, over the whole run
late gates        gates that were noticed too late for their own sample
change            seconds from the wish to the first report of the new bundle; the first one is apart
stall             the longest that a thread waited for the interpreter while another bundle was loaded (median and
                  worst of all changes), and for as long while none was; the machine's own are in both, and `machine`
                  is the worst that another process, which does nothing, had at the same time
step              the largest difference of two samples that follow each other, of full scale: where a bundle changed
                  (worst of all changes), and anywhere else
load              share of the time that making sound takes, before the first change and after the last, percent
grown             memory of the sound process, MB, from before the first change to after the last; over the second half

`--here` loads in the process that plays, as it was before the graphs had a process of their own.
    python -m benchmarks.bundle_change --ahead 20 45 --changes 20 --json change.json
"""

import argparse
import os
import platform
import random
import shutil
import sys
import tempfile
import time
from typing import Any, Dict, List, Tuple

import numpy as np

from benchmarks.bundle_player import PERIOD, Watch
from neurorave_device.clock import SystemClock
from neurorave_device.config import Config
from neurorave_device.engine.description import DESCRIPTION, read_description
from neurorave_device.inputs.virtual import VirtualPanel
from neurorave_device.link.commands import CommandSender, PlayBundle, make_pipe
from neurorave_device.link.settings import pack_panel, pack_values
from neurorave_device.link.shared import SharedMemory
from neurorave_device.link.telemetry import Report, unpack
from neurorave_device.parameters import default_values
from neurorave_device.processes.child import READY, Child
from neurorave_device.sound_process.synthesis import CHANGE_SECONDS
from neurorave_device.sound_process.timing import timing
from neurorave_device.tools.render import write_json

SKIP_SECONDS = 3.0
# From one change to the wish for the next.
BETWEEN = (0.6, 1.0)
_LONGEST_CHANGE = 60.0


class Player:
    """The sound process and what is heard of it."""

    def __init__(self, folder: str, ahead: float, here: bool) -> None:
        self.config = Config(bundle=os.path.join(folder, "first"), audio="null", latency_ms=ahead)
        self._clock = SystemClock()
        self.shared = SharedMemory.create()
        self.shared.parameters.write(pack_values(default_values()))
        self.shared.panel.write(pack_panel(_played_panel(self._clock)))
        self._ends = make_pipe()
        self.commands = CommandSender(self._ends[1])
        self._stalls = os.path.join(folder, "stalls.npy")
        self._position = 0
        self.sound: List[np.ndarray] = []
        self.child = Child(
            "benchmarks.bundle_player",
            {"config": self.config._asdict(), "stalls": self._stalls, "here": here},
            {"shared": self.shared.descriptor, "commands": self._ends[0].fileno()},
        )
        end = time.monotonic() + 60.0
        while not any(status.kind == READY for status in self.child.statuses()):
            if self.child.returncode() is not None or time.monotonic() > end:
                raise SystemExit("the sound process does not start")
            time.sleep(0.02)

    def listen(self, seconds: float = 0.005) -> Report:
        """Wait a little, take in what was played, and return the newest report."""
        time.sleep(seconds)
        self._position, new = self.shared.ring.read(self._position)
        self.sound.append(new)
        return unpack(self.shared.telemetry.read())

    def memory(self) -> float:
        """Return the process's resident memory in MB."""
        with open("/proc/%d/statm" % self.child.pid) as handle:
            return int(handle.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def close(self) -> np.ndarray:
        """End the process and return its stalls."""
        self.child.terminate()
        end = time.monotonic() + 10.0
        while self.child.returncode() is None and time.monotonic() < end:
            time.sleep(0.02)
        self.child.kill()
        self.child.close()
        for part in self._ends:
            part.close()
        self.shared.close()
        return np.load(self._stalls)


class Lost:
    """When frames came late and blocks ran dry: seconds since a change was last ``asked`` for, and how many of each."""

    def __init__(self, report: Report) -> None:
        self.asked = time.monotonic()
        self.moments: List[Tuple[float, int, int]] = []
        self._before = report

    def note(self, report: Report) -> Report:
        """Take note of a report, and return it."""
        late = report.late - self._before.late
        dry = report.underruns - self._before.underruns
        if late or dry:
            self.moments.append((round(time.monotonic() - self.asked, 3), late, dry))
        self._before = report
        return report


def measure(folder: str, ahead: float, changes: int, here: bool) -> Dict[str, Any]:
    """Play once through and return the figures."""
    player = Player(folder, ahead, here)
    machine = Watch()
    try:
        begin = time.monotonic()
        while time.monotonic() < begin + SKIP_SECONDS:
            before = player.listen()
        memory = [player.memory()]
        took, loads, places, late_edges, lost = [], [], [], [before.late_edges], Lost(before)
        for number in range(changes):
            until = time.monotonic() + random.uniform(*BETWEEN)
            while time.monotonic() < until:
                late_edges.append(lost.note(player.listen()).late_edges)
            target = os.path.join(folder, ("second", "first")[number % 2])
            asked = time.monotonic()
            player.commands.send(PlayBundle(target))
            lost.asked = asked
            report = lost.note(player.listen())
            while report.folder != target:
                if time.monotonic() > asked + _LONGEST_CHANGE:
                    raise SystemExit("the bundle does not change: %s" % report.message)
                report = lost.note(player.listen())
            took.append(time.monotonic() - asked)
            loads.append((asked, time.monotonic()))
            places.append(report.samples)
            memory.append(player.memory())
        for _ in range(100):
            after = lost.note(player.listen())
    finally:
        stalls, idle = player.close(), machine.close()
    begun = begin + SKIP_SECONDS
    loading = [_worst(stalls, first, last) for first, last in loads]
    between = [(loads[at][1], loads[at + 1][0]) for at in range(len(loads) - 1)]
    playing = [_worst(stalls, first, last) for first, last in between]
    at_change, elsewhere = steps(np.concatenate(player.sound), places, player.config)
    return {
        "ahead_ms": ahead,
        "graphs": "here" if here else "elsewhere",
        "changes": changes,
        "late": after.late - before.late,
        "underruns": after.underruns - before.underruns,
        "lost_at": lost.moments,
        "late_gates": max(late_edges) - before.late_edges,
        "change_s": {"first": took[0], "p50": float(np.median(took[2:])), "max": max(took[2:])},
        "stall_ms": {
            "p50": 1e3 * float(np.median(loading)),
            "max": 1e3 * max(loading),
            "playing_p50": 1e3 * float(np.median(playing)),
            "playing_max": 1e3 * max(playing),
            "machine": 1e3 * _worst(idle, begun, time.monotonic()),
        },
        "load": {"before": 100.0 * before.load, "after": 100.0 * after.load},
        "step": {"change": at_change, "elsewhere": elsewhere},
        "grown_mb": {"all": memory[-1] - memory[0], "half": memory[-1] - memory[changes // 2]},
    }


def steps(sound: np.ndarray, places: List[int], config: Config) -> Tuple[float, float]:
    """Return the largest step of the sound where bundles changed, and that anywhere else.

    ``places`` are what had been played when a new bundle was first told of: it begins behind what was queued then.
    """
    info = read_description(config.bundle).info
    capacity = timing(config.ahead_ms, config.block, info.sample_rate, info.hop).capacity
    fade = round(CHANGE_SECONDS * info.sample_rate)
    step = np.abs(np.diff(sound))
    inside = np.zeros(step.size, bool)
    for place in places:
        inside[max(0, place - info.hop) : place + capacity + info.hop + fade] = True
    return float(step[inside].max()), float(step[~inside].max())


def _worst(stalls: np.ndarray, first: float, last: float) -> float:
    within = stalls[(stalls[:, 0] >= first) & (stalls[:, 0] <= last), 1]
    return float(within.max()) if within.size else PERIOD


def _played_panel(clock: SystemClock) -> VirtualPanel:
    panel = VirtualPanel(clock)
    for jack in range(1, 5):
        panel.set_jack(jack, source="random", value=0.0, rate=3.0 + jack, depth=2.0)
    panel.set_clock(1, on=True, rate=8.0)
    return panel


def shelf(bundle: str, folder: str) -> None:
    """Put two copies of a bundle into a folder, which differ in their names."""
    for name in ("first", "second"):
        shutil.copytree(bundle, os.path.join(folder, name))
        path = os.path.join(folder, name, DESCRIPTION)
        with open(path, encoding="utf-8") as handle:
            lines = handle.read().splitlines()
        with open(path, "w", encoding="utf-8") as handle:
            for line in lines:
                handle.write(("name: " + name if line.startswith("name:") else line) + "\n")


def table(rows: List[Dict[str, Any]], where: str) -> str:
    """Return the rows as a table for a document."""
    head = (
        "| %s | ahead, ms | graphs | late | underruns | late gates | change, s: first, p50, max |"
        " stall, ms: loading p50, max | playing p50, max | machine | step: change, elsewhere |"
        " load, %%: before, after | grown, MB: all, half |"
    )
    lines = [head % where, "|" + "---|" * 13]
    for row in rows:
        change, stall = row["change_s"], row["stall_ms"]
        lines.append(
            "| %d changes | %.0f | %s | %d | %d | %d | %.2f, %.2f, %.2f | %.1f, %.1f | %.1f, %.1f | %.1f |"
            " %.3f, %.3f | %.0f, %.0f | %.1f, %.1f |"
            % (
                row["changes"],
                row["ahead_ms"],
                row["graphs"],
                row["late"],
                row["underruns"],
                row["late_gates"],
                *(change[key] for key in ("first", "p50", "max")),
                *(stall[key] for key in ("p50", "max", "playing_p50", "playing_max", "machine")),
                row["step"]["change"],
                row["step"]["elsewhere"],
                row["load"]["before"],
                row["load"]["after"],
                row["grown_mb"]["all"],
                row["grown_mb"]["half"],
            )
        )
    return "\n".join(lines)


def main() -> int:
    """Run as a command."""
    import onnxruntime

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", default="models/hand_percussion", metavar="DIR")
    parser.add_argument("--ahead", type=float, nargs="+", default=[20.0, 45.0], metavar="MS")
    parser.add_argument("--changes", type=int, default=20, metavar="N")
    parser.add_argument("--here", action="store_true", help="load in the process that plays")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    rows = []
    for ahead in options.ahead:
        with tempfile.TemporaryDirectory(prefix="neurorave-change-") as folder:
            shelf(options.bundle, folder)
            rows.append(measure(folder, ahead, options.changes, options.here))
    where = "Python %s, onnxruntime %s" % (platform.python_version(), onnxruntime.__version__)
    print(table(rows, where))
    if options.json:
        write_json(options.json, {"where": where, "rows": rows})
    return 0


if __name__ == "__main__":
    sys.exit(main())
