"""Segments: what a draw contains, that it repeats, and that joining loses nothing."""

import pickle
from collections import Counter
from typing import List

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_train.data.hits import Hit
from neurorave_train.data.segments import (
    HitPool,
    SegmentDataset,
    draw_segment,
    join_clips,
)

from .audio_sets import stroke

NO_DITHER = -300.0


def some_hits(count: int = 8, seconds: float = 0.3) -> List[Hit]:
    return [Hit.of(f"hit{n:02d}", stroke(n, seconds), f"family{n % 3}") for n in range(count)]


def rms_db(audio: npt.NDArray[np.float32]) -> float:
    return float(10 * np.log10(np.mean(np.square(audio, dtype=np.float64)) + 1e-30))


@given(
    st.integers(1, 30000),
    st.integers(0, 2**32 - 1),
    st.floats(0, 30),
    st.lists(st.integers(1, 60000), min_size=1, max_size=5),
)
@settings(max_examples=30, deadline=None)
def test_a_segment_is_always_full_finite_and_within_the_peak(
    samples: int, seed: int, gain: float, lengths: List[int]
) -> None:
    rng = np.random.default_rng(seed)
    hits = [
        Hit.of(f"h{n}", rng.uniform(-1, 1, length).astype(np.float32))
        for n, length in enumerate(lengths)
    ]
    kept = [hit.audio.copy() for hit in hits]
    out = draw_segment(hits, samples, rng, gain_db=gain)
    assert out.shape == (samples,) and out.dtype == np.float32
    assert np.isfinite(out).all() and np.abs(out).max() <= 0.99 + 1e-6
    assert all(np.array_equal(hit.audio, audio) for hit, audio in zip(hits, kept))


def test_families_are_drawn_by_the_square_root_of_their_hits() -> None:
    hits = [Hit.of(f"a{n}", stroke(n, 0.1), "many") for n in range(90)]
    hits += [Hit.of(f"b{n}", stroke(n, 0.1), "few") for n in range(10)]
    pool, rng = HitPool(hits, 16000), np.random.default_rng(0)
    drawn = Counter(pool.draw(rng).family for _ in range(8000))
    assert drawn["many"] / drawn["few"] == pytest.approx(3.0, rel=0.1)
    names = Counter(pool.draw(rng).name for _ in range(20000))
    assert len(names) == 100


def test_a_long_recording_is_drawn_more_but_does_not_drown_the_strokes() -> None:
    hits = [Hit.of("roll", np.ones(160000, np.float32)), Hit.of("hit", stroke(0, 0.5))]
    pool, rng = HitPool(hits, 10000), np.random.default_rng(0)
    drawn = Counter(pool.draw(rng).name for _ in range(8000))
    assert drawn["roll"] / drawn["hit"] == pytest.approx(4.0, rel=0.1)


def test_gain_stays_in_its_range_and_dither_has_its_level() -> None:
    flat = Hit.of("flat", np.full(400000, 0.1, np.float32))
    levels = []
    for seed in range(200):
        out = draw_segment([flat], 4000, np.random.default_rng(seed), 6.0, NO_DITHER)
        # Where two hits meet their gains add up.
        if out.min() == out.max():
            levels.append(20 * np.log10(float(out[0]) / 0.1))
    assert len(levels) > 150
    assert -6.01 < min(levels) < -5.0 and 5.0 < max(levels) < 6.01
    silence = Hit.of("silence", np.zeros(100, np.float32))
    out = draw_segment([silence], 40000, np.random.default_rng(0), dither_db=-90.0)
    assert rms_db(out) == pytest.approx(-90.0, abs=0.2)


def test_half_of_the_segments_start_inside_a_hit() -> None:
    # A ramp tells which of its samples comes first.
    ramp = Hit.of("ramp", np.linspace(0.1, 0.9, 2000, dtype=np.float32))
    inside = 0
    for seed in range(400):
        out = draw_segment([ramp], 4000, np.random.default_rng(seed), 0.0, NO_DITHER)
        inside += bool(out[0] > 0.1001)
    assert inside / 400 == pytest.approx(0.5, abs=0.08)


def test_hits_overlap_and_leave_gaps() -> None:
    one = Hit.of("one", np.full(500, 0.3, np.float32))
    out = np.concatenate(
        [draw_segment([one], 8000, np.random.default_rng(s), 0.0, NO_DITHER) for s in range(20)]
    )
    for level in (0.0, 0.3, 0.6):
        assert np.isclose(out, level, atol=1e-4).any()


def test_dataset_items_depend_on_seed_and_index_only() -> None:
    hits = some_hits()
    one, other = (SegmentDataset(hits, 5000, 50, seed=3) for _ in range(2))
    backwards = [other[index] for index in reversed(range(50))][::-1]
    assert all(torch.equal(one[index], backwards[index]) for index in range(50))
    assert len({one[index].numpy().tobytes() for index in range(50)}) == 50
    assert not torch.equal(one[0], SegmentDataset(hits, 5000, 50, seed=4)[0])
    assert one[0].dtype == torch.float32 and one[0].shape == (5000,)
    assert len(one) == 50
    with pytest.raises(IndexError):
        one[50]
    copy = pickle.loads(pickle.dumps(one))
    assert torch.equal(copy[7], one[7])


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_workers_give_the_same_items() -> None:
    dataset = SegmentDataset(some_hits(), 3000, 12, seed=1)
    alone = torch.cat(list(torch.utils.data.DataLoader(dataset, batch_size=4)))
    workers = torch.cat(list(torch.utils.data.DataLoader(dataset, batch_size=4, num_workers=2)))
    assert torch.equal(alone, workers)


def test_no_hits_is_an_error() -> None:
    with pytest.raises(ValueError):
        HitPool([], 100)
    assert join_clips([], 100) == []


def test_joining_depends_on_names_and_seed_not_on_order() -> None:
    hits = some_hits(20)
    one, other = join_clips(hits, 20000), join_clips(hits[::-1], 20000)
    assert len(one) == len(other)
    assert all(np.array_equal(a, b) for a, b in zip(one, other))
    assert not np.array_equal(one[0], join_clips(hits, 20000, seed=1)[0])


def test_42_hits_of_800_ms_give_about_24_segments() -> None:
    hits = [Hit.of(f"h{n:02d}", stroke(n, 0.8, 44100)) for n in range(42)]
    assert len(join_clips(hits, 57330)) in (22, 23, 24, 25)


@given(
    st.lists(st.integers(1, 4000), min_size=1, max_size=20),
    st.integers(1, 5000),
    st.integers(0, 2000),
    st.integers(0, 99),
)
@settings(max_examples=30, deadline=None)
def test_joining_uses_every_hit_once(
    lengths: List[int], samples: int, overlap: int, seed: int
) -> None:
    hits = [
        Hit.of(f"{n:03d}", np.full(length, 1e-3, np.float32)) for n, length in enumerate(lengths)
    ]
    out = join_clips(hits, samples, overlap=overlap, dither_db=NO_DITHER, seed=seed)
    assert all(clip.shape == (samples,) for clip in out)
    total = sum(float(clip.sum(dtype=np.float64)) for clip in out) / 1e-3
    # Less than half a segment may be missing at the end, where at most two hits sound at once.
    assert total <= sum(lengths) + 0.5
    assert sum(lengths) - total <= samples + 1
    if samples >= sum(lengths):
        assert total == pytest.approx(sum(lengths), abs=1.0)


def test_a_joined_hit_keeps_its_tail_and_long_ones_can_be_shortened() -> None:
    a = Hit.of("a", np.full(1000, 0.2, np.float32))
    b = Hit.of("b", np.full(1000, 0.2, np.float32))
    (out,) = join_clips([a, b], 1900, overlap=100, dither_db=NO_DITHER)
    assert np.allclose(out[:900], 0.2) and np.allclose(out[900:1000], 0.4)
    assert np.allclose(out[1000:], 0.2)
    (out,) = join_clips([a, b], 1000, overlap=0, dither_db=NO_DITHER, longest=500)
    assert np.allclose(out, 0.2)


def test_joined_peak_is_limited() -> None:
    hits = [Hit.of(f"h{n}", np.full(1000, 0.9, np.float32)) for n in range(4)]
    for clip in join_clips(hits, 1500, overlap=400):
        assert np.abs(clip).max() <= 0.99 + 1e-6
