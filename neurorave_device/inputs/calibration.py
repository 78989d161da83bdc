"""From the numbers of one board to volts: a gain and an offset for each CV."""

from typing import NamedTuple, Sequence, Tuple

from neurorave_device.inputs.base import Volts


class Calibration(NamedTuple):
    """Volts are gain * raw + offset, channel by channel; the default changes nothing.

    `gain` in volts per raw unit, `offset` in volts.  Virtual panels and recordings give volts
    already.
    """

    gain: Tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    offset: Tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)

    def apply(self, raw: Sequence[float]) -> Volts:
        """Return the volts of CV 1-4; ValueError for any other count of channels."""
        first, second, third, fourth = raw
        gain, offset = self.gain, self.offset
        return (
            gain[0] * first + offset[0],
            gain[1] * second + offset[1],
            gain[2] * third + offset[2],
            gain[3] * fourth + offset[3],
        )
