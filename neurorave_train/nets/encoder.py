"""The playable presets' encoder: log-mel frames to a bounded latent of fixed variance."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from neurorave_train.descriptors.spectrum import PowerSpectrum
from neurorave_train.nets.layers import CausalConv, Stack, in_full
from neurorave_train.nets.stream import Stream
from neurorave_train.together import SharedBatchNorm

LIMIT = 3.0
SILENCE = 1e-8
"""Power, full scale 1, under which a frame's level counts as silence (-80 dB)."""
LONG_SCALE, SHORT_SCALE = 100.0, 25.0
"""Bring mean power per bin of both windows to the scale of the frame's total power."""
FIXED_LEVEL = 1e-2
"""Power to which spectra are relative where the encoder hears the level."""


def mel_matrix(sample_rate: int, window: int, bands: int, low: float = 30.0) -> Tensor:
    """Triangular mel filters [window // 2 + 1, bands], each of unit sum (HTK mel scale)."""
    top = sample_rate / 2.0
    mel = [2595.0 * math.log10(1.0 + f / 700.0) for f in (low, top)]
    edges = 700.0 * (10.0 ** (torch.linspace(mel[0], mel[1], bands + 2).double() / 2595.0) - 1.0)
    width = sample_rate / window
    # A filter narrower than two bins could fall between them and see nothing.
    for i in range(1, bands + 2):
        edges[i] = max(float(edges[i]), float(edges[i - 1]) + width)
    bins = torch.arange(window // 2 + 1).double() * width
    rise = (bins[:, None] - edges[None, :-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[None, 2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    filters = torch.clamp(torch.minimum(rise, fall), min=0.0)
    return (filters / filters.sum(dim=0, keepdim=True).clamp(min=1e-9)).float()


class MelFrames(nn.Module):
    """Long and short log-mel spectra of each analysis frame, relative to the frame's own level.

    Shapes: frames [..., window] -> [..., long + 4 * short]. The four short windows lie on the quarters
    of the frame's own hop in the middle of the long window, so attacks keep their place in time.
    Loudness is a descriptor and reaches the decoder by another way; left in here it would take most
    of the latent's variance and leave little for the timbre. `relative=False` leaves it in.
    """

    long_mel: Tensor
    short_mel: Tensor

    def __init__(
        self,
        sample_rate: int,
        hop: int,
        window: int,
        long: int = 64,
        short: int = 32,
        relative: bool = True,
    ) -> None:
        super().__init__()
        self.relative = relative
        self.window, self.small = window, window // 4
        quarter = hop // 4
        first = (window - hop) // 2 + quarter // 2 - self.small // 2
        self.starts = [first + quarter * j for j in range(4)]
        self.size = long + 4 * short
        for name, length, bands in (("long", window, long), ("short", self.small, short)):
            self.register_buffer(f"{name}_mel", mel_matrix(sample_rate, length, bands), False)
        self.long_power, self.short_power = PowerSpectrum(window), PowerSpectrum(self.small)

    def forward(self, frames: Tensor, dft_as_matmul: bool = False) -> Tensor:
        whole = self.long_power(frames, dft_as_matmul)
        level = whole.sum(dim=-1, keepdim=True) + SILENCE if self.relative else FIXED_LEVEL
        powers = [torch.matmul(whole, self.long_mel) * LONG_SCALE]
        for start in self.starts:
            piece = frames[..., start : start + self.small]
            short = self.short_power(piece, dft_as_matmul)
            powers.append(torch.matmul(short, self.short_mel) * SHORT_SCALE)
        # About zero mean and unit spread; 60 dB under the level is the bottom.
        return (torch.log(torch.cat(powers, dim=-1) / level + 1e-6) + 4.0) / 4.0


class FixedVariance(nn.Module):
    """Whitens each latent coordinate with running statistics, then bounds it softly at +-3.

    Batch normalisation without a learned scale (Ioffe and Szegedy, 2015) keeps the variance at one by
    construction: the encoder can neither saturate the bound nor shrink a coordinate below the noise.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.norm = SharedBatchNorm(size, affine=False, momentum=0.01)

    def forward(self, u: Tensor) -> Tensor:
        y = self.norm(in_full(u.reshape(-1, u.shape[-1]))).reshape(u.shape)
        return LIMIT * torch.tanh(y / LIMIT)


class FrameEncoder(nn.Module):
    """Analysis frames to latents, causal over frames.

    Shapes: frames [B, F, window] -> z [B, F, latents], |z| < 3. Frame t of the input is centred on
    output frame t; a stream therefore hears it (window - hop) / 2 samples late (`latency_samples`).
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
        self.features = MelFrames(sample_rate, hop, window, relative=level_free)
        self.enter = CausalConv(self.features.size, width, kernel=1)
        self.body = Stack(width, (1, 2, 4))
        self.leave = CausalConv(width, latents, kernel=1)
        self.bound = FixedVariance(latents)

    def forward(self, frames: Tensor, stream: Stream, dft_as_matmul: bool = False) -> Tensor:
        x = self.enter(self.features(frames, dft_as_matmul), stream)
        z: Tensor = self.bound(self.leave(self.body(x, None, stream), stream))
        return z
