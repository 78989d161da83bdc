"""The invented control curves: Eurorack modulators, and the pool of the publication."""

from typing import Dict, List, NamedTuple

import numpy as np

from .metrics import Array, Floats

LOW, HIGH = 0.15, 0.85
RATE_HZ = 2.0
# Successive clips start at phases that fill the cycle evenly, whatever their number.
GOLDEN = 0.6180339887498949

# One pass per descriptor and combination would be 180; each clip takes one combination instead.
SHAPES = ("ramp_up", "ramp_down", "sine", "saw", "square")
SPEEDS_HZ = (1.0, 2.0, 4.0, 8.0)
MODES = ("replaced", "added")
# How far an added modulator moves the sound's own curve, each way.
ADDED_DEPTH = 0.25

# The publication's pool: -1..1 is the whole range of the set, here from the lowest knot to the highest.
POOL_LOW, POOL_HIGH = 0.01, 0.99
SINES, SINE_MIXES, DATA_MIXES = 10, 10, 50
MOST_RADIANS = 29


def eurorack_curves(clips: int, frames: int, frame_rate: float) -> Dict[str, Floats]:
    """Curves [clips, frames] between 0.15 and 0.85: one ramp over the clip; 2 Hz sine, saw, square.

    The saw rises. Each clip starts at another phase (the ramp excepted).
    """
    start = (np.arange(clips) * GOLDEN % 1.0)[:, None]
    phase = (np.arange(frames) * (RATE_HZ / frame_rate) + start) % 1.0
    ramp = np.broadcast_to(np.linspace(0.0, 1.0, frames), (clips, frames))
    shapes = {"ramp": ramp, **{name: cycle(name, phase) for name in ("sine", "saw", "square")}}
    return {name: (LOW + (HIGH - LOW) * u).astype(np.float32) for name, u in shapes.items()}


def cycle(shape: str, phase: Array) -> Array:
    """A sine, saw (rising) or square between 0 and 1 at phases of 0..1."""
    if shape == "sine":
        return np.asarray(0.5 + 0.5 * np.sin(2.0 * np.pi * phase))
    return phase if shape == "saw" else np.asarray(phase < 0.5, dtype=np.float64)


class Modulator(NamedTuple):
    """What one clip is modulated with; a ramp takes the whole clip, whatever its speed says."""

    shape: str
    speed_hz: float
    mode: str


def modulators(clips: int, turn: int) -> List[Modulator]:
    """One modulator for each clip: all 40 combinations in a fixed shuffle, `turn` steps on.

    With 40 clips and passes together every combination is met about once.
    """
    every = [Modulator(s, hz, m) for s in SHAPES for hz in SPEEDS_HZ for m in MODES]
    order = np.random.default_rng(0).permutation(len(every))
    return [every[order[(turn * clips + i) % len(every)]] for i in range(clips)]


def modulate(modulator: Modulator, own: Floats, frame_rate: float, start: float) -> Floats:
    """The asked curve [F] of one clip: in place of its own curve, or added to it within 0..1."""
    frames = len(own)
    if modulator.shape.startswith("ramp"):
        u = np.linspace(0.0, 1.0, frames)
        u = u if modulator.shape == "ramp_up" else 1.0 - u
    else:
        phase = (np.arange(frames) * (modulator.speed_hz / frame_rate) + start) % 1.0
        u = np.asarray(cycle(modulator.shape, phase), dtype=np.float64)
    if modulator.mode == "added":
        return np.clip(own + 2.0 * ADDED_DEPTH * (u - 0.5), 0.0, 1.0).astype(np.float32)
    return np.asarray(LOW + (HIGH - LOW) * u, dtype=np.float32)


def published_pool(own: Floats, rng: np.random.Generator) -> Floats:
    """The publication's pool of 75 curves [75, F] for one descriptor (FRAVE.md 3.3).

    5 basic ones (middle, high, low, ramp up, ramp down), 10 sines of up to 29 radians, 10 mixes of a
    basic one and a sine, 50 mixes of two of the set's own curves `own` [N, F]. Theirs last 4.1 s at
    16 kHz, so in a shorter clip the same sines are that much faster.
    """
    frames = own.shape[1]
    x = np.linspace(-1.0, 1.0, frames)
    basic = np.stack([0.0 * x, 0.0 * x + 1.0, 0.0 * x - 1.0, x, -x])
    speeds = rng.integers(1, MOST_RADIANS + 1, (SINES, 1))
    sines = np.sin(speeds * x + rng.uniform(0.0, 2.0 * np.pi, (SINES, 1)))
    share = rng.random((SINE_MIXES, 1))
    mixed = basic[rng.integers(0, len(basic), SINE_MIXES)] * share
    mixed = mixed + sines[rng.integers(0, SINES, SINE_MIXES)] * (1.0 - share)
    invented = np.concatenate([basic, sines, mixed])
    invented = POOL_LOW + (POOL_HIGH - POOL_LOW) * (0.5 + 0.5 * invented)
    share = rng.random((DATA_MIXES, 1))
    first, second = (rng.integers(0, len(own), DATA_MIXES) for _ in range(2))
    taken = own[first] * share + own[second] * (1.0 - share)
    return np.concatenate([invented, np.clip(taken, 0.0, 1.0)]).astype(np.float32)
