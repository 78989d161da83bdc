"""Export: graphs equal the model, stream like it, pass the linter and make a bundle that loads."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from neurorave_device.engine.bundle import load_bundle
from neurorave_train.export.bundle import order_latents
from neurorave_train.export.graphs import Ordering, build_graphs
from neurorave_train.export.lint import lint
from neurorave_train.export.onnx_file import count_macs, write_onnx
from neurorave_train.export.preview import StreamedGraph
from neurorave_train.nets.prior import Prior
from neurorave_train.nets.stream import Stream

from .small_models import HOP, prepared, small_model, small_recipe

FRAMES = 24
Arrays = dict[str, npt.NDArray[np.float32]]


def ordering() -> Ordering:
    basis, _ = torch.linalg.qr(torch.randn(8, 8, generator=torch.Generator().manual_seed(4)))
    return Ordering(torch.linspace(-0.3, 0.3, 8), basis)


@pytest.fixture(scope="module", params=["carriers", "harmonics", "pqmf"])
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp(request.param)
    model = small_model(request.param)
    torch.manual_seed(1)
    prior = Prior(8, 5, width=16, components=2).eval()
    for role, graph in build_graphs(model, prior, ordering()).items():
        write_onnx(graph, folder / f"{role}.onnx")
    return folder, model, prior


def stream(path: Path, inputs: Arrays, frames: int) -> Arrays:
    """Runs a graph frame by frame; inputs hold one leading entry per frame."""
    graph = StreamedGraph(path)
    steps = [graph(**{k: v[t] for k, v in inputs.items()}) for t in range(frames)]
    return {name: np.stack([s[name] for s in steps]) for name in steps[0]}


def controls() -> Arrays:
    rng = np.random.default_rng(0)
    return {
        "latents": rng.standard_normal((FRAMES, 1, 1, 8)).astype(np.float32),
        "descriptors": rng.random((FRAMES, 1, 1, 5)).astype(np.float32),
        "mask": (rng.random((FRAMES, 1, 1, 5)) < 0.6).astype(np.float32),
    }


def test_streamed_decoder_equals_the_whole(exported) -> None:  # type: ignore[no-untyped-def]
    folder, model, _ = exported
    inputs = controls()
    rows, values = model.decoder.noise_shape
    rng = np.random.default_rng(1)
    inputs["noise"] = rng.standard_normal((FRAMES, 1, rows, values)).astype(np.float32)
    heard = stream(folder / "decoder.onnx", inputs, FRAMES)["audio"].reshape(-1)
    order = ordering()
    with torch.no_grad():
        z = torch.from_numpy(inputs["latents"][:, 0, 0]) @ order.basis + order.mean
        q, mask = (torch.from_numpy(inputs[k][:, 0, 0])[None] for k in ("descriptors", "mask"))
        noise = torch.from_numpy(inputs["noise"].reshape(1, -1, values))
        whole = model.decoder(z[None], q, mask, noise, Stream())[0].numpy()
    assert np.abs(whole).max() > 1e-3
    assert np.abs(heard - whole).max() < 1e-5


def test_streamed_analysis_equals_the_whole(exported) -> None:  # type: ignore[no-untyped-def]
    """Encoder and meter, `latency` samples late, give what the offline model gives."""
    folder, model, _ = exported
    rng = np.random.default_rng(2)
    audio = (0.2 * rng.standard_normal(FRAMES * HOP)).astype(np.float32)
    audio[: 5 * HOP] *= np.linspace(0, 1, 5 * HOP, dtype=np.float32) ** 4
    late = np.concatenate([audio, np.zeros(model.latency, np.float32)])[model.latency :]
    padded = np.concatenate([np.zeros(model.window - HOP, np.float32), audio])
    order = ordering()
    with torch.no_grad():
        frames = torch.from_numpy(padded).unfold(0, model.window, HOP)[None]
        z = model.encoder(frames, Stream())[0]
        latents = ((z - order.mean) @ order.basis.T).numpy()
        values = model.descriptors.measure(frames)[0].numpy()
        q = model.quantiles.to_q(torch.from_numpy(values)).numpy()
    assert len(late) == len(audio)
    hops = {"audio": audio.reshape(FRAMES, 1, HOP)}
    found = stream(folder / "encoder.onnx", hops, FRAMES)["latents"][:, 0, 0]
    assert np.abs(found - latents).max() < 1e-4
    meter = stream(folder / "meter.onnx", hops, FRAMES)
    assert (np.abs(meter["descriptors"][:, 0, 0] - values) <= 1e-3 * (1 + np.abs(values))).all()
    assert np.abs(meter["quantiles"][:, 0, 0] - q).max() < 1e-3


def test_meter_hears_what_training_measured(exported) -> None:  # type: ignore[no-untyped-def]
    """The latency is the declared one: the meter's frame t + 1.5 frames is training's frame t."""
    folder, model, _ = exported
    rng = np.random.default_rng(3)
    audio = (0.2 * rng.standard_normal(FRAMES * HOP)).astype(np.float32)
    shifted = np.concatenate([audio[model.latency :], np.zeros(model.latency, np.float32)])
    with torch.no_grad():
        wanted = model.measure(torch.from_numpy(audio)[None])[0][0].numpy()
    # Advancing the sound by the latency puts the end of each window where training centres it.
    meter = StreamedGraph(folder / "meter.onnx")
    past = np.concatenate([np.zeros(model.latency, np.float32), audio[: model.latency]])
    meter.states = {"state_in_0": past[None]}
    found = np.stack(
        [meter(audio=h[None])["descriptors"][0, 0] for h in shifted.reshape(FRAMES, HOP)]
    )
    assert (np.abs(found - wanted) <= 1e-3 * (1 + np.abs(wanted))).all()


def test_graphs_pass_the_linter_and_count_their_work(exported) -> None:  # type: ignore[no-untyped-def]
    folder, model, _ = exported
    for role in ("decoder", "prior", "encoder", "meter"):
        assert lint(folder / f"{role}.onnx") == []
    macs = count_macs(folder / "decoder.onnx")
    floor = (
        sum(p.numel() for p in model.decoder.body.parameters())
        if hasattr(model.decoder, "body")
        else 0
    )
    assert macs > floor


def _model(
    op: str, opset: int = 13, kind: int = TensorProto.FLOAT, shape: tuple[object, ...] = (1, 4)
) -> onnx.ModelProto:
    x = helper.make_tensor_value_info("x", kind, shape)
    y = helper.make_tensor_value_info("y", kind, shape)
    graph = helper.make_graph([helper.make_node(op, ["x"], ["y"])], "g", [x], [y])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7)


@pytest.mark.parametrize(
    "model,word",
    [
        (_model("Tanh", opset=17), "opset 17"),
        (_model("RandomNormalLike"), "RandomNormalLike"),
        (_model("Tanh", kind=TensorProto.DOUBLE), "float32"),
        (_model("Tanh", shape=("batch", 4)), "static shape"),
    ],
)
def test_linter_rejects(model: onnx.ModelProto, word: str, tmp_path: Path) -> None:
    onnx.save(model, str(tmp_path / "bad.onnx"))
    found = lint(tmp_path / "bad.onnx")
    assert found and word in found[0]


def test_linter_rejects_flat_convolutions(tmp_path: Path) -> None:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 2, 8))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 2, 6))
    w = helper.make_tensor_value_info("w", TensorProto.FLOAT, (2, 2, 3))
    node = helper.make_node("Conv", ["x", "w"], ["y"])
    graph = helper.make_graph([node], "g", [x, w], [y])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]),
        str(tmp_path / "c.onnx"),
    )
    found = " ".join(lint(tmp_path / "c.onnx"))
    assert "four dimensions" in found and "constant weights" in found


def test_latents_are_ordered_by_variance_and_point_to_bright() -> None:
    g = torch.Generator().manual_seed(0)
    z = torch.randn(5000, 8, generator=g) * torch.linspace(0.2, 2.0, 8)
    q = torch.rand(5000, 5, generator=g)
    q[:, 1] = -z[:, 7] + 0.1 * q[:, 1]
    order = order_latents(z, q)
    c = (z - order.mean) @ order.basis.T
    assert (c.var(dim=0).diff() <= 0).all()
    assert abs(float(order.basis[0, 7])) > 0.99
    assert float((c[:, 0] * (q[:, 1] - q[:, 1].mean())).mean()) > 0
    torch.testing.assert_close(c @ order.basis + order.mean, z, atol=1e-4, rtol=1e-4)


def test_prior_graph_draws_what_the_model_draws(exported) -> None:  # type: ignore[no-untyped-def]
    folder, _, prior = exported
    rng = np.random.default_rng(5)
    noise = rng.standard_normal((FRAMES, 1, prior.noise_size)).astype(np.float32)
    one = np.ones((FRAMES, 1, 1), np.float32)
    inputs = {"noise": noise, "temperature": one, "forced": 0.4 * one, "force": one * 0}
    inputs["force"][FRAMES // 2 :] = 1.0
    found = stream(folder / "prior.onnx", inputs, FRAMES)
    states, wanted = None, []
    with torch.no_grad():
        for t in range(FRAMES):
            s = Stream(states)
            wanted.append(prior(*(torch.from_numpy(v[t]) for v in inputs.values()), s)[0])
            states = s.states
    assert np.abs(found["latents"][:, 0] - torch.cat(wanted).numpy()).max() < 1e-4
    assert np.allclose(found["latents"][FRAMES // 2 :, 0, 0, 0], 0.4, atol=1e-6)


def test_from_recordings_to_a_bundle_that_plays(tmp_path: Path) -> None:
    """prepare, fit and export by their commands; the module loads the result."""
    data, recipe, run, out = (
        prepared(tmp_path),
        small_recipe(tmp_path),
        tmp_path / "run",
        tmp_path / "b",
    )

    def command(*words: object) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "neurorave_train.cli", *map(str, words)]
        return subprocess.run(line, capture_output=True, text=True, timeout=300)

    fit = command("fit", "--recipe", recipe, "--data", data, "--out", run)
    assert fit.returncode == 0, fit.stderr
    export = command("export", "--run", run, "--out", out, "--name", "tiny", "--licence", "CC0-1.0")
    assert export.returncode == 0, export.stderr
    bundle = load_bundle(str(out))
    assert bundle.info.name == "tiny" and bundle.info.latency_samples == 768
    assert bundle.document["training"]["steps"] == 4
    assert (out / "preview.flac").stat().st_size > 1000
    again = command("fit", "--recipe", recipe, "--data", data, "--out", run)
    assert again.returncode == 2 and "--resume" in again.stderr
    shutil.rmtree(run / "prior")
    missing = command("export", "--run", run, "--out", out)
    assert missing.returncode == 2 and "prior" in missing.stderr
    assert load_bundle(str(out)).info.name == "tiny"
