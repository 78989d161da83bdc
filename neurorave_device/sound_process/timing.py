"""How far ahead the sound is made, and how long a gate and a knob take to be heard in it."""

import math
from typing import NamedTuple

# What a gate may be noticed late by (scan, scheduling) and still act on its own sample.
SCAN_SECONDS = 0.001
# What the first frame of a hit may take to compute and still come on its own sample.
HIT_SECONDS = 0.005


class Timing(NamedTuple):
    """What follows from the configuration.

    ``capacity``: samples of buffer between synthesis and output. ``gate``: seconds from a gate to its sound,
    always the same. ``knob``: seconds from a voltage to the sound that follows it, at most; at least they
    are ``hop`` samples less. What the output itself holds back is in none of them.
    """

    capacity: int
    gate: float
    knob: float


def timing(latency_ms: float, block: int, sample_rate: int, hop: int) -> Timing:
    """Return the timing for what the output may hold back, at least two blocks.

    A gate does not wait for what is in the buffer: its hit replaces what is queued from its own sample on. That
    sample must be far enough ahead that it is computed in time, beyond what the output may be reading.
    """
    rate = float(sample_rate)
    blocks = max(2, math.ceil(latency_ms * 1e-3 * sample_rate / block))
    capacity = blocks * block
    gate = SCAN_SECONDS + HIT_SECONDS + block / rate
    return Timing(capacity, gate, (capacity + hop) / rate + SCAN_SECONDS)
