"""What a player might ask for: descriptor curves of other clips and invented ones."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from neurorave_train.together import weighted_mean

RMS = 0
ALL, KEPT, FREE, MODULATED = range(4)


class Requests(NamedTuple):
    """asked [B, F, D] in quantile units; mask and weight [B, F, D], weight of the measured error."""

    asked: Tensor
    mask: Tensor
    weight: Tensor


def counted(q: Tensor, level_db: Tensor) -> Tensor:
    """Frames that count per descriptor [B, F, D]: loudness always, the others above -60 dB.

    In near silence the other four describe the noise floor and no decoder can follow them.
    """
    loud = (level_db > -60.0).to(q.dtype).unsqueeze(-1)
    weight = loud.expand_as(q).clone()
    weight[..., RMS] = 1.0
    return weight


def draw_mask(
    q: Tensor, generator: torch.Generator, share: float = 0.5, followed: Tensor | None = None
) -> Tensor:
    """Mask [B, F, D] that frees random descriptors, but never the loudness, in `share` of items.

    Descriptors that are not `followed` [D] are always free.
    """
    batch, frames, count = q.shape
    asked = torch.rand(batch, count, generator=generator) < torch.rand(
        batch, 1, generator=generator
    )
    keep = torch.rand(batch, 1, generator=generator) >= share
    asked = asked | keep
    asked[:, RMS] = True
    if followed is not None:
        asked = asked & (followed.cpu() > 0.0)
    return asked.to(q.dtype).to(q.device).unsqueeze(1).expand(batch, frames, count)


def invent(batch: int, frames: int, frame_rate: float, generator: torch.Generator) -> Tensor:
    """Modulator curves [batch, frames] in 0..1: sine, saw up and down, square, ramp, hold.

    Rates are log-uniform between 0.3 and 8 Hz, ranges random, as a modular synthesiser gives them.
    """

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(batch, 1, generator=generator)

    rate = 0.3 * (8.0 / 0.3) ** uniform(0.0, 1.0)
    phase = (torch.arange(frames)[None, :] / frame_rate * rate + uniform(0.0, 1.0)) % 1.0
    ramp = torch.linspace(0.0, 1.0, frames).expand(batch, frames)
    shapes = torch.stack(
        [
            0.5 + 0.5 * torch.sin(2.0 * math.pi * phase),
            phase,
            1.0 - phase,
            (phase < 0.5).float(),
            ramp,
            1.0 - ramp,
            torch.ones(batch, frames),
        ],
        dim=1,
    )
    kind = torch.randint(shapes.shape[1], (batch,), generator=generator)
    curve = shapes[torch.arange(batch), kind]
    ends = torch.rand(batch, 2, generator=generator) * 0.95 + 0.02
    low, high = ends.min(dim=1).values[:, None], ends.max(dim=1).values[:, None]
    return low + (high - low) * curve


def draw_requests(
    q: Tensor,
    frame_rate: float,
    level_of: torch.nn.Module,
    generator: torch.Generator,
    shares: tuple[float, float, float, float] = (0.3, 0.25, 0.25, 0.2),
    followed: Tensor | None = None,
    free: bool = True,
) -> Requests:
    """Draws one request per item of a batch of measured curves q [B, F, D].

    A quarter each, about: all curves of another clip; one curve changed with the others asked as
    they were; one changed with the others free; one modulated like a patched synthesiser over a
    steady or natural loudness. `level_of.to_value` turns quantile units into physical values. Only
    descriptors that are `followed` [D] are asked for; without `free` the others are never set free.
    """
    batch, frames, count = q.shape
    device = q.device
    donor = (
        torch.arange(batch) + int(torch.randint(1, max(batch, 2), (1,), generator=generator))
    ) % batch
    other = q[donor.to(device)]
    kind = torch.multinomial(torch.tensor(shares), batch, replacement=True, generator=generator)
    known = torch.ones(count) if followed is None else followed.cpu()
    choice = torch.nonzero(known).reshape(-1)
    knob = choice[torch.randint(len(choice), (batch,), generator=generator)]
    invented = torch.rand(batch, generator=generator) < 0.3
    steady = torch.rand(batch, generator=generator) < 0.7
    hold = 0.35 + 0.5 * torch.rand(batch, generator=generator)
    curves = invent(batch, frames, frame_rate, generator).to(device)
    asked, mask = q.clone(), torch.ones_like(q)
    weight = torch.zeros(batch, count)
    for i in range(batch):
        k = int(knob[i])
        if kind[i] == ALL:
            asked[i] = other[i]
            weight[i] = 1.0
            continue
        asked[i, :, k] = curves[i] if invented[i] or kind[i] == MODULATED else other[i, :, k]
        if kind[i] == KEPT or not free:
            weight[i] = 0.25
        else:
            mask[i] = 0.0
            mask[i, :, RMS] = 1.0
            mask[i, :, k] = 1.0
            weight[i, RMS] = 0.5
        if kind[i] == MODULATED and steady[i] and k != RMS:
            asked[i, :, RMS] = hold[i]
        weight[i, k] = 2.0
    asked = asked.clamp(0.0, 1.0)
    level = level_of.to_value(asked)[..., RMS]  # type: ignore[operator]
    known = known.to(device)
    frame_weight = counted(asked, level) * (weight.to(device).unsqueeze(1) * known)
    return Requests(asked, mask * known, frame_weight)


def control_loss(heard: Tensor, asked: Tensor, weight: Tensor, width: float = 0.1) -> Tensor:
    """Huber distance between asked and heard descriptors in quantile units, weighted mean."""
    error = (heard - asked).abs()
    huber = torch.where(error < width, 0.5 * error.square() / width, error - 0.5 * width)
    return weighted_mean(huber, weight)
