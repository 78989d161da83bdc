"""Layers of the peer: ordinary torch modules that keep their past, as a scripted model in a host has them.

Streaming convolutions after "Streamable Neural Audio Synthesis With Non-Causal Convolutions" (Caillon and
Esling, 2022), written from the formulas. Layout [batch, channels, time]; weights as torch has them.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def activate(x: Tensor) -> Tensor:
    """Leaky rectifier."""
    return F.leaky_relu(x, 0.2)


class CachedConv(nn.Module):
    """A causal convolution [1, inputs, T] -> [1, outputs, T / stride] that remembers what it needs."""

    past: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        dilation: int = 1,
        stride: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, kernel, stride, dilation=dilation, bias=bias)
        size = (kernel - 1) * dilation + 1 - stride
        self.size, self.skip = max(size, 0), max(-size, 0)
        self.register_buffer("past", torch.zeros(1, inputs, self.size))

    def forward(self, x: Tensor) -> Tensor:
        if self.size > 0:
            x = torch.cat([self.past, x], dim=2)
            self.past = x[:, :, x.shape[2] - self.size :]
        elif self.skip > 0:
            x = x[:, :, self.skip :]
        return self.conv(x)


class CachedUpsample(nn.Module):
    """A transposed convolution, kernel 2r and stride r, whose second half waits for the next call.

    Shapes: [1, inputs, T] -> [1, outputs, T * r].
    """

    tail: Tensor

    def __init__(self, inputs: int, outputs: int, ratio: int) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose1d(inputs, outputs, 2 * ratio, ratio, bias=False)
        self.bias = nn.Parameter(torch.zeros(outputs, 1))
        self.ratio = ratio
        self.register_buffer("tail", torch.zeros(1, outputs, ratio))

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        y[:, :, : self.ratio] += self.tail
        self.tail = y[:, :, y.shape[2] - self.ratio :]
        return y[:, :, : y.shape[2] - self.ratio] + self.bias


class CachedUnit(nn.Module):
    """Dilated and plain convolution around an identity; `kernel` taps in the second one."""

    def __init__(
        self, channels: int, dilation: int, second_kernel: int = 3, bias: bool = False
    ) -> None:
        super().__init__()
        self.spread = CachedConv(channels, channels, 3, dilation, bias=bias)
        self.mix = CachedConv(channels, channels, second_kernel, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        y = self.spread(activate(x))
        return x + self.mix(activate(y))


class FilmUnit(nn.Module):
    """The same with a scale and a shift between the two that a condition [1, conditions] gives."""

    def __init__(self, channels: int, dilation: int, conditions: int) -> None:
        super().__init__()
        self.spread = CachedConv(channels, channels, 3, dilation)
        self.film = nn.Linear(conditions, 2 * channels)
        self.mix = CachedConv(channels, channels, 1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        y = self.spread(activate(x))
        scale, shift = self.film(condition).unsqueeze(2).chunk(2, dim=1)
        return x + self.mix(activate(y * scale + shift))
