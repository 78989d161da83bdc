"""Explicit streaming state: the same forward code runs offline and frame by frame."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class Stream:
    """Hands each causal layer its past and collects what it leaves for the next call.

    Layers call `take` in a fixed order and answer each with one `give`. Without given states the past
    is zero, which is both the offline case and the fresh start of a stream. Not thread-safe.
    """

    def __init__(self, states: Sequence[Tensor] | None = None) -> None:
        self._given = list(states) if states else None
        self._cursor = 0
        self.states: list[Tensor] = []

    def take(self, like: Tensor, *shape: int) -> Tensor:
        """The past of the next layer, [batch of `like`, *shape], in the type and place of `like`."""
        if self._given is None:
            return torch.zeros((like.shape[0], *shape), dtype=like.dtype, device=like.device)
        state = self._given[self._cursor]
        self._cursor += 1
        if tuple(state.shape[1:]) != shape:
            raise ValueError(
                f"state {self._cursor - 1} has shape {tuple(state.shape)}, the layer needs (batch, {shape})"
            )
        return state

    def give(self, state: Tensor) -> None:
        """Keeps the layer's new past."""
        self.states.append(state)
