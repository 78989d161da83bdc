"""One virtual jack: a voltage by hand, or a slow oscillator whose phase never jumps."""

import math

SOURCES = ("none", "manual", "sine", "ramp up", "ramp down", "saw", "square", "random")
MAX_VOLTS = 10.0
MAX_RATE = 50.0
# What a jack's electronics may be off by: wide enough for what a calibration refuses.
LEAST_GAIN = 0.5
MOST_GAIN = 1.5
MAX_OFFSET = 2.0
MAX_NOISE = 1.0

# How often the noise of a jack changes, in Hz.
_NOISE_RATE = 1e5
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
    goes to each side, `rate` in Hz.  `gain`, `offset` and `noise` (V, standard deviation) are the errors of its
    electronics: what is read is not what is patched, as on a board.
    """

    def __init__(self, number: int, seed: int) -> None:
        self.source = "none"
        self.value = 0.0
        self.rate = 1.0
        self.depth = 5.0
        self.gain = 1.0
        self.offset = 0.0
        self.noise = 0.0
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

    def read_at(self, now: float) -> float:
        """Return what the electronics make of the voltage at `now`; the noise depends on seed and time only."""
        volts = self.gain * self.volts_at(now) + self.offset
        if self.noise:
            # Even noise of this width has a standard deviation of 1.
            moment = int(now * _NOISE_RATE)
            volts += self.noise * math.sqrt(3.0) * hashed(~self._seed, self._number, moment)
        return volts
