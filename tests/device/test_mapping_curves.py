"""The curves from volts to values, and the activity of a jack."""

from typing import List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.mapping.activity import JackActivity, JackState
from neurorave_device.mapping.curves import (
    RANGE_VOLTS,
    normalise,
    pull,
    smoothstep,
    soft_limit,
    sweep,
)
from neurorave_device.parameters import CV_RANGES

ranges = st.integers(0, 3)
volts = st.floats(-12.0, 12.0)
inside = st.floats(0.02, 0.98)
deltas = st.floats(-1.5, 1.5)
FRAME = 512 / 44100.0


def test_every_range_of_the_table_has_its_volts() -> None:
    shown = ["{:g}..{:g} V".format(low, high) for low, high in RANGE_VOLTS]
    assert tuple(shown[1:]) == CV_RANGES[1:]
    assert CV_RANGES[0] == "+-5 V" and RANGE_VOLTS[0] == (-5.0, 5.0)


@settings(max_examples=25, deadline=None)
@given(ranges, volts, volts)
def test_normalise_rises_and_never_leaves_its_range(index: int, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert normalise(low, index) <= normalise(high, index)
    assert (-1.0 if index == 0 else 0.0) <= normalise(one, index) <= 1.0
    assert normalise(0.0, index) == 0.0


@pytest.mark.parametrize(
    "index, low, middle, high", [(0, -1, 0, 1), (1, 0, 0.5, 1), (2, 0, 0.5, 1), (3, 0, 0.5, 1)]
)
def test_a_range_is_used_from_end_to_end(
    index: int, low: float, middle: float, high: float
) -> None:
    first, last = RANGE_VOLTS[index]
    assert normalise(first, index) == low
    assert normalise((first + last) / 2.0, index) == middle
    assert normalise(last, index) == high
    assert normalise(float("nan"), index) == 0.0
    assert [sweep(normalise(v, index), index) for v in (first, last)] == [0.0, 1.0]


@settings(max_examples=25, deadline=None)
@given(inside, st.floats(-1.0, 1.0), st.floats(-1.0, 1.0))
def test_a_pull_rises_strictly_with_what_is_added(base: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    if high - low > 1e-3:
        assert pull(base, low) < pull(base, high)
    assert 0.0 <= pull(base, low) <= pull(base, high) <= 1.0


@settings(max_examples=25, deadline=None)
@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0), deltas)
def test_a_pull_never_turns_a_decay_round(one: float, other: float, delta: float) -> None:
    low, high = sorted((one, other))
    assert pull(low, delta) <= pull(high, delta) + 1e-12


@settings(max_examples=25, deadline=None)
@given(st.floats(0.0, 1.0), deltas)
def test_the_further_the_pull_the_less_the_base_counts(base: float, delta: float) -> None:
    spread = pull(1.0, delta) - pull(0.0, delta)
    assert spread == pytest.approx(max(0.0, 1.0 - abs(delta)) ** 2 if abs(delta) < 1.0 else 0.0)
    assert pull(0.0, delta) <= pull(base, delta) <= pull(1.0, delta)


def test_a_pull_at_the_ends_and_in_the_middle() -> None:
    assert [pull(base, 1.0) for base in (0.0, 0.4, 1.0)] == [1.0, 1.0, 1.0]
    assert [pull(base, -7.0) for base in (0.0, 0.4, 1.0)] == [0.0, 0.0, 0.0]
    assert [pull(base, 0.0) for base in (0.0, 0.4, 1.0)] == [0.0, 0.4, 1.0]
    assert pull(0.5, 0.01) == pytest.approx(0.51, abs=1e-4)
    assert pull(0.5, 0.5) == 0.875 and pull(0.5, -0.5) == 0.125


@settings(max_examples=25, deadline=None)
@given(st.floats(0.0, 50.0), st.floats(0.0, 10.0), st.floats(0.0, 1.0))
def test_the_soft_limit_holds(size: float, limit: float, knee: float) -> None:
    pressed = soft_limit(size, limit, knee)
    assert pressed <= min(size, limit) + 1e-12
    if size <= knee * limit:
        assert pressed == size


def test_smoothstep_is_flat_outside() -> None:
    assert [smoothstep(x) for x in (-1.0, 0.0, 0.5, 1.0, 2.0)] == [0.0, 0.0, 0.5, 1.0, 1.0]


def test_a_jack_wakes_above_noise_and_rests_after_two_seconds() -> None:
    jack = JackActivity()
    assert not jack.update(0.05, FRAME)
    assert not jack.update(-0.049, 100.0)
    assert jack.update(-0.051, FRAME)
    assert jack.update(0.0, 1.0) and jack.state is JackState.RESTING
    assert jack.update(0.02, 0.99)
    assert not jack.update(0.0, 0.01) and jack.state is JackState.IDLE


def test_a_break_in_the_rest_starts_it_anew() -> None:
    jack = JackActivity()
    jack.update(1.0, FRAME)
    assert jack.update(0.0, 1.9)
    assert jack.update(0.03, FRAME) and jack.state is JackState.ACTIVE
    assert jack.update(0.0, 1.9)
    assert not jack.update(0.0, 0.2)


def test_a_voltage_between_the_two_levels_neither_wakes_nor_rests() -> None:
    jack = JackActivity()
    assert not jack.update(0.03, 10.0)
    jack.update(0.2, FRAME)
    assert jack.update(0.03, 10.0)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.01, 0.03, 0.2, -3.0]), st.floats(0.1, 1.5))),
    st.integers(1, 7),
)
def test_activity_does_not_depend_on_the_length_of_frames(
    course: List[Tuple[float, float]], parts: int
) -> None:
    whole, cut = JackActivity(), JackActivity()
    for level, seconds in course:
        active = whole.update(level, seconds)
        for _ in range(parts):
            last = cut.update(level, seconds / parts)
        assert last == active


def test_a_slow_sine_through_zero_stays_active() -> None:
    jack = JackActivity()
    rising = [-1.0 + 0.001 * step for step in range(2001)]
    assert all(jack.update(level, 0.02) for level in rising)
