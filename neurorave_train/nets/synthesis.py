"""The two linear synthesisers of the carrier decoder: tuned carriers and filtered noise.

Both turn amplitudes on a grid of short sub-blocks into samples with constant matrices, so they cost
a few products per frame, stream exactly and need no sine, random or Fourier operator in an engine.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from neurorave_train.nets.stream import Stream

PERIOD = 64
"""Frames after which every carrier is back at its first phase."""


class Carriers(nn.Module):
    """Quadrature carriers with linearly interpolated signed envelopes.

    Shapes: envelopes [B, M, 2 * count] (cosine parts, then sine parts) -> [B, M * block]. Sub-block m
    glides from the envelope of m - 1 to its own, so nothing waits for the future. Frequencies lie on
    a grid whose period is 64 frames: the phase is a position in a table that a stream keeps as an
    exact one-hot vector (stored less its first entry, so that zeros mean a fresh start) and it never
    drifts. Source: harmonic-plus-noise synthesis (Serra and Smith, 1990; DDSP, Engel et al., 2020).
    """

    frequencies: Tensor
    phase_cos: Tensor
    phase_sin: Tensor
    basis: Tensor
    roll: Tensor
    first: Tensor

    def __init__(
        self, sample_rate: int, hop: int, blocks: int, count: int, low: float, high: float
    ) -> None:
        super().__init__()
        self.blocks, self.count, self.block = blocks, count, hop // blocks
        grid = sample_rate / (hop * PERIOD)
        wanted = low * (high / low) ** (torch.arange(count).double() / (count - 1))
        index = torch.unique(torch.round(wanted / grid).long().clamp(min=1))
        while len(index) < count:
            # Neighbours that fall on one grid line at the low end make room at the top.
            index = torch.unique(
                torch.cat([index, index.max()[None] + 1 + int(0.03 * index.max())])
            )
        self.register_buffer("frequencies", (index * grid).float(), persistent=False)
        phase = index[None, :] * torch.arange(PERIOD * blocks)[:, None] % (PERIOD * blocks)
        angle = 2.0 * math.pi * phase.double() / (PERIOD * blocks)
        shape = (PERIOD, blocks * count)
        self.register_buffer("phase_cos", torch.cos(angle).float().reshape(shape), False)
        self.register_buffer("phase_sin", torch.sin(angle).float().reshape(shape), False)
        step = 2.0 * math.pi * grid * index.double() / sample_rate
        n = torch.arange(1, self.block + 1).double()
        turn = step[:, None] * n[None, :]
        rise = n / self.block
        basis = [torch.cos(turn) * (1 - rise), torch.sin(turn) * (1 - rise)]
        basis += [torch.cos(turn) * rise, torch.sin(turn) * rise]
        self.register_buffer("basis", torch.cat(basis).float(), persistent=False)
        # Row i of the roll moves position i to i + 1.
        self.register_buffer("roll", torch.eye(PERIOD).roll(1, dims=1), persistent=False)
        first = torch.zeros(1, 1, PERIOD)
        first[0, 0, 0] = 1.0
        self.register_buffer("first", first, persistent=False)

    def _phases(self, envelopes: Tensor, stream: Stream) -> tuple[Tensor, Tensor]:
        frames = envelopes.shape[1] // self.blocks
        position = stream.take(envelopes, 1, PERIOD) + self.first
        if frames == 1:
            cosine = torch.matmul(position, self.phase_cos)
            sine = torch.matmul(position, self.phase_sin)
            stream.give(torch.matmul(position, self.roll) - self.first)
        else:
            start = position[:, 0].argmax(dim=-1)
            rows = (start[:, None] + torch.arange(frames, device=envelopes.device)) % PERIOD
            cosine, sine = self.phase_cos[rows], self.phase_sin[rows]
            after = torch.zeros_like(position)
            after.scatter_(2, ((start + frames) % PERIOD)[:, None, None], 1.0)
            stream.give(after - self.first)
        shape = (envelopes.shape[0], envelopes.shape[1], self.count)
        return cosine.reshape(shape), sine.reshape(shape)

    def forward(self, envelopes: Tensor, stream: Stream) -> Tensor:
        cosine, sine = self._phases(envelopes, stream)
        past = stream.take(envelopes, 1, 2 * self.count)
        stream.give(envelopes[:, envelopes.shape[1] - 1 :])
        before = torch.cat([past, envelopes[:, : envelopes.shape[1] - 1]], dim=1)
        # Where a glide begins and where it ends, side by side: both turn by the same phases.
        both = torch.cat([before, envelopes], dim=-1)
        both = both.reshape(both.shape[0], both.shape[1], 2, 2 * self.count)
        a, b = both.chunk(2, dim=-1)
        cosine, sine = cosine.unsqueeze(2), sine.unsqueeze(2)
        turned = torch.cat([a * cosine + b * sine, b * cosine - a * sine], dim=-1)
        turned = turned.reshape(turned.shape[0], turned.shape[1], 4 * self.count)
        samples = torch.matmul(turned, self.basis)
        return samples.reshape(samples.shape[0], samples.shape[1] * self.block)


class FilteredNoise(nn.Module):
    """Noise with a band spectrum per sub-block, overlapped with power-complementary windows.

    Shapes: amplitudes [B, M, bands], noise [B, M, 2 * bins] standard normal -> [B, M * block]. The
    host draws each block's spectrum directly, which is as white as filtered samples and saves the
    forward transform. A block sounds from its own first sample on: no look-ahead.
    """

    spread: Tensor
    twice: Tensor
    basis: Tensor

    def __init__(self, sample_rate: int, block: int, bands: int, low: float = 60.0) -> None:
        super().__init__()
        self.block, window = block, 2 * block
        self.bins = block + 1
        frequency = torch.arange(self.bins).double() * sample_rate / window
        scale = torch.log(frequency + 150.0)
        centres = torch.linspace(math.log(low + 150.0), float(scale[-1]), bands).double()
        distance = (scale[:, None] - centres[None, :]).abs() / (centres[1] - centres[0])
        spread = torch.clamp(1.0 - distance, min=0.0)
        spread[0] = 0.0
        spread = spread / spread.sum(dim=1, keepdim=True).clamp(min=1e-9)
        self.register_buffer("spread", spread.T.float().contiguous(), persistent=False)
        # A bin's cosine and its sine have the same gain.
        self.register_buffer("twice", torch.cat([self.spread, self.spread], dim=1), False)
        n = torch.arange(window).double()
        angle = 2.0 * math.pi * torch.outer(torch.arange(self.bins).double(), n) / window
        fade = torch.sin(math.pi * (n + 0.5) / window)
        basis = torch.cat([torch.cos(angle), torch.sin(angle)]) * fade / math.sqrt(self.bins)
        self.register_buffer("basis", basis.float(), persistent=False)

    def forward(self, amplitudes: Tensor, noise: Tensor, stream: Stream) -> Tensor:
        gains = torch.matmul(amplitudes, self.twice)
        blocks = torch.matmul(gains * noise, self.basis)
        head, tail = blocks[..., : self.block], blocks[..., self.block :]
        past = stream.take(blocks, 1, self.block)
        stream.give(tail[:, tail.shape[1] - 1 :])
        y = head + torch.cat([past, tail[:, : tail.shape[1] - 1]], dim=1)
        return y.reshape(y.shape[0], y.shape[1] * self.block)
