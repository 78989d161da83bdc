"""The encoder for sounds with a pitch: the pitch as a coordinate of its own, then the timbre."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from neurorave_train.nets.ddsp_layers import PitchHead
from neurorave_train.nets.encoder import FixedVariance, FrameEncoder
from neurorave_train.nets.stream import Stream


class Heard(NamedTuple):
    """Logits of the pitch's classes [B, F, classes] and the timbre's latents [B, F, L]."""

    logits: Tensor
    timbre: Tensor


class PitchedEncoder(nn.Module):
    """Analysis frames [B, F, window] to z [B, F, 1 + timbre], causal over frames.

    z[..., 0] is the pitch in octaves from 250 Hz, learnt from a tracker, the rest as `FrameEncoder`
    makes it.
    """

    def __init__(
        self,
        sample_rate: int,
        hop: int,
        window: int,
        latents: int,
        width: int = 128,
        level_free: bool = True,
    ) -> None:
        super().__init__()
        self.pitch = PitchHead(sample_rate, hop, window)
        self.timbre = FrameEncoder(sample_rate, hop, window, latents - 1, width, level_free)

    @property
    def bound(self) -> FixedVariance:
        """What keeps the variance of the timbre's latents."""
        return self.timbre.bound

    def hear(self, frames: Tensor, stream: Stream, dft_as_matmul: bool = False) -> Heard:
        """What training teaches, before the logits become a pitch."""
        logits = self.pitch.logits(frames, stream, dft_as_matmul)
        return Heard(logits, self.timbre(frames, stream, dft_as_matmul))

    def forward(self, frames: Tensor, stream: Stream, dft_as_matmul: bool = False) -> Tensor:
        heard = self.hear(frames, stream, dft_as_matmul)
        return torch.cat([self.pitch.coordinate(heard.logits), heard.timbre], dim=-1)
