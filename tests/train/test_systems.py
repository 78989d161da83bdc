"""The systems of a comparison: what each follows, what its objective asks, and that it streams."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from neurorave_device.errors import UserError
from neurorave_train.data.hits import Hit
from neurorave_train.data.pitch import Pitch, PitchedSegments, track
from neurorave_train.export.bundle import order_latents
from neurorave_train.export.graphs import build_graphs
from neurorave_train.export.lint import lint
from neurorave_train.export.onnx_file import write_onnx
from neurorave_train.export.preview import StreamedGraph
from neurorave_train.nets.conditioning import ALL_NAMES
from neurorave_train.nets.ddsp_model import DdspModel
from neurorave_train.nets.harmonics import CENTRE_HZ, Harmonics, to_coordinate, to_hertz
from neurorave_train.nets.model import PlayableModel
from neurorave_train.nets.paper_critics import LatentDiscriminator
from neurorave_train.nets.paper_decoder import Attributes
from neurorave_train.nets.prior import Prior
from neurorave_train.nets.spectral_judge import SpectralJudge
from neurorave_train.nets.stream import Stream
from neurorave_train.objectives.buzz import EnvelopeBuzz, moving_mean
from neurorave_train.objectives.requests import draw_mask, draw_requests
from neurorave_train.training.recipe import load_recipe

from .small_models import HOP, OPTIONS, RATE, knots

FRAMES = 24
SMALL_DDSP = {
    "latents": 4,
    "width": 24,
    "harmonics": 40,
    "bands": 12,
    "blocks": 4,
    "classes": 16,
    "critic_layers": 1,
}


def ddsp_model() -> DdspModel:
    torch.manual_seed(0)
    return DdspModel(knots(), None, RATE, HOP, 2048, dict(SMALL_DDSP)).eval()


def test_a_recipe_begins_with_the_one_it_extends(tmp_path: Path) -> None:
    assert load_recipe("rave").paper["lambda"] == 0.0
    assert list(load_recipe("rave").descriptors) == []
    assert load_recipe("rave").paper.capacity == load_recipe("frave").paper.capacity
    (tmp_path / "a.yaml").write_text("extends: frave\nsteps: 5\n")
    (tmp_path / "b.yaml").write_text("extends: a.yaml\nseed: 3\n")
    found = load_recipe(str(tmp_path / "b.yaml"))
    assert (found.steps, found.seed, found.family) == (5, 3, "paper")


def test_what_a_recipe_cannot_extend_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("extends: b.yaml\n")
    (tmp_path / "b.yaml").write_text("extends: a.yaml\n")
    with pytest.raises(UserError, match="extends leads back to itself"):
        load_recipe(str(tmp_path / "a.yaml"))
    (tmp_path / "c.yaml").write_text("extends: nowhere\n")
    with pytest.raises(UserError, match=r"c\.yaml: extends 'nowhere' is neither a file nor one of"):
        load_recipe(str(tmp_path / "c.yaml"))


@pytest.mark.parametrize("change", ["steps=${nowhere}", "steps=${foo:1}", "seed=???"])
def test_errors_of_the_library_are_said_in_our_words(change: str) -> None:
    with pytest.raises(UserError) as caught:
        load_recipe("playable", [change])
    said = str(caught.value).removeprefix(f"--set {change}: ")
    assert said.startswith(change.split("=")[0])
    assert "nterpolation" not in said and "full_key" not in said


def play(model: PlayableModel, q: Tensor, mask: Tensor) -> Tensor:
    g = torch.Generator().manual_seed(5)
    z = torch.randn(1, FRAMES, model.latents, generator=g)
    noise = model.draw_noise(FRAMES, z, g)
    with torch.no_grad():
        return model.decode(z, q, mask, noise)


def test_a_decoder_hears_only_what_it_follows() -> None:
    names = ["rms", "centroid"]
    torch.manual_seed(0)
    model = PlayableModel(
        knots(),
        None,
        RATE,
        HOP,
        encoder_width=16,
        decoder_options=OPTIONS["carriers"],
        followed=names,
    ).eval()
    q, ones = torch.full((1, FRAMES, 5), 0.6), torch.ones(1, FRAMES, 5)
    first = play(model, q, ones)
    for k, name in enumerate(ALL_NAMES):
        other = q.clone()
        other[..., k] = 0.3
        assert torch.equal(play(model, other, ones), first) == (name not in names)


def test_without_the_loudness_the_encoder_hears_the_level() -> None:
    for names, heard in ((list(ALL_NAMES), False), (["centroid"], True)):
        torch.manual_seed(0)
        model = PlayableModel(
            knots(),
            None,
            RATE,
            HOP,
            encoder_width=16,
            decoder_options=OPTIONS["carriers"],
            followed=names,
        ).eval()
        assert model.decoder.conditioning.gain_shape != heard
        audio = 0.2 * torch.randn(1, 8 * HOP, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            same = torch.allclose(model.encode(audio), model.encode(0.25 * audio), atol=1e-3)
        assert same != heard


def test_published_attributes_that_are_not_followed_are_zero() -> None:
    q = torch.rand(1, 4, 5)
    assert not Attributes(knots(), []).forward(q).any()
    one = Attributes(knots(), ["booming"]).forward(q)
    assert one[..., 4].abs().min() > 0 and not one[..., :4].any()
    with pytest.raises(ValueError, match="descriptors: 'loudness' is not one of rms, centroid"):
        Attributes(knots(), ["loudness"])


def test_requests_ask_only_for_what_is_followed() -> None:
    g = torch.Generator().manual_seed(0)
    q = torch.rand(64, 12, 5, generator=g)
    model = ddsp_model()
    followed = torch.tensor([1.0, 0.0, 0.0, 0.0, 1.0])
    found = draw_requests(q, 86.0, model.quantiles, g, followed=followed, free=False)
    assert not found.weight[..., 1:4].any() and not found.mask[..., 1:4].any()
    # Without free ones all that is followed is asked.
    assert bool((found.mask[..., [0, 4]] == 1.0).all())
    assert found.weight[..., 4].any() and found.weight[..., 0].any()
    mask = draw_mask(q, g, 1.0, followed)
    assert not mask[..., 1:4].any() and bool((mask[..., 0] == 1.0).all())


def test_ignorance_is_the_optimum_of_the_uniform_target_and_error_that_of_the_published() -> None:
    critic = LatentDiscriminator(8, 5, classes=16, layers=1)
    q = torch.full((1, 4, 5), 0.03)
    even, wrong = torch.zeros(1, 4, 5, 16), torch.zeros(1, 4, 5, 16)
    wrong[..., 9] = 20.0
    assert float(critic.confusion(even)) == pytest.approx(0.0, abs=1e-6)
    assert float(critic.confusion(wrong)) > 5.0
    # The published encoder maximises this: a confident wrong code is worth more to it than none.
    assert float(critic.loss(wrong, q)) > float(critic.loss(even, q)) + 10.0
    # Only what is followed counts.
    followed = torch.tensor([1.0, 0.0, 0.0, 0.0, 0.0])
    wrong[..., 0, :] = 0.0
    assert float(critic.confusion(wrong, followed)) == pytest.approx(0.0, abs=1e-6)


def test_pitch_coordinates() -> None:
    p = torch.linspace(-3.0, 3.0, 1001)
    wanted = CENTRE_HZ * torch.exp2(p.double())
    assert float((to_hertz(p).double() / wanted - 1.0).abs().max()) < 2e-6
    assert float((to_coordinate(to_hertz(p)) - p).abs().max()) < 1e-5


@pytest.mark.parametrize("rate", [8000, 44100, 96000])
def test_harmonics_never_drift(rate: int) -> None:
    """A long stream, frame by frame, gives the very samples of the whole, and the pitch is right."""
    tones = Harmonics(rate, HOP, 4, 12)
    frames = 700
    g = torch.Generator().manual_seed(2)
    pitch = torch.rand(1, frames, 1, generator=g) * 6.0 - 3.0
    amplitudes = torch.rand(1, frames * 4, 12, generator=g) / 12
    whole = tones(pitch, amplitudes, Stream())
    states, parts = None, []
    for t in range(frames):
        stream = Stream(states)
        parts.append(tones(pitch[:, t : t + 1], amplitudes[:, 4 * t : 4 * t + 4], stream))
        states = stream.states
    assert float((torch.cat(parts, dim=1) - whole).abs().max()) < 1e-5
    steady = torch.zeros(1, 200, 1)
    first = torch.zeros(1, 800, 12)
    first[..., 0] = 1.0
    y = tones(steady, first, Stream())[0, HOP:]
    spectrum = torch.fft.rfft(y * torch.hann_window(len(y))).abs()
    assert float(spectrum.argmax()) * rate / len(y) == pytest.approx(
        CENTRE_HZ, abs=2 * rate / len(y)
    )


def test_harmonics_stop_below_half_the_rate() -> None:
    tones = Harmonics(16000, 256, 4, 60)
    high = tones.audible(to_coordinate(torch.full((1, 1, 1), 1000.0)))[0, 0]
    assert high[:7].min() == 1.0 and high[7:].max() == 0.0


def test_a_harmonic_model_streams_and_exports(tmp_path: Path) -> None:
    model = ddsp_model()
    torch.manual_seed(3)
    prior = Prior(model.latents, 5, width=8, components=2).eval()
    g = torch.Generator().manual_seed(1)
    z = torch.randn(400, model.latents, generator=g)
    ordering = order_latents(z, torch.rand(400, 5, generator=g), model.fixed_latents)
    # The pitch keeps its place and its scale.
    assert ordering.mean[0] == 0.0 and ordering.basis[0].tolist() == [1.0, 0.0, 0.0, 0.0, 0.0]
    graphs = build_graphs(model, prior, ordering)
    for role in ("decoder", "encoder"):
        write_onnx(graphs[role], tmp_path / f"{role}.onnx")
        assert lint(tmp_path / f"{role}.onnx") == []
    rng = np.random.default_rng(0)
    rows, values = model.decoder.noise_shape
    inputs = {
        "latents": rng.standard_normal((FRAMES, 1, 1, model.latents)).astype(np.float32),
        "descriptors": rng.random((FRAMES, 1, 1, 5)).astype(np.float32),
        "mask": np.ones((FRAMES, 1, 1, 5), np.float32),
        "noise": rng.standard_normal((FRAMES, 1, rows, values)).astype(np.float32),
    }
    graph = StreamedGraph(tmp_path / "decoder.onnx")
    steps = [graph(**{k: v[t] for k, v in inputs.items()})["audio"][0] for t in range(FRAMES)]
    heard = np.concatenate(steps)
    with torch.no_grad():
        latents = torch.from_numpy(inputs["latents"][:, 0, 0]) @ ordering.basis + ordering.mean
        q = torch.from_numpy(inputs["descriptors"][:, 0, 0])[None]
        noise = torch.from_numpy(inputs["noise"].reshape(1, -1, values))
        whole = model.decode(latents[None], q, torch.ones_like(q), noise)[0].numpy()
    assert np.abs(whole).max() > 1e-3
    assert np.abs(heard - whole).max() < 1e-5


def test_the_tracker_hears_a_tone_where_it_is() -> None:
    time = np.arange(RATE // 2) / RATE
    tone = (0.3 * np.sin(2 * np.pi * 220.0 * time)).astype(np.float32)
    silent = np.zeros(RATE // 2, np.float32)
    found = track(np.concatenate([silent, tone]), RATE, HOP)
    known = found.known > 0
    assert known.sum() > 30 and not known[:30].any()
    # Its first frames still hear the silence.
    assert np.allclose(found.coordinate[known][4:], math.log2(220.0 / CENTRE_HZ), atol=0.03)
    # Before the first pitch and after the last one it goes straight on.
    assert np.isfinite(found.coordinate).all() and found.coordinate[0] == found.coordinate[known][0]
    nothing = track(silent, RATE, HOP)
    assert not nothing.known.any() and not nothing.coordinate.any()


def test_segments_carry_the_pitch_of_the_hit_that_began_last() -> None:
    hits = [Hit.of(f"{i}", np.full(5 * HOP, 0.1, np.float32)) for i in range(2)]
    ones = np.ones(5, np.float32)
    pitches = [Pitch(ones * (i + 1), ones) for i in range(2)]
    data = PitchedSegments(hits, pitches, HOP, 24 * HOP, 40, seed=1, gain_db=0.0)
    seen: set[float] = set()
    for i in range(40):
        audio, pitch, known = data[i]
        assert audio.shape == (24 * HOP,) and pitch.shape == known.shape == (24,)
        seen |= set(pitch.tolist())
        loud = audio.reshape(24, HOP).abs().mean(dim=1)
        assert bool((loud[known.bool()] > 1e-3).float().mean() > 0.8)
    assert seen == {0.0, 1.0, 2.0}


def test_a_flutter_at_the_frame_rate_costs() -> None:
    frames = 96
    g = torch.Generator().manual_seed(0)
    noise = 0.1 * torch.randn(3, frames * HOP, generator=g)
    other = 0.1 * torch.randn(3, frames * HOP, generator=g)
    time = torch.arange(frames * HOP) / HOP
    flutter = noise * (1.0 + 0.2 * torch.sin(2 * math.pi * time))
    buzz = EnvelopeBuzz(RATE, HOP)
    assert float(buzz(noise, other)) < 0.3
    assert float(buzz(noise, flutter)) > 2.0 * float(buzz(noise, other)) + 0.1
    assert float(buzz.index(flutter)[:, 0].mean()) > 1.0
    # Following it down the slope takes the flutter away.
    depth = torch.tensor(0.2, requires_grad=True)
    value = buzz(noise, noise * (1.0 + depth * torch.sin(2 * math.pi * time)))
    value.backward()
    assert depth.grad is not None and float(depth.grad) > 0.0


def test_a_moving_mean_is_one() -> None:
    x = torch.rand(2, 50, generator=torch.Generator().manual_seed(0))
    wanted = torch.nn.functional.avg_pool1d(x[:, None], 9, 1, 4, count_include_pad=False)[:, 0]
    torch.testing.assert_close(moving_mean(x, 4), wanted)


def test_the_light_adversary_learns_and_teaches() -> None:
    torch.manual_seed(0)
    judge = SpectralJudge(width=8)
    real = 0.1 * torch.randn(4, 8192)
    fake = torch.sin(torch.arange(8192.0) * 0.1).expand(4, -1).clone().requires_grad_()
    optimiser = torch.optim.Adam(judge.parameters(), 1e-2)
    with torch.no_grad():
        first = float(judge.loss(judge(real), judge(fake)))
    for _ in range(15):
        optimiser.zero_grad()
        loss = judge.loss(judge(real), judge(fake.detach()))
        loss.backward()
        optimiser.step()
    assert float(loss.detach()) < 0.5 * first
    judge.convince(judge(real), judge(fake)).backward()
    assert fake.grad is not None and float(fake.grad.abs().max()) > 0.0
