"""Distances between two sets of clips, and the correlations between asked and heard curves.

Everything is numpy on [N, T] clips and gives one figure per clip, unless it says otherwise.
"""

from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import numpy.typing as npt
from scipy.fft import next_fast_len, rfft
from scipy.ndimage import uniform_filter1d
from scipy.signal import hilbert
from scipy.stats import rankdata

Array = npt.NDArray[np.floating[Any]]
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

WINDOWS = (2048, 1024, 512, 256, 128)
LOG_EPSILON = 1e-7
MEL_BANDS = 64
MEL_WINDOW, MEL_HOP = 2048, 512
PUBLISHED_MELS = 512
# Frames and bands below this count as equally silent: dither must not decide a distance.
FLOOR_DB = -90.0
BUZZ_MULTIPLES = (1, 2, 4, 8)
BUZZ_PIECE_HOPS = 48
BUZZ_NEAR, BUZZ_FAR = 3, 10
BUZZ_LEVEL_DB = -60.0
# Curves with less spread than this are constant, and a constant correlates with nothing.
CONSTANT = 1e-4


def hann(n: int) -> Floats:
    """A periodic Hann window [n]."""
    return (0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(n) / n)).astype(np.float32)


def magnitudes(clips: Floats, n: int, hop: int) -> Floats:
    """STFT magnitudes [N, frames, n/2+1] times n^-1/2; Hann, centred, mirrored at both ends."""
    padded = np.pad(clips, ((0, 0), (n // 2, n // 2)), mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, n, axis=1)[:, ::hop]
    spectrum = rfft(frames * (hann(n) / np.float32(np.sqrt(n))), axis=-1)
    return np.asarray(np.abs(spectrum), dtype=np.float32)


def mstft(reference: Floats, clips: Floats) -> Array:
    """Multi-scale STFT distance of each clip [N] (FRAVE.md 1.8, the norm taken per clip).

    For each window: spectral convergence plus the mean difference of the natural log magnitudes.
    """
    total = np.zeros(len(reference))
    # Clip by clip: the short windows of all clips at once would not fit a processor's cache.
    for i, (x, y) in enumerate(zip(reference[:, None], clips[:, None])):
        for n in WINDOWS:
            a, b = magnitudes(x, n, n // 4), magnitudes(y, n, n // 4)
            norm = max(float(np.linalg.norm(a)), LOG_EPSILON)
            ratio = (a + np.float32(LOG_EPSILON)) / (b + np.float32(LOG_EPSILON))
            total[i] += float(np.linalg.norm(a - b)) / norm + float(np.abs(np.log(ratio)).mean())
    return total


def triangles(bands: int, n: int, sample_rate: int) -> Floats:
    """Triangles [bands, n/2+1] of height 1, evenly spaced on the HTK mel scale from 0 to Nyquist."""
    top = 2595.0 * np.log10(1.0 + sample_rate / 2.0 / 700.0)
    edges = 700.0 * (10.0 ** (np.linspace(0.0, top, bands + 2) / 2595.0) - 1.0)
    bins = np.arange(n // 2 + 1) * (sample_rate / n)
    rise = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0.0, np.minimum(rise, fall)).astype(np.float32)


def mel_bank(bands: int, n: int, sample_rate: int) -> Floats:
    """The triangles, each of sum 1: a band is the mean power of its bins, so that white dither is
    equally loud in all.
    """
    bank = triangles(bands, n, sample_rate)
    return np.asarray(bank / np.maximum(bank.sum(axis=1, keepdims=True), 1e-9))


def a_weights(frequencies: Array) -> Array:
    """Power gain of the A curve (IEC 61672-1) at `frequencies` in Hz; 1 at 1 kHz."""
    f2 = np.square(frequencies)
    gain = 12194.0**2 * f2**2 / (f2 + 20.6**2) / (f2 + 12194.0**2)
    gain = gain / np.sqrt((f2 + 107.7**2) * (f2 + 737.9**2))
    return np.asarray(np.square(gain * 10.0 ** (2.0 / 20.0)))


def decibels(power: Array) -> Array:
    """Power in dB, nothing below FLOOR_DB."""
    return np.asarray(10.0 * np.log10(np.maximum(power, 10.0 ** (FLOOR_DB / 10.0))))


def log_mel(clips: Floats, sample_rate: int) -> Array:
    """Mel spectrogram [N, frames, 64] in dB: mean power of a band, window 2048, hop 512, floor -90 dB."""
    power = np.square(magnitudes(clips, MEL_WINDOW, MEL_HOP))
    return decibels(power @ mel_bank(MEL_BANDS, MEL_WINDOW, sample_rate).T)


def log_mel_l1(reference: Floats, clips: Floats, sample_rate: int) -> Array:
    """Mean absolute difference of the mel spectrograms of each clip [N], in dB."""
    difference = log_mel(reference, sample_rate) - log_mel(clips, sample_rate)
    return np.asarray(np.abs(difference).mean(axis=(1, 2)))


def loudness_l1(reference: Floats, clips: Floats, sample_rate: int) -> Array:
    """Mean absolute difference of the A-weighted frame level of each clip [N], in dB."""
    return np.asarray(
        np.abs(_loudness(reference, sample_rate) - _loudness(clips, sample_rate)).mean(axis=1)
    )


def _loudness(clips: Floats, sample_rate: int) -> Array:
    """A-weighted mean square [N, frames] in dB re full scale, floor -90 dB."""
    power = np.square(magnitudes(clips, MEL_WINDOW, MEL_HOP))
    weights = a_weights(np.arange(MEL_WINDOW // 2 + 1) * (sample_rate / MEL_WINDOW))
    scale = 2.0 / float(np.square(hann(MEL_WINDOW)).sum())
    return decibels(power @ (weights * scale))


def published_mel_l1(reference: Floats, clips: Floats, sample_rate: int) -> Array:
    """Mean absolute difference of power mel spectrograms of each clip [N], as the publication has it.

    512 HTK triangles of height 1 (many are empty), window 2048, hop 512, no logarithm: it depends on
    gain and sample rate, so it can only be compared within a set (FRAVE.md 3.3).
    """
    # Its spectra are not scaled by n^-1/2.
    bank = triangles(PUBLISHED_MELS, MEL_WINDOW, sample_rate).T * np.float32(MEL_WINDOW)
    found = np.zeros(len(reference))
    for i, (x, y) in enumerate(zip(reference[:, None], clips[:, None])):
        before, after = (np.square(magnitudes(part, MEL_WINDOW, MEL_HOP)) for part in (x, y))
        found[i] = float(np.abs((before - after) @ bank).mean())
    return found


def buzz_index(clips: Floats, sample_rate: int, hop: int) -> Dict[float, float]:
    """How far the envelope spectrum stands out at the frame rate, in dB, mean of the clips.

    Keys are the frame rate and its double, quadruple and octuple in Hz. The envelope of a clip is
    levelled by its own mean over 0.1 s and cut in pieces of 48 frames (so that each rate falls on a
    bin), whose power spectra are averaged. The index of a clip is the largest of the three bins
    around the rate over the median of the bins 3 to 10 away on both sides: 1 to 3 dB in noise, far
    more where the sound flutters at that rate. Pieces and clips count less the further they lie under
    -60 dBFS, without a step, so that a small change of level changes nothing.
    """
    hops = min(BUZZ_PIECE_HOPS, clips.shape[1] // hop)
    if hops <= BUZZ_FAR:
        raise ValueError(
            f"a clip of {hops} frames is too short to tell a flutter from its neighbours"
        )
    spectra, weights = [], []
    for clip in clips:
        found, heard = _envelope_spectra(clip, sample_rate, hops * hop)
        if sum(heard) > 0.0:
            spectra.append(np.average(found, axis=0, weights=heard))
            weights.append(np.mean(heard))
    if not spectra:
        return {sample_rate / hop * m: 0.0 for m in BUZZ_MULTIPLES}
    return {
        sample_rate / hop * m: float(
            np.average([_peak(s, hops * m) for s in spectra], weights=weights)
        )
        for m in BUZZ_MULTIPLES
    }


def _peak(spectrum: Array, k: int) -> float:
    """Level of the bins around k over their neighbours, in dB."""
    below = spectrum[k - BUZZ_FAR : k - BUZZ_NEAR + 1]
    above = spectrum[k + BUZZ_NEAR : k + BUZZ_FAR + 1]
    peak = spectrum[k - 1 : k + 2].max()
    return float(10.0 * np.log10(peak / np.median(np.concatenate((below, above)))))


def _envelope_spectra(
    clip: Floats, sample_rate: int, piece: int
) -> Tuple[List[Array], List[float]]:
    """Power spectra of the levelled envelope of each piece, over their median, and their weights."""
    padded = next_fast_len(len(clip))
    envelope = np.abs(hilbert(clip.astype(np.float64), padded))[: len(clip)]
    slow = uniform_filter1d(envelope, max(1, int(0.1 * sample_rate)), mode="nearest")
    level = envelope / np.maximum(slow, 1e-9) - 1.0
    spectra, weights = [], []
    for start in range(0, len(clip) - piece + 1, piece // 2):
        energy = float(np.mean(np.square(clip[start : start + piece])))
        part = level[start : start + piece]
        power = np.square(np.abs(rfft((part - part.mean()) * hann(piece))))
        typical = float(np.median(power))
        if energy > 0.0 and typical > 0.0:
            spectra.append(power / typical)
            weights.append(energy / (energy + 10.0 ** (BUZZ_LEVEL_DB / 10.0)))
    return spectra, weights


def buzz_excess(reference: Floats, clips: Floats, sample_rate: int, hop: int) -> float:
    """Largest buzz index of the clips over that of the reference, in dB."""
    before, after = buzz_index(reference, sample_rate, hop), buzz_index(clips, sample_rate, hop)
    return max(after[rate] - before[rate] for rate in before)


def pearson(x: Array, y: Array) -> Optional[float]:
    """Pearson correlation; None where x is constant, 0 where only y is (it follows nothing)."""
    if len(x) < 2 or float(np.std(x)) < CONSTANT:
        return None
    if float(np.std(y)) < CONSTANT:
        return 0.0
    return float(np.corrcoef(x, y)[0, 1])


def follow(asked: Array, heard: Array, counted: Bools) -> Dict[str, Optional[float]]:
    """How one descriptor follows what was asked, over the counted frames of [N, frames] curves.

    Values are quantile units. rho: Pearson over all clips' frames together; rho_clip_median: median
    of the Pearson of each clip whose asked curve is not constant; spearman: Pearson of the ranks;
    l1_quantile: mean absolute difference; gain: how far heard moves for a step of 1 asked (slope of
    the straight line through all frames); rho_rescaled: (rho + 1) / 2; also frames and
    constant_clips.
    """
    counted = counted & np.isfinite(heard)
    x, y = asked[counted].astype(np.float64), heard[counted].astype(np.float64)
    rho = pearson(x, y)
    ranks = None if rho is None else pearson(rankdata(x), rankdata(y))
    per_clip = [pearson(a[c], h[c]) for a, h, c in zip(asked, heard, counted)]
    known = [r for r in per_clip if r is not None]
    return {
        "rho": rho,
        "rho_clip_median": float(np.median(known)) if known else None,
        "spearman": ranks,
        "l1_quantile": float(np.abs(x - y).mean()) if len(x) else None,
        "gain": None if rho is None else float(np.cov(x, y, bias=True)[0, 1] / np.var(x)),
        "rho_rescaled": None if rho is None else (rho + 1.0) / 2.0,
        "frames": len(x),
        "constant_clips": len(per_clip) - len(known),
    }
