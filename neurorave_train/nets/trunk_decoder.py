"""The trunk that the decoders of tones and noise share: from latents and descriptors to amplitudes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from neurorave_train.nets.conditioning import Conditioning
from neurorave_train.nets.layers import CausalConv, Film, Stack, activate, full_precision, in_full
from neurorave_train.nets.stream import Stream
from neurorave_train.nets.synthesis import FilteredNoise

HISS_BIAS = -2.5


class TrunkDecoder(nn.Module):
    """Latents and descriptors to samples, strictly causal, frame by frame or whole.

    Shapes: z [B, F, L], q and mask [B, F, D], noise [B, F * blocks, 2 * bins] -> [B, F * hop]. The asked
    loudness scales everything ("gain-shape"), the trunk only shapes it. Of the head's outputs the
    first `tonal` belong to whoever plays the tones, the last `bands` to the noise.
    """

    def __init__(
        self,
        sample_rate: int,
        hop: int,
        latents: int,
        knots: Tensor,
        followed: Sequence[str],
        gain_shape: bool,
        width: int,
        fine_width: int,
        dilations: tuple[int, ...],
        fine_dilations: tuple[int, ...],
        blocks: int,
        tonal: int,
        bands: int,
    ) -> None:
        super().__init__()
        conditions = 2 * int(knots.shape[0])
        self.blocks, self.tonal, self.bands = blocks, tonal, bands
        self.fine_width = fine_width
        self.conditioning = Conditioning(knots, blocks, followed, gain_shape)
        self.enter = CausalConv(latents + conditions, width, kernel=1)
        self.body = Stack(width, dilations, conditions)
        self.split = CausalConv(width, blocks * fine_width, kernel=1)
        self.fine_film = Film(conditions, blocks * fine_width)
        self.fine = Stack(fine_width, fine_dilations)
        self.head = CausalConv(fine_width, tonal + bands, kernel=1)
        self.noise = FilteredNoise(sample_rate, hop // blocks, bands)
        with torch.no_grad():
            self.head.weight.mul_(0.3)
            assert self.head.bias is not None
            self.head.bias[tonal:].fill_(HISS_BIAS)

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
            x = in_full(x)
            tones = self.play_tones(in_full(z), x, base, stream)
            hiss: Tensor = self.noise(amplitude(x[..., self.tonal :]) * base, noise, stream)
        return tones + hiss

    def play_tones(self, z: Tensor, x: Tensor, base: Tensor, stream: Stream) -> Tensor:
        """The first `tonal` of the head's outputs x [B, F * blocks, tonal + bands] as sound.

        base [B, F * blocks, 1] is how loud.
        """
        raise NotImplementedError


def amplitude(x: Tensor) -> Tensor:
    """What a head's output means as an amplitude: its logarithm, held within what can be heard."""
    return torch.exp(x.clamp(-14.0, 4.0))
