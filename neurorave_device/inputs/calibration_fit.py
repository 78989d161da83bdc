"""From measured points to gain and offset of a channel, with a word on how good they are."""

import math
from typing import NamedTuple, Sequence, Tuple

import numpy as np

from neurorave_device.inputs.measuring import Point

GOOD = "good"
POOR = "poor"
# Over so many volts both ways a good calibration is off by so little.
RANGE = 5.0
GOOD_VOLTS = 0.01
# So sure an error of that size is meant to be ruled out, in standard errors.
_SURE = 2.0
# What measuring aims at, so that a good one stays well below GOOD_VOLTS.
_AIM = 0.002
# No board is built that is further off than this; beyond it the voltage is another, or the input is broken.
GAIN_LIMITS = (0.8, 1.25)
OFFSET_LIMIT = 0.5


class Fit(NamedTuple):
    """Volts are gain * raw + offset; `error` is what they may be off by within +-RANGE, in volts."""

    gain: float
    offset: float
    error: float

    @property
    def word(self) -> str:
        """Good or poor."""
        return GOOD if self.error <= GOOD_VOLTS else POOR


def fit(points: Sequence[Tuple[float, Point]]) -> Fit:
    """Return the straight line through (true volts, what was read); two points or more, at two voltages or more."""
    true = np.array([volts for volts, _ in points])
    raw = np.array([point.raw for _, point in points])
    gain, offset = np.polyfit(raw, true, 1).tolist()
    residual = float(np.abs(gain * raw + offset - true).max())
    columns = np.stack((raw, np.ones(raw.size)), axis=1)
    noise = abs(gain) * max(point.error for _, point in points)
    covariance = noise * noise * np.linalg.inv(columns.T @ columns)
    ends = [np.array(((volts - offset) / gain, 1.0)) for volts in (-RANGE, RANGE)]
    error = max(math.sqrt(float(end @ covariance @ end)) for end in ends)
    return Fit(gain, offset, residual + _SURE * error)


def wanted_error(volts: float) -> float:
    """Return how exactly 0 V and `volts` must be measured, so that the line through both is good."""
    reach = RANGE / abs(volts)
    return _AIM / math.hypot(1.0 + reach, reach)
