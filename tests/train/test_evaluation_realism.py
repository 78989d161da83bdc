"""Distances between sounds, and intervals, against cases whose answer is known."""

from pathlib import Path

import numpy as np
import pytest
import torch

from neurorave_device.errors import UserError
from neurorave_train.evaluation import intervals, metrics, perception, realism

RATE = 44100
SAMPLES = 96 * 512


def strokes(count: int, decay: float = 8.0, seed: int = 0, flutter: float = 0.0) -> metrics.Floats:
    """Decaying noise with a tone, a stroke every half second."""
    rng = np.random.default_rng(seed)
    time = np.arange(SAMPLES) / RATE
    since = (time + rng.random((count, 1)) * 0.5) % 0.5
    tone = np.sin(2 * np.pi * rng.uniform(100, 400, (count, 1)) * time)
    sound = (tone + 0.5 * rng.standard_normal((count, SAMPLES))) * np.exp(-decay * since)
    return (0.3 * sound * (1.0 + flutter * np.sin(2 * np.pi * 86.0 * time))).astype(np.float32)


def test_the_interval_of_a_mean_is_that_of_the_textbook() -> None:
    values = np.random.default_rng(0).standard_normal(200)
    low, high = intervals.mean_interval(values) or [0.0, 0.0]
    assert high - low == pytest.approx(2 * 1.96 / np.sqrt(200), rel=0.15)
    assert low < values.mean() < high


def test_resampled_pearson_is_that_of_the_drawn_clips() -> None:
    rng = np.random.default_rng(0)
    clips = 5
    asked = rng.random((2 * clips, 30))
    heard = 0.5 * asked + 0.3 * rng.random(asked.shape) + 3.0
    counted = rng.random(asked.shape) < 0.8
    sums = intervals.pearson_sums(asked, heard, counted, clips)
    found = intervals.pearson_resamples(sums)
    for draw in range(3):
        times = intervals.draws(clips)[draw].astype(int)
        rows = np.concatenate([np.repeat(np.arange(clips), times) + p * clips for p in range(2)])
        x, y = (np.concatenate([c[r][counted[r]] for r in rows]) for c in (asked, heard))
        assert found[draw] == pytest.approx(np.corrcoef(x, y)[0, 1])


def test_a_constant_curve_has_no_interval() -> None:
    asked = np.full((4, 30), 0.5)
    sums = intervals.pearson_sums(asked, asked, np.ones_like(asked, dtype=bool), 4)
    found = intervals.pearson_resamples(sums)
    assert np.isnan(found).all()
    assert intervals.interval(found) is None


def test_specific_loudness_hears_what_is_heard_and_nothing_below_the_threshold() -> None:
    time = np.arange(SAMPLES) / RATE
    # 40 dB SPL at 1 kHz is 1 sone; full scale rms is 100 dB.
    tone = np.sqrt(2.0) * 10.0 ** (-60.0 / 20.0) * np.sin(2 * np.pi * 1000.0 * time)
    one = tone[None].astype(np.float32)
    silence = np.zeros_like(one)
    assert perception.loudness_distance(silence, one, RATE).sone[0] == pytest.approx(1.0, rel=0.15)
    same = perception.loudness_distance(one, one, RATE)
    assert same.sone[0] == 0.0 and same.relative[0] == 0.0
    inaudible = (1e-4 * one).astype(np.float32)
    assert perception.loudness_distance(silence, inaudible, RATE).sone[0] < 0.01
    # A small hiss under a loud tone of the same band is masked, alone it is heard.
    loud = (30.0 * one).astype(np.float32)
    masked = perception.loudness_distance(loud, loud + one, RATE).relative[0]
    assert masked < 0.05


def test_the_published_mel_distance_is_in_power() -> None:
    audio = strokes(2)
    found = metrics.published_mel_l1(audio, 0.5 * audio, RATE)
    twice = metrics.published_mel_l1(2 * audio, audio, RATE)
    assert twice == pytest.approx(4 * found, rel=1e-4)
    assert metrics.published_mel_l1(audio, audio, RATE).tolist() == [0.0, 0.0]


def test_frechet_distance_of_known_gaussians() -> None:
    rng = np.random.default_rng(0)
    base = rng.standard_normal((20000, 3))
    scale = np.ones(3)
    assert realism.frechet(base, base, scale) == pytest.approx(0.0, abs=1e-6)
    assert realism.frechet(base, base + [1.0, 2.0, 0.0], scale) == pytest.approx(5.0, rel=1e-6)
    assert realism.frechet(base, 2.0 * base, scale) == pytest.approx(3.0, rel=0.05)
    assert realism.frechet(base, 2.0 * base, 2.0 * scale) == pytest.approx(0.75, rel=0.05)


def test_realism_tells_kin_from_strangers() -> None:
    here = realism.Realism(strokes(6), RATE)
    kin, slow, fluttering = (
        here.block([realism.describe(audio, RATE)])
        for audio in (strokes(6, seed=1), strokes(6, decay=2.0, seed=1), strokes(6, 8.0, 1, 0.9))
    )
    assert kin["windows"] > realism.LEAST_WINDOWS
    assert kin["standard_error"] > 0.0
    assert slow["distance"] > 3 * kin["distance"]
    assert fluttering["distance"] > 2 * kin["distance"]
    assert here.halves() is not None


def test_a_change_of_realism_is_the_difference_of_its_two_ends() -> None:
    here = realism.Realism(strokes(6), RATE)
    kin, slow = (realism.describe(strokes(6, d, seed=1), RATE) for d in (8.0, 3.0))
    nothing = here.change([kin], [kin])
    assert nothing == {"distance": 0.0, "standard_error": 0.0}
    found = here.change([kin], [slow])
    ends = [here.block([part])["distance"] for part in (kin, slow)]
    assert found["distance"] == pytest.approx(ends[1] - ends[0])
    assert here.change([slow], [kin])["distance"] == pytest.approx(-found["distance"])
    assert found["standard_error"] > 0.0
    silent = realism.describe(np.zeros((6, SAMPLES), np.float32), RATE)
    assert here.change([silent], [kin])["distance"] is None


def test_realism_of_silence_is_unknown_not_nan() -> None:
    here = realism.Realism(strokes(6), RATE)
    silent = realism.describe(np.zeros((6, SAMPLES), np.float32), RATE)
    assert here.block([silent]) == {"distance": None, "standard_error": None, "windows": 0}
    nowhere = realism.Realism(np.zeros((6, SAMPLES), np.float32), RATE)
    assert nowhere.halves() is None
    assert nowhere.block([realism.describe(strokes(6), RATE)])["distance"] is None


def test_without_cdpam_one_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install cdpam"):
        perception.Jnd(RATE)


NETWORK = """
import torch


class Encoder:
    def forward(self, audio):
        # Its input: 22050 Hz, integers of 16 bits.
        assert audio.shape[:2] == (1, 1) and torch.equal(audio, audio.round())
        return None, audio[0] * self.scale, None


class Distance:
    def forward(self, first, second):
        return (first - second).norm()


class FINnet(torch.nn.Module):
    def __init__(self, **sizes):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))
        self.base_encoder, self.model_dist = Encoder(), Distance()

    def load_state_dict(self, state):
        self.base_encoder.scale = state["scale"]
"""


def test_cdpam_is_used_without_running_its_own_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "cdpam"
    (package / "CDPAM_trained").mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('it needs what is gone')")
    (package / "models.py").write_text(NETWORK)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError, match="incomplete"):
        perception.Jnd(RATE)
    weights = {"state": {"scale": torch.ones(1)}}
    torch.save(weights, package / "CDPAM_trained" / "scratchJNDdefault_best_model.pth")
    jnd = perception.Jnd(RATE)
    audio = strokes(2)
    assert jnd(audio, audio).tolist() == [0.0, 0.0]
    assert jnd(audio, strokes(2, seed=5)).min() > 0.0
