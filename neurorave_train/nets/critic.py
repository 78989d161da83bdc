"""The latent critic: reads descriptors out of the latent, so that the encoder can hide them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neurorave_train.together import weighted_mean


class LatentCritic(nn.Module):
    """Classifies each descriptor into quantile classes from nine frames of latent.

    Shapes: z [B, F, L] -> logits [B, F, D, classes]. Not causal: the critic only trains. No batch
    statistics, so what it learns on detached latents holds for the ones it judges (FRAVE fader
    networks, Lample et al., 2017, without their batch normalisation).
    """

    def __init__(self, latents: int, descriptors: int, classes: int = 16, width: int = 64) -> None:
        super().__init__()
        self.descriptors, self.classes = descriptors, classes
        self.first = nn.Conv1d(latents, width, 5, padding=2)
        self.second = nn.Conv1d(width, width, 5, padding=2)
        self.head = nn.Conv1d(width, descriptors * classes, 1)

    def forward(self, z: Tensor) -> Tensor:
        x = F.leaky_relu(self.first(z.transpose(1, 2)), 0.2)
        x = F.leaky_relu(self.second(x), 0.2)
        y: Tensor = self.head(x).transpose(1, 2)
        return y.reshape(y.shape[0], y.shape[1], self.descriptors, self.classes)

    def classify(self, q: Tensor) -> Tensor:
        """Class index per value: equal slices of the quantile scale, ties included."""
        return (q * self.classes).floor().clamp(0, self.classes - 1).long()

    def loss(self, logits: Tensor, q: Tensor, weight: Tensor) -> Tensor:
        """Cross-entropy against the true classes; weight [B, F, D] marks counted frames."""
        target = self.classify(q)
        losses = F.cross_entropy(
            logits.reshape(-1, self.classes), target.reshape(-1), reduction="none"
        )
        return weighted_mean(losses.reshape(weight.shape), weight)

    def confusion(self, logits: Tensor, weight: Tensor) -> Tensor:
        """Cross-entropy against the uniform distribution, less its minimum log(classes).

        Zero when the critic can tell nothing. The published loss maximises the critic's error
        instead, whose optimum is a confident wrong code.
        """
        uniform = -torch.log_softmax(logits, dim=-1).mean(dim=-1)
        excess = uniform - torch.log(torch.tensor(float(self.classes)))
        return weighted_mean(excess, weight)
