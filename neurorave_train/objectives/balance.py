"""Which descriptors the control terms lean on: those that follow least well."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neurorave_train.together import sum_of_all

# A request asks for one or two descriptors of five, so one step says little about each of them.
DECAY = 0.98
LEAST, MOST = 0.5, 2.0


class DescriptorBalance(nn.Module):
    """Weights of the descriptors [D], by the running mean of their control errors.

    A weight is the error over the mean of all errors to the power of `strength`, within 0.5 and 2:
    the worst descriptor decides what a player thinks of a model (as in group DRO, Sagawa et al.,
    2020, but with bounded weights). All are 1 until each descriptor has been asked for.
    """

    error: Tensor

    def __init__(self, descriptors: int, strength: float) -> None:
        super().__init__()
        self._strength = strength
        self.register_buffer("error", torch.zeros(descriptors))

    def forward(self, followed: Tensor) -> Tensor:
        """Weights [D] with mean 1 over the `followed` [D] descriptors before they are bounded."""
        known = followed > 0.0
        if not bool((self.error[known] > 0.0).all()):
            return torch.ones_like(self.error)
        share = (self.error / self.error[known].mean()).pow(self._strength)
        return (share / share[known].mean()).clamp(LEAST, MOST)

    @torch.no_grad()
    def update(self, heard: Tensor, asked: Tensor, weight: Tensor) -> None:
        """Take note of how far heard [B, F, D] is from asked, where weight says that it counts."""
        wrong = sum_of_all(((heard - asked).abs() * weight).sum(dim=(0, 1)))
        counted = sum_of_all(weight.sum(dim=(0, 1)))
        seen = counted > 0.0
        now = wrong / counted.clamp(min=1e-6)
        running = torch.where(self.error > 0.0, torch.lerp(now, self.error, DECAY), now)
        self.error.copy_(torch.where(seen, running, self.error))
