"""The harmonic-plus-noise baselines C-DDSP and F-DDSP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from neurorave_train.descriptors import DESCRIPTORS, Descriptors, QuantileMap
from neurorave_train.descriptors.spectrum import centred_frames
from neurorave_train.nets.conditioning import ALL_NAMES
from neurorave_train.nets.ddsp_layers import (
    COEFFICIENTS,
    FrameGru,
    Mfcc,
    Perceptron,
    PitchHead,
)
from neurorave_train.nets.harmonics import Harmonics
from neurorave_train.nets.layers import full_precision, in_full
from neurorave_train.nets.paper_critics import LatentDiscriminator
from neurorave_train.nets.paper_decoder import Attributes
from neurorave_train.nets.paper_layers import positive
from neurorave_train.nets.sound_model import SoundModel
from neurorave_train.nets.stream import Stream
from neurorave_train.nets.synthesis import FilteredNoise


class DdspEncoder(nn.Module):
    """Frames [B, F, window] to [B, F, 1 + latents]: the pitch coordinate, then the timbre."""

    def __init__(self, sample_rate: int, hop: int, window: int, latents: int, width: int) -> None:
        super().__init__()
        self.mfcc = Mfcc(sample_rate, window)
        self.norm = nn.LayerNorm(COEFFICIENTS)
        self.recur = FrameGru(COEFFICIENTS, width)
        self.leave = nn.Linear(width, latents)
        self.pitch = PitchHead(sample_rate, hop, window)

    def timbre(self, frames: Tensor, stream: Stream, dft_as_matmul: bool = False) -> Tensor:
        """The latents [B, F, L] without the pitch."""
        x = self.norm(self.mfcc(frames, dft_as_matmul))
        z: Tensor = self.leave(self.recur(x, stream))
        return z

    def forward(self, frames: Tensor, stream: Stream, dft_as_matmul: bool = False) -> Tensor:
        z = self.timbre(frames, stream, dft_as_matmul)
        pitch = self.pitch.coordinate(self.pitch.logits(frames, stream, dft_as_matmul))
        return torch.cat([pitch, z], dim=-1)


class DdspDecoder(nn.Module):
    """Pitch, latents and descriptors to harmonics and noise; the mask has no effect.

    Shapes: z [B, F, 1 + L], q and mask [B, F, D], noise [B, F * blocks, 2 * bins] -> [B, F * hop].
    Amplitudes come `blocks` times a frame. There is no loudness input beside the descriptors, which
    would give rms away, and no reverberation.
    """

    def __init__(
        self,
        sample_rate: int,
        hop: int,
        latents: int,
        knots: Tensor,
        followed: Sequence[str],
        width: int,
        harmonics: int,
        bands: int,
        blocks: int,
    ) -> None:
        super().__init__()
        self.blocks, self.count, self.bands = blocks, harmonics, bands
        self.attributes = Attributes(knots, followed)
        self.from_pitch = Perceptron(1, width)
        self.from_latent = Perceptron(latents + int(knots.shape[0]), width)
        self.recur = FrameGru(2 * width, width)
        self.body = Perceptron(width + 1, width)
        self.head = nn.Linear(width, blocks * (1 + harmonics + bands))
        self.tones = Harmonics(sample_rate, hop, blocks, harmonics)
        self.noise = FilteredNoise(sample_rate, hop // blocks, bands)

    @property
    def noise_shape(self) -> tuple[int, int]:
        """Rows per frame and values per row of the noise input."""
        return self.blocks, 2 * self.noise.bins

    @property
    def followed(self) -> Tensor:
        """1 for each descriptor that steers it, else 0, [D]."""
        return self.attributes.followed

    def forward(self, z: Tensor, q: Tensor, mask: Tensor, noise: Tensor, stream: Stream) -> Tensor:
        # Not used at all, the mask would not become an input of the graph, and bundles must have it.
        a = self.attributes(q + 0.0 * mask)
        pitch, timbre = z[..., :1], z[..., 1:]
        x = torch.cat(
            [self.from_pitch(pitch), self.from_latent(torch.cat([timbre, a], dim=-1))], dim=-1
        )
        x = self.body(torch.cat([self.recur(x, stream), pitch], dim=-1))
        x = in_full(self.head(x))
        with full_precision(x):
            return self._play(in_full(pitch), x, noise, stream)

    def _play(self, pitch: Tensor, x: Tensor, noise: Tensor, stream: Stream) -> Tensor:
        """The head's outputs [B, F, blocks * (1 + count + bands)] as sound."""
        b, frames, n = x.shape[0], x.shape[1], self.count
        x = x.reshape(b, frames * self.blocks, 1 + n + self.bands)
        total, shares = positive(x[..., :1] - 2.0), positive(x[..., 1 : 1 + n])
        audible = self.tones.audible(pitch).unsqueeze(2).expand(b, frames, self.blocks, n)
        shares = shares * audible.reshape(b, frames * self.blocks, n)
        shares = shares / (shares.sum(dim=-1, keepdim=True) + 1e-7)
        y: Tensor = self.tones(pitch, total * shares, stream)
        hiss: Tensor = self.noise(positive(x[..., 1 + n :] - 4.0), noise, stream)
        return y + hiss


class DdspModel(SoundModel):
    """C-DDSP and F-DDSP (the baselines of Devis et al., 2023, after Engel et al., 2020).

    knots [D, 25] are the training set's descriptor quantiles, floor [window // 2 + 1] the spectrum
    under which sound counts as silence, `options` the recipe's `ddsp:` block. Latent 0 is the pitch.
    """

    fixed_latents = 1

    def __init__(
        self,
        knots: Tensor,
        floor: Tensor | None,
        sample_rate: int,
        hop: int,
        window: int,
        options: dict[str, Any],
        followed: Sequence[str] = ALL_NAMES,
    ) -> None:
        super().__init__()
        o = options
        self.sample_rate, self.hop, self.window = sample_rate, hop, window
        self.latents = 1 + int(o["latents"])
        self.latency = (window - hop) // 2
        self.quantiles = QuantileMap(knots)
        self.descriptors = Descriptors(sample_rate, hop, window, floor)
        self.encoder = DdspEncoder(sample_rate, hop, window, o["latents"], o["width"])
        self.decoder = DdspDecoder(
            sample_rate,
            hop,
            o["latents"],
            knots,
            followed,
            o["width"],
            o["harmonics"],
            o["bands"],
            o["blocks"],
        )
        self.critic = LatentDiscriminator(
            o["latents"], len(DESCRIPTORS), o["classes"], o["critic_layers"]
        )

    def frames(self, audio: Tensor) -> Tensor:
        """Analysis frames [B, T // hop, window], frame t centred on samples [t * hop, (t+1) * hop)."""
        return centred_frames(audio, self.hop, self.window)

    def encode(self, audio: Tensor) -> Tensor:
        """Audio [B, T] to the pitch and the latents [B, T // hop, 1 + L]."""
        z: Tensor = self.encoder(self.frames(audio), Stream())
        return z
