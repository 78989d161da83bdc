"""What every input gives: four voltages, and gate edges with their time."""

import abc
from typing import NamedTuple, Tuple

Volts = Tuple[float, float, float, float]

SILENT_VOLTS: Volts = (0.0, 0.0, 0.0, 0.0)


class Edge(NamedTuple):
    """One change of a gate.

    `gate` is 1 or 2, `time` is in seconds on the stream's clock: output sample
    `round(time * sample_rate)`.
    """

    gate: int
    rising: bool
    time: float


class Modulation(NamedTuple):
    """What the jacks say now: calibrated volts of CV 1-4, and the edges since the last one."""

    volts: Volts
    edges: Tuple[Edge, ...]


class Panel(abc.ABC):
    """A source of voltages and gate edges; the sound process knows no more about its jacks."""

    @property
    def faults(self) -> Tuple[str, ...]:
        """One sentence for the player for each part, '' where it works; each part has its place.  Any thread."""
        return ()

    @property
    def fault(self) -> str:
        """The sentences of all parts that do not work, '' where all do.  Any thread."""
        return " ".join(text for text in self.faults if text)

    def close(self) -> None:
        """Give back what it has opened; nobody reads it any more."""
        return None

    @abc.abstractmethod
    def read(self, now: float) -> Volts:
        """Return the uncalibrated volts of CV 1-4 at `now` seconds.  Inputs thread."""

    @abc.abstractmethod
    def take_edges(self, until: float) -> Tuple[Edge, ...]:
        """Return, in order of time and once only, the edges up to `until` seconds.  Inputs thread."""
