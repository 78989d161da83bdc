"""Quantile units and back."""

from typing import List

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurorave_device.engine.bundle import load_bundle
from neurorave_device.engine.quantiles import QuantileTable

from .toy import TOY

STEPS = st.lists(st.floats(0.01, 100.0), min_size=24, max_size=24)


def _knots(start: float, steps: List[float]) -> np.ndarray:
    return start + np.concatenate(([0.0], np.cumsum(steps)))


@given(st.floats(-1000.0, 1000.0), STEPS, st.lists(st.floats(-0.5, 1.5), min_size=1, max_size=9))
def test_value_and_back_is_the_same_inside_and_outside_the_knots(
    start: float, steps: List[float], q: List[float]
) -> None:
    table = QuantileTable(_knots(start, steps))
    assert np.allclose(table.to_q(table.to_value(q)), q, atol=1e-6)


@given(st.floats(-1000.0, 1000.0), STEPS)
def test_knots_lie_at_their_probabilities(start: float, steps: List[float]) -> None:
    knots = _knots(start, steps)
    assert np.allclose(QuantileTable(knots).to_q(knots), np.linspace(0.01, 0.99, 25))


def test_outside_the_end_segments_go_on() -> None:
    table = QuantileTable(np.concatenate(([0.0, 1.0], np.linspace(2.0, 20.0, 22), [24.0])))
    step = 0.98 / 24
    assert table.to_q(-1.0) == pytest.approx(0.01 - step)
    assert table.to_q(28.0) == pytest.approx(0.99 + step * 4.0 / 4.0)
    assert table.to_value(0.99 + step) == pytest.approx(28.0)


def test_a_table_that_stands_still_at_an_end_takes_the_next_slope() -> None:
    knots = np.concatenate((np.zeros(5), np.arange(1.0, 21.0)))
    table = QuantileTable(knots)
    step = 0.98 / 24
    assert table.to_q(-2.0) == pytest.approx(0.01 - 2 * step)
    assert np.all(np.diff(table.to_q(np.linspace(-10.0, 30.0, 50))) > 0.0)


@pytest.mark.parametrize(
    "knots", [[1.0, 2.0, 1.5], [3.0, 3.0, 3.0], [1.0], [0.0, float("nan"), 1.0], [[0.0, 1.0]]]
)
def test_knots_that_are_no_scale_are_refused(knots: List[float]) -> None:
    with pytest.raises(ValueError):
        QuantileTable(knots)


def test_the_meter_of_the_toy_bundle_uses_the_same_scale() -> None:
    bundle = load_bundle(TOY)
    tables = [QuantileTable(row.quantiles) for row in bundle.info.descriptors]
    random = np.random.RandomState(0)
    for gain in (1e-4, 0.1, 0.9):
        audio = (gain * random.standard_normal((1, 512))).astype(np.float32)
        measured = bundle.graphs["meter"].run(audio=audio)
        values = measured["descriptors"][0, 0]
        expected = [float(table.to_q(value)) for table, value in zip(tables, values)]
        assert np.allclose(measured["quantiles"][0, 0], expected, atol=1e-3)
