"""From audio to calibrated power spectra: framing, window and discrete Fourier transform."""

from typing import Tuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional


def centred_padding(audio: Tensor, hop: int, window: int) -> Tensor:
    """Return audio [B, T] with zeros around it, so that frame t's window begins at t * hop.

    The result is [B, (F - 1) * hop + window] for F = T // hop frames, at least one.
    """
    length = audio.shape[1]
    left = (window - hop) // 2
    total = (length // hop - 1) * hop + window
    return functional.pad(audio, (left, total - left - length))


def centred_frames(audio: Tensor, hop: int, window: int) -> Tensor:
    """Return [B, T // hop, window]: windows centred on the middle of each frame of hop samples.

    `audio` is [B, T]; outside of it there is silence.
    """
    if audio.shape[1] < hop:
        return audio.new_zeros(audio.shape[0], 0, window)
    return centred_padding(audio, hop, window).unfold(1, window, hop)


def _factors(length: int) -> Tuple[int, int]:
    """Return (a, b) with a * b = length, as equal as possible, a >= b."""
    small = max(d for d in range(1, int(length**0.5) + 1) if length % d == 0)
    return length // small, small


class PowerSpectrum(nn.Module):
    """Hann-windowed power per bin, scaled so that its sum is the window-weighted mean square."""

    shape: Tensor
    sides: Tensor
    first_cos: Tensor
    first_sin: Tensor
    turn_cos: Tensor
    turn_sin: Tensor
    last_cos: Tensor
    last_sin: Tensor

    def __init__(self, window: int) -> None:
        super().__init__()
        if window < 4 or window % 2:
            raise ValueError(f"window is {window}, expected an even number of samples from 4 up")
        self.window = window
        self.bins = window // 2 + 1
        hann = torch.hann_window(window, periodic=True, dtype=torch.float64)
        shape = hann / (hann.square().sum() * window).sqrt()
        sides = torch.full((self.bins,), 2.0, dtype=torch.float64)
        sides[0] = 1.0
        sides[-1] = 1.0
        self._constant("shape", shape)
        self._constant("sides", sides)
        self._transform_constants()

    def _constant(self, name: str, value: Tensor) -> None:
        self.register_buffer(name, value.to(torch.get_default_dtype()), persistent=False)

    def _transform_constants(self) -> None:
        # Sample b*i + j, bin k + a*m: a transform over i, a rotation, a transform over j. The
        # constants stay small (tens of kB) where one matrix would take 16 MB.
        a, b = self.split = _factors(self.window)
        rows = -(-self.bins // a)
        first = np.outer(np.arange(a), np.arange(a)) * (-2.0 * np.pi / a)
        turn = np.outer(np.arange(b), np.arange(a)) * (-2.0 * np.pi / self.window)
        last = np.outer(np.arange(rows), np.arange(b)) * (-2.0 * np.pi / b)
        for name, angle in (("first", first), ("turn", turn), ("last", last)):
            self._constant(name + "_cos", torch.as_tensor(np.cos(angle)))
            self._constant(name + "_sin", torch.as_tensor(np.sin(angle)))

    def _matmul_transform(self, frames: Tensor) -> Tuple[Tensor, Tensor]:
        a, b = self.split
        grid = frames.reshape(frames.shape[:-1] + (a, b)).transpose(-1, -2)
        real, imag = grid @ self.first_cos, grid @ self.first_sin
        real, imag = (
            real * self.turn_cos - imag * self.turn_sin,
            real * self.turn_sin + imag * self.turn_cos,
        )
        real, imag = (
            self.last_cos @ real - self.last_sin @ imag,
            self.last_cos @ imag + self.last_sin @ real,
        )
        flat = frames.shape[:-1] + (real.shape[-2] * a,)
        return real.reshape(flat)[..., : self.bins], imag.reshape(flat)[..., : self.bins]

    def forward(self, frames: Tensor, dft_as_matmul: bool = False) -> Tensor:
        """Return the power [..., bins] of frames [..., window]; linear, 1.0 = full-scale rms."""
        weighted = frames * self.shape
        if dft_as_matmul:
            real, imag = self._matmul_transform(weighted)
            return (real * real + imag * imag) * self.sides
        spectrum = torch.fft.rfft(weighted)
        power: Tensor = (spectrum.real.square() + spectrum.imag.square()) * self.sides
        return power
