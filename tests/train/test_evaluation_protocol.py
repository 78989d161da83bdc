"""The evaluation of codecs whose answers are known."""

import json
from typing import Any, Dict, List, Tuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurorave_train.evaluation.metrics import Array, Floats
from neurorave_train.evaluation.probe import probe_r2
from neurorave_train.evaluation.protocol import evaluate_codec
from neurorave_train.evaluation.subject import BATCH, DESCRIPTORS, clip_samples, donors

from .fake_codec import FRAMES, HOP, Answer, FakeCodec, absent, inverted, make_clips, perfect

CONDITIONS = ("all_swapped", "one_kept", "one_free", "eurorack")


def rhos(result: Dict[str, Any]) -> List[float]:
    return [
        result["control"][condition][name]["rho"]
        for condition in CONDITIONS
        for name in DESCRIPTORS
    ]


@pytest.mark.parametrize(("answer", "rho"), [(perfect, 1.0), (inverted, -1.0)])
def test_perfect_and_inverted_control(answer: Answer, rho: float) -> None:
    result = evaluate_codec(FakeCodec(answer), make_clips(6))
    assert rhos(result) == pytest.approx([rho] * 20)
    for condition in CONDITIONS:
        assert result["control"][condition]["mean_rho"] == pytest.approx(rho)


def test_absent_control() -> None:
    result = evaluate_codec(FakeCodec(absent), make_clips(24))
    assert max(abs(rho) for rho in rhos(result)) < 0.12
    assert result["control"]["eurorack"]["mean_rho"] == pytest.approx(0.0, abs=0.05)


def test_the_keys_of_the_contract_are_there_and_it_is_plain_json() -> None:
    result = evaluate_codec(FakeCodec(), make_clips(3))
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result["clips"] == 3
    assert result["seconds"] == pytest.approx(3 * FRAMES * HOP / 44100)
    wanted = {"mstft", "log_mel_l1", "loudness_l1_db", "latent_use", "buzz_db"}
    assert wanted <= set(result["reconstruction"])
    assert list(result["control"]) == list(CONDITIONS)
    figures = {"rho", "rho_clip_median", "spearman", "l1_quantile", "rho_rescaled"}
    for condition in CONDITIONS:
        assert "mean_rho" in result["control"][condition]
        for name in DESCRIPTORS:
            assert figures <= set(result["control"][condition][name])
    assert len(result["latent"]["std"]) == 3


def test_a_codec_that_ignores_its_latents_uses_none() -> None:
    clips = make_clips(10)
    ignoring = evaluate_codec(FakeCodec(uses_latents=False), clips, quick=True)
    using = evaluate_codec(FakeCodec(), clips, quick=True)
    assert ignoring["reconstruction"]["latent_use"] == 0.0
    assert using["reconstruction"]["latent_use"] > 0.1


def test_quick_leaves_out_the_eurorack_curves_and_the_cycle_and_changes_nothing_else() -> None:
    clips = make_clips(3)
    whole = evaluate_codec(FakeCodec(), clips)
    quick = evaluate_codec(FakeCodec(), clips, quick=True)
    for block in ("control", "realism"):
        del whole[block]["eurorack"]
    del whole["cycle"]
    assert (whole["protocol"].pop("extent"), quick["protocol"].pop("extent")) == (
        "ordinary",
        "quick",
    )
    assert quick == whole


def test_the_same_seed_gives_the_same_figures() -> None:
    clips = make_clips(BATCH + 2)
    first, second = (evaluate_codec(FakeCodec(absent), clips, seed=3) for _ in range(2))
    assert first == second
    assert evaluate_codec(FakeCodec(absent), clips, seed=4) != first


def test_frames_asked_under_60_db_count_for_rms_only() -> None:
    clips = make_clips(4, lowest=0.0)
    result = evaluate_codec(FakeCodec(), clips, quick=True)
    asked = np.stack(clips).reshape(4, FRAMES, HOP)[..., 0]
    # -80 dB is q 0.01 and 0 dB q 0.99.
    loud = int((asked > 0.01 + 0.98 * 20 / 80).sum())
    block = result["control"]["all_swapped"]
    assert block["rms"]["frames"] == 4 * FRAMES
    assert 0 < loud < 4 * FRAMES
    assert block["centroid"]["frames"] == loud


class Spy(FakeCodec):
    """Keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: List[Tuple[Floats, Floats]] = []

    def decode(self, z: Floats, q: Floats, mask: Floats, seed: int) -> Floats:
        self.asked.append((q, mask))
        return super().decode(z, q, mask, seed)


def test_what_each_condition_asks() -> None:
    clips = make_clips(4)
    spy = Spy()
    evaluate_codec(spy, clips)
    own = np.stack(clips).reshape(4, FRAMES, HOP)[..., :5]
    # Reconstruction and its twin with strange latents ask the same.
    assert all(np.array_equal(q, own) and mask.all() for q, mask in spy.asked[:2])
    q, mask = spy.asked[2]
    assert mask.all()
    assert not any(np.array_equal(q[i, :, d], own[i, :, d]) for i in range(4) for d in range(5))
    for d in range(5):
        q, mask = spy.asked[3 + d]
        same = [e for e in range(5) if np.array_equal(q[..., e], own[..., e])]
        assert mask.all()
        assert same == [e for e in range(5) if e != d]
    for d in range(5):
        q, mask = spy.asked[8 + d]
        assert np.flatnonzero(mask[0, 0]).tolist() == sorted({0, d})
        assert np.array_equal(q[..., 0], own[..., 0]) == (d != 0)
    for d in range(5):
        for q, mask in spy.asked[13 + 4 * d : 17 + 4 * d]:
            assert np.flatnonzero(mask[0, 0]).tolist() == sorted({0, d})
            assert np.allclose(q[..., 0], 0.6) == (d != 0)
    # The last one is the cycle's way back: own curves again.
    assert np.array_equal(spy.asked[33][0], own)
    assert len(spy.asked) == 34


def test_other_ears_measure_the_answers_only() -> None:
    targets: List[List[int]] = []

    def deaf(audio: Floats, wanted: Any) -> Array:
        targets.append(list(wanted))
        heard = FakeCodec().measure(audio)[1].astype(np.float64)
        heard[..., 4] = np.nan
        return heard

    result = evaluate_codec(FakeCodec(), make_clips(3), quick=True, ears=deaf)
    block = result["control"]["all_swapped"]
    assert block["booming"]["rho"] is None
    assert block["mean_rho"] == pytest.approx(1.0)
    assert targets == [[0, 1, 2, 3, 4]] + [[d] for d in range(5)] * 2


def test_progress_reaches_its_end() -> None:
    seen: List[Tuple[int, int]] = []
    evaluate_codec(
        FakeCodec(), make_clips(2), quick=True, progress=lambda n, of, _: seen.append((n, of))
    )
    assert seen[0] == (0, 13)
    assert seen[-1] == (13, 13)
    assert seen == sorted(seen)


@given(clips=st.integers(2, 60), turn=st.integers(0, 10))
def test_a_donor_is_always_another_clip(clips: int, turn: int) -> None:
    found = donors(clips, turn)
    assert sorted(found) == list(range(clips))
    assert not np.any(found == np.arange(clips))


def test_one_clip_or_odd_lengths_are_refused() -> None:
    clips = make_clips(2)
    with pytest.raises(ValueError, match="2 or more"):
        evaluate_codec(FakeCodec(), clips[:1])
    with pytest.raises(ValueError, match="multiple of the hop"):
        evaluate_codec(FakeCodec(), [clip[:-1] for clip in clips])
    with pytest.raises(ValueError, match="one length"):
        evaluate_codec(FakeCodec(), [clips[0], clips[1][:HOP]])


def test_clip_length_is_whole_frames_near_the_wanted_time() -> None:
    assert clip_samples(44100, 512) == 112 * 512
    assert clip_samples(48000, 256) % 256 == 0
    assert clip_samples(48000, 256) / 48000 == pytest.approx(1.3, abs=256 / 48000)


def test_the_probe_reads_what_is_in_the_latents_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    z = rng.standard_normal((8, 100, 4)).astype(np.float32)
    q = rng.random((8, 100, 5)).astype(np.float32)
    q[..., 1] = 0.5 * z[..., 2] + 0.1
    found = probe_r2(z, q)
    assert found["centroid"] > 0.99
    assert all(found[name] < 0.1 for name in DESCRIPTORS if name != "centroid")
