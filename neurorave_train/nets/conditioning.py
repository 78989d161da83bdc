"""What a decoder is told: descriptor values, which of them are asked, and the asked loudness."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neurorave_train.descriptors import QuantileMap
from neurorave_train.nets.stream import Stream

# Measured on a trained model: 1.5 dB lower the buzz by 0.4 dB, 3 dB by 0.6 and 6 dB by 0.8; the
# spectral distance grows by 0.02, 0.04 and 0.07.
EASED_DB = 3.0


class Conditioning(nn.Module):
    """Descriptors and mask to a condition vector and a causal base amplitude per sub-block.

    Shapes: q [B, F, D] quantile units, mask [B, F, D] (1 asked, 0 free) -> condition [B, F, 2 * D],
    base [B, F * blocks, 1] linear amplitude. A rising loudness acts at once, so that attacks stay
    sharp, save for its last `EASED_DB`, which come with the second sub-block; a falling one glides
    over the frame. Without either, a loudness that jitters is a saw at the hop rate, and buzzes.
    """

    steps: Tensor
    eased: Tensor

    def __init__(self, knots: Tensor, blocks: int) -> None:
        super().__init__()
        self.blocks = blocks
        self.quantiles = QuantileMap(knots)
        self.descriptors = int(knots.shape[0])
        steps = torch.arange(1, blocks + 1).float() / blocks
        self.register_buffer("steps", steps.reshape(1, 1, blocks), persistent=False)
        eased = torch.zeros(1, 1, blocks)
        eased[..., 0] = EASED_DB
        self.register_buffer("eased", eased, persistent=False)

    def forward(self, q: Tensor, mask: Tensor, stream: Stream) -> tuple[Tensor, Tensor]:
        condition = torch.cat([(2.0 * q - 1.0) * mask, mask], dim=-1)
        level = self.quantiles.to_value(q)[..., :1].clamp(-100.0, 6.0)
        # The state holds the level above -100 dB, so that a zeroed state means silence before.
        past = stream.take(level, 1, 1) - 100.0
        stream.give(level[:, level.shape[1] - 1 :] + 100.0)
        before = torch.cat([past, level[:, : level.shape[1] - 1]], dim=1)
        gliding = before + (level - before) * self.steps
        base = torch.maximum(gliding, level - self.eased)
        amplitude = torch.exp(base * 0.1151292546497023)
        return condition, amplitude.reshape(q.shape[0], q.shape[1] * self.blocks, 1)
