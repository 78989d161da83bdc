"""The published decoder: dilated units between upsamplings, then waveform, loudness and noise."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from neurorave_train.descriptors import QuantileMap
from neurorave_train.nets.conditioning import ALL_NAMES, followed_ones
from neurorave_train.nets.layers import CausalConv, Upsample, activate, full_precision, in_full
from neurorave_train.nets.paper_frame import decode_frame
from neurorave_train.nets.paper_layers import SubbandBank, positive, weight_normed
from neurorave_train.nets.stream import Stream


class Attributes(nn.Module):
    """Quantile units [..., D] to the published scale: linear in the physical value, -1 .. 1.

    The original takes minimum and maximum over all recordings, validation included, so that one
    click decides the scale; here they are the 1 % and 99 % quantiles of the training part, clipped.
    A descriptor that is not `followed` is zero, so that every system has the same width.
    """

    followed: Tensor

    def __init__(self, knots: Tensor, followed: Sequence[str] = ALL_NAMES) -> None:
        super().__init__()
        self.quantiles = QuantileMap(knots)
        self.all_followed = len(set(followed)) == len(ALL_NAMES)
        self.register_buffer("followed", followed_ones(followed), persistent=False)

    def forward(self, q: Tensor) -> Tensor:
        low, high = self.quantiles.knots[:, 0], self.quantiles.knots[:, -1]
        values = self.quantiles.to_value(q)
        scaled = torch.clamp((values - low) * (2.0 / (high - low)) - 1.0, -1.0, 1.0)
        return scaled if self.all_followed else scaled * self.followed


class Unit(nn.Module):
    """Dilated and plain convolution of three taps around an identity, no bias."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.spread = weight_normed(CausalConv(channels, channels, 3, dilation, bias=False))
        self.mix = weight_normed(CausalConv(channels, channels, 3, bias=False))

    def forward(self, x: Tensor, stream: Stream) -> Tensor:
        y: Tensor = self.mix(activate(self.spread(activate(x), stream)), stream)
        return x + y


class NoiseHead(nn.Module):
    """Noise shaped in a few frequency bins per band and block, as DDSP does (Engel et al., 2020).

    Shapes: x [B, T, channels], noise [B, T / block, bands * block] standard normal -> bands
    [B, T, bands]; block = prod(ratios). Blocks do not overlap.
    """

    taps: Tensor

    def __init__(self, channels: int, bands: int, ratios: Sequence[int], bins: int) -> None:
        super().__init__()
        self.bands, self.bins, self.block = bands, bins, math.prod(ratios)
        widths = [channels] * len(ratios) + [bands * bins]
        self.convs = nn.ModuleList(
            weight_normed(CausalConv(a, b, kernel=3, stride=r))
            for a, b, r in zip(widths, widths[1:], ratios, strict=False)
        )
        # Zero-phase responses of the bins at lags -reach .. reach, Hann window over them; the window
        # is zero at the one lag more that an inverse transform has.
        size = 2 * (bins - 1)
        self.reach = bins - 2
        lags = torch.arange(-self.reach, self.reach + 1)
        rows = torch.fft.irfft(torch.eye(bins), n=size)[:, lags % size]
        self.register_buffer("taps", rows * torch.hann_window(size)[1:], persistent=False)

    def forward(self, x: Tensor, noise: Tensor, stream: Stream) -> Tensor:
        for i, conv in enumerate(self.convs):
            x = conv(activate(x) if i else x, stream)
        b, blocks, _ = x.shape
        amplitudes = positive(x - 5.0).reshape(b, blocks, self.bands, self.bins)
        response = torch.matmul(amplitudes, self.taps)
        # The published noise is uniform in -1 .. 1; the hosts of a bundle give normal numbers.
        u = torch.erf(noise * math.sqrt(0.5)).reshape(b, blocks, self.bands, self.block)
        y = torch.zeros_like(u)
        for i, lag in enumerate(range(-self.reach, self.reach + 1)):
            # Around the end of the block, so that its power is the same everywhere.
            cut = -lag % self.block
            turned = torch.cat([u[..., cut:], u[..., :cut]], dim=-1) if cut else u
            y = y + response[..., i : i + 1] * turned
        return y.transpose(2, 3).reshape(b, blocks * self.block, self.bands)


class PaperDecoder(nn.Module):
    """Latents with the descriptors beside them to samples (F-RAVE, Devis et al., 2023), causal here.

    Shapes: z [B, F, L], q and mask [B, F, D], noise [B, F * rows, values] -> [B, F * hop]. There is
    no free descriptor in this model: whatever the mask says, q is followed, and who wants one free
    passes the prior's value for it, as the module does. `noise_level` is 0 until phase 2 begins.
    """

    noise_level: Tensor

    def __init__(
        self,
        latents: int,
        knots: Tensor,
        bands: int,
        attenuation: float,
        capacity: int,
        ratios: Sequence[int],
        dilations: Sequence[int],
        noise_ratios: Sequence[int],
        noise_bins: int,
        followed: Sequence[str] = ALL_NAMES,
    ) -> None:
        super().__init__()
        steps = math.prod(ratios)
        self.rows = steps // math.prod(noise_ratios)
        if steps % 2 or steps % math.prod(noise_ratios):
            raise ValueError(
                f"ratios {list(ratios)} must give an even number of band samples a frame, a "
                f"multiple of what noise_ratios {list(noise_ratios)} give"
            )
        self.attributes = Attributes(knots, followed)
        widths = [capacity * 2**i for i in range(len(ratios), -1, -1)]
        self.enter = weight_normed(CausalConv(latents + int(knots.shape[0]), widths[0], kernel=7))
        self.ups = nn.ModuleList(
            weight_normed(Upsample(a, b, r))
            for a, b, r in zip(widths, widths[1:], ratios, strict=False)
        )
        self.stacks = nn.ModuleList(
            nn.ModuleList(Unit(width, dilation) for dilation in dilations) for width in widths[1:]
        )
        self.wave = weight_normed(CausalConv(capacity, bands, kernel=7))
        self.loudness = weight_normed(CausalConv(capacity, 1, kernel=3))
        self.noise = NoiseHead(capacity, bands, noise_ratios, noise_bins)
        self.bank = SubbandBank(bands, attenuation)
        self.register_buffer("noise_level", torch.zeros(()))

    @property
    def noise_shape(self) -> tuple[int, int]:
        """Rows per frame and values per row of the noise input."""
        return self.rows, self.bank.bands * self.noise.block

    @property
    def followed(self) -> Tensor:
        """1 for each descriptor that steers it, else 0, [D]."""
        return self.attributes.followed

    def bands(self, z: Tensor, q: Tensor, noise: Tensor, stream: Stream) -> Tensor:
        """The sub-bands [B, F * hop / bands, bands] of the sound."""
        x = self.enter(torch.cat([z, self.attributes(q)], dim=-1), stream)
        for up, stack in zip(self.ups, self.stacks, strict=True):
            x = up(activate(x), stream)
            assert isinstance(stack, nn.ModuleList)
            for unit in stack:
                x = unit(x, stream)
        wave = torch.tanh(self.wave(x, stream)) * positive(self.loudness(x, stream))
        y: Tensor = wave + self.noise_level * self.noise(x, noise, stream)
        return y

    def forward(self, z: Tensor, q: Tensor, mask: Tensor, noise: Tensor, stream: Stream) -> Tensor:
        # Not used at all, the mask would not become an input of the graph, and bundles must have it.
        q = q + 0.0 * mask
        if z.shape[:2] == (1, 1) and not self.training:
            x = torch.cat([z, self.attributes(q)], dim=-1)
            return decode_frame(self, x, noise, stream)
        bands = self.bands(z, q, noise, stream)
        with full_precision(bands):
            return self.bank.inverse(in_full(bands), stream)
