"""Pseudo-quadrature mirror filters: a cosine-modulated bank, causal, as matrix products."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from scipy.signal import firwin, kaiserord
from torch import Tensor, nn

from neurorave_train.nets.layers import CausalConv
from neurorave_train.nets.stream import Stream


def prototype(bands: int, attenuation: float) -> np.ndarray:
    """The Kaiser low-pass whose autocorrelation vanishes best at multiples of 2 * bands.

    Source: Nguyen, "Near-perfect-reconstruction pseudo-QMF banks", 1994. attenuation in dB.
    """

    def design(cutoff: float) -> np.ndarray:
        taps, beta = kaiserord(attenuation, cutoff / math.pi)
        taps += 1 - taps % 2
        return np.asarray(firwin(taps, cutoff, window=("kaiser", beta), fs=2.0 * math.pi))

    def leak(cutoff: float) -> float:
        h = design(cutoff)
        full = np.convolve(h, h[::-1])[len(h) - 1 :: 2 * bands]
        return float(np.abs(full[1:]).max())

    # The leak has many local minima: a coarse scan first, then a bounded search in the best cell.
    grid = np.linspace(1.2 / bands, 2.4 / bands, 120)
    best = grid[int(np.argmin([leak(c) for c in grid]))]
    step = grid[1] - grid[0]
    found = minimize_scalar(leak, bounds=(best - step, best + step), method="bounded")
    return design(float(found.x))


def filter_bank(bands: int, attenuation: float) -> np.ndarray:
    """Analysis filters [bands, taps], taps padded to a multiple of `bands`."""
    h = prototype(bands, attenuation)
    n = np.arange(len(h)) - (len(h) - 1) / 2.0
    k = np.arange(bands)[:, None]
    bank = 2.0 * h * np.cos((2 * k + 1) * np.pi * n / (2 * bands) + (-1.0) ** k * np.pi / 4)
    padding = -len(h) % bands
    return np.pad(bank, ((0, 0), (padding // 2, padding - padding // 2)))


class Pqmf(nn.Module):
    """Analysis [B, T] -> [B, T / bands, bands] and synthesis back, both causal.

    Together they delay by `delay` samples. Odd bands are not reversed in frequency: the networks
    learn either order and a fixed sign flip only costs time.
    """

    def __init__(self, bands: int, attenuation: float) -> None:
        super().__init__()
        bank = filter_bank(bands, attenuation)
        self.bands, self.taps = bands, bank.shape[1]
        self.delay = self.taps - bands
        rows = self.taps // bands

        def convolution(impulses: np.ndarray) -> CausalConv:
            """impulses [rows oldest first, inputs, outputs] as a frozen convolution."""
            conv = CausalConv(bands, bands, kernel=rows, bias=False)
            weight = torch.from_numpy(impulses.reshape(1, rows * bands, bands)).float()
            conv.weight = nn.Parameter(weight, requires_grad=False)
            return conv

        # Band t reads x[(t + 1) * bands - 1 - n] with weight h[n]; row 0 is the oldest block.
        forward = bank[:, ::-1].reshape(bands, rows, bands).transpose(1, 2, 0)
        self.analyse = convolution(np.ascontiguousarray(forward))
        backward = bank[:, ::-1].reshape(bands, rows, bands)[:, ::-1].transpose(1, 0, 2)
        self.synthesise = convolution(np.ascontiguousarray(backward))
        with torch.no_grad():
            # One number sets the gain of the pair to one, whatever the window did to it.
            probe = torch.randn(1, 64 * self.taps // bands * bands, generator=_generator())
            heard = self.inverse(self.forward(probe, Stream()), Stream())
            a, b = probe[:, : -self.delay], heard[:, self.delay :]
            self.synthesise.weight.mul_(float((a * b).sum() / (b * b).sum()))

    def forward(self, audio: Tensor, stream: Stream) -> Tensor:
        blocks = audio.reshape(audio.shape[0], audio.shape[1] // self.bands, self.bands)
        y: Tensor = self.analyse(blocks, stream)
        return y

    def inverse(self, bands: Tensor, stream: Stream) -> Tensor:
        y: Tensor = self.synthesise(bands, stream)
        return y.reshape(y.shape[0], y.shape[1] * self.bands)


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)
