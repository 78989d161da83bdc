"""Bundle facts made by hand for the tests of the control layer."""

from typing import Tuple

import numpy as np

from neurorave_device.engine.info import BundleInfo, DescriptorInfo, GuardInfo
from neurorave_device.parameters import DESCRIPTORS

UNITS = ("dB", "Hz", "Hz", "acum", "ratio")
LIMIT = 3.6
RATE = 0.2


def knots(low: float, high: float) -> Tuple[float, ...]:
    """Return 25 evenly spaced knots."""
    return tuple(np.linspace(low, high, 25).tolist())


def correlations(seed: int = 0) -> np.ndarray:
    """Return a covariance like that of drums: centroid and bandwidth nearly alike, loudness against
    brightness, booming against sharpness; each descriptor spread as evenly over 0..1."""
    wanted = np.eye(5)
    pairs = {(0, 1): -0.6, (0, 2): -0.7, (1, 2): 0.9, (1, 3): 0.8, (2, 3): 0.7, (3, 4): -0.75}
    pairs.update({(1, 4): -0.6, (2, 4): -0.5, (0, 3): -0.4, (0, 4): 0.3})
    for (row, column), value in pairs.items():
        wanted[row, column] = wanted[column, row] = value
    if seed:
        # Any mixture of the table with a random correlation is a possible set too.
        random = np.random.RandomState(seed)
        mixed = random.randn(5, 7)
        other = mixed @ mixed.T
        scale = np.sqrt(np.diag(other))
        wanted = 0.4 * wanted + 0.6 * other / np.outer(scale, scale)
    values, vectors = np.linalg.eigh(wanted)
    safe = (vectors * np.maximum(values, 0.02)) @ vectors.T
    scale = np.sqrt(np.diag(safe))
    return safe / np.outer(scale, scale) / 12.0


def make_guard_info(seed: int = 0, limit: float = LIMIT, rate: float = RATE) -> GuardInfo:
    """Return the guard's facts of a made-up training set."""
    rows = tuple(tuple(row) for row in correlations(seed).tolist())
    return GuardInfo((0.5,) * 5, rows, limit, (rate,) * 5)


def make_bundle() -> BundleInfo:
    """Return a bundle whose loudness runs from -80 to -14 dB and whose latent 0 from -2 to 3."""
    return BundleInfo(
        name="by hand",
        author="tests",
        version="1.0.0",
        licence="MIT",
        description="made by hand",
        sample_rate=44100,
        hop=512,
        latents=2,
        descriptors=tuple(
            DescriptorInfo(name, unit, knots(-80.0, -14.0) if unit == "dB" else knots(0.0, 1.0))
            for name, unit in zip(DESCRIPTORS, UNITS)
        ),
        latent_quantiles=(knots(-2.0, 3.0), knots(-1.0, 1.0)),
        guard=make_guard_info(),
        latency_samples=768,
        parameters=1,
        mac_per_second=1.0,
    )
