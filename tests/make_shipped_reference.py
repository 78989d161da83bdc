"""What the bundle that ships answers to fixed inputs: tests/data/shipped_reference.npz, for both ONNX Runtimes.

To be made anew whenever models/hand_percussion changes: `.venv/bin/python -m tests.make_shipped_reference`.
Only outputs are stored, of the audio each frame every 16th sample: the inputs follow from a generator of numpy
that gives the same numbers in every version.
"""

import os
from typing import Dict, Iterator, List

import numpy as np

from neurorave_device.engine.base import Graph
from neurorave_device.engine.bundle import GRAPH_ROLES, load_bundle
from neurorave_device.engine.choice import make_engine
from neurorave_device.engine.description import read_description

HERE = os.path.dirname(os.path.abspath(__file__))
BUNDLE = os.path.join(os.path.dirname(HERE), "models", "hand_percussion")
REFERENCE = os.path.join(HERE, "data", "shipped_reference.npz")
COMMAND = ".venv/bin/python -m tests.make_shipped_reference"

FRAMES = 240
# A fresh sound every so many frames, as a trigger starts one.
SOUND = 60
STRIDE = 16


def digests() -> List[str]:
    """The sha256 of each graph of the bundle as its description says; loading the bundle checks them."""
    files = read_description(BUNDLE).document["files"]
    return [files[role]["sha256"] for role in GRAPH_ROLES]


def answers() -> Dict[str, np.ndarray]:
    """The outputs of all graphs for the fixed inputs, float32 [FRAMES, values], by role and name."""
    bundle = load_bundle(BUNDLE, make_engine("onnx"), roles=GRAPH_ROLES)
    found = {}
    for role in GRAPH_ROLES:
        graph = bundle.graphs[role]
        rows: Dict[str, List[np.ndarray]] = {name: [] for name in graph.outputs}
        for number, values in enumerate(_inputs(role, graph)):
            if number % SOUND == 0:
                graph.reset()
            for name, output in graph.run(**values).items():
                picked = output.reshape(-1)
                if name == "audio":
                    picked = picked[number % STRIDE :: STRIDE]
                rows[name].append(picked.copy())
        for name, parts in rows.items():
            found["{}.{}".format(role, name)] = np.stack(parts)
    return found


def _inputs(role: str, graph: Graph) -> Iterator[Dict[str, np.ndarray]]:
    """Frames of inputs as they occur: descriptors that wander in 0..1, bursts of noise that die away."""
    random = np.random.RandomState(7)
    q = random.uniform(0.2, 0.8, graph.inputs.get("descriptors", (1,)))
    for number in range(FRAMES):
        values = {}
        for name, shape in sorted(graph.inputs.items()):
            drawn = random.standard_normal(shape)
            if name == "descriptors":
                q = np.clip(q + 0.05 * drawn, 0.0, 1.0)
                drawn = q
            elif name == "mask":
                drawn = drawn > 0.0
            elif name == "audio":
                drawn *= 0.5 * 10.0 ** (-(number % SOUND) / 20.0)
            elif name == "temperature":
                drawn = np.full(shape, 0.5 + 0.5 * (number % 3))
            elif name == "force":
                drawn = np.full(shape, number % 4 == 0)
            values[name] = drawn.astype(np.float32)
        yield values


def main() -> None:
    np.savez_compressed(REFERENCE, sha256=np.array(digests()), **answers())
    print("{}: {} bytes".format(REFERENCE, os.path.getsize(REFERENCE)))


if __name__ == "__main__":
    main()
