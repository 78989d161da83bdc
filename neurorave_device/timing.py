"""How far ahead the sound is made, and with it the time from a gate to its sound."""

import math
from typing import NamedTuple

# What a gate may be noticed late by (scan, scheduling) and still act on its own sample.
SCAN_SECONDS = 0.004


class Timing(NamedTuple):
    """``capacity``: samples of buffer between synthesis and output. ``delay``: seconds from gate to sound."""

    capacity: int
    delay: float


def timing(latency_ms: float, block: int, sample_rate: int) -> Timing:
    """Return the timing for what the output may hold back, at least two blocks."""
    blocks = max(2, math.ceil(latency_ms * 1e-3 * sample_rate / block))
    capacity = blocks * block
    return Timing(capacity, (capacity + block) / float(sample_rate) + SCAN_SECONDS)
