"""A light adversary: small convolutions over spectrograms tell recordings from the model's output."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Features = list[list[Tensor]]
WINDOWS = (1024, 256)
SLOPE = 0.2


class OneResolution(nn.Module):
    """Four small convolutions on a log-magnitude spectrogram: [B, T] -> its outputs, the score last."""

    window: Tensor

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("window", torch.hann_window(size), persistent=False)
        steps = [(1, width), (width, width), (width, width)]
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, (5, 3), stride=(2, 1), padding=(2, 1)) for a, b in steps
        )
        self.score = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, audio: Tensor) -> list[Tensor]:
        s = torch.stft(
            audio, self.size, self.size // 4, window=self.window, return_complex=True, center=True
        )
        power = (s.real.square() + s.imag.square()) / self.size
        # About zero mean and unit spread for sounds, -3 for silence.
        x = (0.5 * torch.log(power + 1e-8) + 4.0).unsqueeze(1) / 2.0
        found: list[Tensor] = []
        for conv in self.convs:
            x = F.leaky_relu(conv(x), SLOPE)
            found.append(x)
        return [*found, self.score(x)]


class SpectralJudge(nn.Module):
    """The adversary at two resolutions, with hinge losses and feature matching.

    Shapes: [B, T] -> per resolution the list of feature maps, the score last. 0.03 M parameters at
    the width given. Source: multi-resolution spectrogram discriminator (UnivNet, Jang et al., 2021).
    """

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.resolutions = nn.ModuleList(OneResolution(size, width) for size in WINDOWS)

    def forward(self, audio: Tensor) -> Features:
        return [one(audio) for one in self.resolutions]

    def loss(self, real: Features, fake: Features) -> Tensor:
        """What the judge minimises."""
        parts = [
            F.relu(1.0 - a[-1]).mean() + F.relu(1.0 + b[-1]).mean()
            for a, b in zip(real, fake, strict=True)
        ]
        return torch.stack(parts).mean()

    def convince(self, real: Features, fake: Features, matching: float = 5.0) -> Tensor:
        """What the model minimises: its score, and the distance of the feature maps."""
        scores = torch.stack([-b[-1].mean() for b in fake]).mean()
        apart = [
            (x - y).abs().mean() / x.abs().mean().clamp(min=1e-3)
            for a, b in zip(real, fake, strict=True)
            for x, y in zip(a[:-1], b[:-1], strict=True)
        ]
        return scores + matching * torch.stack(apart).mean()
