"""Multi-scale spectral distances between two batches of audio."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neurorave_train.nets.encoder import mel_matrix

SCALES = (2048, 1024, 512, 256, 128)


class SpectralDistance(nn.Module):
    """Multi-scale STFT distance with one norm per example, and a log-mel distance in dB.

    Shapes: two [B, T] -> scalars. Magnitudes use Hann windows, hop n / 4. The norm of each example
    has a floor, so quiet clips count and silent ones give finite gradients; the published norm over
    the whole batch lets the loudest clip decide. Source: RAVE (Caillon and Esling, 2021).
    """

    mel: Tensor

    def __init__(
        self, sample_rate: int, epsilon: float = 2e-6, norm_floor: float = 0.02, mels: int = 80
    ) -> None:
        super().__init__()
        self.epsilon, self.norm_floor = epsilon, norm_floor
        for n in SCALES:
            self.register_buffer(f"window_{n}", torch.hann_window(n), persistent=False)
        self.register_buffer("mel", mel_matrix(sample_rate, SCALES[0], mels), persistent=False)

    def magnitude(self, audio: Tensor, n: int) -> Tensor:
        """Normalised STFT magnitude [B, bins, frames]."""
        window = self.get_buffer(f"window_{n}")
        s = torch.stft(
            audio, n, n // 4, window=window, center=True, return_complex=True, pad_mode="constant"
        )
        power = s.real.square() + s.imag.square()
        return torch.sqrt(power / n + 1e-14)

    def forward(
        self, target: Tensor, output: Tensor, scales: tuple[int, ...] = SCALES
    ) -> tuple[Tensor, Tensor]:
        total = output.new_zeros(())
        mel = output.new_zeros(())
        for n in scales:
            with torch.no_grad():
                a = self.magnitude(target, n)
            b = self.magnitude(output, n)
            norm = torch.linalg.vector_norm(a, dim=(1, 2)).clamp(min=self.norm_floor)
            error = (a - b).square().sum(dim=(1, 2))
            total = total + (torch.sqrt(error + 1e-12) / norm).mean()
            total = total + (torch.log(a + self.epsilon) - torch.log(b + self.epsilon)).abs().mean()
            if n == SCALES[0]:
                mel = self._mel_distance(a, b)
        return total * (len(SCALES) / len(scales)), mel

    def _mel_distance(self, a: Tensor, b: Tensor) -> Tensor:
        levels = []
        for magnitude in (a, b):
            power = torch.matmul(magnitude.square().transpose(1, 2), self.mel)
            levels.append(10.0 * torch.log10(power + 1e-9))
        return (levels[0] - levels[1]).abs().mean()
