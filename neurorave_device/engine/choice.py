"""Which engine runs the graphs: by name, or the best that is to be had."""

import os
from typing import Any, List, Optional

from neurorave_device.engine.base import Engine, Graph
from neurorave_device.engine.onnx_engine import OnnxEngine
from neurorave_device.engine.tensorrt.cache import PlanRefused
from neurorave_device.engine.tensorrt.engine import TensorRtEngine
from neurorave_device.engine.tensorrt.toolkit import Missing
from neurorave_device.errors import UserError

ENGINES = ("auto", "onnx", "tensorrt")


def make_engine(name: str = "onnx", threads: int = 1) -> Engine:
    """Makes the engine called `name` (auto, onnx, tensorrt); raises UserError where it is not to be had.

    `threads` are those of ONNX Runtime; TensorRT has no use for them.
    """
    if name == "onnx":
        return OnnxEngine(threads)
    if name == "auto":
        return AutoEngine(threads)
    if name == "tensorrt":
        try:
            engine: Engine = _tensorrt()
            return engine
        except Missing as error:
            raise UserError(
                "engine: tensorrt cannot be used here, since {}; use --engine auto or "
                "--engine onnx".format(error)
            ) from None
    raise UserError("engine: {!r} is unknown; allowed are {}".format(name, ", ".join(ENGINES)))


class AutoEngine(Engine):
    """TensorRT for each graph that has a plan for this board and is faster with it, otherwise ONNX Runtime.

    Which one is faster was measured when the plan was built. A plan that cannot be used is a reason for ONNX
    Runtime, never for silence.
    """

    def __init__(self, threads: int = 1) -> None:
        self._onnx = OnnxEngine(threads)
        self._tensorrt: Optional[Any] = None
        self._missing = ""
        self._reasons: List[str] = []
        self._planned = 0
        try:
            self._tensorrt = _tensorrt()
        except Missing as error:
            self._missing = str(error)
        self._tell()

    def load(self, path: str) -> Graph:
        """Loads one ONNX file; raises UserError where it cannot be read or breaks the graph rules."""
        graph = None if self._tensorrt is None else self._planned_graph(self._tensorrt, path)
        if graph is None:
            graph = self._onnx.load(path)
        self._tell()
        return graph

    def close(self) -> None:
        """Takes the CUDA context down, if there is one; graphs on ONNX Runtime go with their last user."""
        if self._tensorrt is not None:
            self._tensorrt.close()

    def _planned_graph(self, engine: Any, path: str) -> Optional[Graph]:
        role = os.path.splitext(os.path.basename(path))[0]
        try:
            key, stored = engine.stored(path)
            times = stored.facts["frame_ms"]
            if times["onnx"] < times["tensorrt"]:
                text = "{}: faster so, {:.2f} ms instead of {:.2f}"
                self._reasons.append(text.format(role, times["onnx"], times["tensorrt"]))
                return None
            graph: Graph = engine.open(path, key, stored.payload)
        except PlanRefused as error:
            self.wants_plans = True
            self._reasons.append("{}: {}".format(role, error))
            return None
        except Missing as error:
            # It was there a moment ago, so it is this process that cannot have it; plans are not the trouble.
            self._reasons.append("{}: {}".format(role, error))
            return None
        self._planned += 1
        return graph

    def _tell(self) -> None:
        self.name = "tensorrt" if self._planned else "onnx"
        notes = []
        if self._missing:
            notes.append("ONNX Runtime plays, since {}.".format(self._missing))
        elif self._reasons:
            plays = "TensorRT plays in part" if self._planned else "ONNX Runtime plays"
            notes.append("{} ({}).".format(plays, "; ".join(self._reasons)))
        self.note = " ".join(notes)


def _tensorrt() -> Any:
    return TensorRtEngine()
