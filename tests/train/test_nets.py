"""Networks: streaming equals offline, nothing looks ahead, the latent keeps its variance."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from neurorave_train.nets.conditioning import EASED_DB, Conditioning
from neurorave_train.nets.critic import LatentCritic
from neurorave_train.nets.encoder import FixedVariance
from neurorave_train.nets.layers import CausalConv, Upsample
from neurorave_train.nets.model import PlayableModel
from neurorave_train.nets.pqmf import Pqmf
from neurorave_train.nets.prior import Prior
from neurorave_train.nets.stream import Stream
from neurorave_train.nets.synthesis import PERIOD, Carriers, FilteredNoise

from .small_models import HOP, RATE, knots, small_model

DECODERS = ("carriers", "pqmf")
FRAMES = 40


def controls(frames: int = FRAMES, seed: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed)
    z = torch.randn(2, frames, 8, generator=g)
    q = torch.rand(2, frames, 5, generator=g)
    mask = (torch.rand(2, frames, 5, generator=g) < 0.7).float()
    return z, q, mask


def streamed(model: PlayableModel, parts: list[int], noise: Tensor) -> Tensor:
    """Decodes in parts of the given lengths (frames), states carried over."""
    z, q, mask = controls(sum(parts))
    rows = model.decoder.noise_shape[0]
    states, out, at = None, [], 0
    for n in parts:
        s = slice(at, at + n)
        stream = Stream(states)
        block = noise[:, at * rows : (at + n) * rows]
        out.append(model.decoder(z[:, s], q[:, s], mask[:, s], block, stream))
        states, at = stream.states, at + n
    return torch.cat(out, dim=1)


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("seed", range(3))
def test_decoder_streams_as_offline(decoder: str, seed: int) -> None:
    model = small_model(decoder)
    rng = np.random.default_rng(seed)
    parts = []
    while sum(parts) < FRAMES:
        parts.append(int(rng.integers(1, 7)))
    parts[-1] -= sum(parts) - FRAMES
    z, q, mask = controls()
    noise = model.draw_noise(FRAMES, z, torch.Generator().manual_seed(2))
    with torch.no_grad():
        whole = model.decoder(z, q, mask, noise, Stream())
        assert whole.abs().max() > 1e-3
        difference = (streamed(model, parts, noise) - whole).abs().max()
    assert difference < 1e-5 * float(whole.abs().max().clamp(min=1.0))


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("which", ["z", "q", "mask", "noise"])
def test_decoder_never_looks_ahead(decoder: str, which: str) -> None:
    """A change at frame t, the loudness included, leaves every earlier sample untouched."""
    model = small_model(decoder)
    z, q, mask = controls()
    noise = model.draw_noise(FRAMES, z, torch.Generator().manual_seed(2))
    t = 17
    rows = model.decoder.noise_shape[0]
    inputs = {"z": z, "q": q, "mask": mask, "noise": noise}
    changed = {k: v.clone() for k, v in inputs.items()}
    at = t * rows if which == "noise" else t
    changed[which][:, at:] = 1.0 - changed[which][:, at:]
    with torch.no_grad():
        a = model.decoder(*inputs.values(), Stream())
        b = model.decoder(*changed.values(), Stream())
    assert torch.equal(a[:, : t * HOP], b[:, : t * HOP])
    assert not torch.equal(a[:, t * HOP : (t + 1) * HOP], b[:, t * HOP : (t + 1) * HOP])


def test_encoder_hears_only_its_window() -> None:
    model = small_model("carriers")
    audio = torch.randn(1, 20 * HOP) * 0.1
    changed = audio.clone()
    t = 9
    changed[:, t * HOP + HOP + model.latency :] = 0.0
    with torch.no_grad():
        a, b = model.encode(audio), model.encode(changed)
    assert torch.equal(a[:, : t + 1], b[:, : t + 1])
    assert not torch.equal(a[:, t + 1 :], b[:, t + 1 :])


@pytest.mark.parametrize(
    "stride,kernel,dilation", [(1, 3, 1), (1, 3, 4), (4, 9, 1), (4, 3, 1), (2, 2, 1)]
)
def test_causal_convolution_equals_the_reference(stride: int, kernel: int, dilation: int) -> None:
    conv = CausalConv(6, 4, kernel, dilation, stride)
    x = torch.randn(2, 24, 6)
    with torch.no_grad():
        y = conv(x, Stream())
        weight = conv.weight[0].reshape(kernel, 6, 4).permute(2, 1, 0)
        past = (kernel - 1) * dilation + 1 - stride
        padded = torch.nn.functional.pad(x.transpose(1, 2), (past, 0))
        wanted = torch.nn.functional.conv1d(padded, weight, conv.bias, stride, 0, dilation)
    torch.testing.assert_close(y, wanted.transpose(1, 2), atol=1e-5, rtol=1e-5)


def test_loudness_rises_at_once_and_falls_over_the_frame() -> None:
    conditioning = Conditioning(knots(), 4)
    levels = torch.tensor([-88.0, -88.0, -30.0, -28.0, -48.0])
    values = torch.stack([levels, *[torch.full((5,), 1e3)] * 4], dim=-1)
    q = conditioning.quantiles.to_q(values)[None]
    _, base = conditioning(q, torch.ones(1, 5, 5), Stream())
    heard = 20 * base.log10().reshape(5, 4)
    np.testing.assert_allclose(heard[2], [-30 - EASED_DB, -30, -30, -30], atol=0.01)
    np.testing.assert_allclose(heard[3], [-29.5, -28, -28, -28], atol=0.01)
    np.testing.assert_allclose(heard[4], [-33, -38, -43, -48], atol=0.01)


def test_grouped_convolution_keeps_groups_apart() -> None:
    conv = CausalConv(6, 4, 3, groups=2)
    x = torch.randn(1, 10, 6)
    other = x.clone()
    other[..., 3:] = 0.0
    with torch.no_grad():
        a, b = conv(x, Stream()), conv(other, Stream())
    assert torch.equal(a[..., :2], b[..., :2])
    assert not torch.equal(a[..., 2:], b[..., 2:])


def test_upsample_is_a_transposed_convolution() -> None:
    up = Upsample(5, 3, 4)
    x = torch.randn(1, 7, 5)
    with torch.no_grad():
        y = up(x, Stream())
        w = up.conv.weight[0].reshape(2, 5, 4, 3)
        # Tap 1 is the present step, tap 0 the one before it: a kernel of 8 with stride 4.
        kernel = torch.cat([w[1], w[0]], dim=1).permute(0, 2, 1)
        full = torch.nn.functional.conv_transpose1d(x.transpose(1, 2), kernel, stride=4)
        assert up.conv.bias is not None
        bias = up.conv.bias.reshape(4, 3).repeat(7, 1)
    torch.testing.assert_close(y[0], full[0, :, :28].T + bias, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("bands,attenuation,floor_db", [(16, 50.0, -38.0), (8, 100.0, -55.0)])
def test_pqmf_reconstructs(bands: int, attenuation: float, floor_db: float) -> None:
    bank = Pqmf(bands, attenuation)
    x = torch.randn(1, bands * 512, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        y = bank.inverse(bank(x, Stream()), Stream())
    a, b = x[:, : -bank.delay], y[:, bank.delay :]
    error = 10 * math.log10(float((a - b).square().mean() / a.square().mean()))
    assert error < floor_db


def test_pqmf_band_holds_its_own_frequencies() -> None:
    bank = Pqmf(16, 60.0)
    n = torch.arange(16 * 400)
    tone = torch.sin(2 * math.pi * (5.5 / 32) * n)[None]
    with torch.no_grad():
        energy = bank(tone, Stream())[0, 50:].square().mean(dim=0)
    assert int(energy.argmax()) == 5
    assert energy[5] > 1e4 * energy[8:].max()


def test_carriers_are_sines_of_constant_phase() -> None:
    """A constant envelope plays exactly cos(2 pi f n), without a seam at any block or frame."""
    tones = Carriers(RATE, HOP, 4, 8, 60.0, 900.0)
    frames = 2 * PERIOD + 3
    envelope = torch.zeros(1, frames * 4, 16)
    envelope[..., 3] = 1.0
    y = tones(envelope, Stream())[0]
    n = torch.arange(1, len(y) + 1).double()
    wanted = torch.cos(2 * math.pi * tones.frequencies[3].double() * n / RATE)
    assert (y[HOP:] - wanted[HOP:]).abs().max() < 2e-3


def test_carriers_do_not_drift_in_a_stream() -> None:
    tones = Carriers(RATE, HOP, 4, 8, 60.0, 900.0)
    envelope = torch.ones(1, 4, 16)
    states, first = None, None
    for frame in range(3 * PERIOD + 1):
        stream = Stream(states)
        y = tones(envelope, stream)
        states = stream.states
        if frame == PERIOD:
            first = y
    assert first is not None
    assert torch.equal(first, y)


def test_filtered_noise_has_the_asked_level_and_place() -> None:
    noise = FilteredNoise(RATE, 128, 24)
    amplitudes = torch.zeros(1, 4000, 24)
    amplitudes[..., 18] = 0.1
    g = torch.Generator().manual_seed(0)
    y = noise(amplitudes, torch.randn(1, 4000, 2 * noise.bins, generator=g), Stream())[0]
    power = torch.fft.rfft(y).abs().square()
    centroid = float((power * torch.arange(len(power))).sum() / power.sum()) / len(power) * RATE / 2
    peak = int(noise.spread[18].argmax()) * RATE / 256
    assert abs(centroid - peak) < 0.1 * peak
    wanted = 0.1 * float(noise.spread[18].square().sum() / noise.bins) ** 0.5
    assert abs(float(y.square().mean()) ** 0.5 / wanted - 1.0) < 0.05


def test_latent_variance_cannot_shrink() -> None:
    bound = FixedVariance(4).train()
    for scale in (1e-2, 1.0, 1e3):
        z = bound(torch.randn(4, 200, 4) * scale + 5.0)
        assert z.abs().max() < 3.0
        assert (z.std(dim=(0, 1)) > 0.7).all()


def test_confusion_is_least_for_a_critic_that_knows_nothing() -> None:
    critic = LatentCritic(8, 5)
    weight = torch.ones(2, 6, 5)
    even = torch.zeros(2, 6, 5, 16)
    sure = even.clone()
    sure[..., 3] = 8.0
    assert abs(float(critic.confusion(even, weight))) < 1e-6
    assert float(critic.confusion(sure, weight)) > 1.0


def play_prior(
    prior: Prior, frames: int, seed: int, force: float, forced: float = 0.7
) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed)
    one = torch.ones(1, 1)
    states, latents, curves = None, [], []
    for _ in range(frames):
        stream = Stream(states)
        noise = torch.randn(1, prior.noise_size, generator=g)
        z, q = prior(noise, one, forced * one, force * one, stream)
        states = stream.states
        latents.append(z)
        curves.append(q)
    return torch.cat(latents, 1), torch.cat(curves, 1)


def test_prior_is_seeded_and_forced() -> None:
    torch.manual_seed(0)
    prior = Prior(8, 5, width=24, components=3).eval()
    with torch.no_grad():
        a, b = play_prior(prior, 10, 1, 0.0), play_prior(prior, 10, 1, 0.0)
        other = play_prior(prior, 10, 2, 0.0)
        forced, _ = play_prior(prior, 10, 1, 1.0)
    assert torch.equal(a[0], b[0]) and torch.equal(a[1], b[1])
    assert not torch.equal(a[0], other[0])
    torch.testing.assert_close(forced[..., 0], torch.full((1, 10), 0.7))
    assert not torch.equal(forced[..., 1:], a[0][..., 1:])


def test_prior_steps_are_its_likelihood() -> None:
    """The step used on the device and the recurrence that was trained are the same network."""
    torch.manual_seed(0)
    prior = Prior(3, 5, width=12, components=2).eval()
    x = torch.randn(1, 6, prior.latents + prior.descriptors + 1)
    with torch.no_grad():
        wanted, _ = prior.cell(x)
        h = torch.zeros(1, 12)
        for t in range(6):
            h = prior._advance(x[:, t], h)
            torch.testing.assert_close(h, wanted[:, t])


def test_prior_ends_and_stays_silent() -> None:
    """Once a sound was quiet for twelve frames its loudness is zero for good."""
    prior = Prior(3, 5, width=8, components=2).eval()
    with torch.no_grad():
        for p in prior.parameters():
            p.zero_()
        # Mean loudness far below silence with a spread that would wake it now and then.
        size = prior.follow.size
        prior.follow.out.bias[2 : 2 + 2 * size].fill_(-2.0)
        prior.follow.out.bias[2 + 2 * size :].fill_(-0.5)
        _, q = play_prior(prior, 400, 0, 0.0)
    loud = (q[0, :, 0] > 0.03).nonzero()[:, 0].tolist()
    quiet_runs = np.diff([-1, *loud])
    assert q[0, 300:, 0].max() == 0.0
    assert len(loud) > 0 and max(quiet_runs) <= 12 + 1


def test_prior_likelihood_is_a_density() -> None:
    """Summed over a grid, the density of one value integrates to one."""
    torch.manual_seed(0)
    prior = Prior(1, 1, width=8, components=3).eval()
    h = torch.randn(1, 8)
    grid = torch.linspace(-12, 12, 4801)[:, None]
    with torch.no_grad():
        density = prior.lead.log_likelihood(h.expand(4801, 8), grid).exp()
    assert abs(float(density.sum() * (24 / 4800)) - 1.0) < 1e-3


def test_knots_reach_the_decoder() -> None:
    """Asking for 20 dB less makes the same untrained network 20 dB quieter: gain-shape."""
    model = small_model("carriers")
    z, q, _ = controls(30)
    mask = torch.zeros_like(q)
    mask[..., 0] = 1.0
    table = model.quantiles
    noise = model.draw_noise(30, z, torch.Generator().manual_seed(5))
    levels = []
    for db in (-30.0, -50.0):
        target = knots()[:, 12].expand(2, 30, 5).clone()
        target[..., 0] = db
        asked = table.to_q(target)
        with torch.no_grad():
            # The condition input also sees the level; hide it to see the gain path alone.
            for unit in model.decoder.body.units:
                unit.film.project.weight.zero_()
            model.decoder.fine_film.project.weight.zero_()
            model.decoder.enter.weight[:, 8:].zero_()
            y = model.decode(z, asked, mask, noise)
        levels.append(10 * math.log10(float(y[:, 4 * HOP :].square().mean())))
    assert abs(levels[0] - levels[1] - 20.0) < 0.5
