"""Cycle consistency: a clip that was given other curves, heard again and given its own ones back."""

from typing import Any, Dict, Optional

import numpy as np

from .intervals import mean_interval
from .metrics import Floats
from .reconstruction import Distance, distances
from .subject import Codec, Reference, decode_all, encode_all


def cycle_figures(
    codec: Codec,
    reference: Reference,
    rebuilt: Floats,
    swapped: Floats,
    seed: int,
    jnd: Optional[Distance] = None,
) -> Dict[str, Any]:
    """How far x'' = decode(encode(y), own curves) is from the clips x, y being `swapped` [N, T].

    For a model that nothing steers y is its reconstruction.

    `over_reconstruction` is what the detour through other curves adds to the distance of the direct
    way (`rebuilt`). `latent_r2` says how much of the latents is heard again in y.
    """
    again = encode_all(codec, swapped)
    back = decode_all(codec, again, reference.q, np.ones_like(reference.q), seed)
    per_clip = distances(reference.audio, back, codec.sample_rate, jnd)
    direct = distances(reference.audio, rebuilt, codec.sample_rate, jnd)
    rows = reference.z.reshape(-1, reference.z.shape[-1]).astype(np.float64)
    residual = np.square(rows - again.reshape(rows.shape)).sum()
    spread = np.square(rows - rows.mean(axis=0)).sum()
    figures: Dict[str, Any] = {name: float(values.mean()) for name, values in per_clip.items()}
    figures["over_reconstruction"] = {
        name: float((per_clip[name] - direct[name]).mean()) for name in per_clip
    }
    figures["latent_r2"] = float(1.0 - residual / max(float(spread), 1e-9))
    figures["intervals"] = {name: mean_interval(values) for name, values in per_clip.items()}
    return figures
