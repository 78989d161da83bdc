"""The 0..1 scale of a descriptor: the training set's own quantiles, joined by straight lines."""

from typing import Sequence, Union

import numpy as np

LOWEST = 0.01
HIGHEST = 0.99

Values = Union[float, Sequence[float], np.ndarray]


class QuantileTable:
    """Converts between physical values and quantile units (q) of one descriptor or latent.

    `knots` are the values at the probabilities linspace(0.01, 0.99, len(knots)), not descending. Outside
    the knots the end segments go on as straight lines, so q can leave 0..1; nothing is clamped here.
    Raises ValueError where the knots cannot make a scale. Immutable, so any thread may use it.
    """

    def __init__(self, knots: Values) -> None:
        table = np.asarray(knots, dtype=np.float64)
        if table.ndim != 1 or table.size < 2 or not np.all(np.isfinite(table)):
            raise ValueError("a quantile table needs two or more finite values")
        if np.any(np.diff(table) < 0.0) or table[0] >= table[-1]:
            raise ValueError("a quantile table must ascend")
        self._knots = table
        self._probabilities = np.linspace(LOWEST, HIGHEST, table.size)
        # A table may stand still at an end (a descriptor that is often exactly zero): the line
        # outside then takes the slope of the nearest segment that rises.
        rising = np.flatnonzero(np.diff(table) > 0.0)
        step = self._probabilities[1] - self._probabilities[0]
        self._low_slope = step / (table[rising[0] + 1] - table[rising[0]])
        self._high_slope = step / (table[rising[-1] + 1] - table[rising[-1]])

    def to_q(self, values: Values) -> np.ndarray:
        """Returns the quantile units of physical `values`, in their shape, float64, unclamped."""
        v = np.asarray(values, dtype=np.float64)
        knots = self._knots
        below = np.minimum(v - knots[0], 0.0) * self._low_slope
        above = np.maximum(v - knots[-1], 0.0) * self._high_slope
        return np.asarray(np.interp(v, knots, self._probabilities) + below + above)

    def to_value(self, q: Values) -> np.ndarray:
        """Returns the physical values of quantile units `q`, in their shape, float64."""
        p = np.asarray(q, dtype=np.float64)
        below = np.minimum(p - LOWEST, 0.0) / self._low_slope
        above = np.maximum(p - HIGHEST, 0.0) / self._high_slope
        return np.asarray(np.interp(p, self._probabilities, self._knots) + below + above)
