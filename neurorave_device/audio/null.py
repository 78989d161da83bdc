"""Sound that nobody hears: the module runs at its normal pace, for tests and measurements."""

import numpy as np

from neurorave_device.audio.base import PacedOut


class NullOut(PacedOut):
    """Pulls blocks by the clock and drops them."""

    def _consume(self, block: np.ndarray) -> None:
        pass
