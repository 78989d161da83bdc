"""The voltages as they are read, before calibration: their mean and how much they move, for calibrating and display."""

import math
from typing import List, NamedTuple

from neurorave_device.inputs.base import SILENT_VOLTS, Volts

# So many readings make a summary: a tenth of a second. One that asks less often than that misses none of them twice.
READINGS = 100


class Summary(NamedTuple):
    """The mean of CV 1-4 over READINGS, and their standard deviation, both in uncalibrated volts."""

    mean: Volts
    spread: Volts


class RawVolts:
    """Sums up what is read, a little with each reading, so that nobody ever has much to do; one thread writes."""

    def __init__(self) -> None:
        self._count = 0
        # Of the four, and of their squares.
        self._sums: List[float] = [0.0] * 8
        self._summary = Summary(SILENT_VOLTS, SILENT_VOLTS)

    def put(self, volts: Volts) -> None:
        """Add a reading. Inputs thread."""
        first, second, third, fourth = volts
        sums = self._sums
        sums[0] += first
        sums[1] += second
        sums[2] += third
        sums[3] += fourth
        sums[4] += first * first
        sums[5] += second * second
        sums[6] += third * third
        sums[7] += fourth * fourth
        self._count += 1
        if self._count == READINGS:
            self._summary = Summary(
                (_mean(sums[0]), _mean(sums[1]), _mean(sums[2]), _mean(sums[3])),
                (
                    _spread(sums[0], sums[4]),
                    _spread(sums[1], sums[5]),
                    _spread(sums[2], sums[6]),
                    _spread(sums[3], sums[7]),
                ),
            )
            self._count = 0
            self._sums = [0.0] * 8

    def summary(self) -> Summary:
        """Return the newest summary; each reading is part of one. Any thread."""
        return self._summary


def _mean(total: float) -> float:
    return total / READINGS


def _spread(total: float, squares: float) -> float:
    mean = total / READINGS
    # Rounding may leave less than nothing of what does not move.
    return math.sqrt(max(0.0, squares / READINGS - mean * mean))
