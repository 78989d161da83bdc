"""A harmonic oscillator whose phase is exact, so that a stream never drifts from the whole."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from neurorave_train.nets.stream import Stream

CENTRE_HZ = 250.0
REACH = 3.0
"""Octaves around the centre that a pitch coordinate spans: 31 Hz to 2 kHz."""
HIGHEST_HZ = CENTRE_HZ * 2.0**REACH
MANTISSA = 23
# 2^x around zero: Taylor's series in ln 2.
SERIES = tuple(math.log(2.0) ** k / math.factorial(k) for k in range(7))
SQUARINGS = 3
# Harmonics fade out over the last part of the spectrum, in cycles per sample.
NYQUIST, FADE = 0.5, 0.02


def to_coordinate(hertz: Tensor) -> Tensor:
    """Pitch coordinate (octaves from 250 Hz, within +-3) of frequencies."""
    return torch.log2(hertz / CENTRE_HZ).clamp(-REACH, REACH)


def to_hertz(coordinate: Tensor) -> Tensor:
    """Frequencies of pitch coordinates, by sums and products only: every engine rounds them alike."""
    x = coordinate.clamp(-REACH, REACH) * 0.5**SQUARINGS
    y = torch.full_like(x, SERIES[-1])
    for factor in reversed(SERIES[:-1]):
        y = y * x + factor
    for _ in range(SQUARINGS):
        y = y * y
    return y * CENTRE_HZ


def fraction(x: Tensor) -> Tensor:
    """The part behind the point, 0 <= . < 1."""
    return x - torch.floor(x)


class Harmonics(nn.Module):
    """Harmonics of one pitch with linearly gliding amplitudes.

    Shapes: pitch [B, F, 1] in coordinates, amplitudes [B, F * blocks, count] -> [B, F * hop]. The pitch
    holds for a frame, the phase goes on. Phases are counted in whole steps of 2^-bits cycles, as many as
    float32 can add without rounding, so that a frame at a time and all at once give the very same ones.
    Gradients reach the amplitudes; the pitch gets none. Source: DDSP (Engel et al., 2020).
    """

    step: Tensor
    numbers: Tensor
    starts: Tensor
    rise: Tensor

    def __init__(self, sample_rate: int, hop: int, blocks: int, count: int) -> None:
        super().__init__()
        self.sample_rate, self.blocks, self.block, self.count = (
            sample_rate,
            blocks,
            hop // blocks,
            count,
        )
        cycles = self.block * HIGHEST_HZ / sample_rate
        self.steps = 2.0 ** (MANTISSA - max(0, math.ceil(math.log2(cycles))))
        self.register_buffer("numbers", torch.arange(1, count + 1).float(), persistent=False)
        self.register_buffer("step", torch.arange(1, self.block + 1).float(), persistent=False)
        starts = torch.arange(blocks).float()
        self.register_buffer("starts", starts, persistent=False)
        rise = torch.arange(1, self.block + 1).float() / self.block
        self.register_buffer("rise", torch.stack([1.0 - rise, rise]), persistent=False)

    def increment(self, pitch: Tensor) -> Tensor:
        """Cycles per sample, a whole number of steps."""
        cycles = to_hertz(pitch) * (1.0 / self.sample_rate)
        return torch.floor(cycles * self.steps + 0.5) * (1.0 / self.steps)

    def audible(self, pitch: Tensor) -> Tensor:
        """1 for each harmonic well below half the sample rate, 0 above it, [B, F, count]."""
        return torch.clamp(
            (NYQUIST - self.increment(pitch) * self.numbers) * (1.0 / FADE), 0.0, 1.0
        )

    def forward(self, pitch: Tensor, amplitudes: Tensor, stream: Stream) -> Tensor:
        past = stream.take(amplitudes, 1, self.count)
        stream.give(amplitudes[:, amplitudes.shape[1] - 1 :])
        before = torch.cat([past, amplitudes[:, : amplitudes.shape[1] - 1]], dim=1)
        with torch.no_grad():
            waves = self._waves(pitch, stream)
        ends = torch.stack([before, amplitudes], dim=2).transpose(2, 3)
        both = torch.matmul(waves, ends).transpose(2, 3)
        y = (both * self.rise).sum(dim=2)
        return y.reshape(y.shape[0], y.shape[1] * self.block)

    def _waves(self, pitch: Tensor, stream: Stream) -> Tensor:
        """Sines of all harmonics [B, F * blocks, block, count]."""
        each = self.increment(pitch)
        over_block = fraction(each * self.block)
        advance = fraction(over_block * self.blocks)
        start = stream.take(pitch, 1, 1)
        if pitch.shape[1] == 1:
            stream.give(fraction(start + advance))
        else:
            # Exact: sums of whole steps, far from where doubles round.
            ends = fraction(start.double() + advance.double().cumsum(dim=1)).to(start)
            stream.give(ends[:, ends.shape[1] - 1 :])
            start = torch.cat([start, ends[:, : ends.shape[1] - 1]], dim=1)
        b, frames = pitch.shape[0], pitch.shape[1]
        block_start = fraction(start + over_block * self.starts)
        phase = fraction(block_start.unsqueeze(3) + each.unsqueeze(3) * self.step)
        phase = phase.reshape(b, frames * self.blocks, self.block, 1)
        turns = phase * self.numbers
        if frames > 1:
            # No graph is made of many frames, and in place they take half the time.
            return turns.sub_(turns.floor()).mul_(2.0 * math.pi).sin_()
        return torch.sin(fraction(turns) * (2.0 * math.pi))
