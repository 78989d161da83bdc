"""The invented control curves of the Eurorack test."""

from typing import Dict

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

LOW, HIGH = 0.15, 0.85
RATE_HZ = 2.0
# Successive clips start at phases that fill the cycle evenly, whatever their number.
GOLDEN = 0.6180339887498949


def eurorack_curves(clips: int, frames: int, frame_rate: float) -> Dict[str, Floats]:
    """Curves [clips, frames] between 0.15 and 0.85: one ramp over the clip; 2 Hz sine, saw, square.

    The saw rises. Each clip starts at another phase (the ramp excepted).
    """
    start = (np.arange(clips) * GOLDEN % 1.0)[:, None]
    phase = (np.arange(frames) * (RATE_HZ / frame_rate) + start) % 1.0
    ramp = np.broadcast_to(np.linspace(0.0, 1.0, frames), (clips, frames))
    shapes = {
        "ramp": ramp,
        "sine": 0.5 + 0.5 * np.sin(2.0 * np.pi * phase),
        "saw": phase,
        "square": (phase < 0.5).astype(np.float64),
    }
    return {name: (LOW + (HIGH - LOW) * u).astype(np.float32) for name, u in shapes.items()}
