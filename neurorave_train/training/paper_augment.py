"""The published augmentation: another phase for the same magnitudes."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from neurorave_train.together import own_items, processes

RADIUS = 0.99
LOW, HIGH = 20.0, 2000.0
# After as many samples the response has died away to 1e-17.
TAIL = 4096


def random_all_pass(
    audio: Tensor, sample_rate: int, share: float, generator: torch.Generator
) -> Tensor:
    """Audio [B, T] with a second-order all-pass over `share` of its items, each at its own pitch.

    Poles at radius 0.99, their frequency log-uniform between 20 and 2000 Hz. Dequantisation noise,
    which is published beside it, is the dither that every segment already has.
    """
    items, samples = audio.shape
    count = items * processes()
    pitch = LOW * (HIGH / LOW) ** own_items(torch.rand(count, 1, generator=generator))
    chosen = own_items(torch.rand(count, 1, generator=generator)) < share
    size = samples + TAIL
    delay = torch.exp(-2j * math.pi * torch.arange(size // 2 + 1) / size)
    inner = -2.0 * RADIUS * torch.cos(2.0 * math.pi * pitch / sample_rate)
    poles = 1.0 + inner * delay + RADIUS**2 * delay**2
    response = (RADIUS**2 + inner * delay + delay**2) / poles
    spectrum = torch.fft.rfft(audio, n=size) * response.to(audio.device)
    turned = torch.fft.irfft(spectrum, n=size)[:, :samples]
    return torch.where(chosen.to(audio.device), turned, audio)
