"""Motion: what the module moves by itself while no cable does."""

import math
from typing import Tuple

from neurorave_device.inputs.lfo import hashed, wave
from neurorave_device.mapping.smoothing import OnePole
from neurorave_device.parameters import MOTIONS

# Sets the random courses of motions apart from those of the virtual jacks.
_FIRST_COURSE = 64
_OFF = MOTIONS.index("off")

State = Tuple[float, Tuple[float, bool]]


def shape_at(shape: str, phase: float, seed: int, course: int) -> float:
    """Return the height -1..1 of a shape at `phase` (cycles; the whole number counts them).

    Sine and triangle begin in the middle and rise. Random is a new height in each cycle, drift goes from one such
    height to the next without corners; both depend on `seed` and on which `course` of many it is.
    """
    if shape == "triangle":
        part = phase - math.floor(phase)
        if part < 0.25:
            return 4.0 * part
        return 2.0 - 4.0 * part if part < 0.75 else 4.0 * part - 4.0
    if shape == "drift":
        cycle = math.floor(phase)
        part = phase - cycle
        start, end = hashed(seed, course, cycle), hashed(seed, course, cycle + 1)
        return start + (end - start) * part * part * (3.0 - 2.0 * part)
    return wave(shape, phase, seed, course)


class Motion:
    """Moves one destination. Its phase counts time and not frames; a new rate or shape goes on from where it is."""

    def __init__(self, number: int) -> None:
        """`number` tells the destinations apart: each has its own random course."""
        self._course = _FIRST_COURSE + number
        self._shape = "off"
        self._rate = 0.0
        self._depth = 0.0
        self._seed = 0
        self._phase = 0.0
        self._begins = False
        self._glide = OnePole()
        self.on = False

    def update(self, shape: int, rate: float, depth: float, seed: int) -> None:
        """Take a shape (its place in MOTIONS), the rate in Hz, the depth 0..1 and the patch's seed."""
        self.on = shape != _OFF
        self._shape, self._rate, self._depth, self._seed = MOTIONS[shape], rate, depth, seed

    def snap(self) -> None:
        """Let the next step take the depth as it is."""
        self._glide.snap()

    def start_again(self) -> None:
        """Let the next step be the beginning of the course."""
        self._begins = True

    def step(self, dt: float, smoothing: float) -> float:
        """Return the height -1..1, `dt` seconds after the last step; the depth glides within `smoothing` s."""
        self._phase = 0.0 if self._begins else self._phase + self._rate * dt
        self._begins = False
        depth = self._glide.step(self._depth, dt, smoothing)
        return depth * shape_at(self._shape, self._phase, self._seed, self._course)

    def snapshot(self) -> State:
        """Return the state between two frames."""
        return self._phase, self._glide.snapshot()

    def restore(self, state: State) -> None:
        """Go back to a state taken by `snapshot`."""
        self._phase = state[0]
        self._glide.restore(state[1])
