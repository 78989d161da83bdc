"""Graphs that run in a process of their own: a load there holds none of the threads up that play here.

ONNX Runtime, TensorRT and CUDA keep the interpreter's lock while they load, for tens of milliseconds on a small board
(docs/decisions/0020-graphs-elsewhere.md). What passes between the two processes in a frame is a few kilobytes each way.
"""

import json
import socket
from typing import Any, Dict, Optional

import numpy as np

from neurorave_device.engine.base import Engine, Graph, Shape, Value, fill_inputs
from neurorave_device.engine.graph_packets import (
    ANSWER,
    BROKEN,
    FINE,
    FORK,
    LARGEST,
    LOAD,
    PLAY,
    REFUSED,
    REQUEST,
    RUN,
    RUN_FRESH,
    frame_packet,
    from_json,
)
from neurorave_device.errors import UserError
from neurorave_device.processes.child import CRASHED, Child

MODULE = "neurorave_device.engine.graph_process"
# Loading one graph takes seconds on a small board.
LONGEST_LOAD = 120.0


class GraphsLost(RuntimeError):
    """The process that runs the graphs has ended or cannot run them, and with it every graph that it has."""


class ElsewhereEngine(Engine):
    """Loads graphs in a process of their own and has them run there.

    ``engine`` is the name of what runs them. The process is started with the first graph; one thread at a time may
    load, and use the graphs.
    """

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._line: Optional[_Line] = None

    def load(self, path: str) -> "ElsewhereGraph":
        """Loads one ONNX file; raises UserError where it cannot be read, breaks the graph rules or is too much."""
        if self._line is None:
            self._line = _Line(self._engine)
        try:
            told = self._line.ask(LOAD, 0, path.encode("utf-8"))
        except GraphsLost as error:
            raise UserError("{}: cannot be loaded ({})".format(path, error)) from None
        self.name, self.note = told["name"], told["note"]
        self.wants_plans = told["wants_plans"]
        shapes = from_json(told["inputs"]), from_json(told["outputs"])
        return ElsewhereGraph(self._line, path, told["number"], *shapes)

    def play(self) -> None:
        """Lets the process take the place of one that plays; raises GraphsLost."""
        if self._line is not None:
            self._line.ask(PLAY)
            self._line.hurry()

    def close(self) -> None:
        """Ends the process, and waits for that."""
        if self._line is not None:
            self._line.close()
            self._line = None


class ElsewhereGraph(Graph):
    """One graph in another process; one thread at a time."""

    def __init__(
        self,
        line: "_Line",
        path: str,
        number: int,
        inputs: Dict[str, Shape],
        outputs: Dict[str, Shape],
    ) -> None:
        self.path = path
        self.inputs, self.outputs = inputs, outputs
        self._line = line
        self._number = number
        self._request, self._in = frame_packet(REQUEST, inputs)
        self._answer, self._out = frame_packet(ANSWER, outputs)
        if max(len(self._request), len(self._answer)) > LARGEST:
            raise UserError(
                "{}: a frame has {} numbers, at most {} are allowed".format(
                    path, max(len(self._request), len(self._answer)) // 4, LARGEST // 4
                )
            )
        self._fresh = False

    def run(self, **values: Value) -> Dict[str, np.ndarray]:
        """Runs one frame; see `Graph.run`. Raises GraphsLost where the other process cannot."""
        fill_inputs(self.path, self._in, values)
        REQUEST.pack_into(self._request, 0, RUN_FRESH if self._fresh else RUN, self._number)
        self._fresh = False
        self._line.exchange(self._request, self._answer)
        return self._out

    def reset(self) -> None:
        """Zeroes all states before the next frame."""
        self._fresh = True

    def fork(self) -> "ElsewhereGraph":
        """Returns a graph with the same weights and its own, zeroed states; raises GraphsLost."""
        number = self._line.ask(FORK, self._number)
        return ElsewhereGraph(self._line, self.path, number, dict(self.inputs), dict(self.outputs))


class _Line:
    """The line to a process that runs graphs, and that process."""

    def __init__(self, engine: str) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                self._child = Child(MODULE, {"engine": engine}, {"line": theirs.fileno()})
        except BaseException:
            ours.close()
            raise
        ours.settimeout(LONGEST_LOAD)
        self._socket = ours
        # A sentence about a fault may be longer than a frame.
        self._rest = bytearray(LARGEST)

    def hurry(self) -> None:
        """Wait for each answer without a look at the clock: a process that hangs stops the sound, which is noticed."""
        self._socket.settimeout(None)

    def exchange(self, request: bytearray, answer: bytearray) -> None:
        """Send a packet and take the answer, of its own length; raises GraphsLost."""
        self._send(request)
        try:
            size = self._socket.recvmsg_into([answer, self._rest])[0]
        except OSError as error:
            raise GraphsLost(self._why(error)) from None
        if size == 0:
            raise GraphsLost(self._why())
        if answer[0] != FINE:
            text = (bytes(answer) + bytes(self._rest))[ANSWER.size : size]
            raise GraphsLost(text.decode("utf-8"))
        if size != len(answer):
            raise GraphsLost("the answer has %d bytes, not %d" % (size, len(answer)))

    def ask(self, wanted: int, number: int = 0, more: bytes = b"") -> Any:
        """Send a request and return the answer; raises GraphsLost, or UserError where that is the answer."""
        self._send(REQUEST.pack(wanted, number) + more)
        try:
            answer = self._socket.recv(LARGEST)
        except OSError as error:
            raise GraphsLost(self._why(error)) from None
        if not answer:
            raise GraphsLost(self._why())
        text = answer[ANSWER.size :].decode("utf-8")
        if answer[0] == REFUSED:
            raise UserError(text)
        if answer[0] == BROKEN:
            raise GraphsLost(text)
        return json.loads(text) if text else None

    def close(self) -> None:
        """Hang up, and wait until the process is gone."""
        self._socket.close()
        self._child.kill()
        self._child.close()

    def _send(self, packet: Any) -> None:
        try:
            self._socket.send(packet)
        except OSError as error:
            raise GraphsLost(self._why(error)) from None

    def _why(self, error: Optional[OSError] = None) -> str:
        """Say why there was no answer."""
        if isinstance(error, socket.timeout):
            return "that took more than %.0f s" % LONGEST_LOAD
        for status in self._child.statuses():
            if status.kind == CRASHED:
                return status.text
        return "the process that was to run it has ended"
