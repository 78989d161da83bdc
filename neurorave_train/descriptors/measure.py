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
# Power per bin that is always added: -200 dB, below the rounding of float32.
POWER_FLOOR = 1.0e-20
# Summed specific loudness (240 points) that is added where no floor is given: 0/0 becomes 0.
LOUDNESS_FLOOR = 1.0e-3
# The sum that the floor's shape adds otherwise, as if heard at this rms. A sound of -60 dB sums up
# to about 10, the threshold of hearing lies near -75 dB.
NEUTRAL_LOUDNESS = 0.3
NEUTRAL_DB = -60.0
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
    scale: float = 10.0 ** (level_db / 10.0)
    return mean_power_spectrum / total * scale


class Descriptors(nn.Module):
    """Measure rms, centroid, bandwidth, sharpness and booming once per frame of `hop` samples.

    `floor` is a power spectrum [bins] that is added before everything but rms. Its shape, at
    NEUTRAL_DB, also lends a little loudness to frames that nobody could hear, so that silence maps
    to the values of that shape and not to 0. Thread: any; the module holds constants only.
    """

    floor: Tensor
    neutral: Tensor
    frequency: Tensor
    frequency_basis: Tensor
    magnitude_scale: Tensor
    bands: Tensor
    sums: Tensor
    boom: Tensor

    def __init__(
        self,
        sample_rate: int,
        hop: int,
        window: int = 2048,
        floor: Optional[Tensor] = None,
    ) -> None:
        super().__init__()
        if hop < 1 or window < hop:
            raise ValueError(f"hop is {hop}, expected 1 to the window's {window} samples")
        self.sample_rate, self.hop, self.window = sample_rate, hop, window
        self.power = PowerSpectrum(window)
        self.loudness = SpecificLoudness()
        bins = self.power.bins
        added = torch.zeros(bins)
        if floor is not None:
            if tuple(floor.shape) != (bins,):
                raise ValueError(f"floor has shape {tuple(floor.shape)}, expected ({bins},)")
            added = floor.detach().to(added)
        self.register_buffer("floor", added + POWER_FLOOR)
        self._spectral_constants(bins)
        self._loudness_constants()
        self.register_buffer("neutral", torch.zeros(3, 1), persistent=False)
        self._refresh()
        hook = Descriptors._refresh
        self.register_load_state_dict_post_hook(hook)  # type: ignore[no-untyped-call]

    def _spectral_constants(self, bins: int) -> None:
        self._constant("frequency", torch.arange(bins) * (self.sample_rate / self.window))
        relative = torch.linspace(0.0, 1.0, bins, dtype=torch.float64)
        self._constant("frequency_basis", torch.stack([relative**2, relative, relative**0]))
        self._constant("magnitude_scale", self.power.sides.reciprocal())
        bands = tables.third_octave_weights(self.sample_rate, self.window)
        self._constant("bands", torch.as_tensor(bands))

    def _loudness_constants(self) -> None:
        bark = tables.BARK
        sharp = 0.11 * bark * tables.din_weighting(bark)
        sums = np.stack([np.ones(tables.POINTS), sharp, bark <= LOW_BARK])
        self._constant("sums", torch.as_tensor(sums))
        boom = tables.boom_weighting(bark)[:, None] * (LOG10 / 10.0)
        self._constant("boom", torch.as_tensor(boom))

    def _refresh(self, *_: object) -> None:
        # Follows the floor, which a checkpoint may have brought.
        with torch.no_grad():
            level = 10.0 ** (NEUTRAL_DB / 10.0)
            shape = (self.floor - POWER_FLOOR).clamp(min=0.0)
            total = shape.sum()
            self.neutral.zero_()
            self.neutral[0] = LOUDNESS_FLOOR
            if float(total) > 0.0:
                curve = self.loudness((shape / total * level)[None] @ self.bands)
                self.neutral.copy_(self.sums @ curve * (NEUTRAL_LOUDNESS / curve.sum()))

    def _constant(self, name: str, value: Tensor) -> None:
        self.register_buffer(name, value.to(torch.get_default_dtype()), persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        """Return [B, T // hop, 5] for audio [B, T]: dB, Hz, Hz, acum, booming.

        Frame t sees window samples centred on samples t*hop .. (t+1)*hop - 1, zeros outside.
        """
        count = audio.shape[1] // self.hop
        if not count:
            return audio.new_zeros(audio.shape[0], 0, len(DESCRIPTORS))
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
        constants = SpectralConstants(
            self.power.shape * 2.0**0.5,
            self.floor,
            self.frequency,
            self.frequency_basis,
            self.bands,
        )
        total, centroid, bandwidth, bands = SpectralAnalysis.apply(  # type: ignore[no-untyped-call]
            padded, hop, count, constants
        )
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
        centroid = share @ self.frequency[:, None]
        distance = self.frequency - centroid
        bandwidth = (share * distance * distance).sum(-1, keepdim=True).sqrt()
        pair = self._loudness_pair(floored @ self.bands, plain)
        rms = _decibel(flat.sum(-1, keepdim=True))
        values = torch.cat([rms, centroid, bandwidth, *(part.t() for part in pair)], dim=-1)
        return values.reshape(lead + (len(DESCRIPTORS),))

    def _loudness_pair(self, bands: Tensor, plain: bool) -> Tuple[Tensor, Tensor]:
        specific = self.loudness(bands, plain)
        # All of shape [1, R].
        total, sharp, low = (self.sums @ specific + self.neutral).split_with_sizes([1, 1, 1])
        boom = (specific * self.boom).exp().sum(0, keepdim=True).log() * (10.0 / LOG10)
        booming = (boom * low / total + 1.0).log() * (43.674 / LOG10)
        return sharp / total, booming
