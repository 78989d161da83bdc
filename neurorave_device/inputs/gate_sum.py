"""Gates that several sources open: high while one of them is, and each new rise is heard."""

from typing import List, Set, Tuple

from neurorave_device.inputs.base import Edge
from neurorave_device.parameters import GATE_COUNT


class GateSum:
    """Adds up the edges of jacks and notes; one thread."""

    def __init__(self) -> None:
        self._high: Tuple[Set[str], ...] = tuple(set() for _ in range(GATE_COUNT))

    def feed(self, source: str, edge: Edge) -> List[Edge]:
        """Return the edges of the gate that an edge of one of its sources makes.

        A rise while the gate is high already lets it fall first, at the same time: as a second finger on a keyboard.
        """
        high = self._high[edge.gate - 1]
        before = bool(high)
        if edge.rising:
            fresh = source not in high
            high.add(source)
            again = [edge._replace(rising=False)] if before and fresh else []
            return again + [edge] if fresh or not before else []
        high.discard(source)
        return [edge] if before and not high else []
