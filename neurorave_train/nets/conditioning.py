"""What a decoder is told: descriptor values, which of them are asked, and the asked loudness."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from neurorave_train.descriptors import DESCRIPTORS, QuantileMap
from neurorave_train.nets.stream import Stream

# Measured on a trained model: 1.5 dB lower the buzz by 0.4 dB, 3 dB by 0.6 and 6 dB by 0.8; the
# spectral distance grows by 0.02, 0.04 and 0.07.
EASED_DB = 3.0
# Where no asked loudness scales the output, the networks start from here.
FLAT_DB = -20.0
TO_AMPLITUDE = 0.1151292546497023
ALL_NAMES = tuple(d.name for d in DESCRIPTORS)


def followed_ones(names: Sequence[str]) -> Tensor:
    """1 for each descriptor that a decoder follows, else 0, [D]; ValueError for an unknown name."""
    unknown = [name for name in names if name not in ALL_NAMES]
    if unknown:
        raise ValueError(f"descriptors: {unknown[0]!r} is not one of {', '.join(ALL_NAMES)}")
    return torch.tensor([float(name in names) for name in ALL_NAMES])


class Conditioning(nn.Module):
    """Descriptors and mask to a condition vector and a causal base amplitude per sub-block.

    Shapes: q [B, F, D] quantile units, mask [B, F, D] (1 asked, 0 free) -> condition [B, F, 2 * D],
    base [B, F * blocks, 1] linear amplitude. A rising loudness acts at once, so that attacks stay
    sharp, save for its last `EASED_DB`, which come with the second sub-block; a falling one glides
    over the frame. Without either, a loudness that jitters is a saw at the hop rate, and buzzes.
    A descriptor that is not `followed` is free whatever the mask says. Without `gain_shape`, or where
    the loudness is not followed, the base amplitude is constant.
    """

    steps: Tensor
    eased: Tensor
    followed: Tensor

    def __init__(
        self,
        knots: Tensor,
        blocks: int,
        followed: Sequence[str] = ALL_NAMES,
        gain_shape: bool = True,
    ) -> None:
        super().__init__()
        self.gain_shape = gain_shape and ALL_NAMES[0] in followed
        self.all_followed = len(set(followed)) == len(ALL_NAMES)
        self.register_buffer("followed", followed_ones(followed), persistent=False)
        self.blocks = blocks
        self.quantiles = QuantileMap(knots)
        self.descriptors = int(knots.shape[0])
        steps = torch.arange(1, blocks + 1).float() / blocks
        self.register_buffer("steps", steps.reshape(1, 1, blocks), persistent=False)
        eased = torch.zeros(1, 1, blocks)
        eased[..., 0] = EASED_DB
        self.register_buffer("eased", eased, persistent=False)

    def forward(self, q: Tensor, mask: Tensor, stream: Stream) -> tuple[Tensor, Tensor]:
        if not self.all_followed:
            mask = mask * self.followed
        condition = torch.cat([(2.0 * q - 1.0) * mask, mask], dim=-1)
        if not self.gain_shape:
            flat = q[..., :1] * 0.0 + 10.0 ** (FLAT_DB / 20.0)
            flat = flat.expand(q.shape[0], q.shape[1], self.blocks)
            return condition, flat.reshape(q.shape[0], q.shape[1] * self.blocks, 1)
        level = self.quantiles.to_value(q)[..., :1].clamp(-100.0, 6.0)
        # The state holds the level above -100 dB, so that a zeroed state means silence before.
        past = stream.take(level, 1, 1) - 100.0
        stream.give(level[:, level.shape[1] - 1 :] + 100.0)
        before = torch.cat([past, level[:, : level.shape[1] - 1]], dim=1)
        gliding = before + (level - before) * self.steps
        base = torch.maximum(gliding, level - self.eased)
        amplitude = torch.exp(base * TO_AMPLITUDE)
        return condition, amplitude.reshape(q.shape[0], q.shape[1] * self.blocks, 1)
