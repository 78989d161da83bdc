"""The distances and correlations against cases whose answer is known."""

from typing import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_train.evaluation import metrics
from neurorave_train.evaluation.curves import HIGH, LOW, eurorack_curves

RATE, HOP, SAMPLES = 44100, 512, 57344


def noise(clips: int, level_db: float = -20.0, seed: int = 0) -> metrics.Floats:
    rng = np.random.default_rng(seed)
    audio = 10.0 ** (level_db / 20.0) * rng.standard_normal((clips, SAMPLES))
    return np.asarray(audio, dtype=np.float32)


def test_identical_audio_has_no_distance() -> None:
    audio = noise(2)
    assert np.all(metrics.mstft(audio, audio) == 0.0)
    assert np.all(metrics.log_mel_l1(audio, audio, RATE) == 0.0)
    assert np.all(metrics.loudness_l1(audio, audio, RATE) == 0.0)
    assert metrics.buzz_excess(audio, audio, RATE, HOP) == 0.0


@settings(max_examples=5)
@given(st.floats(-12.0, -0.5))
def test_a_gain_gives_the_closed_form(gain_db: float) -> None:
    audio, gain = noise(1, -10.0), 10.0 ** (gain_db / 20.0)
    quieter = (audio * gain).astype(np.float32)
    # Five windows, each |1 - g| of the norm and |ln g| of the logarithm.
    assert metrics.mstft(audio, quieter)[0] == pytest.approx(
        5 * (1 - gain - np.log(gain)), rel=1e-3
    )
    assert metrics.log_mel_l1(audio, quieter, RATE)[0] == pytest.approx(-gain_db, rel=1e-3)
    assert metrics.loudness_l1(audio, quieter, RATE)[0] == pytest.approx(-gain_db, rel=1e-3)


def test_clips_do_not_influence_each_other() -> None:
    audio, other = noise(3), noise(3, -30.0, seed=1)
    together = metrics.mstft(audio, other)
    alone = [metrics.mstft(audio[i : i + 1], other[i : i + 1])[0] for i in range(3)]
    assert together.tolist() == alone


def test_what_lies_under_the_floor_does_not_count() -> None:
    faint, fainter = noise(1, -110.0), noise(1, -120.0, seed=1)
    assert metrics.log_mel_l1(faint, fainter, RATE)[0] == 0.0
    assert metrics.loudness_l1(faint, fainter, RATE)[0] == 0.0


def test_white_noise_has_its_level_in_every_band() -> None:
    # The Hann window's mean square is 3/8, a spectrum's bin holds the mean square of the noise.
    bands = metrics.log_mel(noise(1, -20.0), RATE)[0].mean(axis=0)
    expected = -20.0 + 10.0 * np.log10(0.375)
    # The mean of a logarithm lies lower than the level, by 2.5 dB where a band is a single bin.
    assert np.all((bands > expected - 2.8) & (bands < expected + 0.3))


def test_mel_bands_are_those_of_librosa() -> None:
    librosa = pytest.importorskip("librosa")
    theirs = librosa.filters.mel(sr=RATE, n_fft=2048, n_mels=64, htk=True, norm=None)
    theirs = theirs / theirs.sum(axis=1, keepdims=True)
    assert np.allclose(metrics.mel_bank(64, 2048, RATE), theirs, atol=1e-5)


@pytest.mark.parametrize(
    ("hertz", "decibel"), [(100.0, -19.1), (1000.0, 0.0), (2500.0, 1.3), (10000.0, -2.5)]
)
def test_a_curve_has_the_standard_values(hertz: float, decibel: float) -> None:
    gain = metrics.a_weights(np.array([hertz]))[0]
    assert 10.0 * np.log10(gain) == pytest.approx(decibel, abs=0.06)


def test_loudness_of_a_sine_is_its_level() -> None:
    sine = 0.1 * np.sin(2 * np.pi * 1000.0 * np.arange(SAMPLES) / RATE)
    louder = np.stack([sine, 2.0 * sine]).astype(np.float32)
    level = metrics._loudness(louder, RATE)
    assert level[0, 50] == pytest.approx(20 * np.log10(0.1 / np.sqrt(2)), abs=0.05)
    assert level[1, 50] - level[0, 50] == pytest.approx(20 * np.log10(2.0), abs=1e-3)


@pytest.mark.parametrize("multiple", metrics.BUZZ_MULTIPLES)
def test_a_planted_flutter_is_found_at_its_rate(multiple: int) -> None:
    audio, rate = noise(6), multiple * RATE / HOP
    flutter = 1.0 + 0.1 * np.sin(2 * np.pi * rate * np.arange(SAMPLES) / RATE)
    fluttering = (audio * flutter).astype(np.float32)
    index = metrics.buzz_index(fluttering, RATE, HOP)
    assert index[rate] > 10.0
    assert all(level < 4.0 for hertz, level in index.items() if hertz != rate)
    assert metrics.buzz_excess(audio, fluttering, RATE, HOP) > 8.0


def test_clean_noise_has_no_flutter() -> None:
    assert max(metrics.buzz_index(noise(8), RATE, HOP).values()) < 4.0
    assert metrics.buzz_excess(noise(8), noise(8, seed=1), RATE, HOP) < 2.5


def test_a_flutter_off_the_frame_rate_is_no_buzz() -> None:
    flutter = 1.0 + 0.1 * np.sin(2 * np.pi * 130.0 * np.arange(SAMPLES) / RATE)
    audio = noise(8)
    assert metrics.buzz_excess(audio, (audio * flutter).astype(np.float32), RATE, HOP) < 2.0


def test_level_hardly_matters_for_the_flutter() -> None:
    fade = 10.0 ** (-np.linspace(0.0, 70.0, SAMPLES) / 20.0)
    audio = (noise(4, 0.0) * fade).astype(np.float32)
    quieter = (0.9 * audio).astype(np.float32)
    assert abs(metrics.buzz_excess(audio, quieter, RATE, HOP)) < 0.1


def test_silence_has_no_flutter() -> None:
    silent = np.zeros((2, SAMPLES), np.float32)
    assert set(metrics.buzz_index(silent, RATE, HOP).values()) == {0.0}


def test_too_short_a_clip_for_the_flutter_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        metrics.buzz_index(np.zeros((1, 8 * HOP), np.float32), RATE, HOP)


CURVES = [
    pytest.param(lambda u: u, 1.0, 1.0, id="same"),
    pytest.param(lambda u: 0.2 + 0.3 * u, 1.0, 1.0, id="compressed"),
    pytest.param(lambda u: 1.0 - u, -1.0, -1.0, id="inverted"),
    pytest.param(lambda u: np.zeros_like(u), 0.0, 0.0, id="flat"),
]


@pytest.mark.parametrize(("heard", "rho", "spearman"), CURVES)
def test_follow_of_known_answers(
    heard: Callable[[metrics.Array], metrics.Array], rho: float, spearman: float
) -> None:
    asked = np.random.default_rng(0).random((4, 50))
    found = metrics.follow(asked, heard(asked), np.ones_like(asked, dtype=bool))
    assert found["rho"] == pytest.approx(rho)
    assert found["rho_clip_median"] == pytest.approx(rho)
    assert found["spearman"] == pytest.approx(spearman)
    assert found["rho_rescaled"] == pytest.approx((rho + 1) / 2)
    assert found["l1_quantile"] == pytest.approx(np.abs(asked - heard(asked)).mean())
    assert found["frames"] == 200


def test_spearman_sees_the_order_only() -> None:
    asked = np.random.default_rng(0).random((4, 50))
    found = metrics.follow(asked, np.exp(8.0 * asked), np.ones_like(asked, dtype=bool))
    assert found["spearman"] == pytest.approx(1.0)
    assert found["rho"] is not None
    assert found["rho"] < 0.9


def test_only_counted_frames_count() -> None:
    rng = np.random.default_rng(0)
    asked, counted = rng.random((4, 50)), rng.random((4, 50)) < 0.5
    heard = np.where(counted, asked, rng.random((4, 50)))
    found = metrics.follow(asked, heard, counted)
    assert found["rho"] == pytest.approx(1.0)
    assert found["frames"] == counted.sum()


def test_frames_that_could_not_be_measured_are_left_out() -> None:
    asked = np.random.default_rng(0).random((2, 50))
    heard = asked.copy()
    heard[0, :10] = np.nan
    found = metrics.follow(asked, heard, np.ones_like(asked, dtype=bool))
    assert found["rho"] == pytest.approx(1.0)
    assert found["frames"] == 90


def test_constant_clips_are_left_out_of_the_median_and_counted() -> None:
    asked = np.random.default_rng(0).random((3, 50))
    asked[1] = 0.5
    found = metrics.follow(asked, asked, np.ones_like(asked, dtype=bool))
    assert found["constant_clips"] == 1
    assert found["rho_clip_median"] == pytest.approx(1.0)


def test_nothing_counted_gives_no_figure() -> None:
    asked = np.random.default_rng(0).random((2, 50))
    found = metrics.follow(asked, asked, np.zeros_like(asked, dtype=bool))
    assert found["rho"] is None
    assert found["l1_quantile"] is None
    assert found["constant_clips"] == 2


@settings(max_examples=20)
@given(clips=st.integers(1, 30), frames=st.integers(60, 300))
def test_eurorack_curves_stay_inside_and_use_their_range(clips: int, frames: int) -> None:
    found = eurorack_curves(clips, frames, RATE / HOP)
    assert list(found) == ["ramp", "sine", "saw", "square"]
    for curve in found.values():
        assert curve.shape == (clips, frames)
        assert curve.min() >= LOW - 1e-6
        assert curve.max() <= HIGH + 1e-6
        assert np.ptp(curve[0]) > 0.95 * (HIGH - LOW)


def test_eurorack_curves_run_at_two_hertz() -> None:
    saw = eurorack_curves(1, 862, 86.1328125)["saw"][0]
    falls = int((np.diff(saw) < 0).sum())
    assert falls in (19, 20)


def test_the_anchors_keep_their_order() -> None:
    from neurorave_train.evaluation.anchors import outputs

    audio = noise(2, -40.0) * np.array([[1.0], [0.3]], np.float32)
    distance = {name: metrics.mstft(audio, y).mean() for name, y in outputs(audio).items()}
    assert distance["original, -1 dB"] == pytest.approx(5 * (1 - 0.8913 + 0.1151), rel=1e-2)
    assert distance["true magnitudes, random phase, n=256"] < distance["silence (dither)"]
