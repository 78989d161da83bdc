"""Timbre transfer: the sound of another set played by this model, and how much of it moves or stays."""

from typing import Any, Dict, NamedTuple, Sequence

import numpy as np

from .intervals import mean_interval
from .metrics import Array, Floats, follow, log_mel, pearson
from .realism import CEPSTRA, Realism, cepstra, describe, frechet
from .subject import DESCRIPTORS, NEUTRAL, RMS, Codec, counted_frames, decode_all, refer

ALL, SOME = "all five descriptors asked", "all descriptors that it follows asked"
AUDIBLE_MEL_DB = -75.0
# The envelope whose movement should survive: pieces of 256 samples, down to -60 dB.
PIECE = 256
QUIETEST_DB = -60.0


class Transferred(NamedTuple):
    """Clips of the other set [N, T] and what the model makes of them, by mode."""

    source: Floats
    results: Dict[str, Floats]


def modes(codec: Codec) -> Dict[str, str]:
    """How another set can be played with this model: with rms alone only where the rest can be free."""
    if not codec.follows:
        return {"all": "its latents alone"}
    found = {"all": ALL if len(codec.follows) == len(DESCRIPTORS) else SOME}
    if codec.frees and DESCRIPTORS[RMS] in codec.follows and len(codec.follows) > 1:
        found["rms"] = "only rms asked, the colour is the model's"
    return found


def transfer(codec: Codec, clips: Sequence[Floats], seed: int) -> "tuple[Transferred, Floats]":
    """Play another set's clips with the codec; also returns the asked quantiles [N, F, D].

    The other set's descriptors are put on this model's scale and limited to it.
    """
    source = refer(codec, clips)
    asked = np.clip(source.q, 0.0, 1.0)
    results = {}
    for mode in modes(codec):
        mask = np.ones_like(asked)
        if mode == "rms":
            mask[...] = 0.0
            mask[..., RMS] = 1.0
        values = np.where(mask > 0.0, asked, np.float32(NEUTRAL))
        results[mode] = decode_all(codec, source.z, values, mask, seed)
    return Transferred(source.audio, results), asked


def transfer_figures(
    codec: Codec, home: Floats, realism: Realism, clips: Sequence[Floats], seed: int
) -> Dict[str, Any]:
    """What is kept of the other set's clips and how far their timbre moves towards `home` [N, T].

    `timbre_moved` is 1 where the result's mel cepstra are distributed as those of the model's own
    recordings, 0 where they are as far from them as the source was.
    """
    found, asked = transfer(codec, clips, seed)
    own, source = (_timbre(part, codec.sample_rate) for part in (home, found.source))
    scale = np.maximum(own.std(axis=0), 1e-3)
    before = frechet(own, source, scale)
    figures: Dict[str, Any] = {
        "clips": len(clips),
        "timbre_distance_source": before,
        "realism_source": realism.block([describe(found.source, codec.sample_rate)]),
    }
    for mode, audio in found.results.items():
        heard = codec.measure(audio)[1].astype(np.float64)
        kept = {name: _kept(codec, asked, heard, d) for d, name in enumerate(DESCRIPTORS)}
        modulation = _modulation_kept(found.source, audio)
        timbre = _timbre(audio, codec.sample_rate)
        after = frechet(own, timbre, scale)
        figures[mode] = {
            "what": modes(codec)[mode],
            "descriptors_kept": kept,
            "modulation_kept": float(modulation.mean()),
            "modulation_kept_interval": mean_interval(modulation),
            "timbre_distance": after,
            "timbre_distance_to_source": frechet(source, timbre, scale),
            "timbre_moved": 1.0 - after / before if before > 0.0 else None,
            "realism": realism.block([describe(audio, codec.sample_rate)]),
        }
    return figures


def _kept(codec: Codec, asked: Floats, heard: Array, d: int) -> Dict[str, Any]:
    found = follow(asked[..., d], heard[..., d], counted_frames(codec, asked, d))
    return {key: found[key] for key in ("rho", "l1_quantile", "frames")}


def _modulation_kept(before: Floats, after: Floats) -> Array:
    """Pearson of the envelopes in dB of each clip [N]; 0 where the source does not move."""
    pairs = zip(_envelope_db(before), _envelope_db(after))
    return np.array([pearson(a, b) or 0.0 for a, b in pairs])


def _envelope_db(clips: Floats) -> Array:
    pieces = clips[:, : clips.shape[1] // PIECE * PIECE].reshape(len(clips), -1, PIECE)
    power = np.square(pieces, dtype=np.float64).mean(axis=2)
    return np.asarray(10.0 * np.log10(np.maximum(power, 10.0 ** (QUIETEST_DB / 10.0))))


def _timbre(clips: Floats, sample_rate: int) -> Array:
    """Mel cepstra [frames, 8] of the frames that can be heard: the shape of spectra without level."""
    mel = log_mel(clips, sample_rate)
    heard = mel.max(axis=2) > AUDIBLE_MEL_DB
    rows = cepstra(mel[heard], CEPSTRA)
    # Two rows are the least that have a covariance.
    return rows if len(rows) > 1 else np.zeros((2, CEPSTRA))
