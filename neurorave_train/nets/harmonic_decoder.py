"""The decoder for sounds with a pitch: a small causal trunk that plays harmonics and noise bands."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from neurorave_train.nets.conditioning import ALL_NAMES, Conditioning
from neurorave_train.nets.harmonics import Harmonics
from neurorave_train.nets.layers import CausalConv, Film, Stack, activate, full_precision, in_full
from neurorave_train.nets.stream import Stream
from neurorave_train.nets.synthesis import FilteredNoise


class HarmonicDecoder(nn.Module):
    """Pitch, latents and descriptors to samples, strictly causal, frame by frame or whole.

    Shapes: z [B, F, 1 + L], whose first coordinate is the pitch in octaves from 250 Hz; q and mask
    [B, F, D], noise [B, F * blocks, 2 * bins] -> [B, F * hop]. The trunk is that of the carrier
    decoder; where that one plays fixed carriers, which beat against each other between two of
    them, the tones here lie on the multiples of the pitch (Serra and Smith, 1990; DDSP, Engel et al.,
    2020). The asked loudness scales everything ("gain-shape").
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
        harmonics: int = 64,
        bands: int = 64,
    ) -> None:
        super().__init__()
        conditions = 2 * int(knots.shape[0])
        self.blocks, self.count, self.bands = blocks, harmonics, bands
        self.fine_width = fine_width
        self.conditioning = Conditioning(knots, blocks, followed, gain_shape)
        self.enter = CausalConv(latents + conditions, width, kernel=1)
        self.body = Stack(width, dilations, conditions)
        self.split = CausalConv(width, blocks * fine_width, kernel=1)
        self.fine_film = Film(conditions, blocks * fine_width)
        self.fine = Stack(fine_width, fine_dilations)
        self.head = CausalConv(fine_width, harmonics + bands, kernel=1)
        self.tones = Harmonics(sample_rate, hop, blocks, harmonics)
        self.noise = FilteredNoise(sample_rate, hop // blocks, bands)
        with torch.no_grad():
            self.head.weight.mul_(0.3)
            assert self.head.bias is not None
            # A sawtooth's slope to begin with.
            self.head.bias[:harmonics] = -0.5 - torch.log(torch.arange(1, harmonics + 1).float())
            self.head.bias[harmonics:].fill_(-2.5)

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
            return self._play(in_full(z[..., :1]), in_full(x), base, noise, stream)

    def _play(
        self, pitch: Tensor, x: Tensor, base: Tensor, noise: Tensor, stream: Stream
    ) -> Tensor:
        """The head's outputs [B, M, harmonics + bands] as sound."""
        n, frames = self.count, pitch.shape[1]
        audible = self.tones.audible(pitch).unsqueeze(2).expand(-1, frames, self.blocks, n)
        audible = audible.reshape(x.shape[0], frames * self.blocks, n)
        size = torch.exp(x[..., :n].clamp(-14.0, 4.0)) * base * audible
        hiss = torch.exp(x[..., n:].clamp(-14.0, 4.0)) * base
        y: Tensor = self.tones(pitch, size, stream) + self.noise(hiss, noise, stream)
        return y
