"""How sure a figure is: bootstrap over the clips, which are what was drawn at random."""

import functools
from typing import Any, List, Optional, Sequence

import numpy as np
import numpy.typing as npt

from .metrics import Array, Bools

RESAMPLES = 1000
SEED = 0
LEVEL = 0.95
# A curve with less spread than this is constant (the square of metrics.CONSTANT).
LEAST_VARIANCE = 1e-8
# What is kept of a clip's asked and heard frames; CENTRE is taken away first, because sums of squares
# would lose the rest in rounding.
SUMS = ("frames", "asked", "heard", "asked_squared", "heard_squared", "product")
CENTRE = 0.5

Interval = Optional[List[float]]


@functools.lru_cache(maxsize=8)
def draws(clips: int) -> npt.NDArray[np.float64]:
    """How often each clip is drawn in each resampling [RESAMPLES, clips]; always the same draws."""
    rng = np.random.default_rng(SEED)
    chosen = rng.integers(0, clips, (RESAMPLES, clips))
    counts = np.zeros((RESAMPLES, clips))
    np.add.at(counts, (np.arange(RESAMPLES)[:, None], chosen), 1.0)
    return counts


def interval(values: Array) -> Interval:
    """The middle 95 % of resampled values; None where fewer than half of them exist."""
    known = values[np.isfinite(values)]
    if 2 * len(known) < len(values):
        return None
    tail = 50.0 * (1.0 - LEVEL)
    return [float(edge) for edge in np.percentile(known, [tail, 100.0 - tail])]


def rounded(per_clip: Array) -> List[float]:
    """Figures of the clips as they are kept: six digits."""
    return [float(f"{value:.6g}") for value in np.asarray(per_clip)]


def mean_interval(per_clip: Array) -> Interval:
    """Interval of the mean of one figure per clip [N]."""
    values = np.asarray(per_clip, dtype=np.float64)
    return interval(draws(len(values)) @ values / len(values))


def pearson_sums(asked: Array, heard: Array, counted: Bools, clips: int) -> Array:
    """The SUMS of each clip [6, clips], of which pooled Pearsons of any choice of clips can be made.

    Curves are [passes * clips, frames] in quantile units, pass after pass of the same clips.
    """
    x, y = (np.where(counted, part.astype(np.float64) - CENTRE, 0.0) for part in (asked, heard))
    sums = np.stack([counted * 1.0, x, y, x * x, y * y, x * y]).sum(axis=2)
    return np.asarray(sums.reshape(len(SUMS), -1, clips).sum(axis=1))


def pearson_resamples(sums: Array) -> Array:
    """Pooled Pearson of each resampling [RESAMPLES] of clips with these sums [6, clips].

    A clip that is drawn twice counts twice in every pass. NaN where what was asked is constant.
    """
    drawn = draws(sums.shape[1]) @ sums.T
    count, sx, sy, sxx, syy, sxy = np.moveaxis(drawn, -1, 0)
    count = np.maximum(count, 1.0)
    vx = sxx / count - np.square(sx / count)
    vy = syy / count - np.square(sy / count)
    covariance = sxy / count - sx * sy / np.square(count)
    with np.errstate(divide="ignore", invalid="ignore"):
        rho = covariance / np.sqrt(np.maximum(vx, 0.0) * np.maximum(vy, 0.0))
    rho = np.where(vy < LEAST_VARIANCE, 0.0, rho)
    return np.where(vx < LEAST_VARIANCE, np.nan, rho)


def mean_resamples(parts: Sequence[Array]) -> "Optional[npt.NDArray[np.floating[Any]]]":
    """Mean over descriptors of their resampled figures [RESAMPLES]; None where there are none."""
    return np.mean(np.stack(list(parts)), axis=0) if len(parts) else None
