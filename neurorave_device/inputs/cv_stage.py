"""The four CV jacks of the board: counts of the converter, and through its analogue stage back to volts."""

from typing import Callable, List, Optional, Sequence, Tuple

from neurorave_device.drivers.device import Retried
from neurorave_device.inputs.base import SILENT_VOLTS, Volts
from neurorave_device.inputs.mcp3208 import FULL_SCALE, HIGHEST_COUNT, Mcp3208
from neurorave_device.machine.board import Board

# The amplifiers stay 20 mV, some 25 counts, away from either end, whatever is patched. So all channels at an end say
# that nothing is read at all; for so long that may be a fault of one scan.
STUCK_SECONDS = 0.5

Opening = Callable[[], Mcp3208]


def volts(board: Board, counts: Sequence[int]) -> Volts:
    """Return the volts at the jacks that counts mean, before calibration."""
    first, second, third, fourth = (
        (board.adc_reference * count / FULL_SCALE - board.cv_zero) / board.cv_slope
        for count in counts
    )
    return first, second, third, fourth


def reach(board: Board) -> float:
    """Return how many volts both ways the converter can say, before calibration."""
    return min(abs(end) for count in (0, HIGHEST_COUNT) for end in volts(board, [count] * 4))


class CvInputs:
    """Volts of CV 1-4; belongs to the inputs thread, `fault` to any.

    Where nothing can be read the last good volts stay for half a second, then there is 0 V, as with nothing patched.
    """

    def __init__(self, board: Board, opening: Optional[Opening] = None) -> None:
        def open_converter() -> Mcp3208:
            return Mcp3208(board.adc_bus, board.adc_device, board.adc_hz)

        place = "/dev/spidev%d.%d" % (board.adc_bus, board.adc_device)
        name = "The CV inputs on %s" % place
        check = "the MCP3208's wires, and that jetson-io has SPI enabled"
        self._device: Retried[Mcp3208] = Retried(name, check, opening or open_converter)
        self._stuck_text = name + " read all %s; check MISO, chip select and the pin functions."
        self._board = board
        self._good = SILENT_VOLTS
        self._good_at = float("-inf")
        self._stuck_since: Optional[Tuple[int, float]] = None
        self._stuck = ""

    @property
    def fault(self) -> str:
        """One sentence where the converter cannot be read or says nothing, otherwise ''."""
        return self._device.fault or self._stuck

    def read(self, now: float) -> Volts:
        """Return the volts at the jacks, before calibration."""
        counts = self._device.use(now, lambda chip: chip.read(self._board.adc_channels))
        if counts is not None and not self._follow_stuck(counts, now):
            self._good = volts(self._board, counts)
            self._good_at = now
        elif now - self._good_at >= STUCK_SECONDS:
            self._good = SILENT_VOLTS
        return self._good

    def close(self) -> None:
        """Give the bus back."""
        self._device.close()

    def _follow_stuck(self, counts: List[int], now: float) -> bool:
        """Return whether all channels are at one end; after a while that is a fault."""
        end = counts[0]
        if end not in (0, HIGHEST_COUNT) or any(count != end for count in counts):
            self._stuck_since = None
            self._stuck = ""
            return False
        if self._stuck_since is None or self._stuck_since[0] != end:
            self._stuck_since = end, now
        elif now - self._stuck_since[1] >= STUCK_SECONDS:
            self._stuck = self._stuck_text % ("ones" if end else "zeros")
        return True
