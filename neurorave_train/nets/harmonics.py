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


class FrameMean(nn.Module):
    """The mean of the last frame's worth of sub-blocks [B, M, C] -> [B, M, C], causal.

    A mean over one frame is zero at the frame rate and its multiples: what a network repeats with every
    frame, which is heard as a buzz, does not come through. A rise takes a frame and begins at once.
    """

    def __init__(self, blocks: int, channels: int) -> None:
        super().__init__()
        self.blocks, self.channels = blocks, channels

    def forward(self, x: Tensor, stream: Stream) -> Tensor:
        past = self.blocks - 1
        y = torch.cat([stream.take(x, past, self.channels), x], dim=1)
        stream.give(y[:, y.shape[1] - past :])
        total = y[:, : x.shape[1]]
        for i in range(1, self.blocks):
            total = total + y[:, i : i + x.shape[1]]
        return total * (1.0 / self.blocks)


class Harmonics(nn.Module):
    """Harmonics of one pitch, gliding amplitudes and a gliding pitch.

    Shapes: pitch [B, F, 1] in coordinates, amplitudes [B, F * blocks, count] -> [B, F * hop]. Within a frame
    the frequency goes in a straight line from the last frame's to its own, so a pitch that moves does not
    step; the first frame holds its own. Phases are counted in whole steps of 2^-bits cycles, as many as
    float32 can add without rounding, so that a frame at a time and all at once give the very same ones.
    Gradients reach the amplitudes; the pitch gets none. Source: DDSP (Engel et al., 2020).
    """

    step: Tensor
    numbers: Tensor
    bend: Tensor
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
        n = torch.arange(1, self.block + 1).float()
        self.register_buffer("step", n, persistent=False)
        # What a phase that bends lacks against the straight line between a sub-block's ends; zero at both.
        bend = n * (n - self.block) / (2.0 * self.block * blocks)
        self.register_buffer("bend", bend, persistent=False)
        rise = n / self.block
        self.register_buffer("rise", torch.stack([1.0 - rise, rise]), persistent=False)

    def whole(self, cycles: Tensor) -> Tensor:
        """Cycles per sample, rounded to a whole number of steps."""
        return torch.floor(cycles * self.steps + 0.5) * (1.0 / self.steps)

    def increment(self, pitch: Tensor) -> Tensor:
        """Cycles per sample, a whole number of steps."""
        return self.whole(to_hertz(pitch) * (1.0 / self.sample_rate))

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
        b, frames = pitch.shape[0], pitch.shape[1]
        # The phase at the frame's start, and the last frame's increment.
        state = stream.take(pitch, 1, 2)
        start, past = state[..., :1], state[..., 1:]
        each = self.increment(pitch)
        before = torch.cat([past, each[:, : frames - 1]], dim=1)
        # No pitch is as low as one step: zero means that there was no frame before.
        change = (each - before) * torch.clamp(before * self.steps, 0.0, 1.0)
        first = each - change
        middle = [change * ((2 * i + 1) / (2.0 * self.blocks)) for i in range(self.blocks)]
        # A sub-block advances by its mean frequency, which is the one in its middle.
        means = [self.whole(first + x) for x in middle]
        advances = [fraction(mean * self.block) for mean in means]
        if frames > 1:
            # Exact: sums of whole steps, far from where doubles round.
            ends = start.double() + torch.stack(advances).sum(dim=0).double().cumsum(dim=1)
            start = torch.cat([start, fraction(ends).to(start)[:, : frames - 1]], dim=1)
        phases = []
        for mean, advance in zip(means, advances, strict=True):
            phases.append(start + mean * self.step + change * self.bend)
            start = fraction(start + advance)
        stream.give(torch.cat([start, each], dim=-1)[:, frames - 1 :])
        phase = fraction(torch.cat(phases, dim=-1))
        phase = phase.reshape(b, frames * self.blocks, self.block, 1)
        turns = phase * self.numbers
        if frames > 1:
            # No graph is made of many frames, and in place they take half the time.
            return turns.sub_(turns.floor()).mul_(2.0 * math.pi).sin_()
        return torch.sin(fraction(turns) * (2.0 * math.pi))
