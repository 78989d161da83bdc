"""Jacks whose electronics are off, and a player who calibrates them; in virtual time."""

from typing import List, Optional, Sequence

import numpy as np

from neurorave_device.inputs.base import Volts
from neurorave_device.inputs.calibrating import Calibrating
from neurorave_device.inputs.calibration import Calibration
from neurorave_device.inputs.measuring import Reading
from neurorave_device.inputs.raw_volts import READINGS

PICTURE = 0.11


class Jacks:
    """Four jacks that read gain * volts + offset + noise; reports come every 12 ms, as the module's."""

    def __init__(
        self,
        gain: Sequence[float] = (1.0,) * 4,
        offset: Sequence[float] = (0.0,) * 4,
        noise: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.gain, self.offset = np.array(gain), np.array(offset)
        self.noise = noise
        self.volts = np.zeros(4)
        self.slope = np.zeros(4)
        self.fault = ""
        self.silent = False
        self.now = 0.0
        self._random = np.random.RandomState(seed)
        self._report = Reading(0.0)
        self._due = 0.0

    def reading(self) -> Reading:
        """Return the newest report; a new one has the mean and the spread of a tenth of a second."""
        if self.now >= self._due and not self.silent:
            self._due = self.now + 0.1
            true = self.volts + self.slope * self.now
            raw = self.gain * true + self.offset
            values = raw + self.noise * self._random.standard_normal((READINGS, 4))
            if self.slope.any():
                values += self.gain * self.slope * np.linspace(-0.1, 0.0, READINGS)[:, None]
            self._report = Reading(
                self.now, _four(values.mean(axis=0)), _four(values.std(axis=0)), self.fault
            )
        return self._report

    def error(self, calibration: Calibration) -> float:
        """Return how far off the volts are at most within +-5 V, without noise."""
        worst = 0.0
        for volts in np.linspace(-5.0, 5.0, 41):
            read = calibration.apply((self.gain * volts + self.offset).tolist())
            worst = max(worst, float(np.abs(np.array(read) - volts).max()))
        return worst


def _four(numbers: np.ndarray) -> Volts:
    first, second, third, fourth = numbers.tolist()
    return first, second, third, fourth


def pass_time(dialog: Calibrating, jacks: Jacks, seconds: float) -> None:
    """Let the face draw for some time."""
    for _ in range(round(seconds / PICTURE)):
        jacks.now += PICTURE
        dialog.follow(jacks.reading(), jacks.now)


def measure(dialog: Calibrating, jacks: Jacks) -> None:
    """Press "Measure" and wait for the end, which must come."""
    dialog.choose("go")
    began = jacks.now
    while dialog.view().progress >= 0.0:
        pass_time(dialog, jacks, PICTURE)
        assert jacks.now - began < 15.0


def calibrate(
    jacks: Jacks,
    volts: int = 5,
    negative: Optional[int] = None,
    channels: str = "all",
    present: Optional[Calibration] = None,
) -> Calibrating:
    """Go through the procedure as a player does whose every step takes five seconds; stop at the result."""
    dialog = Calibrating(present or Calibration())
    dialog.choose(channels)
    dialog.choose(str(volts))
    places: List[int] = [0, 1, 2, 3] if channels == "all" else [int(channels) - 1]
    jacks.volts[:] = 0.0
    pass_time(dialog, jacks, 5.0)
    measure(dialog, jacks)
    for known in (volts,) if negative is None else (volts, negative):
        for place in places:
            jacks.volts[:] = 0.0
            jacks.volts[place] = known
            pass_time(dialog, jacks, 5.0)
            measure(dialog, jacks)
        dialog.choose("finish" if negative is None else str(negative))
    return dialog
