"""What the two gates do: the roles, and which edge starts or ends a sound."""

import enum
from typing import List, Mapping, Optional, Tuple

from neurorave_device.inputs.base import Edge
from neurorave_device.parameters import GATE_COUNT, GATE_ROLES

# A second rise within this time is contact bounce, or one clock on both gates.
REFRACTORY_SECONDS = 0.002
_STARTING = ("trigger", "hold", "toggle")
_KEYS = tuple("gate%d.role" % (number + 1) for number in range(GATE_COUNT))


class Act(enum.Enum):
    """What an edge asks for.

    START: a sound.  RESET: the first sound of the seed's series.  RELEASE: that the sound dies away.  HOLD: that it
    does not, after all.  SAMPLE: that the CVs are read and held.
    """

    START = "start"
    RESET = "reset"
    RELEASE = "release"
    HOLD = "hold"
    SAMPLE = "sample"
    NEXT_PRESET = "next preset"
    NEXT_MODEL = "next model"


_ON_RISE = {
    "sample": Act.SAMPLE,
    "reset": Act.RESET,
    "next preset": Act.NEXT_PRESET,
    "next model": Act.NEXT_MODEL,
}


class GateRoles:
    """Turns gate edges into acts, and knows what is high.

    Both gates may have the same role; they then work on the same sound.  A rise within 2 ms after the gate's own
    last one does nothing, and none starts a sound within 2 ms after another sound: that is contact bounce, one clock on
    both gates, or the clock that comes with a reset.  One thread at a time.
    """

    def __init__(self, values: Mapping[str, float]) -> None:
        self._levels = [False] * GATE_COUNT
        self._roles: List[str] = []
        self._started: Optional[float] = None
        self._rises: List[Optional[float]] = [None] * GATE_COUNT
        self._toggled = False
        self._toggled_at: Optional[float] = None
        self.update(values)

    def update(self, values: Mapping[str, float]) -> None:
        """Take the gates' roles from the `values` of all parameters; a gate that is held takes its new one."""
        self._roles = [GATE_ROLES[int(values[key])] for key in _KEYS]
        if "toggle" not in self._roles:
            self._toggled = False

    @property
    def levels(self) -> Tuple[bool, bool]:
        """Whether gate 1 and gate 2 are high."""
        return self._levels[0], self._levels[1]

    @property
    def macro(self) -> bool:
        """Whether a gate with the macro's role is high."""
        return self._high("macro")

    @property
    def frozen(self) -> bool:
        """Whether a gate that freezes is high."""
        return self._high("freeze")

    @property
    def samples(self) -> bool:
        """Whether a gate samples the CVs."""
        return "sample" in self._roles

    def follow(self, other: "GateRoles") -> bool:
        """Take over what the gates are at now, and say whether they hold a sound."""
        self._levels = list(other._levels)
        self._rises = list(other._rises)
        self._started = other._started
        self._toggled = other._toggled and "toggle" in self._roles
        self._toggled_at = other._toggled_at
        return self._toggled or self._high("trigger") or self._high("hold")

    def act(self, edge: Edge) -> Optional[Act]:
        """Return what an edge would ask for, were it the next one; None where it only changes a level."""
        index = edge.gate - 1
        role = self._roles[index]
        if not edge.rising:
            held_elsewhere = any(
                level and other == "hold"
                for number, (level, other) in enumerate(zip(self._levels, self._roles))
                if number != index
            )
            return Act.RELEASE if role == "hold" and not held_elsewhere else None
        bounces = _soon(edge.time, self._rises[index])
        if role in _STARTING:
            if role == "toggle" and (bounces or _soon(edge.time, self._toggled_at)):
                return None
            if role == "toggle" and self._toggled:
                return Act.RELEASE
            if not _soon(edge.time, self._started):
                return Act.START
            # No second sound, but the one that began just now is held.
            return None if role == "trigger" else Act.HOLD
        return None if bounces else _ON_RISE.get(role)

    def feed(self, edge: Edge) -> Optional[Act]:
        """Take one edge, in order of time, and return what it asks for."""
        act = self.act(edge)
        index = edge.gate - 1
        self._levels[index] = edge.rising
        if edge.rising:
            if self._roles[index] == "toggle" and act is not None:
                self._toggled = act is not Act.RELEASE
                self._toggled_at = edge.time
            if not _soon(edge.time, self._rises[index]):
                self._rises[index] = edge.time
            if act in (Act.START, Act.RESET):
                self._started = edge.time
        return act

    def _high(self, role: str) -> bool:
        return any(level and own == role for level, own in zip(self._levels, self._roles))


def _soon(time: float, last: Optional[float]) -> bool:
    """Say whether `time` lies within the refractory time after `last`; it only falls when a stream starts afresh."""
    return last is not None and 0.0 <= time - last < REFRACTORY_SECONDS - 1e-9
