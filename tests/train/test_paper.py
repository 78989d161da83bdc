"""The published model: sizes, the two phases, who learns when, resuming, and a bundle that loads."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from neurorave_device.engine.bundle import load_bundle
from neurorave_device.errors import UserError
from neurorave_train.cli import main as train_command
from neurorave_train.data.prepared import PreparedData
from neurorave_train.export.graphs import Graph, Ordering, build_graphs
from neurorave_train.export.lint import lint
from neurorave_train.export.onnx_file import count_macs
from neurorave_train.export.preview import StreamedGraph
from neurorave_train.nets.paper_critics import LatentDiscriminator, WaveDiscriminator
from neurorave_train.nets.paper_layers import SubbandBank, fold_weight_norm
from neurorave_train.nets.paper_losses import divergence, hinge_decoder, hinge_discriminator, ramp
from neurorave_train.nets.paper_model import PaperModel
from neurorave_train.nets.prior import Prior
from neurorave_train.nets.stream import Stream
from neurorave_train.training.families import build_training, load_training
from neurorave_train.training.paper import PaperTraining
from neurorave_train.training.paper_augment import random_all_pass
from neurorave_train.training.prior import load_prior
from neurorave_train.training.recipe import load_recipe
from neurorave_train.training.trainer import checkpoint_of

from .small_models import RATE, hits, knots

SMALL = """
family: paper
paper:
  capacity: 4
  latents: 8
  critic_layers: 1
  discriminator: {scales: 2, capacity: 4, multiplier: 2, layers: 2, widest: 8}
  warm_up: 2
  beta_delay: 0
  lambda_delay: 0
data: {segment_frames: 8, batch: 2, gain_db: 0.0}
optimiser: {rate: 0.0001, critic_rate: 0.0001, betas: [0.5, 0.9], clip: 0.0, average: 0.0}
steps: 4
validate_every: 2
prior: {width: 16, components: 2, frames: 16, batch: 4, steps: 1, validate_every: 1}
"""
FRAMES = 12


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    line = ["prepare", "--data", str(hits(folder / "hits")), "--out", str(folder / "p")]
    assert train_command([*line, "--hop", "1024"]) == 0
    return folder / "p"


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "small_paper.yaml"
    path.write_text(SMALL)
    return path


def published() -> PaperModel:
    """The published network, untrained."""
    torch.manual_seed(0)
    return PaperModel(knots(), None, RATE, 2048, load_recipe("paper").paper).eval()


@pytest.fixture(scope="module")
def trained(data: Path, recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run through both phases at once, and its prior."""
    run = tmp_path_factory.mktemp("trained") / "run"
    assert fit(data, run, recipe) == 0
    return run


def parameters(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def products(graph: Graph) -> int:
    """Multiplications of one call of a graph as it is before its export."""
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        graph.module(*graph.inputs.values())
    return int(counter.get_total_flops()) // 2


def test_published_sizes() -> None:
    """Parameters in millions and products per second as counted on the published configuration."""
    model = published()
    assert (model.hop, model.latents, model.latency) == (1024, 128, 512)
    assert parameters(model.encoder) / 1e6 == pytest.approx(4.83, abs=0.01)
    assert parameters(model.decoder) / 1e6 == pytest.approx(12.80, abs=0.02)
    assert parameters(model.critic) / 1e6 == pytest.approx(0.38, abs=0.005)
    with torch.device("meta"):
        judge = WaveDiscriminator(**load_recipe("paper").paper.discriminator)
    assert parameters(judge) / 1e6 == pytest.approx(16.9, abs=0.05)
    fold_weight_norm(model)
    prior = Prior(128, 5, width=16, components=2).eval()
    graphs = build_graphs(model, prior, Ordering(torch.zeros(128), torch.eye(128)))
    for role, wanted in (("decoder", 1.29), ("encoder", 0.17)):
        # At the published 16 kHz; the bank and the ordering come on top.
        found = products(graphs[role]) * 16000 / model.hop / 1e9
        assert found == pytest.approx(wanted, abs=0.02)


def module_for(data: Path, recipe: Path, step: int, *changes: str) -> PaperTraining:
    """A training module with its optimisers, outside a trainer, that believes to be at `step`."""
    torch.manual_seed(0)
    module = build_training(load_recipe(str(recipe), list(changes)), PreparedData(data))
    assert isinstance(module, PaperTraining)
    optimisers = module.configure_optimizers()

    class Here(PaperTraining):
        global_step = step
        global_rank = 0

        def optimizers(self, use_pl_optimizer: bool = True):  # type: ignore[no-untyped-def]
            return [_Wrapped(o) for o in optimisers]

        def manual_backward(self, loss: Tensor, *args: object, **more: object) -> None:
            loss.backward()

        def log_dict(self, values: dict[str, Tensor], *args: object, **more: object) -> None:
            self.terms = {k: float(v) for k, v in values.items()}

        def log(self, *args: object, **more: object) -> None:
            pass

    module.__class__ = Here
    return module.train()


class _Wrapped:
    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self.optimizer, self.zero_grad, self.step = optimizer, optimizer.zero_grad, optimizer.step


def batch() -> Tensor:
    return 0.1 * torch.randn(2, 8 * 1024, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize(
    "step,learning",
    [
        (0, {"model.encoder", "model.decoder", "model.critic"}),
        (1, {"model.encoder", "model.decoder", "model.critic"}),
        (2, {"model.decoder"}),
        (3, {"judge"}),
    ],
)
def test_each_phase_teaches_its_own_networks(
    data: Path, recipe: Path, step: int, learning: set[str]
) -> None:
    module = module_for(data, recipe, step)
    before = {k: v.clone() for k, v in module.state_dict().items()}
    module.training_step(batch(), 0)
    assert all(math.isfinite(v) for v in module.terms.values())
    assert all(bool(torch.isfinite(p).all()) for p in module.parameters())
    parts = ("model.encoder", "model.decoder", "model.critic", "judge")
    trained = {name for name, p in module.named_parameters() if p.requires_grad}
    changed = {n for n in trained if not torch.equal(before[n], module.state_dict()[n])}
    assert {p for p in parts if any(n.startswith(p) for n in changed)} == learning
    # The noise head waits for phase 2; everything else of a learning network moves.
    noise = {n for n in trained if n.startswith("model.decoder.noise")}
    assert noise and bool(noise & changed) == (step == 2)
    # The first gradients of the judge's last biases cancel between real and fake.
    expected = {n for n in trained - noise if n.startswith(tuple(learning)) and "bias" not in n}
    assert {n for n in changed - noise if "bias" not in n} == expected
    statistics = [n for n in before if n.startswith("model.encoder") and "running" in n]
    moved = any(not torch.equal(before[n], module.state_dict()[n]) for n in statistics)
    assert statistics and moved == (step < 2)


def test_the_latent_discriminator_sees_the_latent_only(data: Path, recipe: Path) -> None:
    """Its answer depends on z alone, and the encoder alone feels its published, reversed sign."""
    module = module_for(data, recipe, 1, "paper.lambda=1.0")
    heard: list[Tensor] = []
    module.model.critic.register_forward_pre_hook(lambda _, inputs: heard.extend(inputs))
    module.training_step(batch(), 0)
    assert [tuple(z.shape) for z in heard] == [(2, 8, 8)] * 2
    assert heard[0].requires_grad and not heard[1].requires_grad
    torch.testing.assert_close(heard[0], heard[1])
    terms = {k.removeprefix("train/"): v for k, v in module.terms.items()}
    rest = terms["bands"] + terms["full"] + terms["loudness"] + 0.1 * terms["kl"]
    assert terms["total"] == pytest.approx(rest - terms["fooled"], rel=1e-4)


def test_classes_are_quantiles() -> None:
    critic = LatentDiscriminator(8, 5, classes=16, layers=2)
    q = (torch.arange(16) + 0.5).div(16).reshape(1, 16, 1).expand(1, 16, 5)
    assert critic.classify(q)[0, :, 0].tolist() == list(range(16))
    assert critic.classify(torch.tensor([-0.2, 0.0, 1.0, 1.3])).tolist() == [0, 0, 15, 15]
    assert critic(torch.randn(2, 9, 8)).shape == (2, 9, 5, 16)
    even = torch.zeros(1, 16, 5, 16)
    assert float(critic.loss(even, q)) == pytest.approx(math.log(16.0))


def test_published_losses() -> None:
    mean, one = torch.zeros(2, 3, 4), torch.ones(2, 3, 4)
    assert float(divergence(mean, one)) == 0.0
    # Four coordinates, each 1 for the mean and no half before it.
    assert float(divergence(mean + 1.0, one)) == pytest.approx(4.0)
    assert [ramp(s, 0.1, 100) for s in (0, 99, 150, 200, 900)] == [0.0, 0.0, 0.05, 0.1, 0.1]
    real, fake = [[torch.full((1, 1, 4), 2.0)]], [[torch.full((1, 1, 4), -0.25)]]
    assert float(hinge_discriminator(real, fake)) == pytest.approx(0.75)
    assert float(hinge_decoder(fake)) == pytest.approx(0.25)


def test_all_pass_keeps_the_magnitudes() -> None:
    click = torch.zeros(3, 8192)
    click[:, 100] = 1.0
    found = random_all_pass(click, RATE, 1.0, torch.Generator().manual_seed(1))
    torch.testing.assert_close(torch.fft.rfft(found).abs(), torch.ones(3, 4097), atol=1e-3, rtol=0)
    assert float((found[0] - found[1]).abs().max()) > 0.01
    assert float(found[:, :100].abs().max()) < 1e-5
    same = random_all_pass(click, RATE, 0.0, torch.Generator().manual_seed(1))
    assert torch.equal(same, click)


def test_the_bank_gives_back_what_it_split() -> None:
    bank = SubbandBank(8, 100.0)
    audio = 0.3 * torch.randn(1, 8192, generator=torch.Generator().manual_seed(0))
    back = bank.inverse(bank.target(audio), Stream())
    inside = slice(bank.delay, -bank.delay)
    assert float((back - audio)[:, inside].abs().max()) < 3e-3
    # Low in band 1 lies low after its spectrum was turned: 3 kHz is 244 Hz over its lower edge.
    tone = torch.sin(2 * torch.pi * 3000.0 / RATE * torch.arange(8192.0))[None]
    band = bank(tone, Stream())[0, 200:, 1]
    peak = int(torch.fft.rfft(band * torch.hann_window(len(band))).abs().argmax())
    assert peak * RATE / 8 / len(band) == pytest.approx(3000.0 - RATE / 16, abs=10.0)


def test_not_a_number_is_named(data: Path, recipe: Path) -> None:
    for step in (0, 2, 3):
        module = module_for(data, recipe, step)
        with torch.no_grad():
            module.model.decoder.wave.bias[0] = float("nan")
        kept = [p.clone() for p in module.model.encoder.parameters()]
        with pytest.raises(UserError, match=rf"step {step}: the terms .* smaller optimiser.rate"):
            module.training_step(batch(), 0)
        assert all(
            torch.equal(a, b) for a, b in zip(kept, module.model.encoder.parameters(), strict=True)
        )


def test_another_hop_is_named_with_its_remedy(data: Path) -> None:
    wrong = load_recipe("paper", ["paper.bands=4"])
    with pytest.raises(UserError, match=r"hop of 512 .* with 1024; .* prepare --hop 512"):
        build_training(wrong, PreparedData(data))


def test_prepare_refuses_odd_hops(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["prepare", "--data", str(hits(tmp_path / "hits", 1)), "--out", str(tmp_path / "p")]
    for hop in ("15", "1023", "4096"):
        assert train_command([*line, "--hop", hop]) == 2
        assert "--hop" in capsys.readouterr().err


def fit(data: Path, run: Path, recipe: Path, *more: str) -> int:
    line = ["fit", "--recipe", str(recipe), "--data", str(data), "--out", str(run)]
    return train_command([*line, *more])


def test_resumed_run_equals_an_uninterrupted_one(
    data: Path, recipe: Path, trained: Path, tmp_path: Path
) -> None:
    """Through both phases: phase 1 alone, then phase 2 after a resume, all networks included."""
    parts = tmp_path / "parts"
    model = ["--stage", "model"]
    assert fit(data, parts, recipe, *model, "--max-steps", "2") == 0
    assert (
        float(
            load_training(
                checkpoint_of(parts, "model"), PreparedData(data)
            ).model.decoder.noise_level
        )
        == 0
    )
    assert fit(data, parts, recipe, *model, "--max-steps", "4", "--resume") == 0
    a, b = (torch.load(checkpoint_of(run, "model"), weights_only=False) for run in (trained, parts))
    assert a["global_step"] == b["global_step"] == 4
    assert float(b["state_dict"]["model.decoder.noise_level"]) == 1.0
    for name, value in a["state_dict"].items():
        torch.testing.assert_close(b["state_dict"][name], value, msg=name)
    assert len(b["optimizer_states"]) == 3


def test_from_recordings_to_a_bundle_that_streams(
    data: Path, trained: Path, tmp_path: Path
) -> None:
    out = tmp_path / "bundle"
    line = ["export", "--run", str(trained), "--out", str(out), "--name", "tiny"]
    assert train_command([*line, "--licence", "CC0-1.0"]) == 0
    bundle = load_bundle(str(out))
    assert (bundle.info.hop, bundle.info.latents, bundle.info.latency_samples) == (1024, 8, 512)
    assert bundle.document["training"]["steps"] == 4
    for role in ("decoder", "prior", "encoder", "meter"):
        assert lint(out / f"{role}.onnx") == []
    model = load_training(checkpoint_of(trained, "model"), PreparedData(data)).model
    prior, ordering = load_prior(checkpoint_of(trained, "prior"))
    # Phase 2 has begun: the exported noise is on.
    assert float(model.decoder.noise_level) == 1.0
    _streamed_decoder(out, model, ordering)
    _streamed_encoder(out, model, ordering)
    fold_weight_norm(model)
    graphs = build_graphs(model, prior, ordering)
    for role in ("decoder", "encoder"):
        # The sizes above were counted before the export; it adds and removes no product.
        assert count_macs(out / f"{role}.onnx") == pytest.approx(products(graphs[role]), rel=0.01)


def _streamed_decoder(out: Path, model: PaperModel, ordering: Ordering) -> None:
    rng = np.random.default_rng(1)
    rows, values = model.decoder.noise_shape
    inputs = {
        "latents": rng.standard_normal((FRAMES, 1, 1, 8)).astype(np.float32),
        "descriptors": rng.random((FRAMES, 1, 1, 5)).astype(np.float32),
        "mask": (rng.random((FRAMES, 1, 1, 5)) < 0.5).astype(np.float32),
        "noise": rng.standard_normal((FRAMES, 1, rows, values)).astype(np.float32),
    }
    graph = StreamedGraph(out / "decoder.onnx")
    heard = np.concatenate(
        [graph(**{k: v[t] for k, v in inputs.items()})["audio"][0] for t in range(FRAMES)]
    )
    z = torch.from_numpy(inputs["latents"][:, 0, 0]) @ ordering.basis + ordering.mean
    q = torch.from_numpy(inputs["descriptors"][:, 0, 0])[None]
    noise = torch.from_numpy(inputs["noise"].reshape(1, -1, values))
    with torch.no_grad():
        whole = model.decode(z[None], q, torch.ones_like(q), noise)[0].numpy()
        silent = model.decode(z[None], q, torch.ones_like(q), 0.0 * noise)[0].numpy()
    assert np.abs(whole).max() > 1e-3
    assert np.abs(whole - silent).max() > 1e-6
    # Also says that the mask has no effect: offline everything was asked for.
    assert np.abs(heard - whole).max() < 1e-5


def _streamed_encoder(out: Path, model: PaperModel, ordering: Ordering) -> None:
    """`latency` samples late, the graph hears what the offline model hears."""
    rng = np.random.default_rng(2)
    audio = (0.2 * rng.standard_normal(FRAMES * 1024)).astype(np.float32)
    with torch.no_grad():
        z = model.encode(torch.from_numpy(audio)[None])[0]
        wanted = ((z - ordering.mean) @ ordering.basis.T).numpy()
    late = np.concatenate([np.zeros(1024 - model.latency), audio, np.zeros(model.latency)])
    graph = StreamedGraph(out / "encoder.onnx")
    hops = late.astype(np.float32).reshape(FRAMES + 1, 1, 1024)
    found = np.stack([graph(audio=hop)["latents"][0, 0] for hop in hops])[1:]
    assert np.abs(found - wanted).max() < 1e-5 * max(1.0, float(np.abs(wanted).max()))


def test_the_decoder_follows_no_future() -> None:
    model = published()
    z, q = torch.randn(1, 6, 128), torch.full((1, 6, 5), 0.3)
    noise = model.draw_noise(6, z, torch.Generator().manual_seed(0))
    later = q.clone()
    later[:, 4:] = 0.9
    with torch.no_grad():
        a, b = (model.decode(z, asked, q, noise)[0] for asked in (q, later))
    assert torch.equal(a[: 4 * 1024], b[: 4 * 1024])
    assert not torch.equal(a[4 * 1024 :], b[4 * 1024 :])
