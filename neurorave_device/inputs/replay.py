"""A CV recording in the place of the front panel."""

from typing import Tuple

from neurorave_device.inputs.base import SILENT_VOLTS, Edge, Panel, Volts
from neurorave_device.inputs.cv_file import CvRecording


class ReplayPanel(Panel):
    """Plays a recording once; its first sample is at `start` seconds of the stream's clock.

    Before the first and after the last sample the jacks are at 0 V and the gates low.
    """

    def __init__(self, recording: CvRecording, start: float = 0.0) -> None:
        self._recording = recording
        self._start = start
        self._end = start + recording.seconds
        self._edges = [edge._replace(time=edge.time + start) for edge in recording.edges()]
        for gate in (1, 2):
            levels = [edge.rising for edge in self._edges if edge.gate == gate]
            if levels and levels[-1]:
                self._edges.append(Edge(gate, False, self._end))
        self._next = 0

    @property
    def end(self) -> float:
        """The time at which the recording is over."""
        return self._end

    def read(self, now: float) -> Volts:
        if not self._start <= now < self._end:
            return SILENT_VOLTS
        return self._recording.volts_at(now - self._start)

    def take_edges(self, until: float) -> Tuple[Edge, ...]:
        first = self._next
        while self._next < len(self._edges) and self._edges[self._next].time <= until:
            self._next += 1
        return tuple(self._edges[first : self._next])
