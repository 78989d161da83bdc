"""From volts to targets to what is asked, frame by frame."""

from typing import Any, List, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.engine.info import DescriptorInfo
from neurorave_device.mapping.combine import combine, silence_fade
from neurorave_device.mapping.mapper import Mapper
from neurorave_device.mapping.targets import Targets
from neurorave_device.parameters import DESCRIPTORS, by_id, default_values

from .control_bundle import knots, make_bundle

FRAME = 512 / 44100.0
REST = (0.0, 0.0, 0.0, 0.0)
BASE = (0.8, 0.5, 0.5, 0.5, 0.5)
RMS, CENTROID, BANDWIDTH, SHARPNESS, BOOMING = range(5)
RANGES = [(0, -5.0, 5.0), (1, 0.0, 5.0), (2, 0.0, 8.0), (3, 0.0, 10.0)]


def mapper(**changes: Any) -> Mapper:
    """Return a mapper; cv1_mode="add" stands for the parameter cv1.mode."""
    return Mapper(patch(**changes), make_bundle())


def patch(**changes: Any) -> Any:
    values = default_values()
    for name, raw in changes.items():
        key = name.replace("_", ".", 1)
        values[key] = by_id(key).parse(raw)
    return values


def settled(made: Mapper, volts: Sequence[float], macro: bool = False) -> Targets:
    """Return the targets once nothing moves any more."""
    made.frame(volts, macro, FRAME)
    made.trigger()
    return made.frame(volts, macro, 100.0 if macro else FRAME)


def test_unpatched_nothing_is_asked_but_loudness_and_the_prior_is_free() -> None:
    targets = settled(mapper(), REST)
    assert not targets.force
    assert targets.mask == (True, False, False, False, False)
    assert targets.moved == (False,) * 5
    asked, mask = combine(targets, BASE)
    assert asked.tolist() == list(BASE)
    assert mask.tolist() == [True, False, False, False, False]


def test_noise_below_the_threshold_changes_nothing() -> None:
    assert settled(mapper(), (0.04, -0.05, 0.03, 0.05)) == settled(mapper(), REST)


def test_noise_is_not_played_where_the_menu_speaks_either() -> None:
    made = mapper(cv3_offset=0.5)
    assert settled(made, (0.0, 0.0, 0.045, 0.0)).descriptors[CENTROID] == 0.5


def test_a_patched_cv_asks_for_its_descriptor_only() -> None:
    targets = settled(mapper(), (0.0, 0.0, 2.5, 0.0))
    assert targets.mask == (True, True, False, False, False)
    assert targets.moved == (False, True, False, False, False)
    asked, _ = combine(targets, BASE)
    assert asked[CENTROID] == pytest.approx(0.875)
    assert np.delete(asked, CENTROID).tolist() == [0.8, 0.5, 0.5, 0.5]


def test_after_two_seconds_at_rest_it_is_free_again() -> None:
    made = mapper()
    made.frame((3.0, 0.0, 3.0, 0.0), False, FRAME)
    frames = [made.frame(REST, False, FRAME) for _ in range(200)]
    resting = [index * FRAME for index, row in enumerate(frames, 1) if not row.mask[CENTROID]]
    assert resting[0] == pytest.approx(2.0, abs=FRAME)
    assert [row.force for row in frames] == [row.mask[CENTROID] for row in frames]
    assert made.active == (False,) * 4


def test_an_offset_in_the_menu_speaks_without_a_cable() -> None:
    targets = settled(mapper(cv3_offset=0.5, cv1_offset=-1.0), REST)
    assert targets.mask[CENTROID]
    assert combine(targets, BASE)[0][CENTROID] == pytest.approx(0.875)
    assert targets.force and targets.forced == -2.0


@pytest.mark.parametrize("index, low, high", RANGES)
def test_cv_1_covers_the_whole_of_latent_0_strictly_rising(
    index: int, low: float, high: float
) -> None:
    made = mapper(cv1_range=index)
    made.frame((high, 0.0, 0.0, 0.0), False, FRAME)
    forced: List[float] = []
    for volts in np.linspace(low, high, 101):
        made.trigger()
        targets = made.frame((volts, 0.0, 0.0, 0.0), False, FRAME)
        assert targets.force
        forced.append(targets.forced)
    assert forced[0] == pytest.approx(-2.0) and forced[-1] == pytest.approx(3.0)
    assert np.all(np.diff(forced) > 0.0)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 3),
    st.sampled_from(["add", "replace"]),
    st.integers(0, 4),
    st.floats(0.25, 1.0),
    st.lists(st.floats(0.55, 0.97), min_size=5, max_size=5),
)
def test_a_sweep_of_one_cv_rises_strictly_in_both_modes(
    index: int, mode: str, target: int, amount: float, base: List[float]
) -> None:
    _, low, high = RANGES[index]
    made = mapper(
        cv3_destination=DESCRIPTORS[target], cv3_mode=mode, cv3_range=index, cv3_amount=amount
    )
    made.frame((0.0, 0.0, high, 0.0), False, FRAME)
    course: List[float] = []
    for volts in np.linspace(low, high, 41):
        made.trigger()
        asked, mask = combine(made.frame((0.0, 0.0, volts, 0.0), False, FRAME), base)
        assert mask[target]
        course.append(float(asked[target]))
    assert np.all(np.diff(course) > 0.0)
    assert 0.0 <= course[0] and course[-1] <= 1.0


@pytest.mark.parametrize("index, low, high", RANGES)
def test_add_reaches_the_end_of_the_scale_whatever_the_prior_does(
    index: int, low: float, high: float
) -> None:
    made = mapper(cv3_range=index)
    for base in (0.0, 0.3, 1.0):
        asked = combine(settled(made, (0.0, 0.0, high, 0.0)), (0.8, base, 0.5, 0.5, 0.5))[0]
        assert asked[CENTROID] == pytest.approx(1.0)
        asked = combine(settled(made, (0.0, 0.0, low, 0.0)), (0.8, base, 0.5, 0.5, 0.5))[0]
        assert asked[CENTROID] == pytest.approx(0.0 if low < 0.0 else base)


@pytest.mark.parametrize("index, low, high", RANGES)
def test_replace_covers_the_whole_scale_whatever_the_prior_does(
    index: int, low: float, high: float
) -> None:
    made = mapper(cv4_mode="replace", cv4_range=index)
    made.frame((0.0, 0.0, 0.0, high), False, FRAME)
    for volts, wanted in ((low, 0.0), ((low + high) / 2.0, 0.5), (high, 1.0)):
        for base in (0.1, 0.9):
            made.trigger()
            targets = made.frame((0.0, 0.0, 0.0, volts), False, FRAME)
            assert combine(targets, (base,) * 5)[0][BOOMING] == pytest.approx(wanted)


def test_the_menu_sets_what_nobody_patched_and_a_cable_adds_to_it() -> None:
    made = mapper(centroid_mode="asked", centroid_value=0.3)
    targets = settled(made, REST)
    assert targets.mask[CENTROID] and not targets.moved[CENTROID]
    assert combine(targets, BASE)[0][CENTROID] == pytest.approx(0.3)
    targets = settled(made, (0.0, 0.0, 2.5, 0.0))
    assert targets.moved[CENTROID]
    assert combine(targets, BASE)[0][CENTROID] == pytest.approx(0.3 + 0.75 * 0.7)


def test_two_cables_on_one_descriptor_add_up() -> None:
    made = mapper(cv4_destination="centroid")
    asked, _ = combine(settled(made, (0.0, 0.0, 1.0, 1.0)), BASE)
    assert asked[CENTROID] == pytest.approx(0.5 + 0.64 * 0.5)


def test_a_destination_of_none_is_silent_even_under_volts() -> None:
    made = mapper(cv1_destination="none", cv3_destination="none")
    targets = settled(made, (4.0, 0.0, 4.0, 0.0))
    assert not targets.force and targets.mask == (True, False, False, False, False)


def test_a_bundle_without_a_descriptor_ignores_its_cv_and_has_no_silence_rule() -> None:
    whole = make_bundle()
    small = whole._replace(descriptors=whole.descriptors[1:3])
    made = Mapper(default_values(), small)
    targets = settled(made, (0.0, 4.0, 2.5, 4.0))
    assert targets.mask == (True, False) and targets.loudness == -1
    assert combine(targets, (0.5, 0.5))[0].tolist() == [0.875, 0.5]


def test_slew_smooths_and_a_trigger_takes_the_voltage_as_it_is() -> None:
    made = mapper(cv3_slew=1.0)
    made.frame((0.0, 0.0, 0.1, 0.0), False, FRAME)
    slow = made.frame((0.0, 0.0, 5.0, 0.0), False, FRAME)
    assert slow.descriptors[CENTROID] < 0.04
    made.trigger()
    assert made.frame((0.0, 0.0, 5.0, 0.0), False, FRAME).descriptors[CENTROID] == 1.0


def test_a_new_amount_glides_and_missing_settings_have_their_default() -> None:
    made = Mapper({}, make_bundle())
    made.frame((0.0, 0.0, 5.0, 0.0), False, FRAME)
    made.update({"cv3.amount": 0.0})
    heights = [made.frame((0.0, 0.0, 5.0, 0.0), False, FRAME) for _ in range(20)]
    course = [row.descriptors[CENTROID] for row in heights]
    assert 0.1 < course[0] < 0.9 and course[-1] == pytest.approx(0.0, abs=1e-6)
    assert course == sorted(course, reverse=True)


def test_volts_far_outside_or_not_a_number_break_nothing() -> None:
    made = mapper()
    for volts in ((1e9, -1e9, 1e9, -1e9), (float("nan"),) * 4, (float("inf"),) * 4):
        asked, _ = combine(made.frame(volts, False, FRAME), BASE)
        assert np.all((asked >= 0.0) & (asked <= 1.0))
    assert combine(settled(mapper(), REST), (float("nan"),) * 5)[0].tolist() == [0.0] * 5


def test_the_macro_moves_everything_together_and_back() -> None:
    made = mapper(macro_amount=0.4, macro_time=0.1)
    up = [made.frame(REST, True, 0.01) for _ in range(20)]
    assert up[0].mask == (True,) * 5 and up[0].moved == (True,) * 5
    course = np.array([combine(row, (0.9, 0.5, 0.5, 0.5, 0.5))[0] for row in up])
    assert np.all(np.diff(course[:9, :4], axis=0) > 0.0)
    assert np.all(np.diff(course[:9, 4]) < 0.0)
    assert course[-1, CENTROID:BOOMING] == pytest.approx([0.82] * 3)
    assert course[-1, BOOMING] == pytest.approx(0.18)
    down = [made.frame(REST, False, 0.01) for _ in range(20)]
    assert down[0].mask == (True,) * 5
    assert down[-1].mask == (True, False, False, False, False)
    assert combine(down[-1], BASE)[0].tolist() == list(BASE)


def test_a_negative_macro_goes_the_other_way_and_zero_does_nothing() -> None:
    asked, _ = combine(settled(mapper(macro_amount=-0.4), REST, True), BASE)
    assert asked[CENTROID] == pytest.approx(0.18) and asked[BOOMING] == pytest.approx(0.82)
    assert settled(mapper(macro_amount=0.0), REST, True).mask == (True,) + (False,) * 4


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(-5.0, 5.0), min_size=4, max_size=4),
    st.booleans(),
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.0),
)
def test_whatever_is_added_a_hit_dies_away(
    volts: List[float], macro: bool, one: float, other: float
) -> None:
    made = mapper(cv3_destination="rms", cv4_destination="rms", macro_amount=1.0)
    targets = settled(made, volts, macro)
    quiet, loud = sorted((one, other))
    asked = [combine(targets, (level,) * 5)[0][RMS] for level in (0.0, quiet, loud)]
    assert asked[0] == 0.0
    assert asked[1] <= asked[2] + 1e-12


def test_what_is_below_the_silent_level_is_never_raised() -> None:
    targets = settled(mapper(), (0.0, 5.0, 0.0, 0.0), True)
    silent, audible = targets.fade
    assert silent == pytest.approx(0.01 + 0.98 * 10.0 / 66.0, abs=1e-3)
    for level in np.linspace(0.0, silent, 9):
        assert combine(targets, (level,) * 5)[0][RMS] == level
    raised = [combine(targets, (level,) * 5)[0][RMS] for level in (silent + 0.05, audible, 0.8)]
    assert raised[0] - (silent + 0.05) < 0.1 and raised[1] - audible > 0.1
    assert raised == sorted(raised)


def test_a_loudness_held_at_nothing_in_the_menu_is_not_raised_either() -> None:
    made = mapper(rms_mode="asked", rms_value=0.0)
    assert combine(settled(made, (0.0, 5.0, 0.0, 0.0), True), BASE)[0][RMS] == 0.0
    made = mapper(rms_mode="asked", rms_value=0.7)
    assert combine(settled(made, (0.0, 5.0, 0.0, 0.0)), BASE)[0][RMS] > 0.8


def test_loudness_may_still_be_held_by_choice() -> None:
    targets = settled(mapper(cv2_mode="replace"), (0.0, 3.0, 0.0, 0.0))
    assert combine(targets, (0.0,) * 5)[0][RMS] == pytest.approx(0.8)


@pytest.mark.parametrize(
    "unit, low, high",
    [("dB", -120.0, -90.0), ("dB", -30.0, -3.0), ("dB", -80.0, -6.0), ("x", 0, 1)],
)
def test_the_fade_is_always_a_way_up(unit: str, low: float, high: float) -> None:
    silent, audible = silence_fade(DescriptorInfo("rms", unit, knots(low, high)))
    assert 0.0 <= silent and silent + 0.2 < audible <= 0.9


def test_the_same_calls_give_the_same_targets() -> None:
    random = np.random.RandomState(3)
    course = random.uniform(-5.0, 5.0, (50, 4))
    runs = []
    for _ in range(2):
        made = mapper()
        runs.append([made.frame(row, bool(row[0] > 2.0), FRAME) for row in course])
    assert runs[0] == runs[1]
