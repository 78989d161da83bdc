"""The evaluation itself, for anything that can encode, decode and measure.

The figures, the four control conditions and the counted frames are those of docs/evaluation.md.
"""

from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Protocol, Sequence

import numpy as np
import numpy.typing as npt

from neurorave_device.engine.quantiles import QuantileTable

from .curves import eurorack_curves
from .metrics import (
    Array,
    Bools,
    Floats,
    buzz_index,
    follow,
    log_mel_l1,
    loudness_l1,
    mstft,
)

DESCRIPTORS = ("rms", "centroid", "bandwidth", "sharpness", "booming")
RMS = 0
COUNTED_DB = -60.0
HELD_RMS = 0.6
# What a free descriptor's value says: nothing, but a network must get a number.
NEUTRAL = 0.5
CLIP_SECONDS = 1.30
BATCH = 8

Progress = Callable[[int, int, str], None]


class Codec(Protocol):
    """A model under test; all arrays are numpy float32, N clips of F * hop samples.

    Descriptors are those of DESCRIPTORS, in this order, rms in dB.
    Whatever delay the analysis has is already taken out: frame t of latents and descriptors is
    centred on the samples t*hop .. (t+1)*hop, and the decoded audio lies on the input.
    """

    sample_rate: int
    hop: int
    latents: int
    latency_samples: int

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


class Request(NamedTuple):
    """One pass through the decoder: what is asked of every clip, and which descriptors count."""

    condition: str
    label: str
    targets: Sequence[int]
    asked: Floats
    mask: Floats


class Reference(NamedTuple):
    """The clips [N, T] with their own latents [N, F, L] and descriptors [N, F, D] (quantiles)."""

    audio: Floats
    z: Floats
    q: Floats


def clip_samples(sample_rate: int, hop: int, seconds: float = CLIP_SECONDS) -> int:
    """Length of a clip: whole frames, as near to `seconds` as they come."""
    return max(1, round(seconds * sample_rate / hop)) * hop


def donors(clips: int, turn: int) -> npt.NDArray[np.int64]:
    """For each clip another one (never itself): a rotation by about half, different for each turn."""
    shift = 1 + (clips // 2 - 1 + turn) % (clips - 1)
    return (np.arange(clips) + shift) % clips


def evaluate_codec(
    codec: Codec,
    clips: Sequence[Floats],
    quick: bool = False,
    seed: int = 0,
    ears: Optional[Ears] = None,
    progress: Optional[Progress] = None,
) -> Dict[str, Any]:
    """All figures of a codec on clips of one length (whole frames, at its rate), as plain JSON data.

    `quick` leaves out the Eurorack curves. `ears` measure the answers in place of codec.measure;
    what is asked always comes from codec.measure. Raises ValueError on fewer than two clips (another
    clip's curves and latents are needed) or on a length that is not whole frames.
    """
    audio = _stacked(clips, codec.hop)
    report = progress if progress is not None else _silent
    own = _in_batches(lambda part: codec.measure(part)[1], audio)
    reference = Reference(audio, _in_batches(codec.encode, audio), own)
    requests = control_requests(codec, reference, quick)
    total = len(requests) + 2
    report(0, total, "reconstruction")
    reconstruction, latent = _reconstruct(codec, reference, seed)
    report(2, total, requests[0].label)
    answers = []
    for done, request in enumerate(requests, start=3):
        answers.append(_answer(codec, reference, request, seed, ears))
        report(done, total, request.label)
    return {
        "clips": len(audio),
        "seconds": audio.size / codec.sample_rate,
        "reconstruction": reconstruction,
        "control": _control(codec, requests, answers),
        "latent": latent,
    }


def _silent(done: int, total: int, label: str) -> None:
    """Tell nobody."""


def _stacked(clips: Sequence[Floats], hop: int) -> Floats:
    if len(clips) < 2:
        raise ValueError(f"{len(clips)} clips; an evaluation needs 2 or more")
    if len({len(clip) for clip in clips}) != 1 or len(clips[0]) % hop:
        raise ValueError(f"clips must have one length, a multiple of the hop ({hop})")
    return np.stack([np.asarray(clip, dtype=np.float32) for clip in clips])


def _in_batches(function: Callable[[Floats], Floats], audio: Floats) -> Floats:
    return np.concatenate([function(audio[i : i + BATCH]) for i in range(0, len(audio), BATCH)])


def decode_all(codec: Codec, z: Floats, q: Floats, mask: Floats, seed: int) -> Floats:
    """Decode all clips [N, F*hop]; each batch has its own noise, the same in every pass."""
    return np.concatenate(
        [
            codec.decode(z[i : i + BATCH], q[i : i + BATCH], mask[i : i + BATCH], seed + i)
            for i in range(0, len(z), BATCH)
        ]
    )


def _reconstruct(
    codec: Codec, reference: Reference, seed: int
) -> "tuple[Dict[str, Any], Dict[str, Any]]":
    """The reconstruction block, and how much the latents are alive."""
    audio, z, q = reference
    ones = np.ones_like(q)
    rebuilt = decode_all(codec, z, q, ones, seed)
    borrowed = decode_all(codec, z[donors(len(z), 0)], q, ones, seed)
    distance = mstft(audio, rebuilt)
    strange = mstft(audio, borrowed)
    before = buzz_index(audio, codec.sample_rate, codec.hop)
    after = buzz_index(rebuilt, codec.sample_rate, codec.hop)
    figures = {
        "mstft": float(distance.mean()),
        "mstft_standard_error": float(distance.std(ddof=1) / np.sqrt(len(distance))),
        "log_mel_l1": float(log_mel_l1(audio, rebuilt, codec.sample_rate).mean()),
        "loudness_l1_db": float(loudness_l1(audio, rebuilt, codec.sample_rate).mean()),
        "latent_use": float((strange - distance).mean()),
        "buzz_db": max(after[rate] - before[rate] for rate in before),
        "buzz": [
            {"hz": rate, "original_db": before[rate], "model_db": after[rate]} for rate in before
        ],
    }
    latent = {
        "std": [float(s) for s in z.reshape(-1, z.shape[-1]).std(axis=0)],
        "probe_r2": probe_r2(z, q),
    }
    return figures, latent


def probe_r2(z: Floats, q: Floats, context: int = 2) -> Dict[str, float]:
    """How much of each descriptor a ridge regression reads from the latents (R^2, two-fold by clip).

    It sees 2 * context + 1 latent frames and their squares. Near 1: the latent repeats the
    descriptor; 0 or less: it knows nothing of it.
    """
    frames = np.pad(z, ((0, 0), (context, context), (0, 0)), mode="edge")
    parts = [frames[:, i : i + z.shape[1]] for i in range(2 * context + 1)]
    features = np.concatenate([*parts, *(np.square(p) for p in parts)], axis=-1).astype(np.float64)
    residual, spread = np.zeros(q.shape[-1]), np.zeros(q.shape[-1])
    for fold in range(2):
        held = np.arange(len(z)) % 2 == fold
        x, y = _rows(features[~held]), _rows(q[~held].astype(np.float64))
        mean, scale, offset = x.mean(axis=0), x.std(axis=0) + 1e-6, y.mean(axis=0)
        x = (x - mean) / scale
        weights = np.linalg.solve(x.T @ x + 1e-3 * len(x) * np.eye(x.shape[1]), x.T @ (y - offset))
        truth = _rows(q[held].astype(np.float64))
        guess = (_rows(features[held]) - mean) / scale @ weights + offset
        residual += np.square(truth - guess).sum(axis=0)
        spread += np.square(truth - truth.mean(axis=0)).sum(axis=0)
    return {
        name: float(1.0 - r / max(s, 1e-9)) for name, r, s in zip(DESCRIPTORS, residual, spread)
    }


def _rows(curves: Array) -> Array:
    return curves.reshape(-1, curves.shape[-1])


def control_requests(codec: Codec, reference: Reference, quick: bool) -> List[Request]:
    """Every pass of the control conditions, in order."""
    requests = list(_swaps(reference))
    if not quick:
        requests.extend(_eurorack(codec, reference))
    return requests


def _swaps(reference: Reference) -> Iterator[Request]:
    q = reference.q
    ones = np.ones_like(q)
    count = len(q)
    everything = range(len(DESCRIPTORS))
    yield Request("all_swapped", "all swapped", everything, q[donors(count, 0)], ones)
    for d, name in enumerate(DESCRIPTORS):
        kept = q.copy()
        kept[..., d] = q[donors(count, d), :, d]
        yield Request("one_kept", f"{name}, others kept", [d], kept, ones)
    for d, name in enumerate(DESCRIPTORS):
        mask = _free_but(q, d)
        asked = np.where(mask > 0.0, q, np.float32(NEUTRAL))
        asked[..., d] = q[donors(count, d), :, d]
        yield Request("one_free", f"{name}, others free", [d], asked, mask)


def _eurorack(codec: Codec, reference: Reference) -> Iterator[Request]:
    q = reference.q
    shapes = eurorack_curves(q.shape[0], q.shape[1], codec.sample_rate / codec.hop)
    for d, name in enumerate(DESCRIPTORS):
        for shape, curve in shapes.items():
            asked = np.full_like(q, NEUTRAL)
            asked[..., RMS] = HELD_RMS
            asked[..., d] = curve
            yield Request("eurorack", f"{name}, {shape}", [d], asked, _free_but(q, d))


def _free_but(q: Floats, d: int) -> Floats:
    """Mask with only rms and descriptor d asked."""
    mask = np.zeros_like(q)
    mask[..., [RMS, d]] = 1.0
    return mask


def _answer(
    codec: Codec, reference: Reference, request: Request, seed: int, ears: Optional[Ears]
) -> Array:
    """Decode a request with the clips' own latents and measure it: heard quantiles [N, F, D]."""
    audio = decode_all(codec, reference.z, request.asked, request.mask, seed)
    if ears is not None:
        return ears(audio, request.targets)
    return _in_batches(lambda part: codec.measure(part)[1], audio).astype(np.float64)


def counted_frames(codec: Codec, asked: Floats, d: int) -> Bools:
    """Frames [N, F] in which descriptor d counts: all for rms, else where the asked rms > -60 dB."""
    if d == RMS:
        return np.ones(asked.shape[:2], dtype=np.bool_)
    threshold = float(QuantileTable(codec.quantiles[RMS]).to_q(COUNTED_DB))
    return np.asarray(asked[..., RMS] > threshold)


def _control(codec: Codec, requests: List[Request], answers: List[Array]) -> Dict[str, Any]:
    """Scores by condition and descriptor; the passes of a descriptor are pooled."""
    found: Dict[str, Any] = {}
    for condition in dict.fromkeys(request.condition for request in requests):
        block: Dict[str, Any] = {}
        for d, name in enumerate(DESCRIPTORS):
            passes = [
                (r.label, r.asked[..., d], a[..., d], counted_frames(codec, r.asked, d))
                for r, a in zip(requests, answers)
                if r.condition == condition and d in r.targets
            ]
            asked, heard, counted = (np.concatenate([p[i] for p in passes]) for i in (1, 2, 3))
            block[name] = follow(asked, heard, counted)
            if condition == "eurorack":
                block[name]["curves"] = {
                    label.split(", ")[1]: follow(a, h, c)["rho"] for label, a, h, c in passes
                }
        block["mean_rho"] = _mean([block[name]["rho"] for name in DESCRIPTORS])
        if condition == "eurorack":
            block["mean_rho_by_curve"] = {
                shape: _mean([block[name]["curves"][shape] for name in DESCRIPTORS])
                for shape in block[DESCRIPTORS[0]]["curves"]
            }
        found[condition] = block
    return found


def _mean(values: "List[Optional[float]]") -> Optional[float]:
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None
