"""Where the targets meet the prior's own curves."""

from typing import Sequence, Tuple, Union

import numpy as np

from neurorave_device.engine.info import DescriptorInfo
from neurorave_device.mapping.curves import HIGHEST_Q, LOWEST_Q, pull, smoothstep
from neurorave_device.mapping.targets import Targets

# Below the first level a hit is over and nothing may be added to its loudness, from the second on
# everything may.
SILENT_DB = -70.0
AUDIBLE_DB = -40.0
_NARROWEST_FADE = 0.25


def silence_fade(rms: DescriptorInfo) -> Tuple[float, float]:
    """Return where additions to rms fade in: two values in quantile units of the prior's own rms."""
    if rms.unit != "dB":
        return 0.0, _NARROWEST_FADE
    places = np.linspace(LOWEST_Q, HIGHEST_Q, len(rms.quantiles))
    levels = np.interp([SILENT_DB, AUDIBLE_DB], rms.quantiles, places, left=0.0, right=1.0)
    silent = min(float(levels[0]), 0.5)
    return silent, max(min(float(levels[1]), 0.9), silent + _NARROWEST_FADE)


def fade_in(base: float, fade: Tuple[float, float]) -> float:
    """Return how much of an addition to rms counts at `base`: 0 in silence, 1 in a sound."""
    return smoothstep((base - fade[0]) / (fade[1] - fade[0]))


def combine(
    targets: Targets, base_q: Union[Sequence[float], np.ndarray]
) -> Tuple[np.ndarray, np.ndarray]:
    """Return what is asked, float64 [D] within 0..1, and the mask, bool [D].

    `base_q` [D] are the prior's curves of this frame in quantile units, unclamped.  What is free
    gets the prior's own value.  Synthesis thread.
    """
    # In this order NaN becomes 0.
    asked = [min(max(0.0, float(q)), 1.0) for q in base_q]
    for index, value in enumerate(targets.descriptors):
        if targets.replace[index]:
            asked[index] = min(max(value, 0.0), 1.0)
        elif value != 0.0:
            base = asked[index]
            if index == targets.loudness and value > 0.0:
                value *= fade_in(base, targets.fade)
            asked[index] = pull(base, value)
    return np.array(asked), np.array(targets.mask, dtype=bool)
