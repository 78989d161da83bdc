"""The measuring of single frames as a graph for the module's engines."""

import warnings
from pathlib import Path
from typing import Set, Tuple

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from neurorave_train.descriptors import Descriptors, QuantileMap, average_floor, quantile_tables
from neurorave_train.descriptors.spectrum import centred_frames

from .hits import RATE, load_hits

HOP, WINDOW = 512, 2048
# What opset 13, ONNX Runtime 1.10 and TensorRT 8.2 all execute on static shapes.
ALLOWED = set(
    "Constant Add Sub Mul Div Pow Exp Log Sqrt Relu Clip Max Min MatMul Gemm Neg Reciprocal "
    "ReduceSum ReduceMean ReduceMax ReduceMin Reshape Transpose Squeeze Unsqueeze Concat Slice "
    "Split Gather Identity Expand".split()
)


class Meter(nn.Module):
    def __init__(self, descriptors: Descriptors, quantiles: QuantileMap) -> None:
        super().__init__()
        self.descriptors, self.quantiles = descriptors, quantiles

    def forward(self, frames: Tensor) -> Tuple[Tensor, Tensor]:
        values = self.descriptors.measure(frames, dft_as_matmul=True)
        return values, self.quantiles.to_q(values)


@pytest.fixture(scope="module")
def audio() -> Tensor:
    return torch.from_numpy(load_hits()["tabla_na_o"])[None]


@pytest.fixture(scope="module")
def meter(audio: Tensor) -> Meter:
    floor = average_floor(Descriptors(RATE, HOP).power_spectra(audio).mean((0, 1)))
    descriptors = Descriptors(RATE, HOP, floor=floor)
    return Meter(descriptors, QuantileMap(quantile_tables(descriptors(audio)[0].numpy()))).eval()


@pytest.fixture(scope="module")
def graph(meter: Meter, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("meter") / "meter.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            meter,
            (torch.zeros(1, 1, WINDOW),),
            str(path),
            opset_version=13,
            input_names=["frames"],
            output_names=["descriptors", "quantiles"],
            dynamo=False,
        )
    return path


def test_only_operators_that_all_engines_know(graph: Path) -> None:
    model = onnx.load(str(graph))
    used: Set[str] = {node.op_type for node in model.graph.node}
    assert used <= ALLOWED, used - ALLOWED
    assert graph.stat().st_size < 1_000_000


def test_the_graph_measures_what_training_measured(
    graph: Path, meter: Meter, audio: Tensor
) -> None:
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    frames = centred_frames(audio, HOP, WINDOW)[0]
    expected = meter.descriptors(audio)[0].numpy()
    q = meter.quantiles.to_q(torch.as_tensor(expected)).numpy()
    for t, frame in enumerate(frames.numpy()):
        values, quantiles = session.run(None, {"frames": frame[None, None]})
        np.testing.assert_allclose(values[0, 0], expected[t], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(quantiles[0, 0], q[t], atol=1e-3)


def test_the_graph_is_finite_in_silence(graph: Path) -> None:
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    for value in session.run(None, {"frames": np.zeros((1, 1, WINDOW), np.float32)}):
        assert np.isfinite(value).all()
