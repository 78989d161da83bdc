"""One CV: curves, steps, slew and amount, and the settings that CVs may move."""

from typing import Any, List

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.mapping.curves import CURVES, RANGE_VOLTS
from neurorave_device.mapping.cv import Cv
from neurorave_device.mapping.mapper import Mapper
from neurorave_device.mapping.quantise import Quantiser
from neurorave_device.parameters import (
    CV_CURVES,
    CV_SETTINGS,
    DESCRIPTORS,
    MOVED,
    by_id,
    default_values,
)

from .control_bundle import make_bundle

FRAME = 512 / 44100.0
REST = (0.0, 0.0, 0.0, 0.0)
PARTS = st.floats(-1.0, 1.0)
CHOSEN = st.sampled_from(range(len(CV_CURVES)))


def patch(**changes: Any) -> Any:
    values = default_values()
    for name, raw in changes.items():
        key = name.replace("_", ".", 1)
        values[key] = by_id(key).parse(raw)
    return values


def settled(made: Mapper, volts: Any, macro: bool = False) -> Any:
    made.frame(volts, macro, FRAME)
    made.trigger()
    return made.frame(volts, macro, FRAME)


@settings(max_examples=60, deadline=None)
@given(CHOSEN, st.booleans(), PARTS, PARTS)
def test_every_curve_rises_keeps_its_ends_and_is_the_same_on_both_sides(
    index: int, bipolar: bool, one: float, other: float
) -> None:
    curve = CURVES[index]
    if not bipolar:
        one, other = abs(one), abs(other)
    low, high = sorted((one, other))
    assert curve(low, bipolar) <= curve(high, bipolar)
    assert high - low < 1e-3 or curve(low, bipolar) < curve(high, bipolar)
    assert -1.0 <= curve(one, bipolar) <= 1.0
    assert curve(0.0, bipolar) == 0.0 and curve(1.0, bipolar) == pytest.approx(1.0)
    if bipolar:
        assert curve(-one, True) == pytest.approx(-curve(one, True))


def test_the_curves_bend_the_way_they_are_called() -> None:
    assert CV_CURVES == ("linear", "exponential", "logarithmic", "s-shaped")
    linear, exponential, logarithmic, s_shaped = CURVES
    assert exponential(0.5, True) < 0.25 < linear(0.5, True) == 0.5 < 0.75 < logarithmic(0.5, True)
    assert logarithmic(exponential(0.3, True), True) == pytest.approx(0.3)
    # S: as far at the middle of the range as linear, nearer to the ends before and after.
    assert s_shaped(0.5, False) == 0.5 and s_shaped(0.2, False) < 0.2 < 0.8 < s_shaped(0.8, False)
    assert s_shaped(0.6, True) > 0.6 and s_shaped(-0.6, True) < -0.6


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 24), st.lists(PARTS, min_size=1, max_size=30))
def test_steps_are_equal_include_nothing_and_both_ends_and_lie_near_the_voltage(
    steps: int, course: List[float]
) -> None:
    quantiser = Quantiser()
    for part in course:
        found = quantiser.step(part, steps) * steps
        assert found == pytest.approx(round(found)) and abs(found) <= steps + 1e-9
        assert abs(found - part * steps) <= 0.6 + 1e-9
    for part in (0.0, 1.0, -1.0):
        assert quantiser.step(part, steps) == part
    assert quantiser.step(0.123, 0) == 0.123


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 24), st.integers(-24, 23), st.lists(st.floats(-0.09, 0.09), max_size=40))
def test_a_voltage_on_a_border_does_not_flutter(steps: int, place: int, noise: List[float]) -> None:
    border = (min(max(place, -steps), steps - 1) + 0.5) / steps
    quantiser = Quantiser()
    found = {quantiser.step(border + part / steps, steps) for part in noise}
    assert len(found) <= 1


def test_a_sweep_through_steps_goes_up_and_down_through_all_of_them() -> None:
    quantiser = Quantiser()
    up = [quantiser.step(part, 4) for part in np.linspace(-1.0, 1.0, 201)]
    down = [quantiser.step(part, 4) for part in np.linspace(1.0, -1.0, 201)]
    assert up == sorted(up) and down == sorted(down, reverse=True)
    assert sorted(set(up)) == sorted(set(down)) == [step / 4.0 for step in range(-4, 5)]
    # Other steps count at once.
    assert quantiser.step(0.3, 2) == 0.5


VOLTS = st.floats(-12.0, 12.0)


@settings(max_examples=60, deadline=None)
@given(
    CHOSEN,
    st.integers(0, 3),
    st.integers(0, 24),
    st.floats(-2.0, 2.0),
    st.floats(-1.0, 1.0),
    st.lists(VOLTS, min_size=2, max_size=20),
)
def test_a_cv_is_monotone_bounded_and_silent_at_0_v(
    curve: int, span: int, steps: int, amount: float, offset: float, course: List[float]
) -> None:
    values = patch(cv2_slew=0, cv2_range=span, cv2_curve=curve, cv2_quantise=steps)
    values.update({"cv2.amount": amount, "cv2.offset": offset})
    cv = Cv(2)
    cv.update(values)
    assert cv.read(0.0, FRAME) == offset and cv.speaks == (offset != 0.0)
    found = []
    for volts in sorted(course):
        # Fresh steps each time: on the way down they would lag by their hysteresis.
        fresh = Cv(2)
        fresh.update(values)
        found.append(fresh.read(volts, FRAME))
        assert abs(found[-1] - offset) <= abs(amount) + 1e-9
    rising = sorted(found, reverse=amount < 0.0)
    assert found == pytest.approx(rising, abs=1e-12)
    low, high = RANGE_VOLTS[span]
    assert cv.read(high + 2.0, FRAME) == pytest.approx(offset + amount)
    assert cv.read(low - 2.0, FRAME) == pytest.approx(offset - amount if low < 0.0 else offset)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(1e-4, 0.1), min_size=1, max_size=30),
    st.floats(0.0, 2.0),
    CHOSEN,
    st.integers(0, 9),
)
def test_a_slewed_cv_is_the_same_however_the_time_is_cut(
    cuts: List[float], slew: float, curve: int, steps: int
) -> None:
    values = patch(cv2_curve=curve, cv2_quantise=steps)
    values["cv2.slew"] = slew
    one, two = Cv(2), Cv(2)
    for cv in (one, two):
        cv.update(values)
        cv.read(-3.0, 0.01)
    for cut in cuts:
        last = one.read(4.0, cut)
    assert last == pytest.approx(two.read(4.0, sum(cuts)), abs=1e-9)


def test_slew_0_follows_at_once_and_2_s_takes_its_time() -> None:
    for slew, share in ((0.0, 1.0), (2.0, 1.0 - np.exp(-0.5))):
        cv = Cv(2)
        cv.update(dict(patch(), **{"cv2.slew": slew}))
        cv.read(0.06, 0.01)
        start = cv.read(0.06, 0.01)
        assert cv.read(5.0, 1.0) == pytest.approx(start + share * (1.0 - start))


@pytest.mark.parametrize("name", [name for name in CV_SETTINGS if name != "morph"])
@pytest.mark.parametrize("mode", ["add", "replace"])
def test_0_v_leaves_a_setting_and_a_voltage_adds_to_it(name: str, mode: str) -> None:
    row = by_id("macro.amount" if name == "macro" else name)
    chosen = {} if name == "macro" else {name: 0.25 * row.low + 0.75 * row.high}
    values = dict(patch(cv4_destination=name, cv4_mode=mode), **chosen)
    rest = getattr(settled(Mapper(values, make_bundle()), REST), name)
    assert rest == (0.0 if name == "macro" else pytest.approx(chosen[name]))
    course = []
    for volts in np.linspace(-5.0, 5.0, 21):
        course.append(getattr(settled(Mapper(values, make_bundle()), (0, 0, 0, volts)), name))
    assert course == sorted(course) and course[10] == rest
    low, high = (-1.0, 1.0) if name == "macro" else (row.low, row.high)
    assert course[0] == pytest.approx(low) and course[-1] == pytest.approx(high)
    # A setting is no quality of the sound: nothing else is asked because of it.
    if name != "macro":
        assert settled(Mapper(values, make_bundle()), (0, 0, 0, 3.0)).mask[1:] == (False,) * 4


def test_a_cv_on_the_macro_is_as_good_as_its_gate() -> None:
    values = patch(cv4_destination="macro", macro_amount=0.5, macro_time=0.001)
    by_cv = settled(Mapper(values, make_bundle()), (0.0, 0.0, 0.0, 5.0))
    by_gate = settled(Mapper(values, make_bundle()), REST, True)
    assert by_cv.descriptors == by_gate.descriptors and by_cv.mask == by_gate.mask
    assert by_cv.macro == by_gate.macro == 1.0
    both = settled(Mapper(values, make_bundle()), (0.0, 0.0, 0.0, 5.0), True)
    assert both.macro == 1.0
    # As the voltage passes 0 V nothing is let go.
    made = Mapper(values, make_bundle())
    settled(made, (0.0, 0.0, 0.0, 3.0))
    assert made.frame(REST, False, FRAME).mask == (True,) * 5


def test_the_macro_has_a_share_for_each_quality() -> None:
    shares = {"rms": 0.5, "centroid": -1.0, "bandwidth": 0.0, "sharpness": 1.0, "booming": 0.25}
    values = dict(patch(macro_amount=0.4, macro_time=0.001))
    values.update({"macro." + name: share for name, share in shares.items()})
    targets = settled(Mapper(values, make_bundle()), REST, True)
    for index, name in enumerate(DESCRIPTORS):
        assert targets.descriptors[index] == pytest.approx(0.4 * shares[name]), name
        assert targets.moved[index] == (shares[name] != 0.0)
    assert targets.mask == (True, True, False, True, True)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(VOLTS, VOLTS, VOLTS, VOLTS), min_size=1, max_size=12), st.data())
def test_a_mapper_that_goes_back_does_the_same_again(course: Any, data: Any) -> None:
    values = patch(cv4_destination="level", cv2_quantise=5, cv1_slew=0.3, cv3_slew=0.1)
    for name in MOVED:
        values["motion.%s.shape" % name] = 7.0
    made = Mapper(values, make_bundle())
    made.frame(REST, False, FRAME)
    place = data.draw(st.integers(0, len(course) - 1))
    found = []
    for number, volts in enumerate(course):
        if number == place:
            state = made.snapshot()
        found.append(made.frame(volts, number % 2 == 1, FRAME))
    made.restore(state)
    again = [
        made.frame(volts, number % 2 == 1, FRAME)
        for number, volts in enumerate(course)
        if number >= place
    ]
    assert again == found[place:]
