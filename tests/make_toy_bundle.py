"""Makes tests/data/toy_bundle, a tiny bundle with the signatures of a real one and arithmetic that can be checked.

Run it with Python 3.11 and the `onnx` package: `.venv/bin/python tests/make_toy_bundle.py`.
The graphs use opset 13 and IR version 7, so that onnxruntime 1.10 reads them too.

prior    the latents are drawn once per hit (first frame after zero state) and held; `forced` replaces
         latent 0, the other latents lean on it; base curves: rms and sharpness decay, the rest stands.
decoder  a sine whose gain follows rms and whose pitch follows centroid and latent 0, plus a little noise
         that follows sharpness; gain reaches its new value in RAMP samples.
meter    rms, centroid, bandwidth, sharpness, booming over the 2048 samples that end with the frame.
encoder  tanh of block means of the frame, averaged with the last frame.
"""

import hashlib
import os
import sys
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np
import onnx
import soundfile
import yaml
from onnx import TensorProto, helper, numpy_helper

SAMPLE_RATE = 44100
HOP = 512
LATENTS = 8
WINDOW = 2048
PRIOR_NOISE = 16
RAMP = 32
DECAY_PER_FRAME = 0.05
NAMES = ("rms", "centroid", "bandwidth", "sharpness", "booming")
UNITS = ("dB", "Hz", "Hz", "acum", "ratio")
LOW = (-60.0, 100.0, 50.0, 0.2, 0.0)
HIGH = (-6.0, 6000.0, 5000.0, 3.0, 1.0)
PROBABILITIES = np.linspace(0.01, 0.99, 25)


class Graph:
    """Collects nodes and constants of one ONNX graph under short names."""

    def __init__(self) -> None:
        self.nodes: List[Any] = []
        self.constants: List[Any] = []
        self.count = 0

    def const(self, value: Any, dtype: Any = np.float32) -> str:
        self.count += 1
        name = "c{}".format(self.count)
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def op(self, kind: str, *inputs: str, out: str = "", **attributes: Any) -> str:
        self.count += 1
        name = out or "t{}".format(self.count)
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def ints(self, *values: int) -> str:
        return self.const(list(values), np.int64)

    def pick(self, tensor: str, axis: int, start: int, stop: int) -> str:
        return self.op(
            "Slice", tensor, self.ints(start), self.ints(stop), self.ints(axis), self.ints(1)
        )

    def save(
        self,
        path: str,
        name: str,
        inputs: Sequence[Tuple[str, Sequence[int]]],
        outputs: Sequence[Tuple[str, Sequence[int]]],
    ) -> None:
        def infos(pairs: Sequence[Tuple[str, Sequence[int]]]) -> List[Any]:
            return [
                helper.make_tensor_value_info(label, TensorProto.FLOAT, list(shape))
                for label, shape in pairs
            ]

        graph = helper.make_graph(
            self.nodes, name, infos(inputs), infos(outputs), initializer=self.constants
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="neurorave toy bundle"
        )
        model.ir_version = 7
        onnx.checker.check_model(model)
        onnx.save(model, path)


def make_prior(path: str) -> None:
    g = Graph()
    first = g.op("Relu", g.op("Sub", g.const(1.0), "state_in_0"))
    g.op("Add", "state_in_0", g.const([[1.0]]), out="state_out_0")
    later = g.op("Sub", g.const(1.0), first)
    drawn = g.op("Mul", g.pick("noise", 1, 0, LATENTS), "temperature")
    held = g.op(
        "Add", g.op("Mul", drawn, first), g.op("Mul", "state_in_1", later), out="state_out_1"
    )
    sampled = g.pick(held, 1, 0, 1)
    latent0 = g.op(
        "Add",
        g.op("Mul", "forced", "force"),
        g.op("Mul", sampled, g.op("Sub", g.const(1.0), "force")),
    )
    lean = g.op("Mul", g.op("Tanh", latent0), g.const(np.linspace(0.5, -0.5, LATENTS - 1)[None]))
    others = g.op("Add", g.op("Mul", g.pick(held, 1, 1, LATENTS), g.const(0.5)), lean)
    row = g.op("Concat", latent0, others, axis=1)
    g.op("Reshape", row, g.ints(1, 1, LATENTS), out="latents")
    decay = g.op("Exp", g.op("Mul", "state_in_0", g.const(-DECAY_PER_FRAME)))
    steady = g.op("Add", g.op("Mul", decay, g.const(0.0)), g.const(0.5))
    curves = g.op(
        "Concat",
        g.op("Sub", g.op("Mul", decay, g.const(1.0)), g.const(0.05)),
        g.op("Add", g.op("Mul", g.op("Tanh", latent0), g.const(0.2)), g.const(0.5)),
        steady,
        g.op("Add", g.op("Mul", decay, g.const(0.5)), g.const(0.1)),
        steady,
        axis=1,
    )
    g.op("Reshape", curves, g.ints(1, 1, len(NAMES)), out="descriptors")
    g.save(
        path,
        "prior",
        [
            ("noise", (1, PRIOR_NOISE)),
            ("temperature", (1, 1)),
            ("forced", (1, 1)),
            ("force", (1, 1)),
            ("state_in_0", (1, 1)),
            ("state_in_1", (1, LATENTS)),
        ],
        [
            ("latents", (1, 1, LATENTS)),
            ("descriptors", (1, 1, len(NAMES))),
            ("state_out_0", (1, 1)),
            ("state_out_1", (1, LATENTS)),
        ],
    )


def make_decoder(path: str) -> None:
    g = Graph()
    count = len(NAMES)
    asked = g.op("Mul", "descriptors", "mask")
    free = g.op("Mul", g.op("Sub", g.const(1.0), "mask"), g.const(0.5))
    used = g.op("Reshape", g.op("Add", asked, free), g.ints(1, count))
    loudness = g.pick(used, 1, 0, 1)
    centroid = g.pick(used, 1, 1, 2)
    sharpness = g.pick(used, 1, 3, 4)
    latent0 = g.op("Tanh", g.op("Reshape", g.pick("latents", 2, 0, 1), g.ints(1, 1)))
    # Amplitude of the sine over the rms scale, in dB, minus what it is at q = 0: silence there.
    slope = (HIGH[0] - LOW[0]) / 20.0 * np.log(10.0)
    floor = np.sqrt(2.0) * 10.0 ** (LOW[0] / 20.0)
    level = g.op("Exp", g.op("Mul", loudness, g.const(slope)))
    gain = g.op("Relu", g.op("Mul", g.op("Sub", level, g.const(1.0)), g.const(floor)))
    gain = g.op("Add", gain, g.const([[0.0]]), out="state_out_1")
    ramp = np.minimum(np.arange(1, HOP + 1) / RAMP, 1.0)[None]
    step = g.op("Sub", gain, "state_in_1")
    gains = g.op("Add", "state_in_1", g.op("MatMul", step, g.const(ramp)))
    octaves = g.op(
        "Add",
        g.op("Mul", centroid, g.const(3.0 * np.log(2.0))),
        g.op("Mul", latent0, g.const(0.25 * np.log(2.0))),
    )
    cycles = g.op("Mul", g.op("Exp", octaves), g.const(200.0 / SAMPLE_RATE))
    advance = g.op("MatMul", cycles, g.const(np.arange(1, HOP + 1, dtype=np.float32)[None]))
    phase = g.op("Add", advance, "state_in_0")
    last = g.pick(phase, 1, HOP - 1, HOP)
    g.op("Sub", last, g.op("Floor", last), out="state_out_0")
    tone = g.op("Sin", g.op("Mul", phase, g.const(2.0 * np.pi)))
    hiss = g.op("Reshape", "noise", g.ints(1, HOP))
    hiss = g.op("Mul", g.op("Mul", hiss, sharpness), g.const(0.05))
    g.op("Mul", g.op("Add", tone, hiss), gains, out="audio")
    g.save(
        path,
        "decoder",
        [
            ("latents", (1, 1, LATENTS)),
            ("descriptors", (1, 1, count)),
            ("mask", (1, 1, count)),
            ("noise", (1, 1, HOP)),
            ("state_in_0", (1, 1)),
            ("state_in_1", (1, 1)),
        ],
        [("audio", (1, HOP)), ("state_out_0", (1, 1)), ("state_out_1", (1, 1))],
    )


def make_meter(path: str) -> None:
    g = Graph()
    window = g.op("Concat", "state_in_0", "audio", axis=1)
    g.op("Slice", window, g.ints(HOP), g.ints(WINDOW), g.ints(1), g.ints(1), out="state_out_0")
    tiny = g.const([[1e-7]])

    def power(signal: str) -> str:
        return g.op("ReduceMean", g.op("Mul", signal, signal), axes=[1], keepdims=1)

    def difference(signal: str, length: int) -> str:
        return g.op("Sub", g.pick(signal, 1, 1, length), g.pick(signal, 1, 0, length - 1))

    energy = g.op("Add", power(window), tiny)
    rms = g.op("Mul", g.op("Log", energy), g.const(10.0 / np.log(10.0)))
    first = difference(window, WINDOW)
    second = difference(first, WINDOW - 1)
    hertz = g.const(SAMPLE_RATE / (2.0 * np.pi))
    centroid = g.op("Mul", g.op("Sqrt", g.op("Div", power(first), energy)), hertz)
    upper = g.op("Sqrt", g.op("Div", power(second), g.op("Add", power(first), tiny)))
    bandwidth = g.op("Relu", g.op("Sub", g.op("Mul", upper, hertz), centroid))
    sharpness = g.op("Mul", centroid, g.const(1.0 / 2000.0))
    means = g.op(
        "ReduceMean", g.op("Reshape", window, g.ints(1, WINDOW // 64, 64)), axes=[2], keepdims=0
    )
    booming = g.op("Div", power(means), energy)
    row = g.op("Concat", rms, centroid, bandwidth, sharpness, booming, axis=1)
    g.op("Reshape", row, g.ints(1, 1, len(NAMES)), out="descriptors")
    # The tables are straight lines here, so the piecewise-linear scale is one multiplication.
    scale = (PROBABILITIES[-1] - PROBABILITIES[0]) / (np.array(HIGH) - np.array(LOW))
    shift = PROBABILITIES[0] - np.array(LOW) * scale
    q = g.op("Add", g.op("Mul", row, g.const(scale[None])), g.const(shift[None]))
    g.op("Reshape", q, g.ints(1, 1, len(NAMES)), out="quantiles")
    g.save(
        path,
        "meter",
        [("audio", (1, HOP)), ("state_in_0", (1, WINDOW - HOP))],
        [
            ("descriptors", (1, 1, len(NAMES))),
            ("quantiles", (1, 1, len(NAMES))),
            ("state_out_0", (1, WINDOW - HOP)),
        ],
    )


def make_encoder(path: str) -> None:
    g = Graph()
    blocks = g.op("Reshape", "audio", g.ints(1, LATENTS, HOP // LATENTS))
    means = g.op("ReduceMean", blocks, axes=[2], keepdims=0)
    row = g.op("Tanh", g.op("Mul", means, g.const(4.0)))
    g.op("Add", row, g.const(np.zeros((1, LATENTS))), out="state_out_0")
    mixed = g.op("Mul", g.op("Add", row, "state_in_0"), g.const(0.5))
    g.op("Reshape", mixed, g.ints(1, 1, LATENTS), out="latents")
    g.save(
        path,
        "encoder",
        [("audio", (1, HOP)), ("state_in_0", (1, LATENTS))],
        [("latents", (1, 1, LATENTS)), ("state_out_0", (1, LATENTS))],
    )


def make_bad_graphs(folder: str) -> None:
    """Writes graphs that break the rules of a bundle: a double input, an open shape, a lone state."""
    os.makedirs(folder, exist_ok=True)
    double, single = TensorProto.DOUBLE, TensorProto.FLOAT
    rows: List[Tuple[str, int, List[Any], List[str]]] = [
        ("double.onnx", double, [1, HOP], ["audio"]),
        ("open_shape.onnx", single, ["batch", HOP], ["audio"]),
        ("lone_state.onnx", single, [1, HOP], ["audio", "state_in_0"]),
    ]
    for name, kind, shape, inputs in rows:
        nodes = [helper.make_node("Neg", ["audio"], ["descriptors"])]
        graph = helper.make_graph(
            nodes,
            "bad",
            [helper.make_tensor_value_info(label, kind, shape) for label in inputs],
            [helper.make_tensor_value_info("descriptors", kind, shape)],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
        model.ir_version = 7
        onnx.save(model, os.path.join(folder, name))


def make_preview(path: str) -> None:
    time = np.arange(int(0.3 * SAMPLE_RATE)) / SAMPLE_RATE
    tone = 0.5 * np.sin(2.0 * np.pi * 440.0 * time) * np.exp(-12.0 * time)
    soundfile.write(path, tone, SAMPLE_RATE, format="FLAC", subtype="PCM_16")


def entry(folder: str, name: str) -> Dict[str, str]:
    with open(os.path.join(folder, name), "rb") as handle:
        return {"path": name, "sha256": hashlib.sha256(handle.read()).hexdigest()}


def description(folder: str) -> Dict[str, Any]:
    def knots(low: float, high: float) -> List[float]:
        return [round(float(value), 6) for value in np.linspace(low, high, 25)]

    count = len(NAMES)
    covariance = 0.05 * (0.7 * np.eye(count) + 0.3 * np.ones((count, count)))
    return {
        "schema": 1,
        "name": "toy",
        "version": "1.0.0",
        "author": "neurorave",
        "licence": "CC0-1.0",
        "description": "A sine with a decay, for tests.",
        "training": {
            "data": "none",
            "recipe": "none",
            "steps": 0,
            "seconds": 0.0,
            "hardware": "none",
        },
        "sample_rate": SAMPLE_RATE,
        "hop": HOP,
        "latents": LATENTS,
        "latent_rate": SAMPLE_RATE / HOP,
        "descriptors": [
            {"name": name, "unit": unit, "quantiles": knots(low, high)}
            for name, unit, low, high in zip(NAMES, UNITS, LOW, HIGH)
        ],
        "latent_quantiles": [knots(-2.0, 2.0) for _ in range(LATENTS)],
        "guard": {
            "mean": [0.5] * count,
            "covariance": [[round(float(v), 6) for v in row] for row in covariance],
            "limit": 4.0,
            "rate": [1.0] * count,
        },
        "files": {
            "decoder": entry(folder, "decoder.onnx"),
            "prior": entry(folder, "prior.onnx"),
            "encoder": entry(folder, "encoder.onnx"),
            "meter": entry(folder, "meter.onnx"),
            "preview": entry(folder, "preview.flac"),
        },
        "latency_samples": WINDOW // 2 - HOP // 2,
        "cost": {"parameters": 1000, "mac_per_second": 250000},
    }


def make(folder: str) -> None:
    """Writes the whole toy bundle into `folder`."""
    os.makedirs(folder, exist_ok=True)
    make_prior(os.path.join(folder, "prior.onnx"))
    make_decoder(os.path.join(folder, "decoder.onnx"))
    make_meter(os.path.join(folder, "meter.onnx"))
    make_encoder(os.path.join(folder, "encoder.onnx"))
    make_preview(os.path.join(folder, "preview.flac"))
    with open(os.path.join(folder, "bundle.yaml"), "w", encoding="utf-8") as handle:
        yaml.safe_dump(
            description(folder), handle, sort_keys=False, default_flow_style=None, width=100
        )


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    target = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "data")
    make(os.path.join(target, "toy_bundle"))
    make_bad_graphs(os.path.join(target, "bad_graphs"))
