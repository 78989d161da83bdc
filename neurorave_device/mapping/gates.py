"""What the two gates do: start a sound, or hold the macro."""

from typing import List, Mapping, Optional, Tuple

from neurorave_device.inputs.base import Edge
from neurorave_device.parameters import by_id

REFRACTORY_SECONDS = 0.002


class GateRoles:
    """Turns gate edges into triggers and the state of the macro.

    A rising edge starts a sound unless the last sound began less than 2 ms before: that is contact
    bounce, or one clock on both gates.  One thread at a time.
    """

    def __init__(self, values: Mapping[str, float]) -> None:
        self._levels = [False, False]
        self._roles: List[str] = []
        self._last: Optional[float] = None
        self.update(values)

    def update(self, values: Mapping[str, float]) -> None:
        """Take the gates' roles from parameter `values`; a gate that is held takes its new one."""
        self._roles = []
        for gate in (1, 2):
            row = by_id("gate{}.role".format(gate))
            self._roles.append(row.format(values.get(row.id, row.default)))

    @property
    def levels(self) -> Tuple[bool, bool]:
        """Whether gate 1 and gate 2 are high."""
        return self._levels[0], self._levels[1]

    def follow(self, other: "GateRoles") -> bool:
        """Take over what the gates are at now, and say whether one that starts sounds is high."""
        self._levels = list(other._levels)
        self._last = other._last
        return any(level and role == "trigger" for level, role in zip(self._levels, self._roles))

    @property
    def macro(self) -> bool:
        """Whether a gate with the macro's role is high."""
        pairs = zip(self._levels, self._roles)
        return any(level and role == "macro" for level, role in pairs)

    def starts(self, edge: Edge) -> bool:
        """Say whether a sound starts at this edge, were it the next one."""
        if not edge.rising or self._roles[edge.gate - 1] != "trigger":
            return False
        if self._last is None:
            return True
        since = edge.time - self._last
        # Time only turns back when a stream starts afresh.
        return not 0.0 <= since < REFRACTORY_SECONDS - 1e-9

    def feed(self, edge: Edge) -> bool:
        """Take one edge, in order of time, and say whether a sound starts at it."""
        starts = self.starts(edge)
        self._levels[edge.gate - 1] = edge.rising
        if starts:
            self._last = edge.time
        return starts
