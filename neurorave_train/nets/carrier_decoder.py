"""The carrier-and-noise decoder: a small causal trunk that plays tuned carriers and noise bands."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from neurorave_train.nets.conditioning import ALL_NAMES
from neurorave_train.nets.stream import Stream
from neurorave_train.nets.synthesis import Carriers
from neurorave_train.nets.trunk_decoder import TrunkDecoder, amplitude


class CarrierDecoder(TrunkDecoder):
    """The trunk's amplitudes play fixed carriers, each with a size, a cosine and a sine."""

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
        super().__init__(
            sample_rate,
            hop,
            latents,
            knots,
            followed,
            gain_shape,
            width,
            fine_width,
            dilations,
            fine_dilations,
            blocks,
            3 * carriers,
            bands,
        )
        self.count = carriers
        self.tones = Carriers(sample_rate, hop, blocks, carriers, low, high)
        with torch.no_grad():
            assert self.head.bias is not None
            self.head.bias[:carriers].fill_(-0.5 * math.log(carriers) - 1.0)

    def play_tones(self, z: Tensor, x: Tensor, base: Tensor, stream: Stream) -> Tensor:
        n = self.count
        size = amplitude(x[..., :n]) * base
        cosine, sine = torch.tanh(x[..., n : 2 * n]), torch.tanh(x[..., 2 * n : 3 * n])
        y: Tensor = self.tones(torch.cat([size * cosine, size * sine], dim=-1), stream)
        return y
