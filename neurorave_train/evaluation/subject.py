"""The model under test: what an evaluation needs of it, and how it is asked.

The counted frames and the donors are those of docs/evaluation.md.
"""

from typing import Callable, List, NamedTuple, Protocol, Sequence

import numpy as np
import numpy.typing as npt

from neurorave_device.engine.quantiles import QuantileTable

from ..errors import RunFailure
from .metrics import Array, Bools, Floats

DESCRIPTORS = ("rms", "centroid", "bandwidth", "sharpness", "booming")
UNITS = ("dB", "Hz", "Hz", "acum", "")
RMS = 0
COUNTED_DB = -60.0
HELD_RMS = 0.6
# What a free descriptor's value says: nothing, but a network must get a number.
NEUTRAL = 0.5
CLIP_SECONDS = 1.30
BATCH = 8

# Called with steps done, steps in all, and what comes next.
Progress = Callable[[int, int, str], None]


class Codec(Protocol):
    """A model under test; all arrays are numpy float32, N clips of F * hop samples.

    Descriptors are those of DESCRIPTORS, in this order, rms in dB.
    `follows` names the descriptors that steer it, `frees` says whether the mask can leave one free
    (otherwise its value is followed all the same).
    Whatever delay the analysis has is already taken out: frame t of latents and descriptors is
    centred on the samples t*hop .. (t+1)*hop, and the decoded audio lies on the input.
    """

    sample_rate: int
    hop: int
    latents: int
    latency_samples: int
    follows: Sequence[str]
    frees: bool

    @property
    def quantiles(self) -> Array:
        """Knots [D, 25] in physical units; a plain attribute will do."""
        ...

    def encode(self, audio: Floats) -> Floats:
        """Latents [N, F, L] of audio [N, F*hop]."""
        ...

    def decode(self, z: Floats, q: Floats, mask: Floats, seed: int) -> Floats:
        """Audio [N, F*hop] of latents [N, F, L], asked quantiles [N, F, D] and mask (1 = asked)."""
        ...

    def measure(self, audio: Floats) -> "tuple[Floats, Floats]":
        """Descriptors of audio [N, F*hop] in physical units and in quantile units, [N, F, D] both."""
        ...


# Measures only the wanted descriptors: (audio [N, T], their indices) -> [N, F, D] quantile units.
Ears = Callable[[Floats, Sequence[int]], Array]


class Reference(NamedTuple):
    """The clips [N, T] with their own latents [N, F, L] and descriptors [N, F, D] (quantiles)."""

    audio: Floats
    z: Floats
    q: Floats


def refer(codec: Codec, clips: Sequence[Floats]) -> Reference:
    """Clips of one length with what the codec finds in them.

    Raises ValueError on fewer than two clips (another clip's curves and latents are needed) or on a
    length that is not whole frames.
    """
    if len(clips) < 2:
        raise ValueError(f"{len(clips)} clips; an evaluation needs 2 or more")
    if len({len(clip) for clip in clips}) != 1 or len(clips[0]) % codec.hop:
        raise ValueError(f"clips must have one length, a multiple of the hop ({codec.hop})")
    audio = np.stack([np.asarray(clip, dtype=np.float32) for clip in clips])
    z, q = encode_all(codec, audio), measure_all(codec, audio)
    if not np.isfinite(z).all():
        raise RunFailure("the encoder answers NaN or infinity; nothing can be measured with it.")
    # What cannot be measured cannot be asked: it stands still, and is excluded for that.
    return Reference(audio, z, np.where(np.isfinite(q), q, np.float32(NEUTRAL)))


def followed(codec: Codec) -> List[int]:
    """Indices of the descriptors that steer the model."""
    return [d for d, name in enumerate(DESCRIPTORS) if name in codec.follows]


def clip_samples(sample_rate: int, hop: int, seconds: float = CLIP_SECONDS) -> int:
    """Length of a clip: whole frames, as near to `seconds` as they come."""
    return max(1, round(seconds * sample_rate / hop)) * hop


def donors(clips: int, turn: int) -> npt.NDArray[np.int64]:
    """For each clip another one (never itself): a rotation by about half, different for each turn."""
    shift = 1 + (clips // 2 - 1 + turn) % (clips - 1)
    return (np.arange(clips) + shift) % clips


def in_batches(function: Callable[[Floats], Floats], audio: Floats) -> Floats:
    """The function's results [N, ...] for audio [N, T], a few clips at a time."""
    return np.concatenate([function(audio[i : i + BATCH]) for i in range(0, len(audio), BATCH)])


def encode_all(codec: Codec, audio: Floats) -> Floats:
    """Latents [N, F, L] of all clips."""
    return in_batches(codec.encode, audio)


def measure_all(codec: Codec, audio: Floats) -> Floats:
    """Descriptors [N, F, D] of all clips in quantile units, by the codec's own meter."""
    return in_batches(lambda part: codec.measure(part)[1], audio)


def decode_all(codec: Codec, z: Floats, q: Floats, mask: Floats, seed: int) -> Floats:
    """Decode all clips [N, F*hop]; each batch has its own noise, the same in every pass.

    Raises RunFailure where the decoder's sound is not finite.
    """
    audio = np.concatenate(
        [
            codec.decode(z[i : i + BATCH], q[i : i + BATCH], mask[i : i + BATCH], seed + i)
            for i in range(0, len(z), BATCH)
        ]
    )
    if not np.isfinite(audio).all():
        raise RunFailure("the decoder answers NaN or infinity; nothing can be measured of it.")
    return audio


def counted_frames(codec: Codec, asked: Floats, d: int) -> Bools:
    """Frames [N, F] in which descriptor d counts: all for rms, else where the asked rms > -60 dB."""
    if d == RMS:
        return np.ones(asked.shape[:2], dtype=np.bool_)
    threshold = float(QuantileTable(codec.quantiles[RMS]).to_q(COUNTED_DB))
    return np.asarray(asked[..., RMS] > threshold)
