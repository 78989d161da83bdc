"""Graphs on ONNX Runtime, one thread, with every buffer bound before the first frame.

States live in two arenas that swap roles each frame (ping-pong): frame t reads arena A and writes
arena B, frame t+1 the other way round, so no state is ever copied. Works with onnxruntime 1.10 and newer.
"""

from typing import Any, Dict, List, Tuple

import numpy as np

from neurorave_device.engine.base import Engine, Graph, Shape, Value, fill_inputs
from neurorave_device.errors import UserError

STATE_IN = "state_in_"
STATE_OUT = "state_out_"
# 64 bytes: a state that starts on its own cache line is never shared between two writers.
ALIGN = 16


class OnnxEngine(Engine):
    """Loads graphs into ONNX Runtime sessions of `threads` threads each."""

    name = "onnx"

    def __init__(self, threads: int = 1) -> None:
        if threads < 1:
            raise UserError("threads: {} is not allowed; it must be 1 or more".format(threads))
        self.threads = threads

    def load(self, path: str) -> "OnnxGraph":
        """Loads one ONNX file; raises UserError where it cannot be read or breaks the graph rules."""
        return OnnxGraph(path, self.threads)


def make_session(path: str, threads: int) -> Any:
    """Opens an ONNX Runtime session on the CPU; raises UserError where the file cannot be read."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    # States that die away would end as denormal numbers, which are slow. This sets the mode of the calling
    # thread when the first session is made; threads started from it later inherit it.
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the binding raises its own classes, which differ between versions
        reason = " ".join(str(error).split())
        raise UserError(
            "{}: not an ONNX graph that can be run ({})".format(path, reason[:200])
        ) from None


class OnnxGraph(Graph):
    """One ONNX graph that runs a frame per call and keeps its states; one thread at a time.

    Nothing is allocated per frame but what ONNX Runtime allocates inside its own arena.
    """

    def __init__(self, path: str, threads: int = 1, session: Any = None) -> None:
        self.path = path
        self._threads = threads
        self._session = session or make_session(path, threads)
        inputs = _signature(path, self._session.get_inputs())
        outputs = _signature(path, self._session.get_outputs())
        self._state_shapes = _state_shapes(path, inputs, outputs)
        self.inputs = {n: s for n, s in inputs.items() if not n.startswith(STATE_IN)}
        self.outputs = {n: s for n, s in outputs.items() if not n.startswith(STATE_OUT)}
        self._in = {name: _aligned(shape) for name, shape in self.inputs.items()}
        self._out = {name: _aligned(shape) for name, shape in self.outputs.items()}
        self._arenas, self._states = self._make_states()
        self._bindings = [self._bind(0, 1), self._bind(1, 0)]
        self._side = 0

    def run(self, **values: Value) -> Dict[str, np.ndarray]:
        """Runs one frame; see `Graph.run`."""
        fill_inputs(self.path, self._in, values)
        self._session.run_with_iobinding(self._bindings[self._side])
        self._side = 1 - self._side
        return self._out

    def reset(self) -> None:
        """Zeroes all states."""
        self._arenas[self._side].fill(0.0)

    def fork(self) -> "OnnxGraph":
        """Returns a graph with the same weights and its own, zeroed states."""
        return OnnxGraph(self.path, self._threads, self._session)

    def snapshot(self) -> List[np.ndarray]:
        """Returns copies of the states, in the order of their numbers."""
        return [state.copy() for state in self._states[self._side]]

    def restore(self, states: List[np.ndarray]) -> None:
        """Puts back states taken by `snapshot`; raises ValueError where count or shapes differ."""
        if [np.shape(state) for state in states] != self._state_shapes:
            raise ValueError("{}: these are not states of this graph".format(self.path))
        for target, state in zip(self._states[self._side], states):
            target[...] = state

    def _make_states(self) -> Tuple[List[np.ndarray], List[List[np.ndarray]]]:
        """Makes the two arenas and the views of the single states in them."""
        sizes = [int(np.prod(shape)) for shape in self._state_shapes]
        starts = []
        total = 0
        for size in sizes:
            starts.append(total)
            total += -(-size // ALIGN) * ALIGN
        arenas = [_aligned((total,)), _aligned((total,))]
        views = [
            [
                arena[start : start + size].reshape(shape)
                for start, size, shape in zip(starts, sizes, self._state_shapes)
            ]
            for arena in arenas
        ]
        return arenas, views

    def _bind(self, read: int, write: int) -> Any:
        """Binds all buffers, states read from arena `read` and written to arena `write`."""
        binding = self._session.io_binding()
        for name, array in self._in.items():
            _bind_one(binding.bind_input, name, array)
        for name, array in self._out.items():
            _bind_one(binding.bind_output, name, array)
        for number, array in enumerate(self._states[read]):
            _bind_one(binding.bind_input, STATE_IN + str(number), array)
        for number, array in enumerate(self._states[write]):
            _bind_one(binding.bind_output, STATE_OUT + str(number), array)
        return binding


def _bind_one(bind: Any, name: str, array: np.ndarray) -> None:
    bind(name, "cpu", 0, np.float32, list(array.shape), array.ctypes.data)


def _aligned(shape: Shape) -> np.ndarray:
    """Returns a zeroed float32 array whose first element starts a cache line."""
    size = int(np.prod(shape))
    raw = np.zeros(size + ALIGN, dtype=np.float32)
    skip = (-raw.ctypes.data // 4) % ALIGN
    return raw[skip : skip + size].reshape(shape)


def _signature(path: str, nodes: Any) -> Dict[str, Shape]:
    """Reads names and shapes; raises UserError on a dynamic shape or a type other than float32."""
    result = {}
    for node in nodes:
        if node.type != "tensor(float)":
            raise UserError(
                "{}: {} is {}; graphs take and give float32 only".format(path, node.name, node.type)
            )
        shape = tuple(node.shape)
        if not all(isinstance(size, int) and size > 0 for size in shape):
            raise UserError(
                "{}: {} has the shape {}; shapes must be static".format(
                    path, node.name, list(shape)
                )
            )
        result[node.name] = shape
    return result


def _state_shapes(path: str, inputs: Dict[str, Shape], outputs: Dict[str, Shape]) -> List[Shape]:
    """Checks that state_in_k and state_out_k pair up from 0 on, and returns their shapes."""
    count = sum(1 for name in inputs if name.startswith(STATE_IN))
    written = sum(1 for name in outputs if name.startswith(STATE_OUT))
    shapes = []
    for number in range(max(count, written)):
        read = inputs.get(STATE_IN + str(number))
        write = outputs.get(STATE_OUT + str(number))
        if read is None or read != write:
            raise UserError(
                "{}: state_in_{n} is {} and state_out_{n} is {}; both must exist with one shape".format(
                    path, _shape_text(read), _shape_text(write), n=number
                )
            )
        shapes.append(read)
    return shapes


def _shape_text(shape: Any) -> str:
    return "missing" if shape is None else str(list(shape))
