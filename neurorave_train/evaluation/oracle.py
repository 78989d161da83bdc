"""Other people's meters for the control figures: librosa, MoSQITo and timbral_models.

librosa gives rms, centroid and bandwidth from its own STFT. MoSQITo gives specific loudness
(ISO 532-1, stationary, by segment) and from it sharpness (DIN 45692); timbral_models turns the
same specific loudness into the booming index, whose scale is that of FRAVE.md 2.3.
"""

from typing import Any, Dict, Sequence

import numpy as np
import soxr

from neurorave_device.engine.quantiles import QuantileTable

from .metrics import Array, Floats, pearson
from .subject import DESCRIPTORS, Codec, counted_frames

WINDOW = 2048
LOUDNESS_RATE = 48000
# Full scale rms 1.0 is 100 dB SPL, in pascal.
PASCAL = 2e-5 * 10.0 ** (100.0 / 20.0)
BOOMING_SCALE = 43.674
SILENT = 1e-10
# MoSQITo calls a sharpness below this loudness (sone) zero, whatever the spectrum.
SILENT_SONE = 0.1


class OracleEars:
    """Measures audio [N, T] into quantile units [N, F, D] with the oracles; NaN where it cannot.

    `tables` [D, 25] are the model's own quantile tables. `skipped` says in words which descriptor has
    no oracle here. Frames lie as those of Codec.measure. One thread at a time.
    """

    def __init__(self, sample_rate: int, hop: int, tables: Array) -> None:
        self.sample_rate, self.hop = sample_rate, hop
        self.tables = [QuantileTable(row) for row in tables]
        self.skipped: Dict[str, str] = {}
        self._booming_index: Any = None
        try:
            from timbral_models.Timbral_Booming import boominess_calculate
        except ImportError as error:
            self.skipped["booming"] = f"skipped: timbral_models cannot be imported ({error})"
        else:
            self._booming_index = boominess_calculate

    def __call__(self, audio: Floats, targets: Sequence[int]) -> Array:
        """Quantile units [N, F, D]; descriptors outside `targets` are NaN."""
        values = self.values(audio, targets)
        for d in targets:
            values[..., d] = self.tables[d].to_q(values[..., d])
        return values

    def values(self, audio: Floats, targets: Sequence[int]) -> Array:
        """Physical units [N, F, D]; descriptors outside `targets` are NaN."""
        frames = audio.shape[1] // self.hop
        found = np.full((*audio.shape[:1], frames, len(DESCRIPTORS)), np.nan)
        names = {DESCRIPTORS[d]: d for d in targets}
        if names.keys() & {"rms", "centroid", "bandwidth"}:
            for i, clip in enumerate(audio):
                for name, curve in self._librosa(clip, names).items():
                    found[i, :, names[name]] = curve
        if names.keys() & {"sharpness", "booming"}:
            for name, curves in self._mosqito(audio, names).items():
                found[..., names[name]] = curves
        return found

    def _librosa(self, clip: Floats, names: Dict[str, int]) -> Dict[str, Array]:
        import librosa

        margin = (WINDOW - self.hop) // 2
        padded = np.pad(clip, margin)
        spectrum = np.abs(librosa.stft(padded, n_fft=WINDOW, hop_length=self.hop, center=False))
        common: Dict[str, Any] = {"S": spectrum, "sr": self.sample_rate, "n_fft": WINDOW}
        found: Dict[str, Array] = {}
        if "rms" in names:
            # librosa's spectrum carries the Hann window, whose mean square is 3/8.
            rms = librosa.feature.rms(S=spectrum, frame_length=WINDOW)[0] / np.sqrt(0.375)
            found["rms"] = 20.0 * np.log10(np.maximum(rms, SILENT))
        if "centroid" in names:
            found["centroid"] = librosa.feature.spectral_centroid(**common)[0]
        if "bandwidth" in names:
            found["bandwidth"] = librosa.feature.spectral_bandwidth(**common)[0]
        return found

    def _mosqito(self, audio: Floats, names: Dict[str, int]) -> Dict[str, Array]:
        from mosqito.sq_metrics import loudness_zwst_freq, sharpness_din_from_loudness

        count, frames = len(audio), audio.shape[1] // self.hop
        spectra = np.concatenate([self._pressure_spectra(clip) for clip in audio], axis=1)
        axis = np.linspace(0.0, LOUDNESS_RATE / 2, len(spectra))
        loudness, specific, _ = loudness_zwst_freq(spectra, axis)
        found: Dict[str, Array] = {}
        if "sharpness" in names:
            with np.errstate(divide="ignore", invalid="ignore"):
                sharpness = np.array(sharpness_din_from_loudness(loudness, specific), ndmin=1)
            sharpness[loudness < SILENT_SONE] = np.nan
            found["sharpness"] = sharpness.reshape(count, frames)
        if "booming" in names and self._booming_index is not None:
            heard = loudness >= SILENT_SONE
            index = np.full(len(loudness), np.nan)
            index[heard] = [self._booming_index(column) for column in specific[:, heard].T]
            found["booming"] = BOOMING_SCALE * np.log10(index + 1.0).reshape(count, frames)
        return found

    def _pressure_spectra(self, clip: Floats) -> Array:
        """RMS pressure per bin [bins, F] at 48 kHz, whose squares add up to the frame's mean square."""
        ratio = LOUDNESS_RATE / self.sample_rate
        size = 2 * round(WINDOW * ratio / 2)
        at48 = np.pad(soxr.resample(clip, self.sample_rate, LOUDNESS_RATE, quality="VHQ"), size)
        window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(size) / size)
        centres = (np.arange(len(clip) // self.hop) + 0.5) * (self.hop * ratio)
        starts = np.round(centres).astype(int) + size - size // 2
        pieces = at48[starts[:, None] + np.arange(size)].astype(np.float64)
        spectrum = np.abs(np.fft.rfft(pieces * window, axis=1))
        scale = PASCAL * np.sqrt(2.0 / (size * np.square(window).sum()))
        return np.asarray(spectrum.T * scale)


def agreement(codec: Codec, ears: OracleEars, clips: Sequence[Floats]) -> Dict[str, Any]:
    """How the codec's own meter and the oracle agree on the original clips, per descriptor.

    Over the counted frames, in quantile units: Pearson, and the mean difference oracle minus own.
    """
    audio = np.stack(list(clips))
    own = codec.measure(audio)[1]
    other = ears(audio, range(len(DESCRIPTORS)))
    found: Dict[str, Any] = {}
    for d, name in enumerate(DESCRIPTORS):
        known = counted_frames(codec, own, d) & np.isfinite(other[..., d])
        x, y = own[..., d][known], other[..., d][known]
        found[name] = {
            "rho": pearson(x, y),
            "difference": float((y - x).mean()) if len(x) else None,
        }
    return found
