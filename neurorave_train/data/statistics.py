"""What the train split's descriptors look like: quantile tables and the guard's ranges."""

from typing import Any, Dict, NamedTuple, Sequence

import numpy as np
import numpy.typing as npt
import torch

from ..descriptors import QuantileMap, quantile_tables

Doubles = npt.NDArray[np.float64]

# Below this rms a frame is the floor, whose colour says nothing about the recordings.
AUDIBLE_DB = -60.0
LIMIT_SHARE = 0.99
RATE_SHARE = 0.995
# Keeps the covariance invertible for sets with descriptors that move together exactly.
RIDGE = 1.0e-6
CHUNK = 16384


def quantiles(values: npt.ArrayLike) -> Doubles:
    """Knots [D, 25] of descriptors [N, D]: rms over all frames, the others over audible ones."""
    table = np.asarray(values, dtype=np.float64)
    everywhere = quantile_tables(table)
    audible = quantile_tables(table[table[:, 0] > AUDIBLE_DB])
    return np.concatenate([everywhere[:1], audible[1:]])


def to_q(values: npt.ArrayLike, knots: Doubles) -> Doubles:
    """Quantile units, not clamped, of descriptors [N, D]."""
    table = np.asarray(values, np.float64)
    maps = QuantileMap(knots).double()
    # The map holds a value per segment of the table, too much for hours at once.
    rows = [
        maps.to_q(torch.from_numpy(table[at : at + CHUNK])).numpy()
        for at in range(0, len(table), CHUNK)
    ]
    found: Doubles = np.concatenate([np.zeros((0, len(knots))), *rows])
    return found


class GuardRanges(NamedTuple):
    """Joint range and rate of change of audible train frames, in quantile units."""

    mean: Doubles
    covariance: Doubles
    limit: float
    rate: Doubles

    def plain(self) -> Dict[str, Any]:
        """As YAML holds it."""
        return {
            "mean": self.mean.tolist(),
            "covariance": self.covariance.tolist(),
            "limit": self.limit,
            "rate": self.rate.tolist(),
        }


def guard(values: npt.ArrayLike, lengths: Sequence[int], knots: Doubles) -> GuardRanges:
    """Ranges of descriptors [N, D] whose recordings have `lengths` frames each (sum N).

    `limit` is the Mahalanobis distance within which 99 % of the audible frames lie. `rate` [D] is
    the 99.5 % quantile of |dq| from one audible frame to the next of the same recording.
    """
    table = np.asarray(values, dtype=np.float64)
    audible = table[:, 0] > AUDIBLE_DB
    q = to_q(table, knots)
    heard = q[audible]
    mean = heard.mean(axis=0)
    covariance = np.atleast_2d(np.cov(heard, rowvar=False)) + RIDGE * np.eye(q.shape[1])
    away = heard - mean
    distance = np.sqrt(np.einsum("nd,nd->n", away, np.linalg.solve(covariance, away.T).T))
    recording = np.repeat(np.arange(len(lengths)), lengths)
    pairs = audible[1:] & audible[:-1] & (recording[1:] == recording[:-1])
    steps = np.abs(np.diff(q, axis=0))[pairs]
    rate = np.quantile(steps, RATE_SHARE, axis=0) if len(steps) else np.ones(q.shape[1])
    return GuardRanges(mean, covariance, float(np.quantile(distance, LIMIT_SHARE)), rate)
