"""Asking an adversary without teaching it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def judging(critic: nn.Module, training: bool) -> Iterator[None]:
    """Lets gradients through a critic that shall not learn from them; `training` of its norms."""
    learning = critic.training
    critic.train(training).requires_grad_(False)
    try:
        yield
    finally:
        critic.train(learning).requires_grad_(True)
