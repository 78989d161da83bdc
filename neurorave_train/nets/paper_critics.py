"""The two adversaries of the published model: one reads the latent, one hears the waveform."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from neurorave_train.together import SharedBatchNorm

SLOPE = 0.2


def _block(inputs: int, outputs: int) -> list[nn.Module]:
    conv = nn.Conv1d(inputs, outputs, 7, padding=3, bias=False)
    return [conv, SharedBatchNorm(outputs), nn.LeakyReLU(SLOPE)]


class LatentDiscriminator(nn.Module):
    """Classifies each descriptor into quantile classes from 31 frames of latent.

    Shapes: z [B, F, L] -> logits [B, F, D, classes]. Not causal: it only trains. Source: fader
    networks (Lample et al., 2017) with one head a descriptor (F-RAVE, Devis et al., 2023).
    """

    def __init__(self, latents: int, descriptors: int, classes: int, layers: int) -> None:
        super().__init__()
        self.classes = classes
        half, quarter = max(1, latents // 2), max(1, latents // 4)
        blocks = [module for _ in range(layers) for module in _block(latents, latents)]
        self.body = nn.Sequential(*blocks, *_block(latents, half))
        self.heads = nn.ModuleList(
            nn.Sequential(
                *_block(half, quarter), nn.Conv1d(quarter, classes, 7, padding=3, bias=False)
            )
            for _ in range(descriptors)
        )

    def forward(self, z: Tensor) -> Tensor:
        x = self.body(z.transpose(1, 2))
        y = torch.stack([head(x) for head in self.heads], dim=1)
        return y.permute(0, 3, 1, 2)

    def classify(self, q: Tensor) -> Tensor:
        """Class of each value [B, F, D]: equal slices of the quantile scale.

        The published edges leave one sample in the last class and none between ties.
        """
        return (q * self.classes).floor().clamp(0, self.classes - 1).long()

    def loss(self, logits: Tensor, q: Tensor, followed: Tensor | None = None) -> Tensor:
        """Mean cross-entropy against the classes of q, over items, frames and descriptors."""
        flat = logits.reshape(-1, self.classes)
        losses = F.cross_entropy(flat, self.classify(q).reshape(-1), reduction="none")
        return self._mean(losses.reshape(q.shape), followed)

    def confusion(self, logits: Tensor, followed: Tensor | None = None) -> Tensor:
        """Mean cross-entropy against the uniform distribution, less its minimum."""
        uniform = -torch.log_softmax(logits, dim=-1).mean(dim=-1) - math.log(self.classes)
        return self._mean(uniform, followed)

    @staticmethod
    def _mean(values: Tensor, followed: Tensor | None) -> Tensor:
        """Mean of [B, F, D] over the descriptors that are followed [D], by default all."""
        if followed is None:
            return values.mean()
        return (values * followed).mean() * (len(followed) / followed.sum().clamp(min=1.0))


class ScaleDiscriminator(nn.Module):
    """One waveform discriminator: [B, 1, T] -> all its convolutions' outputs, the score last."""

    def __init__(self, capacity: int, multiplier: int, layers: int, widest: int) -> None:
        super().__init__()
        convs: list[nn.Module] = [nn.Conv1d(1, capacity, 15, padding=7)]
        width = capacity
        for _ in range(layers):
            wider = min(width * multiplier, widest)
            convs.append(nn.Conv1d(width, wider, 41, stride=4, padding=20, groups=width // 4))
            width = wider
        convs += [nn.Conv1d(width, width, 5, padding=2), nn.Conv1d(width, 1, 1)]
        self.convs = nn.ModuleList(weight_norm(conv) for conv in convs)

    def forward(self, x: Tensor) -> list[Tensor]:
        found: list[Tensor] = []
        for conv in self.convs:
            x = conv(F.leaky_relu(x, SLOPE) if found else x)
            found.append(x)
        return found


class WaveDiscriminator(nn.Module):
    """Discriminators of the waveform at full, half, quarter ... rate (MelGAN, Kumar et al., 2019).

    Shapes: [B, T] -> per scale the list of feature maps, the score last. Widths that are no multiple
    of four cannot be grouped and raise ValueError.
    """

    def __init__(
        self, scales: int, capacity: int, multiplier: int, layers: int, widest: int
    ) -> None:
        super().__init__()
        if capacity % 4 or widest % 4:
            raise ValueError(f"discriminator widths {capacity}, {widest} are no multiples of four")
        self.scales = nn.ModuleList(
            ScaleDiscriminator(capacity, multiplier, layers, widest) for _ in range(scales)
        )

    def forward(self, audio: Tensor) -> list[list[Tensor]]:
        x = audio.unsqueeze(1)
        found: list[list[Tensor]] = []
        for i, scale in enumerate(self.scales):
            x = F.avg_pool1d(x, 2) if i else x
            found.append(scale(x))
        return found
