"""The voice: sample-exact triggers, the same sound however it is cut, nothing that clicks."""

from typing import Any, Dict, List, Optional, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.engine.bundle import Bundle, load_bundle
from neurorave_device.engine.hit import ONSET
from neurorave_device.engine.voice import Voice
from neurorave_device.inputs.base import Edge, Volts

from .fake_graphs import fake_bundle
from .toy import TOY, still

RATE = 44100
HOP = 512


@pytest.fixture(scope="module")
def toy() -> Bundle:
    return load_bundle(TOY)


def _edges(samples: Sequence[int], gate: int = 1) -> List[Edge]:
    """Gives rising edges at exact samples, each falling again 1 ms later."""
    edges = []
    for sample in samples:
        edges.append(Edge(gate, True, sample / float(RATE)))
        edges.append(Edge(gate, False, sample / float(RATE) + 0.001))
    return edges


def _play(
    bundle: Bundle, samples: Sequence[int], length: int, values: Optional[Dict[str, float]] = None
) -> np.ndarray:
    return Voice(bundle, values or {}).render(length, still, _edges(samples))


def test_there_is_silence_before_the_first_trigger(toy: Bundle) -> None:
    voice = Voice(toy, {})
    assert not voice.render(3000, still).any()
    assert voice.take_frames() == []


def test_gate_to_sound_is_the_same_for_200_random_gates(toy: Bundle) -> None:
    random = np.random.RandomState(7)
    delays = set()
    for gate in random.randint(0, 40000, 200).tolist():
        start = max(0, gate - random.randint(0, 900))
        voice = Voice(toy, {}, meter=False, start_sample=start)
        sound = voice.render(gate - start + 64, still, _edges([gate]))
        delays.add(int(np.flatnonzero(sound)[0]) + start - gate)
    assert delays == {0}


def test_a_hit_is_the_same_wherever_it_starts(toy: Bundle) -> None:
    reference = _play(toy, [0], 6000)
    for start in (1, 511, 512, 1713):
        assert np.array_equal(_play(toy, [start], 6000 + start)[start:], reference)


CUTS = st.lists(st.integers(1, 1500), min_size=1, max_size=12)
TRIGGERS = st.lists(st.integers(0, 9000), min_size=0, max_size=6)


@settings(max_examples=25)
@given(CUTS, TRIGGERS, st.booleans())
def test_however_the_stream_is_cut_the_samples_are_the_same(
    cuts: List[int], triggers: List[int], all_at_once: bool
) -> None:
    bundle = _shared()
    edges = sorted(_edges(triggers) + _edges([4000], gate=2), key=lambda edge: edge.time)

    def moving(sample: int) -> Volts:
        return 3.0 * np.sin(sample / 3000.0), 1.0, sample / 5000.0, -1.0

    whole = Voice(bundle, {}).render(sum(cuts), moving, edges)
    voice = Voice(bundle, {})
    parts = []
    for number, count in enumerate(cuts):
        start = voice.position
        given_now = [e for e in edges if start <= round(e.time * RATE) < start + count]
        if all_at_once:
            given_now = edges if number == 0 else []
        parts.append(voice.render(count, moving, given_now))
    assert np.array_equal(np.concatenate(parts), whole)


_CACHE: List[Bundle] = []


def _shared() -> Bundle:
    if not _CACHE:
        _CACHE.append(load_bundle(TOY))
    return _CACHE[0]


def test_seed_and_trigger_number_decide_the_hit(toy: Bundle) -> None:
    gap = 8000
    first = _play(toy, [0, gap], 2 * gap, {"seed": 3.0})
    assert np.array_equal(first, _play(toy, [0, gap], 2 * gap, {"seed": 3.0}))
    other = _play(toy, [0, gap], 2 * gap, {"seed": 4.0})
    assert not np.array_equal(first[:gap], other[:gap])
    # The second hit of a seed is another one than the first.
    assert np.abs(first[gap + 200 : 2 * gap] - first[200:gap]).max() > 0.01


def test_a_new_seed_starts_the_count_again(toy: Bundle) -> None:
    voice = Voice(toy, {"seed": 1.0, "crossfade": 1.0})
    first = voice.render(8000, still, _edges([0]))
    voice.render(8000, still, _edges([8000]))
    voice.update({"seed": 2.0, "crossfade": 1.0})
    voice.update({"seed": 1.0, "crossfade": 1.0})
    again = voice.render(8000, still, _edges([16000]))
    # The end of the old hit lies under the first 44 samples.
    assert np.array_equal(again[100:], first[100:])


def test_a_hit_knows_nothing_of_the_hits_before_it(toy: Bundle) -> None:
    alone = _play(toy, [0], 4000)
    voice = Voice(toy, {})
    voice.render(20000, still, _edges([0, 5000, 9000, 9300]))
    voice.update({"seed": 9.0})
    voice.update({})
    crossfade = round(0.004 * RATE)
    again = voice.render(4000, still, _edges([20000]))
    assert np.array_equal(again[crossfade:], alone[crossfade:])


def test_the_old_hit_fades_out_over_the_crossfade_and_the_new_one_starts_at_once() -> None:
    bundle = fake_bundle(lambda number: np.full(HOP, 0.5))
    for crossfade in (1.0, 4.0, 50.0):
        length = round(crossfade * 1e-3 * RATE)
        sound = _play(bundle, [0, 1000], 6000, {"crossfade": crossfade})
        old = sound[1000:] - _play(bundle, [0], 5000)
        assert old[0] == pytest.approx(0.5, abs=0.01)
        assert np.all(np.diff(old[: length + 1]) < 1e-6)
        assert np.abs(old[length:]).max() == 0.0


@pytest.mark.parametrize("gap", [89, 100, 177, 300, 511, 513, 600])
@pytest.mark.parametrize("crossfade", [1.0, 4.0, 30.0])
def test_nothing_clicks_however_soon_the_next_trigger_comes(gap: int, crossfade: float) -> None:
    # A constant is the worst case: every jump of a gain is a step.
    bundle = fake_bundle(lambda number: np.full(HOP, 0.5))
    triggers = list(range(0, 20 * gap, gap))
    sound = _play(bundle, triggers, 20 * gap + 4000, {"crossfade": crossfade})
    fade = 0.5 * np.pi / 2.0 / max(1, min(round(crossfade * 1e-3 * RATE), HOP // 2))
    # One onset, and the fades of all hits that can be ending at once.
    assert np.abs(np.diff(sound)).max() <= 0.5 / ONSET + 4.0 * fade
    assert sound[-1] == pytest.approx(0.5)


def test_steps_of_the_toy_are_not_larger_than_those_of_its_hits(toy: Bundle) -> None:
    gap = round(0.002 * RATE) + 1
    values = {"temperature": 0.0}
    alone = _play(toy, [0], 4000, values)
    sound = _play(toy, list(range(0, 30 * gap, gap)), 30 * gap + 2000, values)
    largest = np.abs(np.diff(alone, prepend=np.float32(0.0))).max()
    fade = np.abs(alone).max() * np.pi / 2.0 / round(0.004 * RATE)
    assert np.abs(np.diff(sound)).max() <= 3.0 * (largest + fade)
    assert _hits(toy, gap, 30) == 30


def _hits(bundle: Bundle, gap: int, count: int) -> int:
    voice = Voice(bundle, {}, meter=False)
    voice.render(gap * count, still, _edges(list(range(0, gap * count, gap))))
    return voice.hits


def test_an_edge_that_comes_too_late_acts_at_once_and_is_counted(toy: Bundle) -> None:
    voice = Voice(toy, {})
    voice.render(1000, still)
    sound = voice.render(1000, still, [Edge(1, True, 500.0 / RATE)])
    assert sound[0] != 0.0
    assert voice.late_edges == 1
    assert voice.take_triggers() == [1000]


def test_only_a_trigger_can_be_late(toy: Bundle) -> None:
    voice = Voice(toy, {})
    voice.render(1000, still)
    voice.render(1000, still, [Edge(1, False, 500.0 / RATE), Edge(2, True, 600.0 / RATE)])
    assert voice.late_edges == 0
    assert voice.gate_levels == (False, True)


@settings(max_examples=40)
@given(st.integers(0, 1200), st.integers(0, 1400), st.sampled_from([1.0, 4.0, 30.0]))
def test_a_trigger_in_what_was_made_already_sounds_as_if_it_had_been_known(
    trigger: int, made: int, crossfade: float
) -> None:
    values = {"crossfade": crossfade}
    edges = _edges([trigger]) + _edges([trigger + 2000])
    whole = Voice(_shared(), values).render(6000, still, edges)
    voice = Voice(_shared(), values)
    given_now = voice.render(trigger + 2000 + made, still, edges[:2])
    voice.go_back(trigger + 2000, given_now[trigger + 2000 :])
    rest = voice.render(4000 - trigger, still, edges[2:])
    assert voice.position == 6000
    assert voice.late_edges == 0
    assert np.array_equal(rest, whole[trigger + 2000 :])


def test_an_edge_ahead_waits_for_its_sample(toy: Bundle) -> None:
    voice = Voice(toy, {})
    parts = [voice.render(300, still, _edges([777]))]
    parts += [voice.render(300, still) for _ in range(4)]
    assert np.flatnonzero(np.concatenate(parts))[0] == 777
    assert voice.late_edges == 0


def test_frames_are_reported_on_the_grid_of_their_hit(toy: Bundle) -> None:
    voice = Voice(toy, {})
    voice.render(2500, still, _edges([100, 1200]))
    assert [frame.sample for frame in voice.take_frames()] == [100, 612, 1124, 1200, 1712, 2224]
    assert voice.take_frames() == []


def test_volts_are_read_at_the_first_sample_of_each_frame(toy: Bundle) -> None:
    asked_at: List[int] = []

    def watch(sample: int) -> Volts:
        asked_at.append(sample)
        return still(sample)

    Voice(toy, {}).render(1500, watch, _edges([100]))
    # Without a hit the jacks are looked at every hop, from the beginning on.
    assert asked_at == [0, 100, 612, 1124]


def test_cv_1_forces_the_first_latent_and_cv_2_moves_loudness(toy: Bundle) -> None:
    def volts(first: float, second: float) -> np.ndarray:
        voice = Voice(toy, {"temperature": 0.0, "guard": 0.0})
        return voice.render(4096, lambda sample: (first, second, 0.0, 0.0), _edges([0]))

    plain = volts(0.0, 0.0)
    assert not np.allclose(volts(4.0, 0.0), plain, atol=1e-3)
    quiet = np.sqrt(np.mean(volts(0.0, -3.0) ** 2))
    assert quiet < 0.7 * np.sqrt(np.mean(plain**2))


def test_what_is_heard_is_measured_on_windows_centred_on_hops(toy: Bundle) -> None:
    voice = Voice(toy, {})
    sound = voice.render(40 * HOP, still, _edges([10 * HOP]))
    voice.listen(sound)
    reports = voice.take_heard()
    assert [report.sample for report in reports] == [
        HOP * n for n in range(40 - (768 + HOP - 1) // HOP)
    ]
    rms = toy.info.descriptors[0].quantiles
    for report in reports[15:30:5]:
        middle = report.sample + HOP // 2
        window = sound[middle - 1024 : middle + 1024].astype(np.float64)
        level = 10.0 * np.log10(np.mean(window**2) + 1e-7)
        expected = np.interp(level, rms, np.linspace(0.01, 0.99, 25))
        assert report.heard[0] == pytest.approx(expected, abs=2e-3)


def test_the_meter_follows_the_stream_from_any_start(toy: Bundle) -> None:
    voice = Voice(toy, {}, start_sample=1000)
    voice.listen(voice.render(5000, still, _edges([1500])))
    samples = [report.sample for report in voice.take_heard()]
    assert samples == [HOP * n for n in range(2, 10)]


def test_without_a_meter_nothing_is_heard_and_the_sound_is_the_same(toy: Bundle) -> None:
    deaf = Voice(toy, {}, meter=False)
    sound = deaf.render(4000, still, _edges([0]))
    deaf.listen(sound)
    assert np.array_equal(sound, _play(toy, [0], 4000))
    assert deaf.take_heard() == []


def test_the_macro_gate_is_seen_by_a_hit_that_starts_with_it(toy: Bundle) -> None:
    values = {"macro.time": 0.001, "macro.amount": -1.0, "guard": 0.0}
    together = sorted(_edges([0]) + [Edge(2, True, 0.0)], key=lambda edge: edge.time)
    for edges in (together, together[::-1]):
        voice = Voice(toy, values)
        voice.render(600, still, edges)
        frames = voice.take_frames()
        assert all(frames[0].mask)
        plain = Voice(toy, values)
        plain.render(600, still, _edges([0]))
        assert frames[0].asked[1] < plain.take_frames()[0].asked[1]


def _one_bad(bad: Any) -> Any:
    def sound(number: int) -> np.ndarray:
        audio = np.full(HOP, 0.5)
        if number == 3:
            audio[40] = bad
        return audio

    return sound


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_bad_frame_becomes_a_fade_and_the_sound_goes_on(bad: float) -> None:
    voice = Voice(fake_bundle(_one_bad(bad)), {})
    sound = voice.render(8 * HOP, still, _edges([0]))
    assert np.all(np.isfinite(sound))
    # The decoder starts from zero states after a bad frame, so every fourth frame is bad here.
    assert voice.bad_frames == 2
    assert np.abs(np.diff(sound)).max() <= 0.5 / ONSET + 1e-6
    assert sound[3 * HOP + 200 : 4 * HOP].max() == 0.0
    assert sound[4 * HOP + 100] == pytest.approx(0.5)


def test_a_prior_gone_bad_ends_its_hit_and_the_next_one_plays() -> None:
    voice = Voice(fake_bundle(lambda number: np.full(HOP, 0.5), broken_prior=2), {})
    sound = voice.render(6000, still, _edges([0, 4000]))
    assert np.all(np.isfinite(sound))
    assert np.abs(np.diff(sound)).max() <= 0.5 / ONSET + 1e-6
    assert sound[1000] == pytest.approx(0.5)
    assert not sound[2 * HOP + 200 : 4000].any()
    assert sound[4100] == pytest.approx(0.5)


def test_an_ending_hit_that_goes_bad_stays_quiet() -> None:
    voice = Voice(
        fake_bundle(lambda number: np.full(HOP, 0.5), broken_prior=1), {"crossfade": 50.0}
    )
    sound = voice.render(4000, still, _edges([0, 300]))
    assert np.all(np.isfinite(sound))
    assert np.abs(np.diff(sound)).max() <= 2.0 * 0.5 / ONSET


def test_a_meter_that_goes_bad_starts_again(toy: Bundle) -> None:
    voice = Voice(toy, {})
    assert voice._meter is not None
    graph = voice._meter._graph
    voice.listen(voice.render(2000, still, _edges([0])))
    graph.restore([np.full((1, 1536), np.nan, dtype=np.float32)])
    voice.take_heard()
    voice.listen(voice.render(8000, still))
    reports = voice.take_heard()
    assert len(reports) >= 13
    assert all(np.isfinite(report.heard).all() for report in reports)
