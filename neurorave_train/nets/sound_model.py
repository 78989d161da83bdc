"""What a trained model of any family can do, as its prior and the export see it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from neurorave_train.descriptors import Descriptors, QuantileMap
from neurorave_train.nets.layers import full_precision, in_full
from neurorave_train.nets.stream import Stream


class SoundModel(nn.Module):
    """Encoder, decoder and the descriptors they share; the families differ in how they are made.

    Frame t of every sequence is centred on output frame t.
    """

    sample_rate: int
    hop: int
    window: int
    latents: int
    latency: int
    quantiles: QuantileMap
    descriptors: Descriptors
    decoder: Any
    frees: bool = False
    """Whether the mask can leave a descriptor free; otherwise its value is followed all the same."""
    fixed_latents: int = 0
    """How many of the first coordinates have a meaning (the pitch) and keep it, place and scale, at export."""

    def encode(self, audio: Tensor) -> Tensor:
        """Audio [B, T] to latents [B, T // hop, L]."""
        raise NotImplementedError

    def draw_noise(
        self, frames: int, like: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """Standard normal noise for `frames` frames of each item of `like`."""
        rows, values = self.decoder.noise_shape
        noise = torch.randn(like.shape[0], frames * rows, values, generator=generator)
        return noise.to(like.device)

    def decode(self, z: Tensor, q: Tensor, mask: Tensor, noise: Tensor | None = None) -> Tensor:
        """Latents and descriptors (quantile units, mask 1 = asked) to audio [B, F * hop]."""
        if noise is None:
            noise = self.draw_noise(z.shape[1], z)
        y: Tensor = self.decoder(z, q, mask, noise, Stream())
        return in_full(y)

    @property
    def followed(self) -> Tensor:
        """1 for each descriptor that steers the decoder, else 0, [D]."""
        found: Tensor = self.decoder.followed
        return found

    def measure(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Descriptors of audio [B, T]: physical values and quantile units, both [B, F, D]."""
        with full_precision(audio):
            values = self.descriptors(audio)
            return values, self.quantiles.to_q(values)
