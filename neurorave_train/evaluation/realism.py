"""Whether sound is like the recordings: the Frechet distance of descriptor and modulation statistics.

A knob that does as it is told may still make a sound that no drum makes. Windows of sound are
described by numbers that the model was mostly not trained on; two sets of windows are compared as
two Gaussians.
"""

import itertools
from typing import Any, Callable, Dict, List, NamedTuple, Sequence

import numpy as np
import torch
from scipy.signal import fftconvolve, firwin

from .metrics import MEL_BANDS, Array, Floats, decibels, mel_bank
from .perception import loudness_meter

HOP, WINDOW = 512, 2048
# Windows of 24 frames (0.28 s at 44.1 kHz), a third further each time.
FRAMES, STRIDE = 24, 8
AUDIBLE_DB, SILENT_DB = -60.0, -70.0
# At least this many frames of a window must be audible.
LEAST_AUDIBLE = 4
CEPSTRA = 8
ENVELOPE_HOP = 64
MODULATION_EDGES_HZ = (4.0, 16.0, 32.0, 64.0, 128.0, 300.0)
# Independent windows that a covariance needs; of fewer nothing can be said.
LEAST_WINDOWS = 40

FRAME_NAMES = (
    "rms dB",
    "centroid log2 Hz",
    "bandwidth log2 Hz",
    "sharpness",
    "booming",
    "roll-off log2 Hz",
    "flatness dB",
    "flux dB",
    *(f"mel cepstrum {i}" for i in range(1, CEPSTRA + 1)),
)
FEATURES = (
    *(f"mean {name}" for name in FRAME_NAMES),
    *(f"spread {name}" for name in FRAME_NAMES[:5]),
    *(f"modulation {a:g}-{b:g} Hz dB" for a, b in itertools.pairwise(MODULATION_EDGES_HZ)),
    "crest dB",
    "fastest rise dB",
)


class Windows(NamedTuple):
    """Descriptions [W, K] of the audible windows, and the clip [W] that each belongs to."""

    rows: Array
    clip: Any


def describe(clips: Floats, sample_rate: int) -> Windows:
    """Describe clips [N, T] by FEATURES, window by window; windows of silence are left out."""
    frames = _frames(clips, sample_rate)
    envelopes = _envelopes(clips)
    bands = _modulation(envelopes, sample_rate / ENVELOPE_HOP)
    rows: List[Array] = []
    owners: List[int] = []
    for i, clip in enumerate(clips):
        for row in _windows(clip, frames[i], envelopes[i], bands[:, i]):
            rows.append(row)
            owners.append(i)
    table = np.stack(rows) if rows else np.zeros((0, len(FEATURES)))
    return Windows(table, np.array(owners, dtype=np.int64))


def _windows(clip: Floats, frames: Array, envelope: Array, bands: Array) -> List[Array]:
    audible = frames[:, 0] > AUDIBLE_DB
    frames[:, 0] = np.maximum(frames[:, 0], SILENT_DB)
    per_frame = HOP // ENVELOPE_HOP
    found = []
    for start in range(0, max(1, len(frames) - FRAMES + 1), STRIDE):
        part, heard = frames[start : start + FRAMES], audible[start : start + FRAMES]
        if heard.sum() < LEAST_AUDIBLE:
            continue
        # Loudness counts everywhere, the colour of what cannot be heard nowhere.
        mean = np.concatenate([part[:, :1].mean(axis=0), part[heard, 1:].mean(axis=0)])
        spread = np.concatenate([part[:, :1].std(axis=0), part[heard, 1:5].std(axis=0)])
        span = slice(start * per_frame, (start + FRAMES) * per_frame)
        power = float(np.square(envelope[span]).mean())
        moving = decibels(np.square(bands[:, span]).mean(axis=1) / max(power, 1e-12))
        sound = clip[start * HOP : (start + FRAMES) * HOP]
        level = float(np.sqrt(np.square(sound, dtype=np.float64).mean()))
        crest = 20.0 * np.log10(max(float(np.abs(sound).max()), 1e-6) / max(level, 1e-6))
        rise = float(np.diff(part[:, 0]).max()) if len(part) > 1 else 0.0
        found.append(np.concatenate([mean, spread, moving, [crest, rise]]))
    return found


def _frames(clips: Floats, sample_rate: int) -> Array:
    """FRAME_NAMES of each frame [N, F, 16]."""
    meter = loudness_meter(sample_rate)
    bank = mel_bank(MEL_BANDS, WINDOW, sample_rate).T
    found = []
    for clip in clips:
        with torch.no_grad():
            audio = torch.from_numpy(np.ascontiguousarray(clip))[None]
            own = meter(audio)[0].double().numpy()
            power = meter.power_spectra(audio)[0].double().numpy() + 1e-16
        own[:, 1:3] = np.log2(np.maximum(own[:, 1:3], 1.0))
        gathered = np.cumsum(np.sqrt(power), axis=1)
        bins = (gathered < 0.85 * gathered[:, -1:]).sum(axis=1) + 1
        rolloff = np.log2(bins * sample_rate / WINDOW)
        flatness = 10.0 * (np.log10(power).mean(axis=1) - np.log10(power.mean(axis=1)))
        # A bin of white noise then holds its mean square, as in log_mel.
        mel = decibels(power @ bank * (WINDOW / 2))
        flux = np.maximum(np.diff(mel, axis=0, prepend=mel[:1]), 0.0).mean(axis=1)
        others = np.stack([rolloff, flatness, flux], axis=1)
        found.append(np.concatenate([own, others, cepstra(mel, CEPSTRA)], axis=1))
    return np.stack(found)


def cepstra(mel: Array, count: int) -> Array:
    """Mel cepstrum 1 .. count [F, count] of mel levels [F, bands] in dB: shape without level."""
    bands = mel.shape[1]
    angle = np.pi * np.outer(np.arange(bands) + 0.5, np.arange(1, count + 1)) / bands
    return np.asarray(mel @ np.cos(angle) * (2.0 / bands))


def _envelopes(clips: Floats) -> Array:
    """Root mean square of pieces of 64 samples [N, pieces]."""
    whole = clips.shape[1] // ENVELOPE_HOP * ENVELOPE_HOP
    pieces = clips[:, :whole].reshape(len(clips), -1, ENVELOPE_HOP)
    return np.asarray(np.sqrt(np.square(pieces, dtype=np.float64).mean(axis=2)))


def _modulation(envelopes: Array, rate: float) -> Array:
    """The envelopes in each modulation band [bands, N, pieces]."""
    found = []
    for low, high in itertools.pairwise(MODULATION_EDGES_HZ):
        top = min(high, 0.49 * rate)
        if low >= top:
            found.append(np.zeros_like(envelopes))
            continue
        taps = int(min(envelopes.shape[1] // 2, 1.5 * rate / low)) * 2 + 1
        kernel = firwin(taps, [low, top], pass_zero=False, fs=rate)[None]
        found.append(fftconvolve(envelopes, kernel, mode="same", axes=1))
    return np.stack(found)


def frechet(first: Array, second: Array, scale: Array) -> float:
    """Frechet distance of two sets of rows [W, K] taken as Gaussians, each column over `scale`."""
    a, b = first / scale, second / scale
    gap = a.mean(axis=0) - b.mean(axis=0)
    one, two = (np.atleast_2d(np.cov(part, rowvar=False)) for part in (a, b))
    values, axes = np.linalg.eigh(one)
    root = (axes * np.sqrt(np.maximum(values, 0.0))) @ axes.T
    mixed = np.linalg.eigvalsh(root @ two @ root)
    overlap = 2.0 * float(np.sqrt(np.maximum(mixed, 0.0)).sum())
    return float(gap @ gap + np.trace(one) + np.trace(two) - overlap)


class Realism:
    """The real clips, described once, and how far other sets of clips are from them."""

    def __init__(self, clips: Floats, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self.clips = len(clips)
        self.real = describe(clips, sample_rate)
        self.known = len(self.real.rows) >= LEAST_WINDOWS
        spread = self.real.rows.std(axis=0) if self.known else np.ones(len(FEATURES))
        # A feature that never moves in the recordings is not allowed to decide alone.
        self.scale = np.maximum(spread, np.maximum(1e-3, 0.02 * np.median(spread)))

    def block(self, passes: Sequence[Windows]) -> Dict[str, Any]:
        """Mean distance of passes of the same clips, with its standard error (jackknife over clips).

        `distance` is null where there is too little audible sound. All passes have the same number of
        clips, so that the distance's own bias is the same for all conditions.
        """
        usable = [part for part in passes if len(part.rows) >= LEAST_WINDOWS]
        if not self.known or not usable:
            return {"distance": None, "standard_error": None, "windows": 0}
        return {
            "distance": self._without(usable, -1),
            "standard_error": _jackknife(self.clips, lambda i: self._without(usable, i)),
            "windows": int(np.mean([len(part.rows) for part in usable])),
        }

    def change(self, before: Sequence[Windows], after: Sequence[Windows]) -> Dict[str, Any]:
        """How much nearer (negative) or further `after` is than `before`, pass by pass, clip by clip.

        The standard error is that of the difference: the same clips are left out on both sides.
        """
        pairs = [
            (a, b) for a, b in zip(before, after) if min(len(a.rows), len(b.rows)) >= LEAST_WINDOWS
        ]
        if not self.known or not pairs:
            return {"distance": None, "standard_error": None}
        first, second = ([pair[side] for pair in pairs] for side in (0, 1))

        def difference(clip: int) -> float:
            return self._without(second, clip) - self._without(first, clip)

        return {
            "distance": difference(-1),
            "standard_error": _jackknife(self.clips, difference),
        }

    def _without(self, passes: Sequence[Windows], clip: int) -> float:
        # No clip has the number -1: then all of them count.
        real = self.real.rows[self.real.clip != clip]
        return float(np.mean([frechet(real, p.rows[p.clip != clip], self.scale) for p in passes]))

    def halves(self) -> "float | None":
        """The distance between every second real clip and the others: what chance alone makes."""
        even = self.real.clip % 2 == 0
        if not self.known or min(even.sum(), (~even).sum()) < LEAST_WINDOWS // 2:
            return None
        return frechet(self.real.rows[even], self.real.rows[~even], self.scale)


def _jackknife(count: int, without: Callable[[int], float]) -> float:
    left = np.array([without(i) for i in range(count)])
    return float(np.sqrt((count - 1) / count * np.square(left - left.mean()).sum()))
