"""The model for sounds with a pitch: it plays the pitch that it is told, and learns it from a tracker."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neurorave_device.engine.bundle import load_bundle
from neurorave_train.cli import main as train_command
from neurorave_train.data.prepared import PreparedData
from neurorave_train.nets.harmonics import CENTRE_HZ, FrameMean, Harmonics
from neurorave_train.nets.pitched_encoder import PitchedEncoder
from neurorave_train.nets.stream import Stream
from neurorave_train.training.families import build_training, hears_pitch, load_training
from neurorave_train.training.pitched import TAUGHT, PitchedTraining
from neurorave_train.training.recipe import load_recipe
from neurorave_train.training.restore import APART, FIRST, _read
from neurorave_train.training.trainer import checkpoint_of

from .small_models import HOP, RATE, SMALL_RECIPE, prepared, small_model

RECIPE = SMALL_RECIPE.replace("carriers: 16", "harmonics: 16").replace(
    "model:\n", "model:\n  decoder: harmonics\n  latents: 4\n"
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "pitched.yaml"
    path.write_text(RECIPE)
    return path


def batch(frames: int = 24) -> list[torch.Tensor]:
    """Two tones of 300 Hz, with their pitch."""
    t = torch.arange(frames * HOP) / RATE
    audio = (0.3 * torch.sin(2 * math.pi * 300.0 * t)).repeat(2, 1)
    coordinate = torch.full((2, frames), math.log2(300.0 / CENTRE_HZ))
    return [audio, coordinate, torch.ones(2, frames)]


def training(data: Path, recipe: Path) -> PitchedTraining:
    found = build_training(load_recipe(str(recipe)), PreparedData(data))
    assert isinstance(found, PitchedTraining)
    found.log = found.log_dict = lambda *a, **k: None  # type: ignore[method-assign]
    return found


@pytest.mark.parametrize("hertz", [110.0, 440.0, 1234.5])
def test_what_sounds_is_the_pitch_that_is_told(hertz: float) -> None:
    model = small_model("harmonics")
    frames = 120
    z = torch.zeros(1, frames, model.latents)
    z[..., 0] = math.log2(hertz / CENTRE_HZ)
    q = torch.full((1, frames, 5), 0.9)
    with torch.no_grad():
        y = model.decode(z, q, torch.ones_like(q), model.draw_noise(frames, z) * 0.0)[0].numpy()
    spectrum = np.abs(np.fft.rfft(y[-RATE:] * np.hanning(RATE)))
    tones = np.arange(1, 17) * hertz
    tones = tones[tones < 0.45 * RATE]
    near = np.zeros(len(spectrum), bool)
    for tone in tones:
        near[max(0, round(tone) - 3) : round(tone) + 4] = True
    assert (spectrum[near] ** 2).sum() > 0.99 * (spectrum**2).sum()


def test_a_pitch_that_moves_does_not_step() -> None:
    tones = Harmonics(RATE, HOP, 4, 1)
    frames, half = 40, math.log2(300.0 / CENTRE_HZ)
    pitch = torch.full((1, frames, 1), half)
    pitch[:, 20:] = half + 1.0
    y = tones(pitch, torch.ones(1, 4 * frames, 1), Stream())[0].double()
    # Of the analytic signal: cycles from one sample to the next.
    spectrum = torch.fft.fft(y)
    spectrum[len(y) // 2 :] = 0.0
    turning = torch.fft.ifft(spectrum)
    hertz = torch.angle(turning[1:] / turning[:-1]) / (2.0 * math.pi) * RATE
    inside = hertz[5 * HOP : -5 * HOP]
    glide = hertz[20 * HOP : 21 * HOP]
    assert float(hertz[19 * HOP - 8]) == pytest.approx(300.0, rel=0.02)
    assert float(hertz[21 * HOP + 8]) == pytest.approx(600.0, rel=0.02)
    # Half-way at half the frame, and nowhere a jump: a straight line has 300 / HOP a sample.
    assert float(glide[HOP // 2]) == pytest.approx(450.0, rel=0.03)
    assert float(torch.diff(inside).abs().max()) < 12.0 * 300.0 / HOP


def test_what_repeats_with_each_frame_does_not_come_through() -> None:
    frames, blocks = 6, 4
    steadied = FrameMean(blocks, 2)
    x = torch.tensor([1.0, 5.0, 2.0, 0.0]).repeat(frames).reshape(1, -1, 1).repeat(1, 1, 2)
    y = steadied(x, Stream())
    assert torch.allclose(y[:, blocks:], torch.full_like(y[:, blocks:], 2.0))
    # Causal, and a rise begins at once.
    assert torch.allclose(y[0, :blocks, 0], torch.tensor([0.25, 1.5, 2.0, 2.0]))


def test_the_pitch_is_learnt_from_the_tracker_alone(data: Path, recipe: Path) -> None:
    module = training(data, recipe)
    encoder = module.model.encoder
    assert isinstance(encoder, PitchedEncoder)
    for share in (0.0, TAUGHT + 0.1):
        module.time_share = share
        module.zero_grad()
        one = batch()
        # Nowhere is a pitch known: then nothing of the objective may reach the network of the pitch.
        one[2] = torch.zeros_like(one[2])
        module.training_step(one, 0).backward()
        reached = [p.grad for p in encoder.pitch.parameters() if p.grad is not None]
        assert all(float(g.abs().max()) == 0.0 for g in reached)
        timbre = [p.grad for p in encoder.timbre.parameters() if p.grad is not None]
        assert max(float(g.abs().max()) for g in timbre) > 0.0
    module.zero_grad()
    module.training_step(batch(), 0).backward()
    assert max(float(p.grad.abs().max()) for p in encoder.pitch.parameters()) > 0.0  # type: ignore[union-attr]


def test_the_decoder_is_taught_first_and_then_hears_the_network(data: Path, recipe: Path) -> None:
    module = training(data, recipe)
    one = batch()
    module.time_share = 0.0
    _, taught, terms = module._listen(one)
    assert torch.equal(taught[..., 0], one[1]) and set(terms) == {"pitch"}
    module.time_share = TAUGHT + 0.1
    _, heard, _ = module._listen(one)
    with torch.no_grad():
        torch.testing.assert_close(heard, module.model.encode(one[0]))


def test_critic_and_noise_leave_the_pitch_alone(
    data: Path, recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = training(data, recipe)
    seen: list[torch.Tensor] = []
    decode = module.model.decode

    def watched(z: torch.Tensor, *rest: Any) -> torch.Tensor:
        seen.append(z)
        return decode(z, *rest)

    monkeypatch.setattr(module.model, "decode", watched)
    one = batch()
    module.training_step(one, 0)
    assert torch.equal(seen[0][:2, :, 0], one[1])
    assert module.model.critic.first.in_channels == module.model.latents - 1


def test_a_pitched_run_makes_a_bundle_whose_first_latent_is_the_pitch(
    data: Path, recipe: Path, tmp_path: Path
) -> None:
    assert hears_pitch(load_recipe("pitched")) and not hears_pitch(load_recipe("playable"))
    run, out = tmp_path / "run", tmp_path / "bundle"
    line = ["fit", "--recipe", str(recipe), "--data", str(data), "--out", str(run)]
    assert train_command(line) == 0
    line = ["export", "--run", str(run), "--out", str(out), "--licence", "CC0-1.0"]
    assert train_command([*line, "--name", "tiny"]) == 0
    bundle = load_bundle(str(out))
    assert bundle.info.latents == 4
    prepared_data = PreparedData(data)
    model = load_training(checkpoint_of(run, "model"), prepared_data).model
    with torch.no_grad():
        audio = torch.from_numpy(np.array(prepared_data.split("train").hits[0].audio))[None]
        heard = model.encode(audio[:, : audio.shape[1] // HOP * HOP])[0, :, 0]
    knots = bundle.info.latent_quantiles[0]
    assert knots[0] - 1.0 < float(heard.median()) < knots[-1] + 1.0
    assert bundle.document["frees"] is True


def test_a_constant_that_is_also_a_number_is_not_read_as_a_weight() -> None:
    numbers = np.array([(FIRST + 1) * APART], np.float32)
    values = np.zeros(3, np.float32)
    _read(numbers, numbers.copy(), values)
    assert not values.any()
    _read(numbers, np.array([0.5], np.float32), values)
    assert values.tolist() == [0.0, 0.5, 0.0]
