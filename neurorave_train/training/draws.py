"""Random numbers of a training step, the same after a resume and for any number of processes."""

from __future__ import annotations

import torch
from torch import Tensor

from neurorave_train.together import processes, rank


class Draws:
    """`shared` gives every process the same numbers; `normal` gives each item its own."""

    def __init__(self, seed: int, step: int) -> None:
        self._seed = (seed * 1_000_003 + step) * 4096
        self._drawn = 0
        self.shared = torch.Generator().manual_seed(self._seed % 2**62)

    def normal(self, items: int, *shape: int) -> Tensor:
        """Standard normal numbers [items, *shape], on the CPU."""
        self._drawn += 1
        rows = []
        for i in range(items):
            number = i * processes() + rank()
            seed = (self._seed + self._drawn) * 65_537 + number
            generator = torch.Generator().manual_seed(seed % 2**62)
            rows.append(torch.randn(shape, generator=generator))
        return torch.stack(rows)
