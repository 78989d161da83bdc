"""The roles of the gates in the voice: to the sample, and the same however the stream is cut."""

from typing import Any, Dict, List, Sequence, Tuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.engine.bundle import Bundle, load_bundle
from neurorave_device.engine.voice import Voice
from neurorave_device.inputs.base import Edge, Volts
from neurorave_device.parameters import GATE_ROLES, MOTIONS, by_id

from .fake_graphs import fake_bundle
from .toy import TOY, still

RATE = 44100
HOP = 512


@pytest.fixture(scope="module")
def toy() -> Bundle:
    return load_bundle(TOY)


def patch(**changes: Any) -> Dict[str, float]:
    """gate1_role="hold" stands for the parameter gate1.role."""
    return {
        key.replace("_", ".", 1): by_id(key.replace("_", ".", 1)).parse(raw)
        for key, raw in changes.items()
    }


def edge(gate: int, sample: int, rising: bool = True) -> Edge:
    return Edge(gate, rising, sample / float(RATE))


def pulses(gate: int, samples: Sequence[int], width: int = 44) -> List[Edge]:
    return [edge(gate, at + after, not after) for at in samples for after in (0, width)]


def by_time(*edges: Edge) -> List[Edge]:
    return sorted(edges, key=lambda one: one.time)


def constant() -> Bundle:
    return fake_bundle(lambda number: np.full(HOP, 0.5))


@pytest.mark.parametrize("release", [0.005, 0.05, 0.5])
def test_a_held_sound_dies_away_within_its_release_after_the_fall(release: float) -> None:
    length = round(release * RATE)
    voice = Voice(constant(), patch(gate1_role="hold", release=release))
    sound = voice.render(4000 + length + 2000, still, [edge(1, 100), edge(1, 4000, False)])
    assert np.flatnonzero(sound)[0] == 100
    assert sound[200:4000] == pytest.approx(0.5)
    dying = sound[4000 : 4000 + length]
    assert np.all(np.diff(dying) < 0.0) and dying[0] < 0.5 and dying[-1] > 0.0
    assert not sound[4000 + length :].any()
    assert np.abs(np.diff(sound[3990:])).max() <= 0.5 * 3.1 / length
    # What is silent is not computed.
    frames = voice.take_frames()
    assert frames[-1].sample < 4000 + length


def test_a_short_pulse_is_held_for_2_ms_and_bounce_is_no_release() -> None:
    voice = Voice(constant(), patch(gate1_role="hold", release=0.01))
    sound = voice.render(2000, still, [edge(1, 100), edge(1, 130, False)])
    assert np.flatnonzero(sound < 0.5)[-1] > 188 and sound[187] == pytest.approx(0.5)
    assert not sound[188 + 441 :].any()
    bounce = [edge(1, 100), edge(1, 130, False), edge(1, 150), edge(1, 5000, False)]
    sound = Voice(constant(), patch(gate1_role="hold")).render(5000, still, bounce)
    assert sound[116:5000] == pytest.approx(0.5)


def test_toggle_starts_and_ends_and_a_retrigger_after_2_ms_starts_anew(toy: Bundle) -> None:
    voice = Voice(toy, patch(gate1_role="toggle", release=0.005))
    sound = voice.render(12000, still, pulses(1, [0, 4000, 8000]))
    assert voice.take_triggers() == [0, 8000]
    assert sound[3000:4000].any() and not sound[4000 + 221 : 8000].any() and sound[8100:].any()
    voice = Voice(toy, patch(gate1_role="hold"))
    voice.render(1000, still, pulses(1, [0, 89, 178, 267], 40))
    assert voice.take_triggers() == [0, 89, 178, 267]


def test_after_a_reset_the_same_series_of_hits_comes_again(toy: Bundle) -> None:
    gap = 6000
    plain = Voice(toy, {}).render(3 * gap, still, pulses(1, [0, gap, 2 * gap]))
    # The reset is the first hit of the series itself, alone or with a clock.
    for clock in ([], [4 * gap], [4 * gap + 30]):
        values = patch(gate2_role="reset")
        edges = pulses(1, [0, gap, 2 * gap, 3 * gap, *clock, 5 * gap, 6 * gap])
        voice = Voice(toy, values)
        sound = voice.render(7 * gap, still, by_time(*edges, *pulses(2, [4 * gap])))
        assert np.array_equal(sound[200 : 3 * gap], plain[200:])
        again = sound[4 * gap :]
        for number in range(3):
            part = slice(number * gap + 200, (number + 1) * gap)
            assert np.array_equal(again[part], plain[part]), number
        assert voice.hits == 3


def test_a_reset_starts_the_motions_again(toy: Bundle) -> None:
    def asked(edges: List[Edge], since: int) -> List[Tuple[float, ...]]:
        values = patch(gate2_role="reset", guard=False, temperature=0)
        values.update({"motion.centroid.shape": float(MOTIONS.index("drift"))})
        values.update({"motion.centroid.rate": 4.0, "motion.centroid.depth": 1.0})
        voice = Voice(toy, values)
        voice.render(30000, lambda sample: (0.0, 0.0, 0.0, 0.0), edges)
        return [frame.asked for frame in voice.take_frames() if frame.sample >= since][:50]

    first = asked(pulses(2, [0]), 0)
    assert len({row[1] for row in first}) == 50
    for edges in (pulses(2, [777]), pulses(2, [0, 777]), pulses(1, [0]) + pulses(2, [777])):
        assert asked(edges, 777) == first


def moving(sample: int) -> Volts:
    return 3.0 * np.sin(sample / 3000.0), 1.0, sample / 5000.0, 4.0 * np.cos(sample / 2000.0)


def test_sampled_cvs_are_those_of_the_rise_and_stand_until_the_next(toy: Bundle) -> None:
    values = patch(gate2_role="sample", guard=False, cv3_slew=0, temperature=0)
    voice = Voice(toy, values)
    edges = by_time(*pulses(1, [0]), *pulses(2, [6000, 9000]))
    voice.render(12000, moving, edges)
    asked = {frame.sample: frame.asked[1] for frame in voice.take_frames()}

    def standing(at: int) -> Dict[int, float]:
        still_there = Voice(toy, patch(guard=False, cv3_slew=0, temperature=0))
        still_there.render(
            12000, lambda sample: moving(sample) if sample < at else moving(at), pulses(1, [0])
        )
        return {frame.sample: frame.asked[1] for frame in still_there.take_frames()}

    for sample, value in standing(6000).items():
        if sample < 9000:
            assert asked[sample] == value, sample
    assert asked[11264] == pytest.approx(standing(9000)[11264])
    assert asked[11264] != asked[8704]


@pytest.mark.parametrize("ahead", [-40, 0, 1, 44])
def test_one_clock_on_trigger_and_sample_is_one_hit_with_the_new_volts(
    toy: Bundle, ahead: int
) -> None:
    values = patch(gate2_role="sample", guard=False)
    voice = Voice(toy, values)
    voice.render(9000, moving, by_time(*pulses(1, [100, 6000]), *pulses(2, [100, 6000 + ahead])))
    fixed = moving(6000 + ahead)
    plain = Voice(toy, patch(guard=False))
    plain.render(100, still, [])
    plain.render(8900, lambda sample: fixed, pulses(1, [100, 6000 + max(ahead, 0)]))
    mine = [frame for frame in voice.take_frames() if frame.sample >= 6000 + max(ahead, 0)]
    theirs = [frame for frame in plain.take_frames() if frame.sample >= 6000 + max(ahead, 0)]
    assert [frame.asked for frame in mine] == [frame.asked for frame in theirs]
    assert len(voice.take_triggers()) == 2 and voice.hits == 2


def test_a_frozen_sound_stands_still_and_goes_on_afterwards(toy: Bundle) -> None:
    values = patch(gate2_role="freeze")
    edges = by_time(*pulses(1, [0]), edge(2, 2100), edge(2, 20000, False))
    voice = Voice(toy, values)
    sound = voice.render(30000, moving, edges)
    frames = voice.take_frames()
    frozen = [frame for frame in frames if 2100 <= frame.sample < 20000]
    assert len(frozen) > 30 and len({frame.asked for frame in frozen}) == 1
    before = [frame for frame in frames if frame.sample < 2100][-1]
    assert frozen[0].asked == before.asked and frozen[0].mask == before.mask
    # Sustained: as loud at the end as at the beginning; without the gate it has died away by then.
    plain = Voice(toy, {}).render(30000, moving, pulses(1, [0]))
    assert np.std(sound[15000:19000]) > 0.5 * np.std(sound[2500:6500])
    assert np.std(sound[15000:19000]) > 3.0 * np.std(plain[15000:19000])
    assert frames[-1].asked != before.asked
    assert Voice(toy, values).frozen is False


def test_a_hit_that_starts_frozen_stands_on_its_own_first_frame(toy: Bundle) -> None:
    voice = Voice(toy, patch(gate2_role="freeze"))
    voice.render(9000, moving, [edge(2, 0), *pulses(1, [100, 5000])])
    frames = voice.take_frames()
    first = {frame.asked for frame in frames if frame.sample < 5000}
    second = {frame.asked for frame in frames if frame.sample >= 5000}
    assert len(first) == len(second) == 1 and first != second


def test_next_preset_and_next_model_are_wishes_and_change_no_sound(toy: Bundle) -> None:
    values = patch(gate2_role="next preset")
    voice = Voice(toy, values)
    sound = voice.render(9000, still, by_time(*pulses(1, [0]), *pulses(2, [1000, 5000])))
    assert voice.take_wishes() == ["next preset", "next preset"] and voice.take_wishes() == []
    assert np.array_equal(sound, Voice(toy, {}).render(9000, still, pulses(1, [0])))
    voice.update(patch(gate2_role="next model"))
    voice.render(1000, still, pulses(2, [9100]))
    assert voice.take_wishes() == ["next model"]


def variants(toy: Bundle, vary: float, seed: int = 1, hits: int = 40) -> List[int]:
    """Play short hits and return which of them sound alike, by the number of the first one."""
    gap = 700
    voice = Voice(toy, {"vary": vary, "seed": float(seed), "crossfade": 1.0})
    sound = voice.render(hits * gap, still, pulses(1, list(range(0, hits * gap, gap))))
    bodies = [sound[n * gap + 100 : (n + 1) * gap].tobytes() for n in range(hits)]
    return [bodies.index(body) for body in bodies]


def test_vary_is_the_share_of_hits_that_are_new(toy: Bundle) -> None:
    assert variants(toy, 0.0) == [0] * 40
    assert variants(toy, 1.0) == list(range(40))
    half = variants(toy, 0.5)
    assert 12 <= len(set(half)) <= 28
    # A hit that is not new is the one before once more.
    assert all(now == before or now == n + 1 for n, (before, now) in enumerate(zip(half, half[1:])))
    assert half == variants(toy, 0.5)
    assert half != variants(toy, 0.5, seed=2)


def test_a_cv_moves_vary_temperature_and_level(toy: Bundle) -> None:
    def frames(destination: str, volts: float) -> Any:
        voice = Voice(toy, patch(cv4_destination=destination, vary=0, temperature=0, level=-12))
        voice.render(900, lambda sample: (0.0, 0.0, 0.0, volts), pulses(1, [0]))
        return voice

    for name, low, high in (("vary", 0.0, 0.5), ("temperature", 0.0, 1.0), ("level", -12.0, 6.0)):
        assert getattr(frames(name, 0.0).steering.targets, name) == pytest.approx(low)
        assert getattr(frames(name, 2.5).steering.targets, name) == pytest.approx(high)
    assert frames("level", -1.0).steering.take_levels(900)[-1].level == pytest.approx(-25.2)
    assert frames("macro", 5.0).steering.targets.macro == 1.0


CUTS = st.lists(st.integers(1, 1500), min_size=1, max_size=12)
PULSES = st.lists(st.tuples(st.integers(0, 9000), st.integers(1, 3000)), max_size=5)
ROLES = st.sampled_from(GATE_ROLES)


def edges_of(first: Any, second: Any) -> List[Edge]:
    found = []
    for gate, rows in ((1, first), (2, second)):
        for at, width in rows:
            found += [edge(gate, at), edge(gate, at + width, False)]
    return by_time(*found)


def lively(one: str, two: str) -> Dict[str, float]:
    """Everything moves: slewed and quantised CVs, motions, the macro, and a level by CV."""
    values = patch(gate1_role=one, gate2_role=two, release=0.02, vary=0.5)
    values.update(patch(cv1_slew=0.2, cv3_slew=0.05, cv3_curve="s-shaped", cv2_quantise=3))
    values.update(patch(cv4_destination="level", macro_time=0.05, cv4_amount=0.1))
    values.update({"motion.booming.shape": 7.0, "motion.booming.rate": 9.0})
    values.update({"motion.bandwidth.shape": 6.0, "motion.bandwidth.rate": 15.0})
    return values


@settings(max_examples=30)
@given(CUTS, PULSES, PULSES, ROLES, ROLES)
def test_however_the_stream_is_cut_all_roles_give_the_same_samples(
    cuts: List[int], first: Any, second: Any, one: str, two: str
) -> None:
    edges, values = edges_of(first, second), lively(one, two)
    whole = Voice(_shared(), values)
    expected = whole.render(sum(cuts), moving, edges)
    voice = Voice(_shared(), values)
    parts, levels = [], []
    for count in cuts:
        start = voice.position
        now = [row for row in edges if start <= round(row.time * RATE) < start + count]
        parts.append(voice.render(count, moving, now))
        levels += voice.steering.take_levels(voice.position)
    assert np.array_equal(np.concatenate(parts), expected)
    assert voice.take_frames() == whole.take_frames()
    assert voice.take_triggers() == whole.take_triggers()
    assert voice.take_wishes() == whole.take_wishes()
    assert levels == whole.steering.take_levels(whole.position)


@settings(max_examples=40)
@given(st.integers(0, 1200), st.integers(0, 1400), st.sampled_from(["hold", "toggle", "reset"]))
def test_what_a_gate_changes_in_what_was_made_already_sounds_as_if_it_had_been_known(
    at: int, made: int, role: str
) -> None:
    values = lively(role, "off")
    second = edge(1, at + 2000, role != "hold")
    edges = [edge(1, at), *([] if role == "hold" else [edge(1, at + 50, False)]), second]
    known = Voice(_shared(), values)
    whole = known.render(8000, moving, edges)
    voice = Voice(_shared(), values)
    given_now = voice.render(at + 2000 + made, moving, edges[:-1])
    voice.steering.take_levels(voice.position)
    assert voice.cuts(second)
    voice.go_back(at + 2000, given_now[at + 2000 :])
    rest = voice.render(6000 - at, moving, [second])
    assert voice.position == 8000 and voice.late_edges == 0
    assert np.array_equal(rest, whole[at + 2000 :])
    expected = known.steering.take_levels(8000)
    assert voice.steering.take_levels(8000) == [row for row in expected if row.sample >= at + 2000]


_CACHE: List[Bundle] = []


def _shared() -> Bundle:
    if not _CACHE:
        _CACHE.append(load_bundle(TOY))
    return _CACHE[0]
