"""The whole protocol on codecs whose answers are known: every condition, the guard, transfer, the cycle."""

import json
from typing import Any, Dict, List

import numpy as np
import pytest

from neurorave_device.engine.info import GuardInfo
from neurorave_train.errors import RunFailure
from neurorave_train.evaluation.control import control_scores
from neurorave_train.evaluation.curves import MODES, SHAPES, modulators, published_pool
from neurorave_train.evaluation.guarding import guard_limiter, limited, wishes
from neurorave_train.evaluation.metrics import Floats
from neurorave_train.evaluation.protocol import Extras, evaluate_codec
from neurorave_train.evaluation.requests import Request, whole_protocol
from neurorave_train.evaluation.subject import DESCRIPTORS, refer
from neurorave_train.evaluation.text import TITLES, lines

from .fake_codec import FakeCodec, inverted, make_clips, perfect

GUARD = GuardInfo(
    mean=(0.6,) * 5,
    covariance=tuple(tuple(0.04 if i == j else 0.02 for j in range(5)) for i in range(5)),
    limit=3.5,
    rate=(0.05,) * 5,
)


@pytest.fixture(scope="module")
def whole() -> Dict[str, Any]:
    extras = Extras(guard=GUARD, transfer={"other/valid": make_clips(4, seed=9)})
    return evaluate_codec(FakeCodec(perfect), make_clips(8), full=True, extras=extras)


def test_every_condition_of_a_perfect_codec_is_perfect(whole: Dict[str, Any]) -> None:
    assert set(whole["control"]) == set(TITLES)
    for condition, block in whole["control"].items():
        assert block["worst_rho"] == pytest.approx(1.0), condition
        assert block["excluded"] == {}
        for name in DESCRIPTORS:
            if name in block:
                assert block[name]["gain"] == pytest.approx(1.0)
                assert block[name]["l1_physical"] == pytest.approx(0.0, abs=1e-4)
                low, high = block[name]["rho_interval"]
                assert low == pytest.approx(1.0) and high == pytest.approx(1.0)


def test_the_whole_protocol_is_plain_json_and_reads_as_lines(whole: Dict[str, Any]) -> None:
    assert json.loads(json.dumps(whole, allow_nan=False)) == whole
    text = "\n".join(lines({"bundle": "fake", **whole}))
    assert all(condition in text for condition in TITLES)
    assert "transfer of other/valid" in text and "guard on" in text


def test_modulators_are_told_apart(whole: Dict[str, Any]) -> None:
    block = whole["control"]["modulators"]
    assert set(block["mean_rho_by_shape"]) == set(SHAPES)
    assert set(block["mean_rho_by_mode"]) == set(MODES)
    assert list(block["mean_rho_by_speed_hz"]) == ["1", "2", "4", "8"]
    assert list(whole["control"]["cumulative"]["mean_rho_by_swapped"]) == ["2", "3", "4"]


def test_physical_distance_is_in_the_descriptors_unit() -> None:
    # Heard is the opposite, on a scale of 80 dB / 0.98 for each unit of q.
    result = evaluate_codec(FakeCodec(inverted), make_clips(3), quick=True)
    block = result["control"]["all_swapped"]["rms"]
    assert block["unit"] == "dB"
    assert block["l1_physical"] == pytest.approx(block["l1_quantile"] * 80.0 / 0.98, rel=1e-3)
    assert block["gain"] == pytest.approx(-1.0)


def test_the_guard_keeps_its_speed_and_is_measured_beside_no_guard(whole: Dict[str, Any]) -> None:
    for case in ("one_free", "one_kept", "all"):
        assert whole["guard"][case]["off"]["held_back"] == 0.0
        assert whole["guard"][case]["off"]["rho"] == pytest.approx(1.0)
        on = whole["guard"][case]["on"]
        # The codec does what it is told, so what was let through is heard.
        assert on["obeyed_rho"] == pytest.approx(1.0)
        # With one descriptor asked the wild curves of these clips leave the guard nothing to slow.
        assert case == "one_free" or (on["held_back"] > 0.0 and on["rho"] < 1.0)


def test_what_the_guard_lets_through_is_the_modules_own() -> None:
    codec = FakeCodec()
    reference = refer(codec, make_clips(3))
    found = [limited(wish, reference, guard_limiter(GUARD)) for wish in wishes(codec, reference, 0)]
    for wish, asked in zip(wishes(codec, reference, 0), found):
        step = np.abs(np.diff(asked[..., wish.moved[0]], axis=1))
        own = np.abs(np.diff(reference.q[..., wish.moved[0]], axis=1))
        assert np.all(step <= own + 2 * 1.5 * 0.05 + 1.0 * (wish.moved[0] == 0) + 1e-5)


def test_transfer_says_what_was_kept(whole: Dict[str, Any]) -> None:
    found = whole["transfer"]["other/valid"]
    assert found["clips"] == 4
    for name in DESCRIPTORS:
        assert found["all"]["descriptors_kept"][name]["rho"] == pytest.approx(1.0)
    assert found["rms"]["descriptors_kept"]["rms"]["rho"] == pytest.approx(1.0)
    assert abs(found["rms"]["descriptors_kept"]["centroid"]["rho"]) < 0.3
    assert -1.0 <= found["all"]["modulation_kept"] <= 1.0


def test_a_perfect_cycle_costs_nothing_and_hears_the_latents(whole: Dict[str, Any]) -> None:
    assert whole["cycle"]["latent_r2"] == pytest.approx(1.0)
    assert whole["cycle"]["over_reconstruction"]["mstft"] == pytest.approx(0.0, abs=1e-6)
    deaf = evaluate_codec(FakeCodec(uses_latents=False), make_clips(3))
    assert deaf["cycle"]["latent_r2"] < 0.1


class StuckCodec(FakeCodec):
    """One whose sharpness never moves and whose booming cannot be measured."""

    def measure(self, audio: Floats) -> "tuple[Floats, Floats]":
        values, q = super().measure(audio)
        q = q.copy()
        q[..., 3] = 0.4
        q[..., 4] = np.nan
        return values, q


def test_a_constant_or_unmeasured_descriptor_is_excluded_and_counted_never_nan() -> None:
    result = evaluate_codec(StuckCodec(), make_clips(4), full=True, extras=Extras(guard=GUARD))
    assert "NaN" not in json.dumps(result)
    assert list(result["excluded_descriptors"]["names"]) == ["sharpness", "booming"]
    assert result["excluded_descriptors"]["count"] == 2
    block = result["control"]["all_swapped"]
    assert block["sharpness"]["rho"] is None
    assert block["sharpness"]["rho_interval"] is None
    assert "constant" in block["excluded"]["sharpness"]
    assert "measured" in block["excluded"]["booming"]
    assert block["mean_rho"] == pytest.approx(1.0)


class BrokenCodec(FakeCodec):
    """One whose decoder answers NaN."""

    def decode(self, z: Floats, q: Floats, mask: Floats, seed: int) -> Floats:
        return super().decode(z, q, mask, seed) * np.float32(np.nan)


def test_a_decoder_that_answers_nan_is_told_in_a_sentence() -> None:
    with pytest.raises(RunFailure, match="decoder answers NaN"):
        evaluate_codec(BrokenCodec(), make_clips(3), quick=True)


def test_sets_score_what_was_chosen_only() -> None:
    codec = FakeCodec()
    reference = refer(codec, make_clips(6))
    request = next(r for r in whole_protocol(codec, reference, 0) if r.condition == "sets_2")
    assert request.chosen is not None
    assert request.chosen.sum(axis=1).tolist() == [2] * 6
    # Wherever it was not chosen the answer is nonsense, which must not show.
    rng = np.random.default_rng(0)
    wanted = np.broadcast_to(request.chosen[:, None], request.asked.shape)
    heard = np.where(wanted, request.asked, rng.random(request.asked.shape))
    block = control_scores(codec, [request], [heard])["sets_2"]
    assert block["worst_rho"] == pytest.approx(1.0)


def test_the_seed_decides_what_is_drawn() -> None:
    codec = FakeCodec()
    reference = refer(codec, make_clips(4))

    def drawn(seed: int) -> List[Request]:
        return list(whole_protocol(codec, reference, seed))

    first, again, other = drawn(0), drawn(0), drawn(1)
    assert all(np.array_equal(a.asked, b.asked) for a, b in zip(first, again))
    assert not all(np.array_equal(a.asked, b.asked) for a, b in zip(first, other))


def test_the_published_pool_has_its_75_curves_within_the_scale() -> None:
    own = np.random.default_rng(0).random((5, 112)).astype(np.float32)
    pool = published_pool(own, np.random.default_rng(1))
    assert pool.shape == (75, 112)
    assert pool.min() >= 0.0 and pool.max() <= 1.0
    assert np.ptp(pool[:3], axis=1).tolist() == [0.0, 0.0, 0.0]
    assert np.all(np.diff(pool[3]) > 0.0) and np.all(np.diff(pool[4]) < 0.0)


def test_forty_clips_meet_every_modulator_once() -> None:
    assert len(set(modulators(40, 0))) == 40
    assert set(modulators(8, 0)).isdisjoint(modulators(8, 1))
