"""The guard: inside the set's joint range and speed, without taking a CV its effect."""

from typing import List

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from neurorave_device.mapping.combine import combine
from neurorave_device.mapping.guard import RATE_MARGIN, Guard
from neurorave_device.mapping.mapper import Mapper
from neurorave_device.parameters import DESCRIPTORS, by_id, default_values

from .control_bundle import LIMIT, RATE, make_bundle, make_guard_info

FRAME = 512 / 44100.0
seeds = st.integers(0, 30)
values = st.lists(st.floats(0.0, 1.0), min_size=5, max_size=5)
flags = st.lists(st.booleans(), min_size=5, max_size=5)
# The tightest is far tighter than any training set's.
limits = st.sampled_from([1.9, 2.5, LIMIT])
ALL = (True,) * 5


def loud(mask: List[bool]) -> List[bool]:
    """Return the mask with rms asked, as it always is."""
    return [True] + list(mask[1:])


@settings(max_examples=25, deadline=None)
@given(seeds, limits, values, flags, flags)
def test_what_leaves_is_inside_the_joint_range(
    seed: int, limit: float, asked: List[float], mask: List[bool], moved: List[bool]
) -> None:
    guard = Guard(make_guard_info(seed, limit))
    mask = loud(mask)
    limited = guard.limit(asked, mask, asked, moved)
    assert np.all((limited >= 0.0) & (limited <= 1.0))
    # The last clamp to 0..1 may cost a little of what was won.
    assert guard.distance(limited, mask) <= limit * 1.1


@settings(max_examples=25, deadline=None)
@given(seeds, values, flags, flags)
def test_what_is_inside_already_is_not_touched(
    seed: int, asked: List[float], mask: List[bool], moved: List[bool]
) -> None:
    guard = Guard(make_guard_info(seed))
    mask = loud(mask)
    assume(guard.distance(asked, mask) < 0.9 * LIMIT)
    assert guard.limit(asked, mask, asked, moved).tolist() == asked


@settings(max_examples=25, deadline=None)
@given(seeds, limits, values, flags, flags)
def test_loudness_is_never_raised_and_free_ones_pass(
    seed: int, limit: float, asked: List[float], mask: List[bool], moved: List[bool]
) -> None:
    mask = loud(mask)
    limited = Guard(make_guard_info(seed, limit)).limit(asked, mask, asked, moved)
    assert limited[0] <= asked[0]
    for index in range(1, 5):
        if not mask[index]:
            assert limited[index] == asked[index]


def test_the_others_give_way_before_the_moved_one() -> None:
    guard = Guard(make_guard_info())
    # Bandwidth held low in the menu while centroid goes high: nobody plays that on a drum.
    asked = [0.5, 0.95, 0.02, 0.5, 0.5]
    mask = [True, True, True, False, False]
    assert guard.distance(asked, mask) > LIMIT
    moved = [False, True, False, False, False]
    limited = guard.limit(asked, mask, asked, moved)
    assert limited[1] == asked[1] and limited[0] == asked[0]
    assert asked[2] < limited[2] < 0.8
    assert guard.distance(limited, mask) == pytest.approx(LIMIT, abs=1e-6)
    swapped = Guard(make_guard_info()).limit(asked, mask, asked, [False, False, True, False, False])
    assert swapped[2] == asked[2] and swapped[1] < asked[1]


@settings(max_examples=25, deadline=None)
@given(seeds, limits, st.integers(0, 4), values, flags)
def test_a_sweep_of_one_moved_descriptor_stays_strictly_rising(
    seed: int, limit: float, target: int, rest: List[float], mask: List[bool]
) -> None:
    guard = Guard(make_guard_info(seed, limit))
    mask = loud(mask)
    mask[target] = True
    moved = [index == target for index in range(5)]
    rest[0] = 0.1 + 0.8 * rest[0]
    course = []
    for value in np.linspace(0.1, 0.9, 33):
        guard.reset()
        asked = list(rest)
        asked[target] = float(value)
        course.append(float(guard.limit(asked, mask, rest, moved)[target]))
    assert np.all(np.diff(course) > 0.0)


@settings(max_examples=30, deadline=None)
@given(
    seeds,
    st.integers(1, 4),
    st.lists(st.floats(0.1, 0.9), min_size=5, max_size=5),
    st.integers(0, 4),
    st.sampled_from(["add", "replace"]),
)
def test_a_sweep_in_volts_arrives_strictly_rising(
    seed: int, target: int, base: List[float], held: int, mode: str
) -> None:
    """The whole way: volts, mapper, prior's curve, guard; one other descriptor set in the menu."""
    patch = default_values()
    for key, raw in (
        ("cv3.destination", DESCRIPTORS[target]),
        ("cv3.mode", mode),
        (DESCRIPTORS[held] + ".mode", "asked"),
    ):
        patch[key] = by_id(key).parse(raw)
    assume(held != 0)
    mapper = Mapper(patch, make_bundle())
    guard = Guard(make_guard_info(seed))
    mapper.frame((0.0, 0.0, 5.0, 0.0), False, FRAME)
    course = []
    for volts in np.linspace(-4.0, 4.0, 33):
        mapper.trigger()
        guard.reset()
        targets = mapper.frame((0.0, 0.0, float(volts), 0.0), False, FRAME)
        asked, mask = combine(targets, base)
        course.append(float(guard.limit(asked, mask, base, targets.moved)[target]))
    assert np.all(np.diff(course) > 0.0)


@settings(max_examples=25, deadline=None)
@given(st.lists(values, min_size=2, max_size=12))
def test_the_players_part_moves_at_the_sets_speed(course: List[List[float]]) -> None:
    guard = Guard(make_guard_info(limit=100.0))
    base = [0.5] * 5
    frames = np.array([guard.limit(row, ALL, base, ALL) for row in course])
    steps = np.abs(np.diff(frames, axis=0))
    assert np.all(steps[:, 1:] <= RATE_MARGIN * RATE + 1e-9)
    # Loudness may fall freely, but it rises no faster.
    assert np.all(np.diff(frames[:, 0]) <= RATE_MARGIN * RATE + 1e-9)


@settings(max_examples=25, deadline=None)
@given(st.lists(values, min_size=2, max_size=12), st.floats(-0.05, 0.05))
def test_the_priors_own_curve_is_never_slowed(course: List[List[float]], shift: float) -> None:
    guard = Guard(make_guard_info(limit=100.0))
    for base in course:
        asked = np.clip(np.array(base) + shift, 0.0, 1.0)
        assert guard.limit(asked, ALL, base, ALL) == pytest.approx(asked, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.lists(values, min_size=2, max_size=12))
def test_a_value_that_is_held_does_not_follow_the_prior(course: List[List[float]]) -> None:
    guard = Guard(make_guard_info(limit=100.0))
    held = [0.3] * 5
    for base in course:
        assert guard.limit(held, ALL, base, ALL).tolist() == held


@settings(max_examples=25, deadline=None)
@given(st.lists(values, min_size=2, max_size=12), values)
def test_once_the_hit_is_over_loudness_is_over_too(
    course: List[List[float]], last: List[float]
) -> None:
    guard = Guard(make_guard_info())
    for row in course:
        guard.limit(row, ALL, row, ALL)
    ended = [0.0] + last[1:]
    assert guard.limit(ended, ALL, ended, ALL)[0] == 0.0


def test_loudness_may_fall_at_once() -> None:
    guard = Guard(make_guard_info(limit=100.0))
    base = [0.6] * 5
    guard.limit([0.99] * 5, ALL, base, ALL)
    fallen = guard.limit([0.6] * 5, ALL, base, ALL)
    assert fallen[0] == 0.6
    assert fallen[1:] == pytest.approx([0.99 - RATE_MARGIN * RATE] * 4)


def test_a_trigger_jumps_freely() -> None:
    guard = Guard(make_guard_info(limit=100.0))
    low, high, base = [0.1] * 5, [0.9] * 5, [0.5] * 5
    guard.limit(low, ALL, base)
    slow = guard.limit(high, ALL, base)
    assert slow[1:] == pytest.approx([0.1 + RATE_MARGIN * RATE] * 4)
    guard.reset()
    assert guard.limit(high, ALL, base).tolist() == high


def test_a_free_descriptor_is_met_where_the_prior_is() -> None:
    guard = Guard(make_guard_info(limit=100.0))
    base = [0.5] * 5
    guard.limit([0.5, 0.0, 0.5, 0.5, 0.5], (True, False, True, True, True), base)
    asked = guard.limit([0.5, 1.0, 0.5, 0.5, 0.5], ALL, base)
    assert asked[1] == pytest.approx(0.5 + RATE_MARGIN * RATE)


def test_a_fast_square_is_rounded_but_still_reaches_both_ends() -> None:
    guard = Guard(make_guard_info(limit=100.0))
    base = [0.5] * 5
    course = [[0.5, 0.9 if (step // 10) % 2 else 0.1, 0.5, 0.5, 0.5] for step in range(60)]
    heard = np.array([guard.limit(row, ALL, base, ALL)[1] for row in course])
    assert heard.max() == 0.9 and heard.min() == 0.1


def test_without_loudness_in_the_bundle_the_rest_still_works() -> None:
    guard = Guard(make_guard_info(limit=2.0), loudness=-1)
    asked = [0.0, 1.0, 0.0, 1.0, 1.0]
    limited = guard.limit(asked, ALL, asked, ALL)
    assert guard.distance(limited, ALL) <= 2.2
    nothing = (False,) * 5
    assert guard.limit(asked, nothing, asked, nothing).tolist() == asked
