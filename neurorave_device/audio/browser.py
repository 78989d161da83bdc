"""Sound for the browser panel: each block goes to a sink, the rest of the way belongs to the panel."""

from typing import Callable

import numpy as np

from neurorave_device.audio.base import PacedOut
from neurorave_device.clock import Clock


class BrowserOut(PacedOut):
    """Pulls blocks by the clock and hands each one, float32 [n], to `sink`, which must copy and not wait."""

    def __init__(
        self, sample_rate: int, block: int, clock: Clock, sink: Callable[[np.ndarray], None]
    ) -> None:
        super().__init__(sample_rate, block, clock)
        self._sink = sink

    def _consume(self, block: np.ndarray) -> None:
        self._sink(block)
