"""One virtual jack: a voltage by hand, or a slow oscillator whose phase never jumps."""

import math

SOURCES = ("none", "manual", "sine", "ramp up", "ramp down", "saw", "square", "random")
MAX_VOLTS = 10.0
MAX_RATE = 50.0

_MASK = (1 << 64) - 1


def hashed(seed: int, jack: int, cycle: int) -> float:
    """Return an evenly spread number -1..1 that depends on nothing but its arguments.

    The mixing steps are those of SplitMix64 (Steele, Lea and Flood, 2014).
    """
    mixed = (seed * 0x9E3779B97F4A7C15 + jack * 0xD1B54A32D192ED03 + cycle) & _MASK
    mixed = (mixed * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    mixed ^= mixed >> 31
    return mixed / float(_MASK) * 2.0 - 1.0


def wave(source: str, phase: float, seed: int, jack: int) -> float:
    """Return the oscillator's value -1..1 at `phase` (cycles, the whole number counts cycles).

    Ramp up starts low, ramp down high; saw is a ramp up that starts in its middle, at 0; random is
    one new value in each cycle.
    """
    cycle = math.floor(phase)
    part = phase - cycle
    if source == "sine":
        return math.sin(2.0 * math.pi * part)
    if source == "ramp up":
        return 2.0 * part - 1.0
    if source == "ramp down":
        return 1.0 - 2.0 * part
    if source == "saw":
        return 2.0 * part if part < 0.5 else 2.0 * part - 2.0
    if source == "square":
        return 1.0 if part < 0.5 else -1.0
    if source == "random":
        return hashed(seed, jack, int(cycle))
    return 0.0


class VirtualJack:
    """The settings of one virtual CV jack and its voltage at any time; not thread-safe by itself.

    `value` (V) is the voltage by hand and the centre of the oscillator, `depth` (V) how far that
    goes to each side, `rate` in Hz.
    """

    def __init__(self, number: int, seed: int) -> None:
        self.source = "none"
        self.value = 0.0
        self.rate = 1.0
        self.depth = 5.0
        self._number = number
        self._seed = seed
        self._since = 0.0
        self._phase = 0.0

    def set_rate(self, rate: float, now: float) -> None:
        """Change the rate from `now` on; the phase goes on from where it is."""
        self._phase = self.phase_at(now)
        self._since = now
        self.rate = rate

    def phase_at(self, now: float) -> float:
        """Return the phase in cycles since the oscillator first started."""
        return self._phase + self.rate * (now - self._since)

    def volts_at(self, now: float) -> float:
        """Return the voltage at `now`, within -10..10 V."""
        if self.source == "none":
            return 0.0
        volts = self.value
        if self.source != "manual":
            volts += self.depth * wave(self.source, self.phase_at(now), self._seed, self._number)
        return min(max(volts, -MAX_VOLTS), MAX_VOLTS)
