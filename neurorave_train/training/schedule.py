"""The learning-rate schedule: warm up, hold, then a cosine down to a small share."""

from __future__ import annotations

import math


def rate_share(step: int, steps: float, warm_up: int, decay_from: float, last: float) -> float:
    """Share of the full learning rate at `step` of `steps`.

    Holding before the decay lets a run be prolonged or cut short by resuming it with another
    number of steps: only the decay moves (warm-up-stable-decay, Hu et al., 2024).
    """
    if step < warm_up:
        return (step + 1) / warm_up
    start = decay_from * steps
    if step <= start:
        return 1.0
    progress = min(1.0, (step - start) / max(1.0, steps - start))
    return last + (1.0 - last) * 0.5 * (1.0 + math.cos(math.pi * progress))
