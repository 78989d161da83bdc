"""The curves between a voltage and a value, all pure and monotone."""

import math
from typing import Callable, Tuple

# The lowest and the highest volt of each entry of parameters.CV_RANGES, in its order.
RANGE_VOLTS: Tuple[Tuple[float, float], ...] = ((-5.0, 5.0), (0.0, 5.0), (0.0, 8.0), (0.0, 10.0))

# Quantile tables span these probabilities.
LOWEST_Q = 0.01
HIGHEST_Q = 0.99

# The exponential curve is e to this power times steeper at its end than at 0 V.
STEEPNESS = 3.0


def is_bipolar(range_index: int) -> bool:
    """Say whether the range reaches below 0 V."""
    return RANGE_VOLTS[range_index][0] < 0.0


def normalise(volts: float, range_index: int) -> float:
    """Return `volts` as a part of its range: -1..1 where that is bipolar, else 0..1; clamped.

    0 V is always 0.  A value that is not a number counts as 0 V.
    """
    low, high = RANGE_VOLTS[range_index]
    if volts != volts:
        return 0.0
    return min(max(volts, low), high) / high


def sweep(u: float, range_index: int) -> float:
    """Return the place 0..1 of `u` (offset + amount * normalised volts) on an absolute scale.

    A bipolar range covers the scale from end to end with its middle at 0 V, a unipolar one from 0 V.
    """
    place = 0.5 + 0.5 * u if is_bipolar(range_index) else u
    return min(max(place, 0.0), 1.0)


def _linear(part: float, bipolar: bool) -> float:
    return part


def _exponential(part: float, bipolar: bool) -> float:
    return math.copysign(math.expm1(STEEPNESS * abs(part)) / math.expm1(STEEPNESS), part)


def _logarithmic(part: float, bipolar: bool) -> float:
    size = math.log1p(math.expm1(STEEPNESS) * abs(part)) / STEEPNESS
    return math.copysign(min(size, 1.0), part)


def _s_shaped(part: float, bipolar: bool) -> float:
    if bipolar:
        return 0.5 * part * (3.0 - part * part)
    return part * part * (3.0 - 2.0 * part)


# How a part of a range (-1..1 where that is bipolar, else 0..1) is bent, in the order of parameters.CV_CURVES.
# All rise, keep 0 and the ends where they are, and do the same on both sides of 0 V. The exponential one is flat
# around 0 V, the logarithmic one steep there, the s-shaped one steep in the middle of the range and flat at its ends.
CURVES: Tuple[Callable[[float, bool], float], ...] = (
    _linear,
    _exponential,
    _logarithmic,
    _s_shaped,
)


def smoothstep(x: float) -> float:
    """Return a rise from 0 (at 0 and below) to 1 (at 1 and above) without corners."""
    x = min(max(x, 0.0), 1.0)
    return x * x * (3.0 - 2.0 * x)


def soft_limit(size: float, limit: float, knee: float) -> float:
    """Return `size` (>= 0) pressed below `limit`, unchanged up to `knee` * `limit`.

    For a knee below 1 it rises strictly, with slope 1 at the knee, and reaches the limit only at
    infinity: nothing that a player turns ever stands still.
    """
    start = knee * limit
    room = limit - start
    if size <= start or room <= 0.0:
        return min(size, limit)
    excess = size - start
    return start + room * excess / (room + excess)


def pull(base: float, u: float) -> float:
    """Return `base` (0..1) drawn by `u` (-1..1, clamped) towards the end of the scale on that side.

    The share of the way is |u| (2 - |u|): a small `u` moves a base in the middle by as much as itself, and
    at +-1 nothing is left of the base.  A plain sum leaves the differences between the prior's hits as
    large as the effect of the voltage (benchmarks/cv_sweep.py).  Rises strictly with `u` for a
    base inside the scale, and never falls with `base`: a curve that decays still does.
    """
    size = min(abs(u), 1.0)
    share = size * (2.0 - size)
    return base + share * ((1.0 if u > 0.0 else 0.0) - base)
