"""The side that runs the graphs: it answers one packet with another (engine/graph_packets.py)."""

import json
from typing import Any, Callable, List, Optional, Union

import numpy as np

from neurorave_device.engine.base import Engine, Graph
from neurorave_device.engine.choice import make_engine
from neurorave_device.engine.graph_packets import (
    ANSWER,
    BROKEN,
    FINE,
    FORK,
    LOAD,
    PLAY,
    REFUSED,
    REQUEST,
    RUN_FRESH,
    arrays_in,
    frame_packet,
    to_json,
)
from neurorave_device.errors import UserError
from neurorave_device.processes.child import describe

# The first runs of a graph are slower than all others.
WARM_RUNS = 3

Answer = Union[bytes, bytearray]


class _Seat:
    """One graph, its inputs as they lie in the requests, and the answer that its outputs are written to."""

    def __init__(self, graph: Graph, requests: bytearray) -> None:
        self._graph = graph
        self._inputs = arrays_in(requests, REQUEST, graph.inputs)
        self._answer, self._outputs = frame_packet(ANSWER, graph.outputs)

    def fork(self, requests: bytearray) -> "_Seat":
        """Return one with states of its own, which has been run before."""
        graph = self._graph.fork()
        noise = np.random.RandomState(0)
        for _ in range(WARM_RUNS):
            graph.run(**{name: noise.rand(*shape) for name, shape in graph.inputs.items()})
        graph.reset()
        return _Seat(graph, requests)

    def run(self, fresh: bool) -> bytearray:
        """Run the frame whose inputs have come in, from zero states where it is ``fresh``."""
        if fresh:
            self._graph.reset()
        for name, found in self._graph.run(**self._inputs).items():
            self._outputs[name][...] = found
        return self._answer


class GraphDesk:
    """Answers the packets that come into ``requests``, which it keeps; one thread.

    ``engine`` is the name of what runs the graphs; ``on_play`` is called before the first urgent answer.
    """

    def __init__(self, requests: bytearray, engine: str, on_play: Callable[[], None]) -> None:
        self._requests = requests
        self._name = engine
        self._on_play = on_play
        self._engine: Optional[Engine] = None
        self._seats: List[_Seat] = []

    def answer(self, size: int) -> Answer:
        """Return the answer to the packet of ``size`` bytes that has come in."""
        wanted, number = REQUEST.unpack_from(self._requests)
        try:
            if wanted == LOAD:
                path = bytes(self._requests[REQUEST.size : size]).decode("utf-8")
                return self._load(path)
            if wanted == PLAY:
                self._on_play()
                return ANSWER.pack(FINE)
            seat: _Seat = self._seats[number]
            if wanted == FORK:
                self._seats.append(seat.fork(self._requests))
                return _told(len(self._seats) - 1)
            return seat.run(wanted == RUN_FRESH)
        except UserError as error:
            return ANSWER.pack(REFUSED) + str(error).encode("utf-8")
        except Exception as error:
            return ANSWER.pack(BROKEN) + describe(error).encode("utf-8")

    def _load(self, path: str) -> Answer:
        if self._engine is None:
            self._engine = make_engine(self._name)
        graph = self._engine.load(path)
        self._seats.append(_Seat(graph, self._requests))
        return _told(
            {
                "number": len(self._seats) - 1,
                "inputs": to_json(graph.inputs),
                "outputs": to_json(graph.outputs),
                "name": self._engine.name,
                "note": self._engine.note,
                "wants_plans": self._engine.wants_plans,
            }
        )


def _told(what: Any) -> bytes:
    return ANSWER.pack(FINE) + json.dumps(what).encode("utf-8")
