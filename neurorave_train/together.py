"""What several processes that share a training step have to do together.

Each process has its share of the items; interleaved (item i of process r is number i * processes + r)
they are the batch that one process alone would have. Alone, every function here does nothing.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed.nn.functional import all_reduce


def processes() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if _together() else 1


def rank() -> int:
    """The number of this process, from 0 on."""
    return distributed.get_rank() if _together() else 0


def _together() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def mean_of_all(x: Tensor) -> Tensor:
    """Mean of x over the processes; gradients go back to all of them."""
    count = processes()
    if count == 1:
        return x
    found: Tensor = all_reduce(x.contiguous()) / count  # type: ignore[no-untyped-call]
    return found


def sum_of_all(x: Tensor) -> Tensor:
    """Sum of x over the processes, without gradients."""
    if processes() == 1:
        return x.detach()
    total = x.detach().clone()
    distributed.all_reduce(total)
    return total


def items_of_all(x: Tensor) -> Tensor:
    """The items of all processes in the order of one batch, without gradients."""
    count = processes()
    if count == 1:
        return x.detach()
    parts = [torch.empty_like(x) for _ in range(count)]
    distributed.all_gather(parts, x.detach().contiguous())
    return torch.stack(parts, dim=1).flatten(0, 1)


def own_items(x: Tensor) -> Tensor:
    """This process's items of such a batch."""
    return x[rank() :: processes()]


def weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """Mean of values where the weights [same shape] say so, over the items of all processes.

    Zero where nothing counts. Gradients of several processes are averaged afterwards, hence the
    count; without this each process would divide by a weight of its own.
    """
    total = sum_of_all(weight.sum()).clamp(min=1.0)
    return (values * weight).sum() * (processes() / total)


class SharedBatchNorm(nn.BatchNorm1d):
    """Batch normalisation over the items of all processes (torch's own needs a GPU for that).

    Shapes as those of BatchNorm1d: [N, C] or [N, C, T].
    """

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or processes() == 1:
            return super().forward(x)
        axes = (0,) if x.dim() == 2 else (0, 2)
        mean = mean_of_all(x.mean(dim=axes))
        shape = (1, -1) if x.dim() == 2 else (1, -1, 1)
        variance = mean_of_all((x - mean.reshape(shape)).square().mean(dim=axes))
        self._remember(mean, variance, x.numel() // x.shape[1] * processes())
        y = (x - mean.reshape(shape)) / torch.sqrt(variance + self.eps).reshape(shape)
        if self.affine:
            y = y * self.weight.reshape(shape) + self.bias.reshape(shape)
        return y

    def _remember(self, mean: Tensor, variance: Tensor, count: int) -> None:
        if not self.track_running_stats:
            return
        running: Any = (self.running_mean, self.running_var)
        share = float(self.momentum or 0.0)
        with torch.no_grad():
            running[0].lerp_(mean, share)
            running[1].lerp_(variance * (count / max(1, count - 1)), share)
            assert self.num_batches_tracked is not None
            self.num_batches_tracked.add_(1)
