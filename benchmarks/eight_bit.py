"""What eight-bit weights would give: the decoder of a bundle with its large products in whole numbers.

Each product with a bias and so many weights takes inputs rounded to 8 bits with the range that they have in that frame
and weights rounded to 8 bits with a scale for each column (ONNX Runtime's dynamic quantisation). Both graphs hear the
same inputs, which move as in play.

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
from onnxruntime.quantization import QuantType, quantize_dynamic

from neurorave_device.engine.onnx_engine import OnnxGraph
from neurorave_device.processes.realtime import SYNTHESIS_PRIORITY, raise_priority
from neurorave_device.tools.render import write_json

FEWEST_WEIGHTS = 16384
PAUSE_SECONDS = 0.005


def eight_bit(source: str, target: str) -> int:
    """Write a graph with its large products in whole numbers, and return how many there are."""
    graph = onnx.load(source)
    sizes = {value.name: int(np.prod(value.dims)) for value in graph.graph.initializer}
    small = []
    for number, node in enumerate(graph.graph.node):
        node.name = "node_%d" % number
        large = any(sizes.get(name, 0) >= FEWEST_WEIGHTS for name in node.input)
        # The bases of tones and noise, plain products, make the samples themselves.
        if node.op_type == "MatMul" or (node.op_type == "Gemm" and not large):
            small.append(node.name)
    quantize_dynamic(
        graph,
        target,
        op_types_to_quantize=["MatMul", "Gemm"],
        per_channel=True,
        weight_type=QuantType.QInt8,
        nodes_to_exclude=small + [name + "_MatMul" for name in small],
        extra_options={"WeightSymmetric": True},
    )
    return sum(node.op_type == "MatMulInteger" for node in onnx.load(target).graph.node)


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
