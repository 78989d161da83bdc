"""A graph on TensorRT: one frame per call, states ping-ponged in device memory."""

import weakref
from typing import Any, Callable, Dict, List, Optional, TypeVar, Union

import numpy as np

from neurorave_device.engine.base import Graph, Shape, Value, fill_inputs
from neurorave_device.engine.onnx_engine import STATE_IN, STATE_OUT
from neurorave_device.engine.tensorrt.binding import Binding, Run, Tensor, bind, shapes
from neurorave_device.engine.tensorrt.memory import Exchange, States
from neurorave_device.engine.tensorrt.toolkit import one_line
from neurorave_device.engine.tensorrt.worker import CudaWorker, WorkerClosed
from neurorave_device.errors import UserError

_M = TypeVar("_M", Exchange, States)


class Plan:
    """A deserialised plan, shared by all graphs forked of it; made and used in the CUDA thread.

    `failed` is called with a sentence when a frame fails on the device.
    """

    def __init__(
        self,
        path: str,
        worker: CudaWorker,
        runtime: Any,
        payload: bytes,
        failed: Optional[Callable[[str], None]] = None,
    ) -> None:
        self.path = path
        self.worker = worker
        self.failed = failed
        # The engine is only valid as long as the runtime that made it.
        self._runtime = runtime
        self._engine = runtime.deserialize_cuda_engine(payload)
        if self._engine is None:
            raise UserError("{}: TensorRT does not take its plan".format(path))
        self.binding: Binding = bind(worker.toolkit.trt, self._engine)
        self.tensors: List[Tensor] = self.binding.tensors()
        self.state_shapes = _state_shapes(path, self.tensors)
        self._users = 0

    def use(self) -> None:
        """Count one more graph that runs this plan."""
        self._users += 1

    def leave(self) -> None:
        """Count one graph less; after the last one the engine goes, and then the runtime that made it."""
        self._users -= 1
        if self._users == 0:
            del self.binding
            self._engine = None
            self._runtime = None


class _Frames:
    """The memory and the two runs of one graph: frame t reads states A and writes B, the next the other way."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._stream = plan.worker.stream
        self._memory: List[Union[Exchange, States]] = []
        self.runs: List[Run] = []
        plan.use()
        try:
            self._make(plan)
        except BaseException:
            self.free()
            raise

    def _make(self, plan: Plan) -> None:
        cuda = plan.worker.toolkit.cuda
        inputs = _without(shapes(plan.tensors, True), STATE_IN)
        outputs = _without(shapes(plan.tensors, False), STATE_OUT)
        self.entering = self._keep(Exchange(cuda, inputs))
        self.leaving = self._keep(Exchange(cuda, outputs))
        self.states = [self._keep(States(cuda, plan.state_shapes)) for _ in range(2)]
        self.runs = plan.binding.runs([self._addresses(0, 1), self._addresses(1, 0)])
        # The first runs make what is made lazily; the states that they leave are nobody's.
        for side in (0, 1):
            self.zero(side)
            self.frame(side)
        self.zero(0)

    def _keep(self, memory: _M) -> _M:
        self._memory.append(memory)
        return memory

    def frame(self, side: int) -> None:
        """Run one frame that reads the states of `side`, and wait for it."""
        self.entering.push()
        if not self.runs[side].start(self._stream.handle):
            raise RuntimeError("TensorRT has refused the frame")
        self._stream.synchronize()
        self.leaving.pull()

    def zero(self, side: int) -> None:
        """Zero the states of one side, before the next frame."""
        self.states[side].zero(self._stream)

    def read(self, side: int) -> List[np.ndarray]:
        """Return copies of the states of one side."""
        self._stream.synchronize()
        return self.states[side].read()

    def free(self) -> None:
        """Give contexts and memory back."""
        # Something that is still on the stream could write into what belongs to others by then.
        self._stream.synchronize()
        self.runs = []
        for memory in self._memory:
            memory.free()
        self._plan.leave()

    def _addresses(self, read: int, write: int) -> Dict[str, int]:
        found = dict(self.entering.addresses)
        found.update(self.leaving.addresses)
        for number, address in enumerate(self.states[read].addresses):
            found[STATE_IN + str(number)] = address
        for number, address in enumerate(self.states[write].addresses):
            found[STATE_OUT + str(number)] = address
        return found


class TensorRtGraph(Graph):
    """One plan that runs a frame per call and keeps its states; one thread at a time.

    All work is done by the CUDA thread; the calling thread waits for it.
    """

    def __init__(self, plan: Plan) -> None:
        self.path = plan.path
        self._plan = plan
        self._worker = plan.worker
        self._frames = self._worker.call(lambda: _Frames(plan))
        self._worker.own(self._frames)
        self.inputs = {name: a.shape for name, a in self._frames.entering.arrays.items()}
        self.outputs = {name: a.shape for name, a in self._frames.leaving.arrays.items()}
        self._in = self._frames.entering.arrays
        self._out = self._frames.leaving.arrays
        self._side = 0
        self._fresh = False
        # A graph that nobody holds any more is freed where its context is, whichever thread drops it.
        weakref.finalize(self, self._worker.release, self._frames).atexit = False

    def run(self, **values: Value) -> Dict[str, np.ndarray]:
        """Runs one frame; see `Graph.run`."""
        fill_inputs(self.path, self._in, values)
        try:
            self._worker.call(self._frame)
        except WorkerClosed:
            raise
        except Exception as error:
            text = "{}: TensorRT failed ({})".format(self.path, one_line(error))
            if self._plan.failed is not None:
                self._plan.failed(text)
            raise RuntimeError(text) from error
        return self._out

    def reset(self) -> None:
        """Zeroes all states."""
        # Done on the device with the next frame: a trigger need not wait for it.
        self._fresh = True

    def fork(self) -> "TensorRtGraph":
        """Returns a graph with the same weights and its own, zeroed states."""
        return TensorRtGraph(self._plan)

    def snapshot(self) -> List[np.ndarray]:
        """Returns copies of the states, in the order of their numbers."""
        return self._worker.call(self._read)

    def restore(self, states: List[np.ndarray]) -> None:
        """Puts back states taken by `snapshot`; raises ValueError where count or shapes differ."""
        if [np.shape(state) for state in states] != self._plan.state_shapes:
            raise ValueError("{}: these are not states of this graph".format(self.path))
        self._fresh = False
        self._worker.call(lambda: self._frames.states[self._side].write(states))

    def _frame(self) -> None:
        self._settle()
        self._frames.frame(self._side)
        self._side = 1 - self._side

    def _read(self) -> List[np.ndarray]:
        self._settle()
        return self._frames.read(self._side)

    def _settle(self) -> None:
        if self._fresh:
            self._frames.zero(self._side)
            self._fresh = False


def _without(table: Dict[str, Shape], prefix: str) -> Dict[str, Shape]:
    return {name: shape for name, shape in table.items() if not name.startswith(prefix)}


def _state_shapes(path: str, tensors: List[Tensor]) -> List[Shape]:
    """Checks that all is float32 with static shapes and that states pair up; returns their shapes."""
    for tensor in tensors:
        if not tensor.single or any(size < 1 for size in tensor.shape):
            raise UserError(
                "{}: {} of the plan is not float32 with a static shape".format(path, tensor.name)
            )
    read, written = shapes(tensors, True), shapes(tensors, False)
    count = sum(1 for name in read if name.startswith(STATE_IN))
    into = [read.get(STATE_IN + str(number)) for number in range(count)]
    out = [written.get(STATE_OUT + str(number)) for number in range(count)]
    total = sum(1 for name in written if name.startswith(STATE_OUT))
    if into != out or None in into or total != count:
        raise UserError("{}: the states of the plan do not pair up".format(path))
    return [shape for shape in into if shape is not None]
