"""Causal building blocks in time-major layout [batch, time, channels]."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neurorave_train.nets.stream import Stream

SLOPE = 0.2
# Up to this many steps the taps are gathered as rows, which takes two operators instead of one for
# each tap: a frame of a stream. Above it, slices are faster and have the cheaper gradient.
FEW_STEPS = 32


def full_precision(like: Tensor) -> torch.autocast:
    """Inside it nothing is rounded to half precision: sound and spectra would not stand that."""
    return torch.autocast(like.device.type, enabled=False)


def in_full(x: Tensor) -> Tensor:
    """x in float32. Where it is that already a graph gets no operator for it."""
    return x if x.dtype == torch.float32 else x.float()


def activate(x: Tensor) -> Tensor:
    """Leaky rectifier with the slope RAVE uses (Caillon and Esling, 2021)."""
    return F.leaky_relu(x, SLOPE)


class CausalConv(nn.Module):
    """A convolution that sees the present and the past only, as one matrix product.

    Shapes: [B, T, inputs] -> [B, ceil(T / stride), outputs]; T must be a multiple of stride.
    Stacking the taps on the channel axis turns the convolution into a single large product, which
    is faster than the native kernels on one core and needs no convolution layout in the engines.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        dilation: int = 1,
        stride: int = 1,
        bias: bool = True,
        groups: int = 1,
    ) -> None:
        super().__init__()
        if stride > 1 and dilation > 1:
            raise ValueError("a strided convolution cannot be dilated")
        self.inputs, self.outputs = inputs, outputs
        self.kernel, self.dilation, self.stride, self.groups = kernel, dilation, stride, groups
        self.past = (kernel - 1) * dilation + 1 - stride
        fan_in = inputs * kernel // groups
        self.weight = nn.Parameter(torch.empty(groups, fan_in, outputs // groups))
        bound = 1.0 / math.sqrt(fan_in)
        nn.init.uniform_(self.weight, -bound, bound)
        self.bias = nn.Parameter(torch.empty(outputs).uniform_(-bound, bound)) if bias else None

    def forward(self, x: Tensor, stream: Stream) -> Tensor:
        if self.past > 0:
            x = torch.cat([stream.take(x, self.past, self.inputs), x], dim=1)
            stream.give(x[:, x.shape[1] - self.past :])
        elif self.past < 0:
            # A kernel shorter than its stride skips the oldest samples of each step.
            x = x[:, -self.past :]
        steps = (x.shape[1] - (self.kernel - 1) * self.dilation - 1) // self.stride + 1
        if self.groups == 1:
            y = torch.matmul(self._stacked(x, steps), self.weight[0])
        else:
            taps = self._taps(x, steps)
            width = self.inputs // self.groups
            parts = []
            for g in range(self.groups):
                part = torch.cat([tap[..., g * width : (g + 1) * width] for tap in taps], dim=-1)
                parts.append(torch.matmul(part, self.weight[g]))
            y = torch.cat(parts, dim=-1)
        return y if self.bias is None else y + self.bias

    def _taps(self, x: Tensor, steps: int) -> list[Tensor]:
        """The inputs [B, steps, inputs] of each tap, the oldest first."""
        last = (steps - 1) * self.stride + 1
        return [
            x[:, k * self.dilation : k * self.dilation + last : self.stride]
            for k in range(self.kernel)
        ]

    def _stacked(self, x: Tensor, steps: int) -> Tensor:
        """The inputs of all taps side by side, [B, steps, kernel * inputs]."""
        if self.kernel == 1 and self.stride == 1:
            return x
        if self.kernel == 1 or steps > FEW_STEPS:
            return torch.cat(self._taps(x, steps), dim=-1)
        first = torch.arange(steps, device=x.device)[:, None] * self.stride
        rows = first + torch.arange(self.kernel, device=x.device) * self.dilation
        chosen = x.index_select(1, rows.reshape(-1))
        return chosen.reshape(x.shape[0], steps, self.kernel * self.inputs)


class Upsample(nn.Module):
    """Transposed convolution (kernel 2r, stride r) as a two-tap convolution and a reshape.

    Shapes: [B, T, inputs] -> [B, T * ratio, outputs]. Cropped on the right only, so nothing of the
    future is needed. Source: sub-pixel convolution, Shi et al., 2016.
    """

    def __init__(self, inputs: int, outputs: int, ratio: int) -> None:
        super().__init__()
        self.ratio, self.outputs = ratio, outputs
        self.conv = CausalConv(inputs, outputs * ratio, kernel=1 if ratio == 1 else 2)

    def forward(self, x: Tensor, stream: Stream) -> Tensor:
        y = self.conv(x, stream)
        z: Tensor = y.reshape(y.shape[0], y.shape[1] * self.ratio, self.outputs)
        return z


class Film(nn.Module):
    """Feature-wise scale and shift from the descriptors (Perez et al., 2018); starts as identity."""

    identity: Tensor

    def __init__(self, conditions: int, channels: int) -> None:
        super().__init__()
        self.project = nn.Linear(conditions, 2 * channels)
        nn.init.zeros_(self.project.bias)
        with torch.no_grad():
            self.project.weight.mul_(0.1)
        # Lies beside the learned bias, so that checkpoints and weight decay see scales around zero.
        identity = torch.cat([torch.ones(channels), torch.zeros(channels)])
        self.register_buffer("identity", identity, persistent=False)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        bias = self.project.bias + self.identity
        scale, shift = F.linear(condition, self.project.weight, bias).chunk(2, dim=-1)
        y: Tensor = x * scale + shift
        return y


class ResidualUnit(nn.Module):
    """Dilated convolution, optional modulation by the descriptors, 1x1 convolution, identity.

    Shapes: x [B, T, channels], condition [B, T, conditions] or None -> [B, T, channels].
    """

    def __init__(
        self, channels: int, kernel: int, dilation: int, conditions: int = 0, second_kernel: int = 1
    ) -> None:
        super().__init__()
        self.spread = CausalConv(channels, channels, kernel, dilation)
        self.film = Film(conditions, channels) if conditions else None
        self.mix = CausalConv(channels, channels, second_kernel)
        with torch.no_grad():
            # A small last layer keeps a deep stack close to identity when training begins.
            self.mix.weight.mul_(0.3)

    def forward(self, x: Tensor, condition: Tensor | None, stream: Stream) -> Tensor:
        y = self.spread(activate(x), stream)
        if self.film is not None:
            assert condition is not None
            y = self.film(y, condition)
        z: Tensor = x + self.mix(activate(y), stream)
        return z


class Stack(nn.Module):
    """Residual units with the given dilations, one after another."""

    def __init__(
        self,
        channels: int,
        dilations: Sequence[int],
        conditions: int = 0,
        kernel: int = 3,
        second_kernel: int = 1,
    ) -> None:
        super().__init__()
        self.units = nn.ModuleList(
            ResidualUnit(channels, kernel, d, conditions, second_kernel) for d in dilations
        )

    def forward(self, x: Tensor, condition: Tensor | None, stream: Stream) -> Tensor:
        for unit in self.units:
            x = unit(x, condition, stream)
        return x
