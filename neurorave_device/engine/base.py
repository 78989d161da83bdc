"""What the voice expects of an engine: graphs that run one frame at a time and keep their own states."""

import abc
from typing import Dict, Mapping, Tuple, Union

import numpy as np

Shape = Tuple[int, ...]
Value = Union[np.ndarray, float]


class Graph(abc.ABC):
    """One loaded graph with its states; one thread at a time may use it.

    `inputs` and `outputs` map the names of the graph, states left out, to their static shapes (float32).
    """

    inputs: Mapping[str, Shape]
    outputs: Mapping[str, Shape]

    @abc.abstractmethod
    def run(self, **values: Value) -> Dict[str, np.ndarray]:
        """Runs one frame and moves the states on.

        Each input of the graph is given by name: an array of its shape, or a float for a shape of one
        element. The arrays returned are reused by the next call: copy what must live longer.
        Raises TypeError on a missing or unknown input, ValueError on a wrong shape.
        """

    @abc.abstractmethod
    def reset(self) -> None:
        """Zeroes all states, which is the start of a fresh sound."""

    @abc.abstractmethod
    def fork(self) -> "Graph":
        """Returns a graph with the same weights and its own, zeroed states; same thread as this one."""


def fill_inputs(path: str, buffers: Mapping[str, np.ndarray], values: Mapping[str, Value]) -> None:
    """Copies the inputs of one frame into the `buffers` of the graph at `path`; raises as `Graph.run` does."""
    if len(values) != len(buffers):
        missing = sorted(set(buffers) - set(values))
        raise TypeError("{}: inputs missing: {}".format(path, ", ".join(missing)))
    for name, value in values.items():
        if name not in buffers:
            raise TypeError("{}: there is no input {!r}".format(path, name))
        buffer = buffers[name]
        if isinstance(value, np.ndarray) and value.shape != buffer.shape:
            raise ValueError(
                "{}: input {} is {}, not {}".format(path, name, value.shape, buffer.shape)
            )
        buffer[...] = value


class Engine(abc.ABC):
    """Loads ONNX files into graphs.

    `name` is what runs them (onnx, tensorrt), `note` a sentence for the player where that is not what might be
    expected, `wants_plans` whether TensorRT plans should be built in the background; all final once all is loaded.
    """

    name = ""
    note = ""
    wants_plans = False

    @abc.abstractmethod
    def load(self, path: str) -> Graph:
        """Loads one ONNX file; raises UserError where it cannot be read or breaks the graph rules."""

    def close(self) -> None:  # noqa: B027 - most have nothing of the kind
        """Frees what the graphs have elsewhere, a process or a GPU's context: they are lost. Not a real-time thread."""
