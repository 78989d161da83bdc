"""The carrier-and-noise decoder: a small causal trunk that plays tuned carriers and noise bands."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from neurorave_train.nets.conditioning import ALL_NAMES, Conditioning
from neurorave_train.nets.layers import CausalConv, Film, Stack, activate, full_precision, in_full
from neurorave_train.nets.stream import Stream
from neurorave_train.nets.synthesis import Carriers, FilteredNoise


class CarrierDecoder(nn.Module):
    """Latents and descriptors to samples, strictly causal, frame by frame or whole.

    Shapes: z [B, F, L], q and mask [B, F, D], noise [B, F * blocks, 2 * bins] -> [B, F * hop].
    The asked loudness scales everything ("gain-shape"), the trunk only shapes it.
    """

    def __init__(
        self,
        sample_rate: int,
        hop: int,
        latents: int,
        knots: Tensor,
        followed: Sequence[str] = ALL_NAMES,
        gain_shape: bool = True,
        width: int = 256,
        fine_width: int = 128,
        dilations: tuple[int, ...] = (1, 2, 4, 8),
        fine_dilations: tuple[int, ...] = (1, 3, 9),
        blocks: int = 4,
        carriers: int = 128,
        low: float = 40.0,
        high: float = 3500.0,
        bands: int = 64,
    ) -> None:
        super().__init__()
        conditions = 2 * int(knots.shape[0])
        self.blocks, self.count, self.bands = blocks, carriers, bands
        self.fine_width = fine_width
        self.conditioning = Conditioning(knots, blocks, followed, gain_shape)
        self.enter = CausalConv(latents + conditions, width, kernel=1)
        self.body = Stack(width, dilations, conditions)
        self.split = CausalConv(width, blocks * fine_width, kernel=1)
        self.fine_film = Film(conditions, blocks * fine_width)
        self.fine = Stack(fine_width, fine_dilations)
        self.head = CausalConv(fine_width, 3 * carriers + bands, kernel=1)
        self.tones = Carriers(sample_rate, hop, blocks, carriers, low, high)
        self.noise = FilteredNoise(sample_rate, hop // blocks, bands)
        with torch.no_grad():
            self.head.weight.mul_(0.3)
            assert self.head.bias is not None
            self.head.bias[:carriers].fill_(-0.5 * math.log(carriers) - 1.0)
            self.head.bias[3 * carriers :].fill_(-2.5)

    @property
    def noise_shape(self) -> tuple[int, int]:
        """Rows per frame and values per row of the noise input."""
        return self.blocks, 2 * self.noise.bins

    @property
    def followed(self) -> Tensor:
        """1 for each descriptor that steers it, else 0, [D]."""
        return self.conditioning.followed

    def forward(self, z: Tensor, q: Tensor, mask: Tensor, noise: Tensor, stream: Stream) -> Tensor:
        condition, base = self.conditioning(q, mask, stream)
        x = self.enter(torch.cat([z, condition], dim=-1), stream)
        x = self.body(x, condition, stream)
        x = self.fine_film(self.split(activate(x), stream), condition)
        x = x.reshape(x.shape[0], x.shape[1] * self.blocks, self.fine_width)
        x = self.head(activate(self.fine(x, None, stream)), stream)
        with full_precision(x):
            return self._play(in_full(x), base, noise, stream)

    def _play(self, x: Tensor, base: Tensor, noise: Tensor, stream: Stream) -> Tensor:
        """The head's outputs [B, M, 3 * carriers + bands] as sound."""
        n = self.count
        size = torch.exp(x[..., :n].clamp(-14.0, 4.0)) * base
        cosine, sine = torch.tanh(x[..., n : 2 * n]), torch.tanh(x[..., 2 * n : 3 * n])
        tonal = self.tones(torch.cat([size * cosine, size * sine], dim=-1), stream)
        hiss = torch.exp(x[..., 3 * n :].clamp(-14.0, 4.0)) * base
        y: Tensor = tonal + self.noise(hiss, noise, stream)
        return y
