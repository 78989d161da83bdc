"""What a voltage does to a model's first latent: it sweeps through what the model has learnt, or it is a pitch."""

import abc
import math
from typing import Optional, Sequence

import numpy as np

from neurorave_device.mapping.curves import HIGHEST_Q, LOWEST_Q, RANGE_VOLTS, sweep

# A pitch's latent counts octaves from here (neurorave_train/nets/harmonics.py).
PITCH_CENTRE_HZ = 250.0
# What 0 V plays: middle C, equal temperament on A = 440 Hz.
ZERO_VOLTS_HZ = 440.0 * 2.0 ** (-9.0 / 12.0)
# So far beyond what it has learnt a model is asked to play.
BEYOND_OCTAVES = 1.0


class FirstLatent(abc.ABC):
    """The way from a CV and a motion to latent 0. `place` is a number that only this axis understands."""

    @abc.abstractmethod
    def from_cv(self, u: float, range_index: int) -> float:
        """Return the place of `u` (offset + amount * normalised volts)."""

    @abc.abstractmethod
    def moved(self, place: Optional[float], height: float) -> float:
        """Return the place moved by `height` (-1..1); from the middle of the axis where no CV has given one."""

    @abc.abstractmethod
    def latent(self, place: float) -> float:
        """Return the latent of a place, which may lie beyond the ends."""


class Timbre(FirstLatent):
    """From end to end of what the model has learnt, evenly over the training sounds."""

    def __init__(self, knots: Sequence[float]) -> None:
        """`knots` are the latent's quantiles, 25 ascending values."""
        self._knots = np.asarray(knots, dtype=np.float64)
        self._places = np.linspace(LOWEST_Q, HIGHEST_Q, len(self._knots))

    def from_cv(self, u: float, range_index: int) -> float:
        return sweep(u, range_index)

    def moved(self, place: Optional[float], height: float) -> float:
        return (0.5 if place is None else place) + 0.5 * height

    def latent(self, place: float) -> float:
        q = LOWEST_Q + (HIGHEST_Q - LOWEST_Q) * min(max(place, 0.0), 1.0)
        return float(np.interp(q, self._places, self._knots))


class Pitch(FirstLatent):
    """One volt an octave, 0 V is middle C; a place is octaves from there."""

    def __init__(self, knots: Sequence[float]) -> None:
        """`knots` are the quantiles of the pitch in octaves from 250 Hz, ascending."""
        self._zero = math.log2(ZERO_VOLTS_HZ / PITCH_CENTRE_HZ)
        self._lowest = knots[0] - BEYOND_OCTAVES
        self._highest = knots[-1] + BEYOND_OCTAVES
        self._middle = knots[len(knots) // 2] - self._zero

    def from_cv(self, u: float, range_index: int) -> float:
        # Whatever the range is called, a volt of it is a volt.
        return u * RANGE_VOLTS[range_index][1]

    def moved(self, place: Optional[float], height: float) -> float:
        return (self._middle if place is None else place) + height

    def latent(self, place: float) -> float:
        return min(max(place + self._zero, self._lowest), self._highest)
