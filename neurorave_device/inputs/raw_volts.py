"""The voltages as they are read, before calibration: their mean and how much they move, for calibrating and display."""

from typing import List, NamedTuple

import numpy as np

from neurorave_device.inputs.base import SILENT_VOLTS, Volts

# So many readings make a summary: a tenth of a second. One that asks less often than that misses none of them twice.
READINGS = 100


class Summary(NamedTuple):
    """The mean of CV 1-4 over the last READINGS, and their standard deviation, both in uncalibrated volts."""

    mean: Volts
    spread: Volts


class RawVolts:
    """The last readings; one thread writes, one other reads, neither waits."""

    def __init__(self) -> None:
        # The writer may be at work on the next READINGS while the reader looks at these.
        self._volts: List[Volts] = [SILENT_VOLTS] * (2 * READINGS)
        self._count = 0
        self._summed = 0
        self._summary = Summary(SILENT_VOLTS, SILENT_VOLTS)

    def put(self, volts: Volts) -> None:
        """Add a reading. Inputs thread."""
        self._volts[self._count % len(self._volts)] = volts
        self._count += 1

    def summary(self) -> Summary:
        """Return the newest summary; a new one is made when there are READINGS that no summary has. Reading thread."""
        count = self._count
        if count - self._summed >= READINGS:
            self._summed = count
            size = len(self._volts)
            newest = [self._volts[place % size] for place in range(count - READINGS, count)]
            self._summary = Summary(_four(np.mean(newest, axis=0)), _four(np.std(newest, axis=0)))
        return self._summary


def _four(numbers: np.ndarray) -> Volts:
    first, second, third, fourth = numbers.tolist()
    return first, second, third, fourth
