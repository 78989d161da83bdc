"""Descriptors: where they are measured, what they say of known sounds, silence, gradients."""

from functools import lru_cache
from typing import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from neurorave_train.descriptors import DESCRIPTORS, Descriptors, average_floor
from neurorave_train.descriptors.spectrum import centred_frames

from .hits import RATE, load_hits

HOP, WINDOW = 512, 2048
NAMES = [spec.name for spec in DESCRIPTORS]


@pytest.fixture(scope="module")
def plain() -> Descriptors:
    return Descriptors(RATE, HOP)


@pytest.fixture(scope="module")
def hits() -> Tensor:
    """The six strokes [6, T], cut or filled up to half a second and a bit."""
    audio = torch.zeros(6, 44 * HOP + 100)
    for row, hit in zip(audio, load_hits().values()):
        hit = hit[: audio.shape[1]]
        row[: len(hit)] = torch.from_numpy(hit)
    return audio


@pytest.fixture(scope="module")
def floored(plain: Descriptors, hits: Tensor) -> Descriptors:
    return Descriptors(RATE, HOP, floor=average_floor(plain.power_spectra(hits).mean((0, 1))))


def sine(frequency: float, rms_db: float, seconds: float = 0.3) -> Tensor:
    time = torch.arange(int(seconds * RATE), dtype=torch.float64) / RATE
    wave = torch.sin(2 * torch.pi * frequency * time) * 2**0.5 * 10 ** (rms_db / 20)
    return wave.float()[None]


def inner(values: Tensor) -> Tensor:
    """The mean over the frames [B, F, 5] whose windows the ends of the sound do not touch."""
    return values[0, 3:-3].mean(0)


def test_the_order_and_the_units() -> None:
    assert [tuple(spec) for spec in DESCRIPTORS] == [
        ("rms", "dB"),
        ("centroid", "Hz"),
        ("bandwidth", "Hz"),
        ("sharpness", "acum"),
        ("booming", ""),
    ]


@pytest.mark.parametrize("length", [0, 1, HOP - 1, HOP, HOP + 1, 10 * HOP - 1, 10 * HOP])
def test_one_row_for_each_whole_hop(plain: Descriptors, length: int) -> None:
    assert plain(torch.zeros(2, length)).shape == (2, length // HOP, 5)


@lru_cache(maxsize=None)
def small_module(hop: int, window: int) -> Descriptors:
    return Descriptors(16000, hop, window)


@given(where=st.integers(0, 12 * 64 + 40), hop=st.sampled_from([64, 50, 256]))
@settings(max_examples=60, deadline=None)
def test_a_frame_hears_its_centred_window_and_nothing_else(where: int, hop: int) -> None:
    window = 256
    module = small_module(hop, window)
    audio = torch.zeros(1, 12 * 64 + 41)
    audio[0, where] = 1.0
    rms = module(audio)[0, :, 0]
    starts = torch.arange(len(rms)) * hop - (window - hop) // 2
    # The Hann window's first sample is zero.
    inside = (where > starts) & (where < starts + window)
    weight = torch.sin(torch.pi * (where - starts) / window) ** 4 / (window * 3 / 8)
    expected = 10 * torch.log10(torch.where(inside, weight, torch.zeros(())) + 1e-10)
    torch.testing.assert_close(rms, expected.float(), atol=2e-3, rtol=0)


@pytest.mark.parametrize("frequency", [200.0, 1000.0, 5000.0, 15000.0])
def test_a_pure_tone(plain: Descriptors, frequency: float) -> None:
    rms, centroid, bandwidth, _, _ = inner(plain(sine(frequency, -23.0))).tolist()
    assert rms == pytest.approx(-23.0, abs=0.02)
    assert centroid == pytest.approx(frequency, abs=25.0)
    # The side lobes of the window only.
    assert bandwidth < 80.0


def test_the_unit_of_sharpness_is_one_acum(plain: Descriptors) -> None:
    # DIN 45692: noise one critical band wide at 1 kHz and 60 dB has 1 acum.
    spectrum = torch.fft.rfft(torch.randn(RATE, generator=torch.Generator().manual_seed(1)))
    frequency = torch.arange(len(spectrum))
    spectrum[(frequency < 920) | (frequency > 1080)] = 0
    noise = torch.fft.irfft(spectrum, n=RATE)
    noise *= 10 ** (-40 / 20) / noise.square().mean().sqrt()
    assert inner(plain(noise[None]))[3] == pytest.approx(1.0, abs=0.05)


def test_the_knobs_point_the_right_way(plain: Descriptors) -> None:
    low, high = inner(plain(sine(70.0, -30.0))), inner(plain(sine(7000.0, -30.0)))
    assert low[4] > 45.0 and high[4] < 1.0
    assert low[3] < 0.3 and high[3] > 4.0


def test_colour_does_not_follow_the_level_above_the_floor(plain: Descriptors, hits: Tensor) -> None:
    loud, soft = plain(hits), plain(hits * 0.5)
    heard = loud[..., 0] > -60
    torch.testing.assert_close(
        loud[..., 0][heard] - soft[..., 0][heard],
        torch.full((1,), 6.0206).expand(int(heard.sum())),
        atol=2e-3,
        rtol=0,
    )
    torch.testing.assert_close(loud[..., 1:3][heard], soft[..., 1:3][heard], rtol=1e-4, atol=0.05)


def test_all_ways_of_measuring_agree(floored: Descriptors, hits: Tensor) -> None:
    whole = floored(hits)
    frames = centred_frames(hits, HOP, WINDOW)
    ways = {
        "frames": floored.measure(frames),
        "matrix transform": floored.measure(frames, dft_as_matmul=True),
        "power spectra": floored.spectra(floored.power_spectra(hits)),
        "one by one": torch.cat([floored(row[None]) for row in hits]),
        "one frame": torch.stack([floored.measure(frame) for frame in frames[0]])[None],
    }
    scale = torch.tensor([1.0, 1e3, 1e3, 1.0, 10.0])
    for name, values in ways.items():
        worst = ((values - whole[: len(values)]) / scale).abs().amax()
        assert worst < 1e-4, f"{name}: {worst}"


def test_long_audio_is_measured_in_pieces_without_a_seam(plain: Descriptors, hits: Tensor) -> None:
    # More frames than are worked on at once, so that the pieces border on each other.
    tiled = hits[0, : 40 * HOP].repeat(11)[None].clone().requires_grad_()
    values = plain(tiled)
    (gradient,) = torch.autograd.grad(values[..., 1].sum(), tiled)
    torch.testing.assert_close(values[0, 45:75], values[0, 205:235], rtol=1e-5, atol=1e-3)
    part = slice(45 * HOP, 75 * HOP), slice(205 * HOP, 235 * HOP)
    torch.testing.assert_close(gradient[0, part[0]], gradient[0, part[1]], rtol=1e-3, atol=1e-2)


def test_silence_is_finite_and_still(plain: Descriptors, floored: Descriptors) -> None:
    for module in (plain, floored):
        silence = torch.zeros(2, 8 * HOP, requires_grad=True)
        values = module(silence)
        (gradient,) = torch.autograd.grad(values.sum(), silence)
        assert torch.isfinite(values).all() and torch.isfinite(gradient).all()
        assert (values == values[0, 0]).all()
        assert float(values.detach()[0, 0, 0]) == pytest.approx(-100.0, abs=1e-3)


def test_silence_has_the_colour_of_the_floor(floored: Descriptors, hits: Tensor) -> None:
    quiet = floored(torch.zeros(1, 4 * HOP))[0, 0]
    loud = floored.spectra(floored.floor * 1e4)
    assert quiet[1:3].tolist() == pytest.approx(loud[1:3].tolist(), rel=1e-3)
    # Which parts of the shape are heard depends on its level, so these are only about the middle.
    values = floored(hits)
    heard = values[values[..., 0] > -60]
    low, high = heard.quantile(0.02, dim=0), heard.quantile(0.98, dim=0)
    assert ((quiet > low) & (quiet < high))[1:].all()


def test_the_floor_does_not_touch_loud_frames(
    plain: Descriptors, floored: Descriptors, hits: Tensor
) -> None:
    bare, over = plain(hits), floored(hits)
    torch.testing.assert_close(bare[..., 0], over[..., 0])
    loud = bare[..., 0] > -25
    assert int(loud.sum()) > 20
    torch.testing.assert_close(bare[loud][:, 3:], over[loud][:, 3:], rtol=0.02, atol=0.1)


def test_the_neutral_values_come_with_the_floor_of_a_checkpoint(floored: Descriptors) -> None:
    other = Descriptors(RATE, HOP)
    other.load_state_dict(floored.state_dict())
    silence = torch.zeros(1, HOP)
    torch.testing.assert_close(other(silence), floored(silence))


@given(
    seed=st.integers(0, 2**31),
    exponents=st.lists(st.integers(-42, 3), min_size=4, max_size=4),
    with_floor=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_values_and_gradients_are_always_finite(
    floored: Descriptors, plain: Descriptors, seed: int, exponents: list[int], with_floor: bool
) -> None:
    generator = torch.Generator().manual_seed(seed)
    audio = torch.randn(1, 4 * HOP, generator=generator)
    audio = audio * 10.0 ** torch.tensor(exponents).repeat_interleave(HOP)
    audio[0, ::7] = 0.0
    audio.requires_grad_()
    values = (floored if with_floor else plain)(audio)
    (gradient,) = torch.autograd.grad(values.sum(), audio)
    assert torch.isfinite(values).all() and torch.isfinite(gradient).all()
    assert (values[..., 1:] >= 0).all()


def precise(sample_rate: int, hop: int, window: int = WINDOW) -> Descriptors:
    """A module whose constants, too, are of double precision."""
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        return Descriptors(sample_rate, hop, window)
    finally:
        torch.set_default_dtype(usual)


def weighted_sum(module: Callable[[Tensor], Tensor], audio: Tensor, weights: Tensor) -> Tensor:
    return (module(audio) * weights).sum()


@pytest.mark.parametrize("column", range(5), ids=NAMES)
def test_the_gradient_is_the_slope(column: int) -> None:
    module = precise(16000, 100, 256)
    generator = torch.Generator().manual_seed(3)
    audio = 0.05 * torch.randn(2, 330, dtype=torch.float64, generator=generator)
    audio[1] *= torch.exp(-torch.arange(330) / 60.0)
    audio.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: module(x)[..., column], audio, eps=1e-7, atol=1e-3, rtol=1e-4, fast_mode=True
    )


def test_the_written_out_gradient_equals_that_of_the_plain_formulas(hits: Tensor) -> None:
    module = precise(RATE, HOP)
    audio = (hits[:3, : 12 * HOP].double() + 1e-5).requires_grad_()
    weights = torch.randn(12, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    weights = weights / torch.tensor([10.0, 1e3, 1e3, 1.0, 10.0])
    results: list[Tensor] = []
    for way in (
        module,
        lambda x: module.spectra(module.power_spectra(x)),
        lambda x: module.measure(centred_frames(x, HOP, WINDOW), dft_as_matmul=True),
    ):
        results += torch.autograd.grad(weighted_sum(way, audio, weights), audio)
    scale = float(results[0].abs().max())
    for other in results[1:]:
        assert float((results[0] - other).abs().max()) < 1e-8 * scale


def test_audio_can_be_moved_to_what_was_asked(plain: Descriptors) -> None:
    # What the loss does: follow the gradient until the sound measures as asked.
    audio = 0.1 * torch.randn(1, 4 * HOP, generator=torch.Generator().manual_seed(2))
    goal = plain(0.3 * torch.nn.functional.avg_pool1d(audio, 5, 1, 2)).detach()
    scale = torch.tensor([6.0, 2000.0, 2000.0, 0.5, 10.0])

    def distance(x: Tensor) -> Tensor:
        far: Tensor = (plain(x) - goal) / scale
        return far.square().mean()

    moved = audio.clone().requires_grad_()
    optimiser = torch.optim.Adam([moved], lr=0.01)
    for _ in range(25):
        optimiser.zero_grad()
        distance(moved).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert distance(moved) < 0.2 * distance(audio)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="floor has shape"):
        Descriptors(RATE, HOP, floor=torch.zeros(5))
    with pytest.raises(ValueError, match="hop is 4096"):
        Descriptors(RATE, 4096, 2048)
    with pytest.raises(ValueError, match="window is 2047"):
        Descriptors(RATE, HOP, 2047)
    for spectrum in (torch.zeros(8), torch.full((8,), float("nan"))):
        with pytest.raises(ValueError, match="mean_power_spectrum"):
            average_floor(spectrum)


def test_the_level_of_the_average_floor() -> None:
    floor = average_floor(torch.rand(1025) * 7.0, level_db=-72.0)
    assert 10 * np.log10(float(floor.sum())) == pytest.approx(-72.0, abs=1e-4)
