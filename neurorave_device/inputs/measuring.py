"""One steady voltage, measured for calibrating: an average that knows how good it is, or a sentence why it is none."""

import math
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from neurorave_device.inputs.base import SILENT_VOLTS, Volts
from neurorave_device.inputs.raw_volts import READINGS

# What was read before the button was pressed, and the plug that still moves, do not count.
SETTLE_SECONDS = 0.3
LEAST_SECONDS = 1.5
LONGEST_SECONDS = 10.0
SUMMARY_SECONDS = 0.1
# A module that says nothing for so long is not there.
SILENT_SECONDS = 2.0
NOISE_LIMIT = 0.05
# What a mean may wander beyond what its noise explains.
_WANDER = 0.02
_DRIFT = 0.004
_TIMES = 5.0
_FEW = 5


class Reading(NamedTuple):
    """What the inputs say now.

    time: grows with each new report. raw, spread: mean and standard deviation of CV 1-4 over the last tenth of a
    second, uncalibrated volts. fault: one sentence where the inputs do not work, or ''.
    """

    time: float
    raw: Volts = SILENT_VOLTS
    spread: Volts = SILENT_VOLTS
    fault: str = ""


class Point(NamedTuple):
    """What a channel read at one voltage, and the standard error of that, both in uncalibrated volts."""

    raw: float
    error: float


class Measurement:
    """Averages the channels (0-3) until each is known to within `wanted` volts, from `began` on; pure, one thread."""

    def __init__(self, channels: Sequence[int], wanted: float, began: float) -> None:
        self._channels = tuple(channels)
        self._wanted = wanted
        self._began = self._heard = began
        self._time: Optional[float] = None
        self._taken_at = -math.inf
        self._rows: List[Volts] = []
        self._squares = np.zeros(4)
        # Of all four channels, over what was taken: each row's mean, the noise, the standard error.
        self._means: Any = np.zeros((0, 4))
        self._spread: Any = np.zeros(4)
        self._error: Any = np.zeros(4)

    @property
    def progress(self) -> float:
        """How much of it is done, 0..1."""
        if not self._rows:
            return 0.0
        seconds = len(self._rows) * SUMMARY_SECONDS
        part = seconds / LEAST_SECONDS
        worst = max(float(self._error[channel]) for channel in self._channels)
        if worst > self._wanted:
            # The error falls with the root of the time.
            part = min(part, max((self._wanted / worst) ** 2, seconds / LONGEST_SECONDS))
        return min(1.0, part)

    @property
    def done(self) -> bool:
        """Whether it is good enough, or will not get any better."""
        return self.progress >= 1.0

    def points(self) -> Tuple[Point, ...]:
        """Return what was measured, a point for each channel."""
        mean = self.everywhere()
        return tuple(Point(mean[place], float(self._error[place])) for place in self._channels)

    def everywhere(self) -> Volts:
        """Return the mean of all four channels, to see where a cable really is."""
        first, second, third, fourth = self._means.mean(axis=0).tolist()
        return first, second, third, fourth

    def take(self, reading: Reading, now: float) -> str:
        """Take the newest reading; return why this cannot be measured, '' where all is well."""
        if reading.fault:
            return reading.fault
        if reading.time == self._time:
            silent = now - self._heard > SILENT_SECONDS
            return (
                "The inputs have not been read for %d seconds." % SILENT_SECONDS if silent else ""
            )
        self._time, self._heard = reading.time, now
        if now - self._began < SETTLE_SECONDS or now - self._taken_at < SUMMARY_SECONDS:
            return ""
        self._taken_at = now
        self._add(reading)
        if len(self._rows) < _FEW:
            return ""
        problems = [self._problem(channel) for channel in self._channels]
        return next((problem for problem in problems if problem), "")

    def _add(self, reading: Reading) -> None:
        self._rows.append(reading.raw)
        self._squares += np.square(reading.spread)
        self._means = np.array(self._rows)
        count = len(self._rows)
        self._spread = np.sqrt(self._squares / count)
        self._error = self._spread / math.sqrt(READINGS * count)
        if count >= _FEW:
            # Noise that is not white shows in the means only.
            self._error = np.maximum(self._error, self._means.std(axis=0) / math.sqrt(count))

    def _problem(self, channel: int) -> str:
        means, spread = self._means[:, channel], float(self._spread[channel])
        if spread > NOISE_LIMIT:
            return "CV %d is noisy or moves too fast (%.0f mV); check the cable." % (
                channel + 1,
                1000.0 * spread,
            )
        half = len(means) // 2
        wander = float(means.max() - means.min())
        drift = abs(float(means[:half].mean() - means[half:].mean()))
        noise = spread / math.sqrt(READINGS)
        drifts = drift > _DRIFT + _TIMES * 2.0 * noise / math.sqrt(len(means))
        if drifts or wander > _WANDER + 2.0 * _TIMES * noise:
            return "CV %d moves (by %.0f mV); it needs a steady voltage." % (
                channel + 1,
                1000.0 * wander,
            )
        return ""
