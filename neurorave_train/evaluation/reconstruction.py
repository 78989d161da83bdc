"""How well the clips come back from their own latents and descriptors."""

from typing import Any, Callable, Dict, Optional

import numpy as np

from .intervals import mean_interval, rounded
from .metrics import Array, Floats, buzz_index, log_mel_l1, loudness_l1, mstft, published_mel_l1
from .perception import loudness_distance
from .subject import Codec, Reference, decode_all, donors

# The distance of each of two sets of clips [N].
Distance = Callable[[Floats, Floats], Array]


def reconstruct(codec: Codec, reference: Reference, seed: int) -> Floats:
    """The clips [N, T] from their own latents and their own descriptors, all five asked."""
    return decode_all(codec, reference.z, reference.q, np.ones_like(reference.q), seed)


def distances(
    before: Floats, after: Floats, sample_rate: int, jnd: Optional[Distance] = None
) -> Dict[str, Array]:
    """Every distance between two sets of clips, per clip [N]."""
    loudness = loudness_distance(before, after, sample_rate)
    found = {
        "mstft": mstft(before, after),
        "log_mel_l1": log_mel_l1(before, after, sample_rate),
        "mel_l1": published_mel_l1(before, after, sample_rate),
        "loudness_l1_db": loudness_l1(before, after, sample_rate),
        "specific_loudness_sone": loudness.sone,
        "specific_loudness_relative": loudness.relative,
    }
    if jnd is not None:
        found["jnd"] = jnd(before, after)
    return found


def reconstruction_figures(
    codec: Codec,
    reference: Reference,
    rebuilt: Floats,
    seed: int,
    jnd: Optional[Distance] = None,
) -> Dict[str, Any]:
    """The reconstruction block: means over the clips, and their intervals."""
    audio, z, q = reference
    borrowed = decode_all(codec, z[donors(len(z), 0)], q, np.ones_like(q), seed)
    per_clip = distances(audio, rebuilt, codec.sample_rate, jnd)
    per_clip["latent_use"] = mstft(audio, borrowed) - per_clip["mstft"]
    before = buzz_index(audio, codec.sample_rate, codec.hop)
    after = buzz_index(rebuilt, codec.sample_rate, codec.hop)
    spread = float(per_clip["mstft"].std(ddof=1))
    figures: Dict[str, Any] = {name: float(values.mean()) for name, values in per_clip.items()}
    figures["mstft_standard_error"] = spread / float(np.sqrt(len(audio)))
    figures["buzz_db"] = max(after[rate] - before[rate] for rate in before)
    figures["buzz"] = [
        {"hz": rate, "original_db": before[rate], "model_db": after[rate]} for rate in before
    ]
    figures["intervals"] = {name: mean_interval(values) for name, values in per_clip.items()}
    figures["per_clip"] = {name: rounded(values) for name, values in per_clip.items()}
    return figures
