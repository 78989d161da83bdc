"""The front panel's jacks on a board: four CVs from the converter, two gates from GPIO lines."""

from typing import Optional, Tuple

from neurorave_device.clock import Clock
from neurorave_device.inputs.base import Edge, Panel, Volts
from neurorave_device.inputs.cv_stage import CvInputs
from neurorave_device.inputs.gpio_gates import Gates
from neurorave_device.machine.board import Board


class JetsonPanel(Panel):
    """The panel `jetson`; `stream` is the clock that its edges are stamped with.

    Converter and gates are opened at the first scan, each by itself: what fails is tried again, the other goes on.
    """

    def __init__(
        self,
        board: Board,
        stream: Clock,
        cvs: Optional[CvInputs] = None,
        gates: Optional[Gates] = None,
    ) -> None:
        self._cvs = cvs if cvs is not None else CvInputs(board)
        self._gates = gates if gates is not None else Gates(board, stream)

    @property
    def faults(self) -> Tuple[str, ...]:
        return self._cvs.fault, self._gates.fault

    def read(self, now: float) -> Volts:
        return self._cvs.read(now)

    def take_edges(self, until: float) -> Tuple[Edge, ...]:
        return self._gates.take(until)

    def close(self) -> None:
        self._cvs.close()
        self._gates.close()
