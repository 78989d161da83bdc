"""The five descriptors of the module, measured on audio: batched, differentiable, exportable."""

from typing import NamedTuple, Optional, Tuple

import numpy as np
import torch
from torch import Tensor, nn

from . import tables
from .analysis import SpectralAnalysis, SpectralConstants
from .loudness import SpecificLoudness
from .spectrum import PowerSpectrum, centred_frames, centred_padding

LOG10 = 2.302585092994046
RMS_FLOOR = 1.0e-10
# Power per bin where no floor is given: -160 dB, far below the dither of any recording.
POWER_FLOOR = 1.0e-16
# Summed specific loudness (240 points) that is added so that 0/0 becomes 0.
LOUDNESS_FLOOR = 1.0e-3
# Specific loudness up to here counts as low (280 Hz), Bark.
LOW_BARK = 2.7


class DescriptorSpec(NamedTuple):
    """A descriptor's name and physical unit."""

    name: str
    unit: str


DESCRIPTORS: Tuple[DescriptorSpec, ...] = (
    DescriptorSpec("rms", "dB"),
    DescriptorSpec("centroid", "Hz"),
    DescriptorSpec("bandwidth", "Hz"),
    DescriptorSpec("sharpness", "acum"),
    DescriptorSpec("booming", ""),
)


def _decibel(power: Tensor) -> Tensor:
    return (power + RMS_FLOOR).log() * (10.0 / LOG10)


def average_floor(mean_power_spectrum: Tensor, level_db: float = -80.0) -> Tensor:
    """Return the floor [bins] with the shape of a mean power spectrum [bins] and a level in dB.

    The level is that of the rms descriptor: 0 dB is a root mean square of 1.0.
    """
    total = mean_power_spectrum.sum()
    if not bool(torch.isfinite(total)) or float(total) <= 0.0:
        raise ValueError("mean_power_spectrum must be finite and have a positive sum")
    return mean_power_spectrum / total * 10.0 ** (level_db / 10.0)


class Descriptors(nn.Module):
    """Measure rms, centroid, bandwidth, sharpness and booming once per frame.

    `floor` is a power spectrum [bins] that is added before everything but rms, so that silence
    maps to the values of the floor's shape. `spread` > 1 lets one point of the loudness curve
    stand for that many, which is faster. Thread: any; the module holds constants only.
    """

    floor: Tensor

    def __init__(
        self,
        sample_rate: int,
        hop: int,
        window: int = 2048,
        floor: Optional[Tensor] = None,
        spread: int = 1,
    ) -> None:
        super().__init__()
        self.sample_rate, self.hop, self.window = sample_rate, hop, window
        self.power = PowerSpectrum(window)
        self.loudness = SpecificLoudness(spread)
        bins = self.power.bins
        dtype = torch.get_default_dtype()
        added = torch.full((bins,), POWER_FLOOR, dtype=dtype)
        if floor is not None:
            if tuple(floor.shape) != (bins,):
                raise ValueError(f"floor has shape {tuple(floor.shape)}, expected ({bins},)")
            added = added + floor.detach().to(dtype)
        self.register_buffer("floor", added)
        self._constant("frequency", torch.arange(bins) * (sample_rate / window))
        relative = torch.linspace(0.0, 1.0, bins, dtype=torch.float64)
        self._constant("frequency_basis", torch.stack([relative**2, relative, relative**0]))
        self._constant("magnitude_scale", self.power.sides.reciprocal())
        self._constant("bands", torch.as_tensor(tables.third_octave_weights(sample_rate, window)))
        point = tables.BARK
        rows = np.stack(
            [np.ones(len(point)), 0.11 * point * tables.din_weighting(point), point <= LOW_BARK]
        )
        self._constant("sums", torch.as_tensor(self.loudness.gather(rows)))
        counts = self.loudness.gather(np.ones((1, len(point))))
        boom = self.loudness.gather(tables.boom_weighting(point)[None])[0] / counts[0]
        self._constant("counts", torch.as_tensor(counts))
        self._constant("boom", torch.as_tensor(boom * (LOG10 / 10.0))[:, None])

    def _constant(self, name: str, value: Tensor) -> None:
        self.register_buffer(name, value.to(torch.get_default_dtype()), persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        """Return [B, T // hop, 5] for audio [B, T]: dB, Hz, Hz, acum, booming.

        Frame t sees window samples centred on samples t*hop .. (t+1)*hop - 1, zeros outside.
        """
        count = audio.shape[1] // self.hop
        padded = centred_padding(audio, self.hop, self.window)
        return self._analyse(padded, self.hop, count)

    def measure(self, frames: Tensor, dft_as_matmul: bool = False) -> Tensor:
        """Return [..., 5] for frames [..., window] to which no window function was applied.

        `dft_as_matmul` keeps to matrix products and plain operators, for ONNX (opset 13).
        """
        if dft_as_matmul:
            return self._describe(self.power(frames, dft_as_matmul), plain=True)
        values = self._analyse(frames.reshape(1, -1), self.window, frames[..., 0].numel())
        return values.reshape(frames.shape[:-1] + (len(DESCRIPTORS),))

    def spectra(self, power: Tensor) -> Tensor:
        """Return [..., 5] for power spectra [..., bins] as `power_spectra` gives them."""
        return self._describe(power, plain=False)

    def power_spectra(self, audio: Tensor) -> Tensor:
        """Return the power spectra [B, T // hop, bins] that `forward` describes, floor left out.

        They add up to the mean square of the windowed frame. Their mean over the training data is
        what `average_floor` wants.
        """
        spectra: Tensor = self.power(centred_frames(audio, self.hop, self.window))
        return spectra

    def _analyse(self, padded: Tensor, hop: int, count: int) -> Tensor:
        if not count:
            return padded.new_zeros(padded.shape[0], 0, len(DESCRIPTORS))
        constants = SpectralConstants(
            self.power.shape * 2.0**0.5,
            self.floor,
            self.frequency,
            self.frequency_basis,
            self.bands,
        )
        total, centroid, bandwidth, bands = SpectralAnalysis.apply(padded, hop, count, constants)
        sharpness, booming = self._loudness_pair(bands.reshape(-1, bands.shape[-1]), False)
        shape = total.shape
        values = [_decibel(total), centroid, bandwidth, sharpness.view(shape), booming.view(shape)]
        return torch.stack(values, dim=-1)

    def _describe(self, power: Tensor, plain: bool) -> Tensor:
        # The plain formulas: exported as they are, and what SpectralAnalysis is tested against.
        lead = power.shape[:-1]
        flat = power.reshape(-1, power.shape[-1])
        floored = flat + self.floor
        magnitude = (floored * self.magnitude_scale).sqrt()
        share = magnitude / magnitude.sum(-1, keepdim=True)
        centroid = share @ self.frequency
        distance = self.frequency - centroid[:, None]
        bandwidth = (share * distance * distance).sum(-1).sqrt()
        sharpness, booming = self._loudness_pair(floored @ self.bands, plain)
        rms = _decibel(flat.sum(-1))
        values = torch.stack([rms, centroid, bandwidth, sharpness, booming], dim=-1)
        return values.reshape(lead + (len(DESCRIPTORS),))

    def _loudness_pair(self, bands: Tensor, plain: bool) -> Tuple[Tensor, Tensor]:
        specific = self.loudness(bands, plain)
        total, sharp, low = (self.sums @ specific).unbind(0)
        total = total + LOUDNESS_FLOOR
        boom = (self.counts @ (specific * self.boom).exp())[0].log() * (10.0 / LOG10)
        booming = (boom * low / total + 1.0).log() * (43.674 / LOG10)
        return sharp / total, booming
