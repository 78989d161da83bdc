"""Smoothing comes out the same however time is cut."""

import math
from typing import List

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.mapping.smoothing import OnePole, Ramp

volts = st.floats(-10.0, 10.0)
steps = st.floats(0.0, 0.1)
taus = st.floats(0.001, 2.0)


def started(value: float) -> OnePole:
    pole = OnePole()
    pole.step(value, 0.0, 1.0)
    return pole


@settings(max_examples=25, deadline=None)
@given(volts, volts, st.lists(steps, min_size=1, max_size=8), taus)
def test_many_steps_equal_one(start: float, target: float, parts: List[float], tau: float) -> None:
    cut, whole = started(start), started(start)
    for part in parts:
        cut.step(target, part, tau)
    assert cut.value == pytest.approx(whole.step(target, sum(parts), tau), abs=1e-9)


def test_after_the_time_constant_63_percent_are_done() -> None:
    assert started(0.0).step(1.0, 0.005, 0.005) == pytest.approx(1.0 - math.exp(-1.0))


@settings(max_examples=25, deadline=None)
@given(volts, volts, steps, taus)
def test_it_never_overshoots(start: float, target: float, dt: float, tau: float) -> None:
    value = started(start).step(target, dt, tau)
    assert min(start, target) - 1e-12 <= value <= max(start, target) + 1e-12


def test_first_step_snap_and_no_time_constant_jump() -> None:
    pole = OnePole()
    assert pole.step(3.0, 0.01, 1.0) == 3.0
    assert pole.step(5.0, 0.01, 1.0) < 4.0
    pole.snap()
    assert pole.step(5.0, 0.01, 1.0) == 5.0
    assert pole.step(7.0, 0.01, 0.0) == 7.0


def test_the_ramp_takes_its_time_and_stays_inside() -> None:
    ramp = Ramp()
    heights = [ramp.step(True, 0.01, 0.1) for _ in range(15)]
    assert heights[4] == pytest.approx(0.5)
    assert heights[-1] == 1.0
    assert [ramp.step(False, 0.05, 0.1) for _ in range(3)] == pytest.approx([0.5, 0.0, 0.0])
    assert ramp.step(True, 0.01, 0.0) == 1.0
