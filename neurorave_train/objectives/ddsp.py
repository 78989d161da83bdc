"""The published spectral loss of the harmonic-plus-noise models."""

from __future__ import annotations

import torch
from torch import Tensor, nn

SCALES = (4096, 2048, 1024, 512, 256, 128)


class LinearLogDistance(nn.Module):
    """Sum over six windows of the mean absolute difference of magnitudes and of their logarithms.

    Shapes: two [B, T] -> scalar. Hann windows, hop n / 4, magnitudes times n^-1/2 (DDSP, Engel et
    al., 2020).
    """

    def __init__(self, epsilon: float = 1e-7) -> None:
        super().__init__()
        self.epsilon = epsilon
        for n in SCALES:
            self.register_buffer(f"window_{n}", torch.hann_window(n), persistent=False)

    def _magnitude(self, audio: Tensor, n: int) -> Tensor:
        window = self.get_buffer(f"window_{n}")
        s = torch.stft(
            audio, n, n // 4, window=window, center=True, return_complex=True, pad_mode="constant"
        )
        return torch.sqrt((s.real.square() + s.imag.square()) / n + 1e-14)

    def forward(self, target: Tensor, output: Tensor) -> Tensor:
        total = output.new_zeros(())
        for n in SCALES:
            with torch.no_grad():
                a = self._magnitude(target, n)
            b = self._magnitude(output, n)
            total = total + (a - b).abs().mean()
            total = total + (torch.log(a + self.epsilon) - torch.log(b + self.epsilon)).abs().mean()
        return total
