"""The whole module for half an hour under load: late frames, gaps, and whether its memory grows.

`neurorave run` plays with all four CVs moving at random, gate 1 at 8 Hz and gate 2 at 1 Hz, the encoder turned so that
the small screen changes 15 times a second, one page that takes everything, one headless Chromium (where there is one)
and one core kept busy by another process. What happens in the first seconds does not count. Memory is the resident
set of both processes, its growth the slope of a line through it from a third of the time on, over that time.

The machine's own stops (benchmarks/stalls.py) are counted beside it: on a virtual machine whose host is busy, a stop
longer than the sound that has been made ahead is a gap that no program can help, and so are many short ones in a row.
For each late frame and gap that is told of, `beside` has for how much of the quarter second before a processor stood
still; `usual` is the part of the whole time with at least as much beside it, so a program that is late by itself shows.

`python -m benchmarks.soak [--minutes N] [--no-load] [--json FILE]`
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any, Dict, List, Optional

import numpy as np

from benchmarks.stalls import StallWatch
from neurorave_device.config import Config
from neurorave_device.face.panel.protocol import HEADER_BYTES
from neurorave_device.tools.render import write_json

CHROMIUM = "chromium"
BROWSER_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --autoplay-policy=no-user-gesture-required"
).split()
BURN = "import os; os.sched_setaffinity(0, {0})\nwhile True: pass"
SKIP_SECONDS = 3.0
GATE_HERTZ = (8.0, 1.0)
TURNS_PER_SECOND = 15.0
START_SECONDS = 30.0
COUNTS = ("late", "underruns")
STOP_SECONDS = 0.002
# A late frame is told of within so many seconds.
TELLING_SECONDS = 0.25


class Module:
    """A running `neurorave run` with a folder of its own for what it keeps; leaving it ends it."""

    def __init__(self, bundle: str) -> None:
        self._folder = tempfile.mkdtemp(prefix="neurorave-soak-")
        command = [sys.executable, "-m", "neurorave_device.cli", "run", "--port", "0"]
        self._process = subprocess.Popen(
            command + ["--bundle", bundle],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
            env=dict(os.environ, XDG_STATE_HOME=self._folder),
        )
        self.address = ""
        self.said: List[str] = []

    def __enter__(self) -> "Module":
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said.append(line.strip())
            found = [word for word in line.split() if word.startswith("http://")]
            if found:
                self.address = found[0].rstrip(".")
                return self
        raise RuntimeError("the module ended: %s" % " ".join(self.said))

    def __exit__(self, *unused: object) -> None:
        self._process.send_signal(signal.SIGINT)
        rest, _ = self._process.communicate(timeout=START_SECONDS)
        self.said += rest.splitlines()
        shutil.rmtree(self._folder, ignore_errors=True)

    def memory(self) -> float:
        """Return the resident memory of all its processes, MiB."""
        found = 0
        for process in [self._process.pid] + children(self._process.pid):
            with open("/proc/%d/statm" % process) as file:
                found += int(file.read().split()[1])
        return found * os.sysconf("SC_PAGE_SIZE") / 2.0**20


def children(process: int) -> List[int]:
    """Return the processes that a process has started."""
    with open("/proc/%d/task/%d/children" % (process, process)) as file:
        return [int(word) for word in file.read().split()]


async def play(module: Module, seconds: float, chance: random.Random) -> Dict[str, Any]:
    """Play the module through its panel for a while, and return what it reported, second by second."""
    import aiohttp

    newest: Dict[str, Any] = {}
    pictures = [0]
    rows: List[List[float]] = []
    faults: List[float] = []

    async def listen(socket: Any) -> None:
        async for message in socket:
            if message.type == aiohttp.WSMsgType.TEXT:
                found = json.loads(message.data)
                if found["type"] == "telemetry":
                    if any(found[name] > newest.get(name, 0) for name in COUNTS):
                        faults.append(time.monotonic())
                    newest.update(found)
            elif len(message.data) == HEADER_BYTES + 1024:
                pictures[0] += 1

    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(module.address.rstrip("/") + "/socket") as socket:
            ear = asyncio.ensure_future(listen(socket))

            async def do(**message: Any) -> None:
                await socket.send_str(json.dumps(message))

            for index in range(1, 5):
                rate = round(chance.uniform(0.3, 4.0), 2)
                await do(do="jack", index=index, source="random", volts=0.0, rate=rate, depth=4.0)
            for index, rate in enumerate(GATE_HERTZ, 1):
                await do(do="clock", index=index, on=True, rate=rate)
            begin = time.monotonic()
            first: Optional[Dict[str, float]] = None
            second = 0
            turn = 0
            while time.monotonic() - begin < seconds:
                # Round and round between two levels, so that each turn changes the picture.
                await do(do="turn", steps=1 if turn % 20 < 10 else -1)
                turn += 1
                passed = time.monotonic() - begin
                if first is None and passed >= SKIP_SECONDS:
                    first = {name: newest[name] for name in COUNTS}
                    pictures[0] = 0
                if first is not None and passed >= second:
                    second = int(passed) + 1
                    counts = [newest[name] - first[name] for name in COUNTS]
                    rows.append([passed, module.memory(), newest["load"]] + counts)
                await asyncio.sleep(max(0.0, begin + turn / TURNS_PER_SECOND - time.monotonic()))
            ear.cancel()
    faults = [moment for moment in faults if moment > begin + SKIP_SECONDS]
    return {
        "rows": rows,
        "faults": faults,
        "span": (begin, time.monotonic()),
        "pictures_per_second": pictures[0] / (seconds - SKIP_SECONDS),
    }


def start_browser(address: str, profile: str) -> Optional["subprocess.Popen[bytes]"]:
    """Open the page in a headless Chromium, None where there is none."""
    if shutil.which(CHROMIUM) is None:
        return None
    command = [CHROMIUM] + BROWSER_FLAGS + ["--user-data-dir=" + profile, address]
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def stood_still(stalls: np.ndarray, moment: float) -> float:
    """Return for how long of the time before a moment some stop (begin, end) [n, 2] lasted, seconds."""
    inside = np.clip(stalls, moment - TELLING_SECONDS, moment)
    inside = inside[inside[:, 1] > inside[:, 0]]
    total, reached = 0.0, -np.inf
    for begin, end in inside[np.argsort(inside[:, 0])]:
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return float(total)


def soak(bundle: str, seconds: float, load: bool) -> Dict[str, Any]:
    """Run it all, and return the figures; without `load` no other process keeps a core busy."""
    profile = tempfile.mkdtemp(prefix="neurorave-soak-browser-")
    busy = subprocess.Popen([sys.executable, "-c", BURN]) if load else None
    browser = None
    try:
        with StallWatch(STOP_SECONDS) as watch, Module(bundle) as module:
            browser = start_browser(module.address, profile)
            found = asyncio.run(play(module, seconds, random.Random(0)))
    finally:
        if busy is not None:
            busy.kill()
            busy.wait()
        if browser is not None:
            os.killpg(browser.pid, signal.SIGKILL)
            browser.wait()
        shutil.rmtree(profile, ignore_errors=True)
    rows = np.array(found["rows"])
    later = rows[rows[:, 0] > seconds / 3.0]
    slope = np.polyfit(later[:, 0], later[:, 1], 1)[0]
    lengths = np.array([end - begin for begin, end in watch.stalls])
    ahead = Config().ahead_ms * 1e-3
    beside = [stood_still(watch.stalls, moment) for moment in found["faults"]]
    moments = np.arange(found["span"][0], found["span"][1], 0.1)
    anywhere = np.array([stood_still(watch.stalls, moment) for moment in moments])
    return {
        "seconds": seconds,
        "core_kept_busy": load,
        "browser": browser is not None,
        "pictures_per_second": found["pictures_per_second"],
        "load": {"mean": float(rows[:, 2].mean()), "max": float(rows[:, 2].max())},
        "counts": dict(zip(COUNTS, rows[-1, 3:].astype(int).tolist())),
        "beside": [
            {"stopped_ms": round(1e3 * stop, 1), "usual": float(np.mean(anywhere >= stop))}
            for stop in beside
        ],
        "memory_mib": {
            "first": float(rows[0, 1]),
            "last": float(rows[-1, 1]),
            "growth": float(slope * (later[-1, 0] - later[0, 0])),
        },
        "stalls": {
            "over_2_ms": int(lengths.size),
            "over_5_ms": int(np.sum(lengths > 5e-3)),
            "longer_than_ahead": int(np.sum(lengths > ahead)),
            "longest_ms": 1e3 * float(lengths.max()) if lengths.size else 0.0,
        },
        "said": module.said[-1],
    }


def main() -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", default="models/hand_percussion", metavar="DIR")
    parser.add_argument("--minutes", type=float, default=30.0, metavar="N")
    parser.add_argument("--no-load", action="store_true", help="keep no core busy")
    parser.add_argument("--json", default="-", metavar="FILE")
    options = parser.parse_args()
    found = soak(options.bundle, 60.0 * options.minutes, not options.no_load)
    write_json(options.json, found)
    return 0


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    sys.exit(main())
