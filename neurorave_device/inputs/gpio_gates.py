"""The two gate jacks: header pins, whose edges the kernel stamps, as edges on the stream's clock."""

from typing import Callable, List, Optional, Tuple

from neurorave_device.clock import Clock
from neurorave_device.drivers.debounce import Debounce
from neurorave_device.drivers.device import Retried
from neurorave_device.drivers.pin_choice import open_pins
from neurorave_device.drivers.pins import Lookout, PinEvent, Pins
from neurorave_device.inputs.base import Edge
from neurorave_device.machine.board import Board

Opening = Callable[[], Pins]


class Gates:
    """Edges of gates 1 and 2; belongs to the inputs thread.

    `stream` is the clock that edges are stamped with: the stream's time at which they are read, less their age.
    """

    def __init__(self, board: Board, stream: Clock, opening: Optional[Opening] = None) -> None:
        def open_gates() -> Pins:
            return open_pins(board, board.gate_pins, board.gates_inverted)

        name = "The gates on pins %d and %d" % tuple(board.gate_pins)
        check = "that the board's GPIO is free and this user is in the group gpio"
        self._device: Retried[Pins] = Retried(name, check, opening or open_gates)
        self._stream = stream
        self._hold = 0.001 * board.gate_hold_ms
        self._debounce: List[Debounce] = []
        self._lookout = Lookout()
        self._waiting: List[Edge] = []
        self._newest = 0.0

    @property
    def fault(self) -> str:
        """One sentence where the gates cannot be read, otherwise ''."""
        return self._device.fault

    def take(self, until: float) -> Tuple[Edge, ...]:
        """Return, in order of time and once only, the edges up to `until` seconds of the stream."""
        now = self._stream.now()
        events = self._device.use(now, lambda pins: self._read(pins, now))
        found: List[Edge] = []
        if events is None:
            # A gate whose wire is gone must not sound on.
            for gate, debounce in enumerate(self._debounce, 1):
                found += _edges(gate, debounce.drop(now))
            self._debounce = []
        else:
            for place, high, age in events:
                edges = self._debounce[place].feed(high, now - age)
                found += _edges(place + 1, edges)
            for gate, debounce in enumerate(self._debounce, 1):
                found += _edges(gate, debounce.settle(now))
        self._waiting += self._ordered(found)
        taken = [edge for edge in self._waiting if edge.time <= until]
        self._waiting = self._waiting[len(taken) :]
        return tuple(taken)

    def close(self) -> None:
        """Give the pins back."""
        self._device.close()

    def _read(self, pins: Pins, now: float) -> List[PinEvent]:
        if not self._debounce:
            self._debounce = [Debounce(self._hold, level) for level in pins.levels()]
            # Edges from before the first look are history. In this order none is taken for a second one.
            pins.read()
            return []
        known = [debounce.line for debounce in self._debounce]
        return pins.read() or self._lookout.missed(pins, known, now)

    def _ordered(self, edges: List[Edge]) -> List[Edge]:
        """Return edges in order; one that is older than what was given already happens now."""
        ordered = []
        for edge in sorted(edges, key=lambda edge: edge.time):
            self._newest = max(self._newest, edge.time)
            ordered.append(edge._replace(time=self._newest))
        return ordered


def _edges(gate: int, changes: List[Tuple[float, bool]]) -> List[Edge]:
    return [Edge(gate, rising, time) for time, rising in changes]
