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
    first: Tensor
    turn_cos: Tensor
    turn_sin: Tensor
    last: Tensor

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
        # Real and imaginary parts lie side by side before the rotation, one above the other after.
        self._constant("first", torch.as_tensor(np.hstack([np.cos(first), np.sin(first)])))
        self._constant("turn_cos", torch.as_tensor(np.cos(turn)))
        self._constant("turn_sin", torch.as_tensor(np.sin(turn)))
        cos, sin = np.cos(last), np.sin(last)
        self._constant("last", torch.as_tensor(np.block([[cos, -sin], [sin, cos]])))

    def _matmul_power(self, frames: Tensor) -> Tensor:
        a, b = self.split
        lead = frames.shape[:-1]
        grid = frames.reshape(lead + (a, b)).transpose(-1, -2)
        real, imag = (grid @ self.first).split_with_sizes([a, a], dim=-1)
        turned = [
            real * self.turn_cos - imag * self.turn_sin,
            real * self.turn_sin + imag * self.turn_cos,
        ]
        parts = self.last @ torch.cat(turned, dim=-2)
        squares = (parts * parts).reshape(lead + (2, -1)).sum(-2)
        return squares[..., : self.bins]

    def forward(self, frames: Tensor, dft_as_matmul: bool = False) -> Tensor:
        """Return the power [..., bins] of frames [..., window]; linear, 1.0 = full-scale rms."""
        weighted = frames * self.shape
        if dft_as_matmul:
            return self._matmul_power(weighted) * self.sides
        spectrum = torch.fft.rfft(weighted)
        power: Tensor = (spectrum.real.square() + spectrum.imag.square()) * self.sides
        return power
