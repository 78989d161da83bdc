"""What a frame of each graph of a bundle costs, and what the whole frame loop costs, on one core.

Several bundles are measured in turns within one run, so that a busy machine disturbs all of them alike and
their ratio holds. Times: `p50` and `p99` of the wall clock, `cpu` the mean of processor time, both in
milliseconds per frame; `loop` is all that the synthesis thread does (`neurorave bench`, unpaced).
Runs on Python 3.6 too, for ONNX Runtime 1.10: there without the count of operators, which needs `onnx`.
"""

import argparse
import os
import platform
import sys
import tempfile
import time
from typing import Any, Dict, List, Tuple

import numpy as np
import onnxruntime

from neurorave_device.audio.output import OutputStage
from neurorave_device.engine.base import Graph
from neurorave_device.engine.bundle import GRAPH_ROLES, Bundle, load_bundle
from neurorave_device.engine.choice import make_engine
from neurorave_device.engine.voice import Voice
from neurorave_device.inputs.base import Edge, Volts
from neurorave_device.parameters import default_values
from neurorave_device.tools.render import write_json

# Frames of one bundle before it is the next one's turn.
TURN = 25
WARM = 50
TRIGGER_FRAMES = 43
LOOP = "loop"


class GraphRun:
    """One graph with inputs as they occur."""

    def __init__(self, graph: Graph) -> None:
        random = np.random.RandomState(0)
        self._graph = graph
        self._values: Dict[str, Any] = {}
        for name, shape in graph.inputs.items():
            values = 0.3 * random.standard_normal(shape)
            if name in ("descriptors", "mask", "temperature"):
                values = np.abs(values) % 1.0
            self._values[name] = values.astype(np.float32)

    def frame(self) -> None:
        self._graph.run(**self._values)


class LoopRun:
    """Everything that the synthesis thread does for a frame: mapping, guard, graphs, output stage."""

    def __init__(self, bundle: Bundle) -> None:
        self._voice = Voice(bundle, default_values())
        self._stage = OutputStage(self._voice.sample_rate)
        self._frames = 0

    def frame(self) -> None:
        voice = self._voice
        edges = []
        if self._frames % TRIGGER_FRAMES == 0:
            rate = float(voice.sample_rate)
            edges.append(Edge(1, True, voice.position / rate))
            edges.append(Edge(1, False, (voice.position + 1) / rate))
        self._frames += 1
        sound = voice.render(voice.hop, _volts, edges)
        self._stage.process(sound)
        voice.listen(sound)
        voice.take_frames()
        voice.take_heard()
        voice.take_triggers()


def _volts(sample: int) -> Volts:
    one, two, three, four = (2.5 * np.sin(sample * 1e-4 + np.arange(4.0)) + 1.0).tolist()
    return one, two, three, four


def measure(folders: List[str], frames: int) -> Dict[str, Any]:
    """The figures of each bundle by folder, role (and `loop`); about `frames` frames of each."""
    engine = make_engine("onnx", 1)
    bundles = {folder: load_bundle(folder, engine, GRAPH_ROLES) for folder in folders}
    result: Dict[str, Any] = {folder: {} for folder in folders}
    for role in [*GRAPH_ROLES, LOOP]:
        runs: Dict[str, Any] = {}
        for folder, bundle in bundles.items():
            if role == LOOP:
                runs[folder] = LoopRun(bundle)
            elif role in bundle.graphs:
                runs[folder] = GraphRun(bundle.graphs[role])
        for folder, (wall, cpu) in _in_turns(runs, frames).items():
            figures = {
                "p50": 1e3 * float(np.percentile(wall, 50.0)),
                "p99": 1e3 * float(np.percentile(wall, 99.0)),
                "min": 1e3 * float(wall.min()),
                "cpu": 1e3 * cpu,
            }
            if role == LOOP:
                info = bundles[folder].info
                figures["cpu_real_time_factor"] = info.hop / info.sample_rate / cpu
            else:
                figures.update(count_operators(f"{folder}/{role}.onnx"))
            result[folder][role] = figures
    return result


def _in_turns(runs: Dict[str, Any], frames: int) -> Dict[str, Tuple[np.ndarray, float]]:
    """Seconds of each frame on the wall clock, and mean processor seconds per frame, by folder."""
    walls: Dict[str, List[float]] = {folder: [] for folder in runs}
    cpus = dict.fromkeys(runs, 0.0)
    for run in runs.values():
        for _ in range(WARM):
            run.frame()
    for _ in range(max(1, frames // TURN)):
        for folder, run in runs.items():
            begin = time.process_time()
            for _ in range(TURN):
                start = time.perf_counter()
                run.frame()
                walls[folder].append(time.perf_counter() - start)
            cpus[folder] += time.process_time() - begin
    return {f: (np.array(walls[f]), cpus[f] / len(walls[f])) for f in runs}


def count_operators(path: str) -> Dict[str, int]:
    """Operators in the file and after ONNX Runtime's own optimisation; nothing without `onnx`."""
    try:
        import onnx
    except ImportError:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.optimized_model_filepath = os.path.join(folder, "optimised.onnx")
        onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        optimised = onnx.load(options.optimized_model_filepath)
    return {"nodes": len(onnx.load(path).graph.node), "nodes_run": len(optimised.graph.node)}


def lines(result: Dict[str, Any]) -> List[str]:
    """The figures as a table."""
    found = [
        "%-28s %-8s %6s %6s %7s %7s %7s %7s"
        % tuple("bundle graph nodes run min p50 p99 cpu".split())
    ]
    for folder, roles in result.items():
        for role, row in roles.items():
            counts = row.get("nodes", ""), row.get("nodes_run", "")
            times = tuple(row[k] for k in ("min", "p50", "p99", "cpu"))
            found.append(
                "%-28s %-8s %6s %6s %7.3f %7.3f %7.3f %7.3f" % (folder[-28:], role, *counts, *times)
            )
        factor = roles[LOOP]["cpu_real_time_factor"]
        found.append("%-28s %.1f times real time by processor time" % (folder[-28:], factor))
    return found


def main() -> int:
    """Measures the bundles given; prints a table and, where asked for, writes JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("bundles", nargs="+", metavar="BUNDLE", help="folders, compared in turns")
    parser.add_argument("--frames", type=int, default=2000, help="frames per graph (2000)")
    parser.add_argument("--json", metavar="FILE", help="write the figures")
    args = parser.parse_args()
    result = measure(args.bundles, args.frames)
    print("\n".join(lines(result)))
    if args.json:
        document = {
            "python": platform.python_version(),
            "onnxruntime": onnxruntime.__version__,
            "machine": platform.machine(),
            "frames": args.frames,
            "bundles": result,
        }
        write_json(args.json, document)
    return 0


if __name__ == "__main__":
    sys.exit(main())
