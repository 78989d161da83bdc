"""Quantile tables: between a descriptor's physical values and the 0..1 scale of the knobs."""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

#: The probabilities of the 25 knots of every table.
PROBABILITIES: NDArray[np.float64] = np.linspace(0.01, 0.99, 25)
# Knots are kept this far apart, as a share of the table's span, so that ties have a slope.
SPACING = 1.0e-4
# How many times its own length a segment at an end goes on.
FAR = 1.0e30


def _ascending(knots: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return knots [D, K], each row pushed upwards where it does not rise by the spacing."""
    spaced = knots.copy()
    span = spaced[:, -1] - spaced[:, 0]
    least = np.maximum(SPACING * span, 1e-6 * np.maximum(np.abs(spaced).max(axis=1), 1.0))
    for j in range(1, spaced.shape[1]):
        spaced[:, j] = np.maximum(spaced[:, j], spaced[:, j - 1] + least)
    return spaced


def quantile_tables(values: ArrayLike) -> NDArray[np.float64]:
    """Return the knots [D, 25] of values [N, D]: their quantiles, strictly ascending.

    Raises ValueError if there are no values or some of them are not finite.
    """
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] == 0:
        raise ValueError(f"values have shape {table.shape}, expected [N, D] with N > 0")
    if not np.isfinite(table).all():
        raise ValueError("values must be finite")
    return _ascending(np.quantile(table, PROBABILITIES, axis=0).T)


class QuantileMap(nn.Module):
    """Piecewise-linear map between values and quantile units q, differentiable and exportable.

    `knots` [D, K] are ascending values at evenly spaced probabilities 0.01 .. 0.99. Beyond the
    end knots the end segments go on. Thread: any; the module holds constants only.
    """

    knots: Tensor
    spots: Tensor
    lowest: Tensor
    highest: Tensor

    def __init__(self, knots: ArrayLike) -> None:
        super().__init__()
        table = np.asarray(knots, dtype=np.float64)
        if table.ndim != 2 or table.shape[1] < 2 or not np.isfinite(table).all():
            raise ValueError("knots must be a finite table [D, K] with K >= 2")
        table = _ascending(table) if (np.diff(table) <= 0).any() else table
        spots = np.linspace(PROBABILITIES[0], PROBABILITIES[-1], table.shape[1])
        dtype = torch.get_default_dtype()
        self.register_buffer("knots", torch.as_tensor(table, dtype=dtype))
        self.register_buffer("spots", torch.as_tensor(spots, dtype=dtype), persistent=False)
        # How much of each segment may lie below x: the first goes on downwards, the last upwards.
        lowest, highest = torch.zeros(len(spots) - 1), torch.ones(len(spots) - 1)
        lowest[0], highest[-1] = -FAR, FAR
        self.register_buffer("lowest", lowest, persistent=False)
        self.register_buffer("highest", highest, persistent=False)

    def _follow(self, x: Tensor, source: Tensor, target: Tensor) -> Tensor:
        # Sums of clipped segments: no index, no search, and no cancellation between slopes.
        x = x.unsqueeze(-1)
        rise = target[..., 1:] - target[..., :-1]
        run = source[..., 1:] - source[..., :-1]
        inside = ((x - source[..., :-1]) / run).clamp(self.lowest, self.highest)
        return target[..., 0] + (inside * rise).sum(-1)

    def to_q(self, values: Tensor) -> Tensor:
        """Return q [..., D], not clamped, of physical values [..., D]."""
        return self._follow(values, self.knots, self.spots)

    def to_value(self, q: Tensor) -> Tensor:
        """Return physical values [..., D] of q [..., D], the inverse of `to_q`."""
        return self._follow(q, self.spots, self.knots)

    def forward(self, values: Tensor) -> Tensor:
        """Return `to_q(values)`."""
        return self.to_q(values)
