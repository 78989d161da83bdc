"""What is heard: the meter graph over the voice's own output, on a grid of its own."""

import math
from typing import List, NamedTuple, Optional, Tuple

import numpy as np

from neurorave_device.engine.base import Graph


class HeardReport(NamedTuple):
    """Descriptors of a window centred on the hop that starts at absolute `sample`, in q, 0..1."""

    sample: int
    heard: Tuple[float, ...]


class Meter:
    """Feeds blocks of any size to the meter graph, one hop at a time.

    The grid is shifted by `latency` modulo hop, so that each window is centred on a hop counted from sample 0:
    report t is known when sample (t + 1) * hop + latency has passed.  `start` is the absolute sample of the
    first block; silence is assumed before it.  Synthesis thread.
    """

    def __init__(self, graph: Graph, latency: int, start: int = 0) -> None:
        self._graph = graph
        self._latency = latency
        self._hop = graph.inputs["audio"][1]
        self._buffer = np.zeros(graph.inputs["audio"], dtype=np.float32)
        self._filled = self._start = self._end = self._measured = 0
        self.start(start)

    def start(self, sample: int) -> None:
        """Starts anew: the next block begins at absolute `sample`, with silence before it."""
        self._buffer.fill(0.0)
        self._filled = (sample - self._latency) % self._hop
        self._start = self._end = sample
        self._measured = sample - 1
        self._graph.reset()

    @property
    def heard_enough(self) -> bool:
        """Whether the newest window lies wholly in what has been fed; its half is `latency` and half a hop."""
        return self._measured >= self._start + self._latency

    def feed(self, block: np.ndarray) -> List[HeardReport]:
        """Takes the next samples, float32 [n], and returns the reports that they completed."""
        reports = []
        done = 0
        while done < block.size:
            take = min(self._hop - self._filled, block.size - done)
            self._buffer[0, self._filled : self._filled + take] = block[done : done + take]
            self._filled += take
            self._end += take
            done += take
            if self._filled == self._hop:
                self._filled = 0
                report = self._measure()
                if report is not None:
                    reports.append(report)
        return reports

    def _measure(self) -> Optional[HeardReport]:
        q = self._graph.run(audio=self._buffer)["quantiles"][0, 0].tolist()
        sample = self._end - self._latency - self._hop
        if not all(map(math.isfinite, q)):
            self._graph.reset()
            return None
        if sample < self._start:
            return None
        self._measured = sample
        return HeardReport(sample, tuple(min(max(value, 0.0), 1.0) for value in q))
