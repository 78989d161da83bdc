"""What eight-bit weights would give: the decoder of a bundle with its large products in whole numbers.

Each product with at least so many weights takes inputs rounded to 8 bits with the range that they have in that frame
(DynamicQuantizeLinear) and weights rounded to 8 bits with a scale for each column (MatMulInteger). Both graphs hear
the same inputs, which move as in play.

paced       milliseconds a frame, medians, each frame after a pause in which the caches grow cold
ratio       of these two
snr         how far below the full graph's output the difference lies, dB

Nothing of this is in the module: see docs/decisions/0019-eight-bit.md.

`python -m benchmarks.eight_bit [--bundle DIR] [--frames N] [--json FILE]`
"""

import argparse
import os
import sys
import tempfile
import time
from typing import Any, Dict, List, Tuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from neurorave_device.engine.onnx_engine import OnnxGraph
from neurorave_device.processes.realtime import SYNTHESIS_PRIORITY, raise_priority
from neurorave_device.tools.render import write_json

FEWEST_WEIGHTS = 16384
LARGEST = 127.0
PAUSE_SECONDS = 0.005


def eight_bit(source: str, target: str) -> int:
    """Write a graph with its large products in whole numbers, and return how many there are."""
    model = onnx.load(source)
    graph = model.graph
    values = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    nodes: List[Any] = []
    made = []
    for node in graph.node:
        fits = node.op_type == "Gemm" and node.input[1] in values
        if not fits or values[node.input[1]].size < FEWEST_WEIGHTS:
            nodes.append(node)
            continue
        new, weights = _product(node, values, "eight_bit_%d_" % len(made))
        nodes += new
        made.append(weights)
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend(value for weights in made for value in weights)
    used = {name for node in nodes for name in node.input}
    kept = [value for value in graph.initializer if value.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    onnx.checker.check_model(model)
    onnx.save(model, target)
    return len(made)


def _product(node: Any, values: Dict[str, np.ndarray], name: str) -> Tuple[List[Any], List[Any]]:
    """Return the nodes that take the place of a product with a bias, and their constants."""
    options = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    assert (
        not options.get("transA") and options.get("alpha", 1.0) == options.get("beta", 1.0) == 1.0
    )
    weights = values[node.input[1]]
    weights = weights.T if options.get("transB") else weights
    scale = np.maximum(np.abs(weights).max(axis=0), 1e-12) / LARGEST
    constants = {
        "weights": np.round(weights / scale).astype(np.int8),
        "scale": scale.astype(np.float32),
        "zero": np.zeros((), np.int8),
    }
    biased = len(node.input) > 2
    product = name + "product" if biased else node.output[0]
    steps = [
        ("DynamicQuantizeLinear", [node.input[0]], [name + "x", name + "step", name + "middle"]),
        (
            "MatMulInteger",
            [name + "x", name + "weights", name + "middle", name + "zero"],
            [name + "sum"],
        ),
        ("Mul", [name + "step", name + "scale"], [name + "size"]),
        ("Mul", [name + "float", name + "size"], [product]),
    ]
    nodes = [helper.make_node(*step) for step in steps]
    nodes.insert(
        2, helper.make_node("Cast", [name + "sum"], [name + "float"], to=TensorProto.FLOAT)
    )
    if biased:
        nodes.append(helper.make_node("Add", [product, node.input[2]], [node.output[0]]))
    return nodes, [numpy_helper.from_array(value, name + key) for key, value in constants.items()]


def moving(graph: OnnxGraph, frame: int, chance: np.random.RandomState) -> Dict[str, np.ndarray]:
    """Return inputs as in play: all descriptors asked, they and the latents slowly moving."""
    values = {}
    for name, shape in graph.inputs.items():
        wave = np.sin(0.04 * frame + np.arange(np.prod(shape))).reshape(shape)
        if name == "noise":
            wave = chance.standard_normal(shape)
        elif name == "mask":
            wave = np.ones(shape)
        elif name == "descriptors":
            wave = 0.5 + 0.4 * wave
        values[name] = wave.astype(np.float32)
    return values


def compare(source: str, folder: str, frames: int) -> Dict[str, Any]:
    """Play both graphs side by side, and return the figures."""
    target = os.path.join(folder, os.path.basename(source))
    products = eight_bit(source, target)
    if products == 0:
        raise SystemExit("%s: has no product of %d weights or more" % (source, FEWEST_WEIGHTS))
    graphs = (OnnxGraph(source), OnnxGraph(target))
    times: Tuple[List[float], List[float]] = ([], [])
    heard: Tuple[List[np.ndarray], List[np.ndarray]] = ([], [])
    chance = np.random.RandomState(0)
    for frame in range(frames):
        inputs = moving(graphs[0], frame, chance)
        for side in (0, 1) if frame % 2 else (1, 0):
            time.sleep(PAUSE_SECONDS)
            began = time.perf_counter()
            found = graphs[side].run(**inputs)
            times[side].append(time.perf_counter() - began)
            heard[side].append(np.concatenate([found[name].ravel() for name in sorted(found)]))
    full, rounded = (np.concatenate(part) for part in heard)
    paced = [1e3 * float(np.median(part)) for part in times]
    error = float(np.mean(np.square(full - rounded)))
    return {
        "products": products,
        "paced_ms": paced,
        "ratio": paced[0] / paced[1],
        "snr_db": float(10.0 * np.log10(np.mean(np.square(full)) / error)),
    }


def main() -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", default="models/hand_percussion", metavar="DIR")
    parser.add_argument("--frames", type=int, default=800, metavar="N")
    parser.add_argument("--json", default="-", metavar="FILE")
    options = parser.parse_args()
    raise_priority(SYNTHESIS_PRIORITY)
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(options.bundle, "decoder.onnx")
        found = compare(source, folder, options.frames)
    write_json(options.json, dict(found, bundle=options.bundle))
    return 0


if __name__ == "__main__":
    sys.exit(main())
