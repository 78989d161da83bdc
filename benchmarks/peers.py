"""Against the peer that people use today, and against what the machine can do at most.

The peer is the same network as a scripted torch model with cached convolutions, on one and on two threads.
Every engine has a process of its own and is called in short turns, in reverse order every other round;
ratios are made within a round. Paced: each frame waits until it is due, as in real life.
"""

import argparse
import json
import multiprocessing
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from benchmarks.peer_workers import work
from benchmarks.peers_page import table, write_page

ROUNDS, QUICK_ROUNDS = 10, 3
# On a machine with other work torch's threads wait for each other, up to a second a frame: a network gets
# so many seconds at most, and never fewer rounds than a quick run has.
NETWORK_SECONDS = 50.0
# A paced turn lasts about this long, in seconds, but has at least so many frames.
TURN_SECONDS, TURN_FRAMES = 0.5, 12
BURST_FRAMES = 20
ENGINES = (("ours", "ours", 1), ("peer 1", "peer", 1), ("peer 2", "peer", 2))
MODES = ("paced", "burst")


class Worker:
    """The parent's end of one engine's process."""

    def __init__(self, kind: str, threads: int, options: Dict[str, Any]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        cores = sorted(os.sched_getaffinity(0))
        # One thread stays on the last core, away from the interrupts of the first.
        cores = cores if threads > 1 else cores[-1:]
        self._process = context.Process(
            target=work, args=(theirs, kind, threads, cores, options), daemon=True
        )
        self._process.start()
        theirs.close()
        self._pipe.recv()

    def ask(self, *what: Any) -> Any:
        """One turn; waits for its result."""
        self._pipe.send(what)
        return self._pipe.recv()

    def close(self) -> None:
        self._pipe.send(None)
        self._process.join()


def compare(prepared: Any, inputs: int, rounds: int, machine: Worker, name: str) -> Dict[str, Any]:
    """Figures of one network: each engine in both modes, the ratios, and the floor."""
    options = {"files": prepared.files, "inputs": inputs}
    workers = {label: Worker(kind, n, options) for label, kind, n in ENGINES}
    period = prepared.hop / prepared.sample_rate
    paced = max(TURN_FRAMES, round(TURN_SECONDS / period))
    turns: Dict[Tuple[str, str], List[Dict[str, Any]]] = {}
    found = []
    try:
        for worker in workers.values():
            worker.ask(2 * BURST_FRAMES, 0.0)
        begin, stolen = time.monotonic(), _stolen()
        for number in range(rounds):
            if number >= QUICK_ROUNDS and time.monotonic() - begin > NETWORK_SECONDS:
                break
            order = list(workers) if number % 2 else list(workers)[::-1]
            for mode, frames, wait in (("paced", paced, period), ("burst", BURST_FRAMES, 0.0)):
                for label in order:
                    turns.setdefault((mode, label), []).append(workers[label].ask(frames, wait))
            found.append(machine.ask())
    finally:
        for worker in workers.values():
            worker.close()
    stolen = (_stolen() - stolen) / (time.monotonic() - begin)
    rates = {
        "gflops": max(f["gflops"] for f in found),
        "gbytes": max(f["gbytes"] for f in found),
        "cached_gbytes": max(f["cached"][name] for f in found),
    }
    result: Dict[str, Any] = {
        "title": prepared.title,
        "sample_rate": prepared.sample_rate,
        "hop": prepared.hop,
        "deadline_ms": 1e3 * period,
        "parameters": prepared.parameters,
        "macs": prepared.macs,
        "difference": prepared.difference,
        "rounds": len(found),
        "stolen": stolen,
        "rates": rates,
        "floor_ms": floor(prepared.parameters, prepared.macs, rates),
    }
    for mode in MODES:
        medians = {
            label: [float(np.median(t["seconds"])) for t in turns[mode, label]] for label in workers
        }
        result[mode] = {label: _figures(turns[mode, label]) for label in workers}
        result[mode]["ratios"] = {
            label: _spread(np.array(medians[label]) / np.array(medians["ours"]))
            for label in workers
            if label != "ours"
        }
        cpu = [[t["cpu"] for t in turns[mode, label]] for label in ("peer 1", "ours")]
        result[mode]["cpu_ratio"] = _spread(np.array(cpu[0]) / np.array(cpu[1]))
    return result


def _stolen() -> float:
    """Seconds, summed over processors, that the host of a virtual machine gave to others so far."""
    with open("/proc/stat", encoding="ascii") as handle:
        return int(handle.readline().split()[8]) / os.sysconf("SC_CLK_TCK")


def floor(parameters: int, macs: int, rates: Dict[str, float]) -> Dict[str, float]:
    """Milliseconds that a frame needs at least: its products, and its weights read once.

    `floor` reads them from memory, `cached` at the speed of whatever cache holds that many bytes.
    """
    compute = 2e-6 * macs / rates["gflops"]
    memory = 4e-6 * parameters / rates["gbytes"]
    cached = 4e-6 * parameters / rates["cached_gbytes"]
    return {
        "compute": compute,
        "weights": memory,
        "weights_cached": cached,
        "floor": max(compute, memory),
        "cached": max(compute, cached),
    }


def _figures(turns: List[Dict[str, Any]]) -> Dict[str, float]:
    values = 1e3 * np.concatenate([t["seconds"] for t in turns])
    return {
        "p50": float(np.percentile(values, 50.0)),
        "p99": float(np.percentile(values, 99.0)),
        "max": float(values.max()),
        "cpu": 1e3 * float(np.mean([t["cpu"] for t in turns])),
        "frames": len(values),
        "misses": sum(t["misses"] for t in turns),
    }


def _spread(values: np.ndarray) -> Dict[str, float]:
    return {
        "median": float(np.median(values)),
        "low": float(np.min(values)),
        "high": float(np.max(values)),
    }


def goals(networks: Dict[str, Any]) -> List[Dict[str, Any]]:
    """Each figure to reach with what was measured, paced and on one core."""
    found = []

    def add(what: str, value: float, wanted: float, most: bool) -> None:
        reached = value <= wanted if most else value >= wanted
        found.append(
            {"what": what, "value": value, "wanted": wanted, "most": most, "reached": reached}
        )

    for name, row in networks.items():
        paced, least = row["paced"], row["floor_ms"]["floor"]
        if name == "shipped":
            # The better peer is the one with the shorter median over the whole run.
            better = min(("peer 1", "peer 2"), key=lambda label: paced[label]["p50"])
            speed = paced["ratios"][better]["median"]
            add(f"{row['title']}: times faster than the better peer ({better})", speed, 4.0, False)
            add(f"{row['title']}: times the floor", paced["ours"]["p50"] / least, 4.0, True)
        elif name in ("paper", "rave_v1"):
            speed = paced["ratios"]["peer 1"]["median"]
            add(f"{row['title']}: times faster than the peer on one core", speed, 3.5, False)
            add(f"{row['title']}: times the floor", paced["ours"]["p50"] / least, 2.0, True)
            burst = row["burst"]["ours"]["p50"] / least
            add(f"{row['title']}: times the floor, back to back", burst, 2.0, True)
    return found


def measure(bundle: str, rounds: int) -> Dict[str, Any]:
    """The whole document."""
    import onnxruntime
    import torch

    from benchmarks.peer_shapes import SHAPES, prepare_shape, prepare_shipped
    from neurorave_device.engine.bundle import load_bundle
    from neurorave_device.processes.realtime import awake

    torch.set_num_threads(1)
    networks: Dict[str, Any] = {}
    # As the module does while it plays; what wakes late would be timed, whoever computes.
    with tempfile.TemporaryDirectory() as temporary, awake():
        prepared = {"shipped": prepare_shipped(bundle, _made(temporary, "shipped"))}
        inputs = {"shipped": len(load_bundle(bundle).info.descriptors)}
        for name, shape in SHAPES.items():
            prepared[name] = prepare_shape(shape, _made(temporary, name))
            inputs[name] = shape.inputs
        sizes = {name: 4 * p.parameters for name, p in prepared.items()}
        machine = Worker("machine", 1, {"sizes": sizes})
        for name, each in prepared.items():
            print(f"{each.title} ...", file=sys.stderr)
            networks[name] = compare(each, inputs[name], rounds, machine, name)
        machine.close()
    return {
        "date": time.strftime("%Y-%m-%d"),
        "commit": _commit(),
        "machine": _machine(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "onnxruntime": onnxruntime.__version__,
        },
        "load_average": os.getloadavg()[0],
        "networks": networks,
        "goals": goals(networks),
    }


def _made(folder: str, name: str) -> Path:
    path = Path(folder) / name
    path.mkdir()
    return path


def _commit() -> str:
    line = ["git", "rev-parse", "--short=12", "HEAD"]
    done = subprocess.run(line, capture_output=True, text=True, cwd=Path(__file__).parent)
    return done.stdout.strip() or "unknown"


def _machine() -> str:
    from neurorave_train.export.bundle import machine

    return f"{machine().split(',')[0]}, {os.cpu_count()} processors"


def main(arguments: Optional[List[str]] = None) -> int:
    """Measures, or reads figures measured before; prints a table, writes JSON and the page of the docs."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").split("\n")[0],
        epilog="example: python -m benchmarks.peers --json peers.json --page docs/performance.md",
    )
    parser.add_argument("--bundle", default="models/hand_percussion", help="the shipped model")
    parser.add_argument("--quick", action="store_true", help="a few rounds: for a first look")
    parser.add_argument("--json", metavar="FILE", help="write the figures")
    parser.add_argument("--read", metavar="FILE", help="measure nothing, take these figures")
    parser.add_argument("--page", metavar="FILE", help="put the tables into this page")
    args = parser.parse_args(arguments)
    if args.read:
        document = json.loads(Path(args.read).read_text(encoding="utf-8"))
    else:
        document = measure(args.bundle, QUICK_ROUNDS if args.quick else ROUNDS)
    print(table(document))
    if args.json:
        text = json.dumps(document, indent=1) + "\n"
        Path(args.json).write_text(text, encoding="utf-8")
    if args.page:
        write_page(Path(args.page), document)
    return 0


if __name__ == "__main__":
    sys.exit(main())
