"""The output stage: what goes in never matters to the loudspeaker, what is sane passes unharmed."""

from typing import Any, List

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.audio.output import CEILING, KNEE, LONGEST, OutputStage

RATE = 44100


def _stage(level_db: float = 0.0) -> OutputStage:
    return OutputStage(RATE, level_db, faded_in=True)


def _tone(seconds: float, gain: float, hertz: float = 441.0) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    return (gain * np.sin(2.0 * np.pi * hertz * time)).astype(np.float32)


@settings(max_examples=40)
@given(
    st.lists(st.integers(1, 2000), min_size=1, max_size=12),
    st.integers(0, 1000),
    st.sampled_from([0.1, 0.9, 4.0]),
)
def test_block_by_block_is_the_same_as_the_whole(cuts: List[int], seed: int, gain: float) -> None:
    random = np.random.RandomState(seed)
    signal = (gain * np.cumsum(random.uniform(-1.0, 1.0, sum(cuts))) / 10.0).astype(np.float32)
    whole_stage, stage = OutputStage(RATE, -3.0), OutputStage(RATE, -3.0)
    for one in (whole_stage, stage):
        one.set_level(5.0)
    whole = whole_stage.process(signal)
    parts = [stage.process(part) for part in np.split(signal, np.cumsum(cuts)[:-1])]
    assert np.abs(np.concatenate(parts) - whole).max() < 1e-6


def test_a_sane_tone_passes_unchanged_but_for_its_mean() -> None:
    tone = _tone(1.0, 0.5)
    out = _stage().process(tone + np.float32(0.2))
    late = slice(RATE // 2, None)
    # 5 Hz high-pass: 0.64 degrees of phase at 441 Hz, which is 1.1 % of the amplitude.
    assert np.abs(out[late] - tone[late]).max() < 0.012 * 0.5 + 1e-3
    assert abs(np.mean(out[late])) < 1e-3


def test_a_constant_is_taken_away() -> None:
    out = _stage().process(np.full(RATE, 0.7, dtype=np.float32))
    assert out[0] == pytest.approx(0.7, abs=1e-3)
    assert np.abs(out[RATE // 2 :]).max() < 1e-5


@settings(max_examples=40)
@given(
    st.integers(0, 1000),
    st.sampled_from([1.0, 10.0, 1e4, 1e30]),
    st.sampled_from([64, 128, 512]),
    st.sampled_from([-60.0, 0.0, 6.0]),
)
def test_nothing_ever_exceeds_the_ceiling(seed: int, gain: float, block: int, level: float) -> None:
    random = np.random.RandomState(seed)
    stage = _stage(level)
    for _ in range(8):
        noise = gain * random.standard_normal(block) * (random.uniform() < 0.7)
        out = stage.process(noise.astype(np.float32))
        assert np.abs(out).max() <= CEILING + 1e-7
        assert np.all(np.isfinite(out))


def test_the_limiter_lets_go_again() -> None:
    stage = _stage()
    loud = stage.process(_tone(0.5, 3.0))
    steady = np.abs(loud[RATE // 4 :]).max()
    assert KNEE * 0.97 < steady < KNEE * 1.03
    quiet = stage.process(_tone(1.0, 0.3))
    assert np.abs(quiet[: RATE // 100]).max() < 0.2
    assert np.abs(quiet[-RATE // 10 :]).max() == pytest.approx(0.3, abs=0.003)


def test_a_limited_tone_keeps_its_shape() -> None:
    out = _stage().process(_tone(1.0, 2.0))[RATE // 2 :]
    spectrum = np.abs(np.fft.rfft(out * np.hanning(out.size))) ** 2
    tone = round(441.0 * out.size / RATE)
    own = spectrum[tone - 4 : tone + 5].sum()
    assert (spectrum.sum() - own) / own < 1e-4


def test_level_moves_without_a_jump_and_arrives() -> None:
    stage = _stage(0.0)
    tone = _tone(0.5, 0.5, 50.0)
    stage.process(tone)
    stage.set_level(-20.0)
    out = np.concatenate([stage.process(part) for part in np.split(tone, 90)])
    assert np.abs(out[-882:]).max() == pytest.approx(0.05, rel=0.02)
    assert np.abs(np.diff(out)).max() < 0.5 * (2.0 * np.pi * 50.0 / RATE + 0.0025)


def test_starting_and_stopping_fade() -> None:
    stage = OutputStage(RATE)
    square = np.tile(np.where(np.arange(100) < 50, 0.5, -0.5), 100).astype(np.float32)
    began = stage.process(square[:2000])
    assert abs(began[0]) < 0.01 and abs(began[220]) == pytest.approx(0.25, abs=0.02)
    assert abs(began[1000]) == pytest.approx(0.5, abs=0.02)
    stage.stop()
    ended = stage.process(square[:2000])
    assert stage.silent and not ended[450:].any() and ended[10] != 0.0
    stage.start()
    assert not stage.silent
    assert stage.process(square)[1000] != 0.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("block", [64, 256])
def test_a_bad_block_becomes_a_fade_and_the_sound_comes_back(bad: float, block: int) -> None:
    stage = _stage()
    good = _tone(block * 6 / float(RATE), 0.5, 100.0)
    blocks = [good[n * block : (n + 1) * block].copy() for n in range(6)]
    blocks[3][block // 2] = bad
    out = np.concatenate([stage.process(part) for part in blocks])
    assert stage.bad_blocks == 1
    assert np.all(np.isfinite(out))
    assert abs(out[4 * block - 1]) < 1e-6
    assert np.abs(np.diff(out)).max() < 0.5 * 2.0 / 32
    assert np.abs(out[5 * block :]).max() > 0.1


def test_long_and_empty_blocks_are_blocks_too() -> None:
    signal = _tone(1.0, 0.9)
    assert signal.size > 2 * LONGEST
    assert _stage().process(signal).size == signal.size
    assert _stage().process(signal[:0]).size == 0


def test_silence_becomes_exact_zero_in_the_end() -> None:
    stage = _stage()
    stage.process(np.ones(1000, dtype=np.float32))
    last = [stage.process(np.zeros(4096, dtype=np.float32)) for _ in range(60)][-1]
    assert not last.any()


@given(st.lists(st.integers(1, 400), min_size=1, max_size=8), st.integers(0, 7))
def test_a_stage_that_goes_back_does_the_same_again(cuts: List[int], place: int) -> None:
    random = np.random.RandomState(sum(cuts))
    stage = OutputStage(44100, -3.0)
    for number, count in enumerate(cuts):
        stage.process(random.standard_normal(count).astype(np.float32))
        stage.set_level(-20.0 * (number % 2))
    state = stage.snapshot()
    sound = (3.0 * random.standard_normal(900)).astype(np.float32)
    if place == 3:
        sound[100] = np.nan
    first = stage.process(sound)
    stage.restore(state)
    assert stage.snapshot() == state
    assert np.array_equal(stage.process(sound), first)


@settings(max_examples=20)
@given(st.floats(-24.0, 0.0), st.integers(0, 99))
def test_nothing_exceeds_what_the_limiter_is_set_to(limiter: float, seed: int) -> None:
    random = np.random.RandomState(seed)
    sound = (random.randn(6000) * random.uniform(0.0, 4.0)).astype(np.float32)
    heard = OutputStage(RATE, 0.0, True, limiter).process(sound)
    assert np.abs(heard).max() <= CEILING * 10.0 ** (limiter / 20.0) + 1e-6


def test_a_quiet_sound_passes_a_limiter_and_a_loud_one_is_brought_down_to_it() -> None:
    tone = np.sin(np.arange(RATE) * 0.3)
    quiet = (0.1 * tone).astype(np.float32)
    plain = OutputStage(RATE, 0.0, True)
    assert np.array_equal(plain.process(quiet), OutputStage(RATE, 0.0, True, -12.0).process(quiet))
    loud = OutputStage(RATE, 0.0, True, -12.0).process((0.7 * tone).astype(np.float32))
    assert np.abs(loud[RATE // 2 :]).max() == pytest.approx(0.8 * 10.0**-0.6, rel=0.03)


@settings(max_examples=25)
@given(
    st.lists(st.integers(1, 700), min_size=1, max_size=10),
    st.lists(
        st.tuples(st.integers(0, 2999), st.floats(-40.0, 6.0), st.floats(-24.0, 0.0)), max_size=4
    ),
)
def test_changes_of_level_and_limiter_act_on_their_sample_however_the_stream_is_cut(
    cuts: List[int], found: Any
) -> None:
    changes = sorted(found)
    sound = (2.0 * np.sin(np.arange(3000) * 0.05)).astype(np.float32)
    whole = OutputStage(RATE, 0.0, True).play(
        sound, 1000, [(1000 + s, a, b) for s, a, b in changes]
    )
    stage, place, parts = OutputStage(RATE, 0.0, True), 0, []
    while place < 3000:
        size = cuts[len(parts) % len(cuts)]
        inside = [(s, a, b) for s, a, b in changes if place <= s < place + size]
        parts.append(stage.play(sound[place : place + size], place, inside))
        place += size
    assert np.array_equal(np.concatenate(parts), whole)


def test_going_back_also_goes_back_to_the_level_that_was_aimed_at() -> None:
    sound = np.full(4000, 0.2, np.float32)
    stage = OutputStage(RATE, 0.0, True)
    stage.process(sound)
    state = stage.snapshot()
    first = stage.process(sound)
    stage.restore(state)
    stage.play(sound, 0, [(100, -40.0, -20.0)])
    stage.restore(state)
    assert np.array_equal(stage.process(sound), first)
