"""The published losses: spectral distance in bands and in full, Kullback-Leibler, hinge, features."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neurorave_train.objectives.spectral import SCALES, SpectralDistance

Features = list[list[Tensor]]
EPSILON = 1e-7


class Reconstruction(nn.Module):
    """d(bands) + d(full band) + mean square of the difference in loudness.

    Shapes: bands [B, T / M, M], audio [B, T] -> scalars. d has one norm per example with a floor
    where the original has one norm per batch. The original adds A-weights in decibels to natural
    logarithms, and they cancel in the difference; the term without them is the same term.
    """

    def __init__(self, sample_rate: int, bands: int) -> None:
        super().__init__()
        self.full = SpectralDistance(sample_rate, epsilon=EPSILON)
        self.narrow = SpectralDistance(sample_rate // bands, epsilon=EPSILON)

    def _loudness(self, audio: Tensor) -> Tensor:
        return torch.log(self.full.magnitude(audio, SCALES[0]) + EPSILON).mean(dim=1)

    def forward(
        self, target_bands: Tensor, target: Tensor, bands: Tensor, output: Tensor
    ) -> dict[str, Tensor]:
        narrow, _ = self.narrow(_rows(target_bands), _rows(bands))
        full, _ = self.full(target, output)
        loudness = F.mse_loss(self._loudness(output), self._loudness(target))
        return {"bands": narrow, "full": full, "loudness": loudness}


def _rows(bands: Tensor) -> Tensor:
    """Every band as a signal of its own [B * M, T]."""
    return bands.transpose(1, 2).reshape(-1, bands.shape[1])


def divergence(mean: Tensor, deviation: Tensor) -> Tensor:
    """Twice the Kullback-Leibler divergence from the standard normal, as published."""
    variance = deviation.square()
    return (mean.square() + variance - torch.log(variance) - 1.0).sum(dim=-1).mean()


def ramp(step: int, full: float, delay: int) -> float:
    """Weight of a term: nothing until `delay`, then rising to `full` at twice that step."""
    if step < delay:
        return 0.0
    return full if delay == 0 else min(full, full * (step - delay) / delay)


def hinge_discriminator(real: Features, fake: Features) -> Tensor:
    """What the waveform discriminator minimises, summed over its scales."""
    total = real[0][-1].new_zeros(())
    for a, b in zip(real, fake, strict=True):
        total = total + F.relu(1.0 - a[-1]).mean() + F.relu(1.0 + b[-1]).mean()
    return total


def hinge_decoder(fake: Features) -> Tensor:
    """What the decoder minimises against it."""
    return -torch.stack([b[-1].mean() for b in fake]).sum()


def feature_distance(real: Features, fake: Features) -> Tensor:
    """Mean absolute difference of the feature maps, mean over layers, summed over scales."""
    sums = [
        torch.stack([(x.detach() - y).abs().mean() for x, y in zip(a, b, strict=True)]).mean()
        for a, b in zip(real, fake, strict=True)
    ]
    return torch.stack(sums).sum()
