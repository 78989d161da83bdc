"""The flutter of the envelope at the frame rate, which spectral distances hardly hear."""

from __future__ import annotations

import torch
from torch import Tensor, nn

# Multiples of the frame rate; each falls on a bin of a piece of so many frames.
MULTIPLES = (1, 2, 4, 8)
PIECE_FRAMES = 48
LEVEL_SECONDS = 0.1
# Bins around a rate that belong to it, and those beside it that it is compared with.
NEAR, BESIDE = 1, (3, 10)
# Amplitude (-60 dBFS) under which an envelope hardly counts.
SOFT = 1e-3


class EnvelopeBuzz(nn.Module):
    """How much more the output's envelope flutters at the frame rate than the target's, in bels.

    Shapes: two [B, T] -> scalar, zero where no rate stands out more than in the target. The envelope
    is levelled by its mean over 0.1 s; its power at the rates is compared with that of the bins
    beside them, as the evaluation's buzz index does, with means in place of medians and maxima.
    """

    def __init__(self, sample_rate: int, hop: int) -> None:
        super().__init__()
        self.piece = PIECE_FRAMES * hop
        self.reach = round(LEVEL_SECONDS * sample_rate) // 2
        self.bins = [PIECE_FRAMES * m for m in MULTIPLES if m < hop // 2]

    def forward(self, target: Tensor, output: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = self.index(target)
        return torch.relu(self.index(output) - wanted).mean()

    def index(self, audio: Tensor) -> Tensor:
        """Log10 of the power at each rate over that beside it, [B, rates]."""
        envelope = _envelope(audio) + SOFT
        level = moving_mean(envelope, self.reach)
        count = max(1, audio.shape[1] // self.piece)
        flat = (envelope / level - 1.0)[:, : count * self.piece]
        pieces = flat.reshape(len(audio), count, -1)
        power = torch.fft.rfft(pieces).abs().square().mean(dim=1)
        found = []
        for at in self.bins:
            beside = torch.cat(
                [
                    power[:, at - BESIDE[1] : at - BESIDE[0] + 1],
                    power[:, at + BESIDE[0] : at + BESIDE[1] + 1],
                ],
                dim=1,
            )
            near = power[:, at - NEAR : at + NEAR + 1].mean(dim=1)
            found.append(torch.log10(near + 1e-6) - torch.log10(beside.mean(dim=1) + 1e-6))
        return torch.stack(found, dim=1)


def moving_mean(x: Tensor, reach: int) -> Tensor:
    """Mean of x [B, T] over `reach` samples to both sides, fewer at the ends, by running sums."""
    length = x.shape[1]
    sums = torch.nn.functional.pad(x.double().cumsum(dim=1), (1, 0))
    at = torch.arange(length, device=x.device)
    first, last = (at - reach).clamp(min=0), (at + reach + 1).clamp(max=length)
    return ((sums[:, last] - sums[:, first]) / (last - first)).to(x)


def _envelope(audio: Tensor) -> Tensor:
    """Magnitude of the analytic signal."""
    size = audio.shape[1]
    spectrum = torch.fft.rfft(audio)
    turned = torch.fft.irfft(-1j * spectrum, n=size)
    return torch.sqrt(audio.square() + turned.square() + 1e-12)
