"""How steadily two paths bring blocks to a sound card: a Python callback, or a C callback over a ring (rtmixer).

Both play a counting sequence through PortAudio into a private PulseAudio null sink, while the player's process or its
core is kept busy; the sink's monitor is recorded, so that what is missing in the end is counted there.  The
player sits on one core, PulseAudio and the recorder on another.  Per case:

late     how much later than one period after the one before Python got to work for a block (callback or feeder), ms
gaps     places in the recording where the sequence breaks off, after the first seconds; `lost` the ms that went missing
flags    underflows that PortAudio reported
latency  from the pull of a sample to its arrival at the recorder, ms (a constant few ms of the recorder included)

Needs what `tests/device/pulse.py` needs.  Real-time priority (`fifo`) only where it is permitted.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import threading
import time
from typing import Any, Dict, List, Tuple

import numpy as np

from neurorave_device.processes.realtime import OUTPUT_PRIORITY, raise_priority, settle
from neurorave_device.tools.render import write_json
from tests.device.pulse import RATE, SINK, STEPS, PulseRig, Recorder, counted, missing

BLOCK = 128
SKIP_SECONDS = 2.0
LOADS = ("none", "gil", "gil-c", "core")
# Python callback; C callback over a ring of so many blocks; Python callback with more of the card's own buffer.
PATHS = ("python", "ring1", "ring2", "ring3", "python+2")
PRIORITIES = ("normal", "fifo")
_BURN = "while True: pass"


class Counter:
    """What is played: 1, 2, 3 ... over STEPS.  Remembers when each block was asked for."""

    def __init__(self, seconds: float) -> None:
        blocks = int(seconds * RATE / BLOCK) + 1000
        self.times = np.zeros(blocks)
        self.blocks = 0
        self._ramp = np.arange(1, BLOCK + 1) / STEPS

    def __call__(self, out: np.ndarray) -> None:
        self.times[self.blocks] = time.monotonic()
        np.add(self._ramp, self.blocks * BLOCK / STEPS, out=out, casting="same_kind")
        self.blocks += 1


def play_python(counter: Counter, seconds: float, extra: int) -> Dict[str, Any]:
    """Plays by a Python callback; `extra` blocks more than PortAudio's low latency."""
    import sounddevice

    mono = np.zeros(BLOCK, np.float32)
    flags = [0, 0]

    def callback(out: np.ndarray, frames: int, clock: Any, status: Any) -> None:
        counter(mono)
        out[:] = mono[:, None]
        if status.output_underflow:
            flags[int(time.monotonic() > counter.times[0] + SKIP_SECONDS)] += 1

    latency: Any = "low"
    if extra:
        low = sounddevice.query_devices(SINK)["default_low_output_latency"]
        latency = low + extra * BLOCK / RATE
    stream = sounddevice.OutputStream(RATE, BLOCK, SINK, 2, "float32", latency, callback=callback)
    with stream:
        time.sleep(seconds)
        return {"flags": flags[1], "stream_ms": stream.latency * 1e3}


def play_ring(counter: Counter, seconds: float, depth: int) -> Dict[str, Any]:
    """Plays by rtmixer's C callback; this thread keeps `depth` blocks in its ring."""
    import rtmixer

    mixer = rtmixer.Mixer(samplerate=RATE, blocksize=BLOCK, device=SINK, channels=2, latency="low")
    size = 1
    while size < depth * BLOCK:
        size *= 2
    ring = rtmixer.RingBuffer(8, size)
    mono = np.zeros(BLOCK, np.float32)
    stereo = np.zeros((BLOCK, 2), np.float32)

    def fill() -> None:
        while ring.read_available + BLOCK <= depth * BLOCK:
            counter(mono)
            stereo[:] = mono[:, None]
            ring.write(stereo)

    fill()
    action = mixer.play_ringbuffer(ring)
    dry = 0
    skipped = False
    with mixer:
        began = time.monotonic()
        while time.monotonic() < began + seconds:
            fill()
            if action not in mixer.actions:
                # The C callback leaves a ring that ran dry; it must be told again.
                action = mixer.play_ringbuffer(ring)
                dry += 1
            if not skipped and time.monotonic() > began + SKIP_SECONDS:
                skipped, dry = True, 0
                mixer.fetch_and_reset_stats()
            time.sleep(0.25 * BLOCK / RATE)
        latency = mixer.latency * 1e3
    return {"flags": int(mixer.stats.output_underflows), "stream_ms": latency, "dry": dry}


def hog_bytecode() -> None:
    """Wants the interpreter all the time, and gives it up when asked."""
    while True:
        sum(range(200))


def hog_calls() -> None:
    """Holds the interpreter for about 4 ms at a time, as a sort or a parser does."""
    values = np.random.RandomState(0).random_sample(20000).tolist()
    while True:
        sorted(values)


def child(case: Dict[str, Any]) -> None:
    """Plays one case and prints its figures as JSON."""
    os.sched_setaffinity(0, {case["core"]})
    if case["priority"] == "fifo" and not raise_priority(OUTPUT_PRIORITY):
        raise SystemExit("real-time priority is not permitted here")
    hog = {"gil": hog_bytecode, "gil-c": hog_calls}.get(case["load"])
    if hog is not None:
        threading.Thread(target=_plainly, args=(hog,), daemon=True).start()
    counter = Counter(case["seconds"])
    settle()
    path = case["path"]
    if path.startswith("ring"):
        figures = play_ring(counter, case["seconds"], int(path[4:]))
    else:
        figures = play_python(counter, case["seconds"], int(path[6:] or 0))
    np.save(case["times"], counter.times[: counter.blocks])
    print(json.dumps(figures), flush=True)
    # A thread that never ends cannot be waited for.
    os._exit(0)


def _plainly(work: Any) -> None:
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    work()


def run_case(rig: PulseRig, case: Dict[str, Any]) -> Dict[str, Any]:
    """Plays one case in a process of its own and adds what the monitor heard."""
    case["times"] = os.path.join(rig.folder, "times.npy")
    recorder = rig.record()
    burner = None
    if case["load"] == "core":
        burner = subprocess.Popen(["taskset", "-c", str(case["core"]), sys.executable, "-c", _BURN])
    try:
        player = rig.python("benchmarks.audio_path", "--child", json.dumps(case))
        text, _ = player.communicate(timeout=case["seconds"] + 30.0)
    finally:
        if burner is not None:
            burner.kill()
            burner.wait()
    recorder.wait(recorder.samples.shape[0] + RATE // 10)
    recorder.stop()
    if player.returncode != 0:
        raise SystemExit("the player failed")
    figures = json.loads(text)
    times = np.load(case["times"])
    steady = times[times > times[0] + SKIP_SECONDS]
    late = np.maximum(0.0, np.diff(steady) - BLOCK / RATE) * 1e3
    figures["late_p50"], figures["late_p99"], figures["late_max"] = (
        float(np.percentile(late, share)) for share in (50, 99, 100)
    )
    figures.update(listen(recorder, times))
    return {**{key: case[key] for key in ("path", "load", "priority")}, **figures}


def listen(recorder: Recorder, times: np.ndarray) -> Dict[str, float]:
    """Counts what is missing in the recording, and how old the samples were when they arrived."""
    count = counted(recorder.samples[:, 0])
    first = int(np.flatnonzero(times > times[0] + SKIP_SECONDS)[0]) * BLOCK + 1
    heard = np.flatnonzero(count >= first)
    part = count[heard[0] : heard[-1] + 1]
    broken = np.flatnonzero(np.diff(part) != 1)
    # A gap is a run of breaks that lie within a few blocks.
    gaps = int(np.sum(np.diff(broken, prepend=-(10**9)) > 4 * BLOCK))
    lost = part.size - np.unique(part[part > 0]).size
    places, arrived = recorder.arrivals[:, 0].astype(np.int64), recorder.arrivals[:, 1]
    inside = (places - 1 > heard[0]) & (places - 1 < heard[-1])
    numbers = count[places[inside] - 1]
    ages = arrived[inside][numbers > 0] - times[(numbers[numbers > 0] - 1) // BLOCK]
    return {
        "gaps": gaps,
        "lost_ms": lost * 1e3 / RATE,
        "latency_p50": float(np.percentile(ages, 50) * 1e3),
        "latency_p99": float(np.percentile(ages, 99) * 1e3),
        "heard_s": part.size / RATE,
    }


def as_table(rows: List[Dict[str, Any]]) -> str:
    """Returns the rows as a Markdown table."""
    columns: Tuple[Tuple[str, str], ...] = (
        ("load", "{}"),
        ("priority", "{}"),
        ("path", "{}"),
        ("late_p50", "{:.2f}"),
        ("late_p99", "{:.2f}"),
        ("late_max", "{:.2f}"),
        ("gaps", "{}"),
        ("lost_ms", "{:.1f}"),
        ("flags", "{}"),
        ("latency_p50", "{:.1f}"),
        ("latency_p99", "{:.1f}"),
    )
    lines = ["| " + " | ".join(name for name, _ in columns) + " |", "|" + "---|" * len(columns)]
    for row in rows:
        cells = [form.format(row[name]) for name, form in columns]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.audio_path",
        description=__doc__.splitlines()[0],
        epilog="example: python -m benchmarks.audio_path --seconds 20 --json audio_path.json",
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="of each case (10)")
    parser.add_argument("--paths", nargs="+", choices=PATHS, default=PATHS)
    parser.add_argument("--loads", nargs="+", choices=LOADS, default=LOADS)
    parser.add_argument("--priorities", nargs="+", choices=PRIORITIES, default=PRIORITIES)
    parser.add_argument("--core", type=int, default=(os.cpu_count() or 1) - 1, help="the player's")
    parser.add_argument("--json", metavar="FILE", help="also writes JSON there")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(json.loads(options.child))
    lack = missing()
    if lack is not None:
        raise SystemExit("the audio path cannot be measured here: " + lack)
    others = set(range(os.cpu_count() or 1)) - {options.core}
    os.sched_setaffinity(0, others or {options.core})
    rig = PulseRig(RATE)
    rows = []
    try:
        rig.start()
        for load in options.loads:
            for priority in options.priorities:
                for path in options.paths:
                    case = {"path": path, "load": load, "priority": priority}
                    case.update(core=options.core, seconds=options.seconds)
                    rows.append(run_case(rig, case))
                    print(json.dumps(rows[-1]), file=sys.stderr)
    finally:
        rig.close()
    print(as_table(rows))
    if options.json:
        document: Dict[str, Any] = {
            "python": platform.python_version(),
            "machine": platform.machine(),
        }
        document.update({"seconds": options.seconds, "block": BLOCK, "sample_rate": RATE})
        document["rows"] = rows
        write_json(options.json, document)


if __name__ == "__main__":
    main()
