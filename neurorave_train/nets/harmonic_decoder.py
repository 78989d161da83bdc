"""The decoder for sounds with a pitch: a small causal trunk that plays harmonics and noise bands."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from neurorave_train.nets.conditioning import ALL_NAMES
from neurorave_train.nets.harmonics import FrameMean, Harmonics
from neurorave_train.nets.stream import Stream
from neurorave_train.nets.trunk_decoder import TrunkDecoder, amplitude


class HarmonicDecoder(TrunkDecoder):
    """The trunk's amplitudes play harmonics of one pitch, z[..., 0] in octaves from 250 Hz.

    Fixed carriers beat against each other where a tone lies between two of them; harmonics do not
    (Serra and Smith, 1990; DDSP, Engel et al., 2020).
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
            harmonics,
            bands,
        )
        self.count = harmonics
        self.steadied = FrameMean(blocks, harmonics)
        self.tones = Harmonics(sample_rate, hop, blocks, harmonics)
        with torch.no_grad():
            assert self.head.bias is not None
            # A sawtooth's slope to begin with.
            self.head.bias[:harmonics] = -0.5 - torch.log(torch.arange(1, harmonics + 1).float())

    def play_tones(self, z: Tensor, x: Tensor, base: Tensor, stream: Stream) -> Tensor:
        pitch, frames = z[..., :1], z.shape[1]
        audible = self.tones.audible(pitch).unsqueeze(2)
        audible = audible.expand(-1, frames, self.blocks, self.count)
        audible = audible.reshape(x.shape[0], frames * self.blocks, self.count)
        sizes = self.steadied(amplitude(x[..., : self.count]) * base * audible, stream)
        y: Tensor = self.tones(pitch, sizes, stream)
        return y
