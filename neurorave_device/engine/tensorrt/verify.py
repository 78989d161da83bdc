"""Whether a plan computes what the graph computes: replays of what the voice really asks, against ONNX Runtime.

Hits of the voice are recorded with every input of every graph; a plan gets the same frames, its states running free,
and must answer the same up to a limit. What is compared is the root mean square of the difference over that of the
right answer, for each output, over all frames.
"""

import math
from typing import Callable, Dict, List, Mapping, NamedTuple

import numpy as np

from neurorave_device.engine.base import Graph, Value
from neurorave_device.engine.bundle import PLAYED_ROLES, Bundle, load_bundle
from neurorave_device.engine.description import read_description
from neurorave_device.engine.onnx_engine import OnnxEngine
from neurorave_device.engine.tensorrt.cache import HALF
from neurorave_device.engine.voice import Voice
from neurorave_device.inputs.base import Edge, Volts
from neurorave_device.parameters import default_values

# 1e-3 is -60 dB. Single precision on another device differs by some 1e-6 per operation; more than this is a fault.
# 1e-2 is -40 dB: the error of half precision follows the sound it belongs to and is masked by it.
LIMITS = {HALF: 1e-2}
SINGLE_LIMIT = 1e-3
# Three hits of 32 frames, a third of a second each at 44.1 kHz and hop 512.
HITS = 3
HIT_FRAMES = 32
# Below this an output counts as silence, whose errors are measured against this.
FLOOR = 1e-6


class Frame(NamedTuple):
    """One call of a graph: whether its states were zeroed before it, its inputs and its right outputs."""

    fresh: bool
    inputs: Dict[str, np.ndarray]
    outputs: Dict[str, np.ndarray]


class _Recorder(Graph):
    """A graph that notes what goes in and out; each fork notes for itself."""

    def __init__(self, graph: Graph, takes: List[List[Frame]]) -> None:
        self._graph = graph
        self._takes = takes
        self._take: List[Frame] = []
        self._fresh = True
        takes.append(self._take)
        self.inputs = graph.inputs
        self.outputs = graph.outputs

    def run(self, **values: Value) -> Dict[str, np.ndarray]:
        inputs = {
            name: np.full(self.inputs[name], value, dtype=np.float32)
            if np.ndim(value) == 0
            else np.array(value, dtype=np.float32)
            for name, value in values.items()
        }
        outputs = self._graph.run(**values)
        copies = {name: array.copy() for name, array in outputs.items()}
        self._take.append(Frame(self._fresh, inputs, copies))
        self._fresh = False
        return outputs

    def reset(self) -> None:
        self._graph.reset()
        self._fresh = True

    def fork(self) -> Graph:
        return _Recorder(self._graph.fork(), self._takes)


def record(folder: str) -> Dict[str, List[Frame]]:
    """Play some hits of the bundle with ONNX Runtime and return what each graph was asked, by role.

    CVs move and the gate repeats, so that asked and free descriptors, resets and decays are all in it.
    """
    bundle = load_bundle(folder, OnnxEngine(), PLAYED_ROLES)
    takes: Dict[str, List[List[Frame]]] = {role: [] for role in bundle.graphs}
    recorders = {role: _Recorder(graph, takes[role]) for role, graph in bundle.graphs.items()}
    meter = recorders.pop("meter", None)
    sound = _play(Bundle(read_description(folder), recorders))
    if meter is not None:
        for start in range(0, sound.size, bundle.info.hop):
            meter.run(audio=sound[None, start : start + bundle.info.hop])
    # The voice plays on forks; the longest take has the most to tell.
    return {role: max(found, key=len) for role, found in takes.items()}


def difference(graph: Graph, frames: List[Frame]) -> float:
    """Return how far the graph's answers are from the right ones, 0 is equal, inf where they are not numbers."""
    wrong: Dict[str, float] = dict.fromkeys(graph.outputs, 0.0)
    right: Dict[str, float] = dict.fromkeys(graph.outputs, 0.0)
    sizes: Dict[str, int] = dict.fromkeys(graph.outputs, 0)
    for frame in frames:
        if frame.fresh:
            graph.reset()
        found = graph.run(**_values(frame.inputs))
        for name, wanted in frame.outputs.items():
            exact = wanted.astype(np.float64)
            wrong[name] += float(np.sum(np.square(found[name] - exact)))
            right[name] += float(np.sum(np.square(exact)))
            sizes[name] += exact.size
    ratios = [
        math.sqrt(wrong[name] / max(right[name], FLOOR * FLOOR * sizes[name])) for name in sizes
    ]
    worst = max(ratios)
    return worst if all(math.isfinite(ratio) for ratio in ratios) else math.inf


def limit_of(precision: str) -> float:
    """Return the largest difference with which a plan of this precision is used."""
    return LIMITS.get(precision, SINGLE_LIMIT)


def frame_times(
    graphs: Mapping[str, Graph], frames: List[Frame], now: Callable[[], float]
) -> Dict[str, float]:
    """Return the median milliseconds that each graph takes for a frame, taken in turns; {} without frames."""
    taken: Dict[str, List[float]] = {name: [] for name in graphs}
    for frame in frames:
        values = _values(frame.inputs)
        for name, graph in graphs.items():
            if frame.fresh:
                graph.reset()
            began = now()
            graph.run(**values)
            taken[name].append(now() - began)
    return {name: 1e3 * float(np.median(times)) for name, times in taken.items() if times}


def _play(bundle: Bundle) -> np.ndarray:
    """Return the sound, a whole number of frames."""
    voice = Voice(bundle, default_values())
    rate, hop = float(voice.sample_rate), voice.hop
    steps = np.arange(4) + 1.0

    def volts(sample: int) -> Volts:
        first, second, third, fourth = (2.5 * np.sin(steps * sample / rate) + 1.0).tolist()
        return first, second, third, fourth

    pieces = []
    for hit in range(HITS):
        # Not on the frames' grid: a gate never is.
        begin = (voice.position + hit * 37) / rate
        edges = [Edge(1, True, begin), Edge(1, False, begin + 0.01)]
        pieces.append(voice.render(HIT_FRAMES * hop, volts, edges))
    return np.concatenate(pieces)


def _values(inputs: Mapping[str, np.ndarray]) -> Dict[str, Value]:
    return dict(inputs)
