"""One prepared recording, or one piece of a long one."""

import functools
from typing import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


FULL_SCALE = 32767.0


def to_float(samples: npt.NDArray[np.int16]) -> Floats:
    """Prepared samples as float32 in -1..1."""
    return samples.astype(np.float32) * np.float32(1.0 / FULL_SCALE)


def _same(audio: Floats) -> Floats:
    """The audio itself: a loader that, unlike a lambda, travels to other processes."""
    return audio


class Hit:
    """A named sound of one family; its samples are fetched when they are asked for.

    `audio` is float32 in -1..1 and must not be written to.
    """

    __slots__ = ("_load", "family", "group", "name", "samples")

    def __init__(
        self, name: str, family: str, samples: int, load: Callable[[], Floats], group: str = ""
    ) -> None:
        self.name = name
        self.family = family
        self.group = group
        self.samples = samples
        self._load = load

    @classmethod
    def of(cls, name: str, audio: Floats, family: str = "other") -> "Hit":
        """A hit whose samples are already in memory."""
        return cls(name, family, len(audio), functools.partial(_same, audio))

    @property
    def audio(self) -> Floats:
        """The samples [samples]."""
        return self._load()
