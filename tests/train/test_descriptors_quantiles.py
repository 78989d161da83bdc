"""Quantile tables and the map between physical values and knob positions."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from neurorave_train.descriptors import PROBABILITIES, QuantileMap, quantile_tables

tables = arrays(np.float64, (40, 3), elements=st.floats(-100.0, 2e4, width=32))


def example() -> np.ndarray:
    rng = np.random.default_rng(0)
    values = rng.lognormal(6, 1, (4000, 2))
    values[:, 0] = 20 * np.log10(values[:, 0] / 1e4)
    return values


def precise(table: np.ndarray) -> QuantileMap:
    """A map whose constants, too, are of double precision."""
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        return QuantileMap(table)
    finally:
        torch.set_default_dtype(usual)


def test_knots_are_the_quantiles() -> None:
    values = example()
    table = quantile_tables(values)
    assert table.shape == (2, 25)
    np.testing.assert_allclose(table, np.quantile(values, np.linspace(0.01, 0.99, 25), axis=0).T)


@given(values=tables)
@settings(max_examples=100, deadline=None)
def test_tables_rise_strictly_whatever_the_ties(values: np.ndarray) -> None:
    table = quantile_tables(values)
    assert (np.diff(table, axis=1) > 0).all()
    assert (np.diff(table.astype(np.float32), axis=1) > 0).all()
    span = np.ptp(values, axis=0)
    away = np.abs(table - np.quantile(values, PROBABILITIES, axis=0).T).max(axis=1)
    assert (away <= 25 * 1e-4 * span + 1.0).all()


def test_between_the_knots_it_interpolates_and_beyond_them_it_goes_on() -> None:
    table = quantile_tables(example())
    mapping = precise(table)
    inside = np.linspace(table[:, 0], table[:, -1], 301)
    expected = np.stack([np.interp(inside[:, d], table[d], PROBABILITIES) for d in range(2)], 1)
    np.testing.assert_allclose(mapping.to_q(torch.as_tensor(inside)).numpy(), expected, atol=1e-9)
    for end, neighbour, sign in ((0, 1, -1.0), (-1, -2, 1.0)):
        steepness = (PROBABILITIES[1] - PROBABILITIES[0]) / np.abs(
            table[:, end] - table[:, neighbour]
        )
        beyond = mapping.to_q(torch.as_tensor(table[:, end] + sign * 5.0)).numpy()
        np.testing.assert_allclose(beyond, PROBABILITIES[end] + sign * 5.0 * steepness)


@given(q=arrays(np.float64, (8, 2), elements=st.floats(-0.5, 1.5)))
@settings(max_examples=100, deadline=None)
def test_there_and_back(q: np.ndarray) -> None:
    mapping = precise(quantile_tables(example()))
    there = mapping.to_value(torch.as_tensor(q))
    np.testing.assert_allclose(mapping.to_q(there).numpy(), q, atol=1e-6)


def test_float32_is_precise_enough_for_the_module() -> None:
    table = quantile_tables(example())
    values = torch.as_tensor(np.linspace(table[:, 0] - 10, table[:, -1] + 10, 500))
    exact = precise(table).to_q(values)
    rough = QuantileMap(table).to_q(values.float())
    assert float((exact - rough).abs().max()) < 1e-4


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_any_leading_shape(shape: tuple[int, ...]) -> None:
    mapping = QuantileMap(quantile_tables(example()))
    values = torch.randn(shape + (2,)) * 100
    torch.testing.assert_close(mapping(values).reshape(-1, 2), mapping.to_q(values.reshape(-1, 2)))
    assert mapping.to_value(values).shape == values.shape


def test_ties_have_a_finite_gradient() -> None:
    mapping = QuantileMap(np.zeros((1, 25)))
    values = torch.linspace(-1, 1, 9)[:, None].requires_grad_()
    q = mapping.to_q(values)
    (gradient,) = torch.autograd.grad(q.sum(), values)
    assert torch.isfinite(q).all() and torch.isfinite(gradient).all()


def test_the_gradient_is_the_slope() -> None:
    mapping = precise(quantile_tables(example()))
    values = torch.as_tensor(example()[:20]).requires_grad_()
    assert torch.autograd.gradcheck(mapping.to_q, values, eps=1e-5, atol=1e-6)
    assert torch.autograd.gradcheck(mapping.to_value, values * 1e-3, eps=1e-7, atol=1e-3)


def test_bad_tables_are_refused() -> None:
    for values in (np.zeros((0, 5)), np.zeros(5), np.full((3, 2), np.nan)):
        with pytest.raises(ValueError):
            quantile_tables(values)
    for knots in (np.zeros(25), np.full((2, 25), np.inf), np.zeros((2, 1))):
        with pytest.raises(ValueError):
            QuantileMap(knots)
