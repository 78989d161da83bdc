"""Calibration: a straight line for each channel."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.inputs.base import Volts
from neurorave_device.inputs.calibration import Calibration

volts = st.tuples(*[st.floats(-12.0, 12.0)] * 4)


@settings(max_examples=25, deadline=None)
@given(volts)
def test_the_default_changes_nothing(raw: Volts) -> None:
    assert Calibration().apply(raw) == raw


def test_each_channel_has_its_own_line() -> None:
    calibration = Calibration((2.0, 1.0, 0.5, -1.0), (0.0, 1.0, 0.0, -0.5))
    assert calibration.apply((1.0, 1.0, 1.0, 1.0)) == (2.0, 2.0, 0.5, -1.5)


@settings(max_examples=25, deadline=None)
@given(volts, st.tuples(*[st.floats(0.5, 2.0)] * 4), st.tuples(*[st.floats(-1.0, 1.0)] * 4))
def test_it_undoes_the_error_of_a_board(true: Volts, slope: Volts, shift: Volts) -> None:
    raw = tuple(v * a + b for v, a, b in zip(true, slope, shift))
    gain = tuple(1.0 / a for a in slope)
    offset = tuple(-b / a for a, b in zip(slope, shift))
    assert Calibration(gain, offset).apply(raw) == pytest.approx(true, abs=1e-9)


def test_a_wrong_count_of_channels_is_refused() -> None:
    with pytest.raises(ValueError):
        Calibration().apply((0.0, 0.0, 0.0))
