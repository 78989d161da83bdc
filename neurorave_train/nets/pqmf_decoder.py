"""The RAVE-like playable decoder: dilated units between upsamplings, PQMF bands and noise."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from neurorave_train.nets.conditioning import ALL_NAMES, Conditioning
from neurorave_train.nets.layers import (
    CausalConv,
    Stack,
    Upsample,
    activate,
    full_precision,
    in_full,
)
from neurorave_train.nets.pqmf import Pqmf
from neurorave_train.nets.stream import Stream
from neurorave_train.nets.synthesis import FilteredNoise


class PqmfDecoder(nn.Module):
    """Latents and descriptors to samples through sub-bands; same interface as `CarrierDecoder`.

    Shapes: z [B, F, L], q and mask [B, F, D], noise [B, F * 4, 2 * bins] -> [B, F * hop]. Units and
    band modulation after RAVE v2 (Caillon and Esling, 2021), low attenuation after BRAVE (Caspe et
    al., 2025); the asked loudness scales bands and noise.
    """

    def __init__(
        self,
        sample_rate: int,
        hop: int,
        latents: int,
        knots: Tensor,
        followed: Sequence[str] = ALL_NAMES,
        gain_shape: bool = True,
        widths: tuple[int, ...] = (224, 112, 56, 40),
        ratios: tuple[int, ...] = (4, 4, 2),
        dilations: tuple[int, ...] = (1, 3, 9),
        pqmf_bands: int = 16,
        attenuation: float = 50.0,
        noise_bands: int = 64,
    ) -> None:
        super().__init__()
        conditions = 2 * int(knots.shape[0])
        product = pqmf_bands
        for ratio in ratios:
            product *= ratio
        if product != hop or ratios[0] != 4:
            raise ValueError(f"ratios {ratios} and {pqmf_bands} bands give {product}, hop is {hop}")
        self.blocks = ratios[0]
        self.ratios = ratios
        self.conditioning = Conditioning(knots, self.blocks, followed, gain_shape)
        self.enter = CausalConv(latents + conditions, widths[0], kernel=3)
        self.first = Stack(widths[0], dilations, conditions)
        self.ups = nn.ModuleList(
            Upsample(a, b, r) for a, b, r in zip(widths, widths[1:], ratios, strict=False)
        )
        self.stacks = nn.ModuleList(Stack(w, dilations, conditions) for w in widths[1:])
        self.wave = CausalConv(widths[-1], 2 * pqmf_bands, kernel=3)
        self.hiss = CausalConv(widths[1], noise_bands, kernel=3)
        self.pqmf = Pqmf(pqmf_bands, attenuation)
        self.noise = FilteredNoise(sample_rate, hop // self.blocks, noise_bands)
        with torch.no_grad():
            assert self.hiss.bias is not None
            self.hiss.weight.mul_(0.3)
            self.hiss.bias.fill_(-2.5)

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
        x = self.first(x, condition, stream)
        amplitudes = None
        for ratio, up, stack in zip(self.ratios, self.ups, self.stacks, strict=True):
            x = up(activate(x), stream)
            condition = _hold(condition, ratio)
            x = stack(x, condition, stream)
            if amplitudes is None:
                amplitudes = torch.exp(self.hiss(activate(x), stream).clamp(-14.0, 4.0)) * base
        wave, loudness = self.wave(activate(x), stream).chunk(2, dim=-1)
        gain = _hold(base, x.shape[1] // base.shape[1])
        bands = torch.tanh(wave) * torch.exp(loudness.clamp(-14.0, 4.0)) * gain
        assert amplitudes is not None
        with full_precision(x):
            y: Tensor = self.pqmf.inverse(in_full(bands), stream)
            hiss: Tensor = self.noise(in_full(amplitudes), noise, stream)
        return y + hiss


def _hold(x: Tensor, ratio: int) -> Tensor:
    """Repeats each step `ratio` times; expand and reshape keep it free of index operators."""
    if ratio == 1:
        return x
    b, t, c = x.shape
    return x.unsqueeze(2).expand(b, t, ratio, c).reshape(b, t * ratio, c)
