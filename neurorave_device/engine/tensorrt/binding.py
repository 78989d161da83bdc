"""The two ways to hand tensors to a plan: by number (TensorRT 8.2) and by name (the only one from 10 on).

Both give the same two things: which tensors a plan has, and runs whose addresses are fixed beforehand.
"""

import abc
from typing import Any, Dict, List, Mapping, NamedTuple, Sequence

from neurorave_device.engine.base import Shape


class Tensor(NamedTuple):
    """One input or output of a plan; `single` says whether it is float32."""

    name: str
    is_input: bool
    shape: Shape
    single: bool


class Run(abc.ABC):
    """One plan with all its addresses; `start` may be called again and again."""

    @abc.abstractmethod
    def start(self, stream: int) -> bool:
        """Put the run on a CUDA stream (its handle); False where TensorRT refuses. CUDA thread."""


class Binding(abc.ABC):
    """How one deserialised plan is asked and run; all methods belong to the CUDA thread."""

    def __init__(self, trt: Any, engine: Any) -> None:
        self._trt = trt
        self._engine = engine

    @abc.abstractmethod
    def tensors(self) -> List[Tensor]:
        """Return all inputs and outputs."""

    @abc.abstractmethod
    def runs(self, sides: Sequence[Mapping[str, int]]) -> List[Run]:
        """Return a run for each mapping of tensor name to device address."""

    def _context(self) -> Any:
        context = self._engine.create_execution_context()
        if context is None:
            raise RuntimeError(
                "TensorRT makes no execution context, most likely for lack of memory"
            )
        return context


class NumberedBinding(Binding):
    """Tensors have numbers; the addresses are one list, given with each run."""

    def tensors(self) -> List[Tensor]:
        engine = self._engine
        return [
            Tensor(
                str(engine.get_binding_name(number)),
                bool(engine.binding_is_input(number)),
                tuple(int(size) for size in engine.get_binding_shape(number)),
                engine.get_binding_dtype(number) == self._trt.float32,
            )
            for number in range(engine.num_bindings)
        ]

    def runs(self, sides: Sequence[Mapping[str, int]]) -> List[Run]:
        # The addresses belong to the call, so one context serves all sides.
        context = self._context()
        names = [tensor.name for tensor in self.tensors()]
        return [_NumberedRun(context, [side[name] for name in names]) for side in sides]


class _NumberedRun(Run):
    def __init__(self, context: Any, addresses: List[int]) -> None:
        self._execute = context.execute_async_v2
        self._addresses = addresses

    def start(self, stream: int) -> bool:
        return bool(self._execute(self._addresses, stream))


class NamedBinding(Binding):
    """Tensors have names; a context remembers their addresses."""

    def tensors(self) -> List[Tensor]:
        engine = self._engine
        names = [str(engine.get_tensor_name(number)) for number in range(engine.num_io_tensors)]
        return [
            Tensor(
                name,
                engine.get_tensor_mode(name) == self._trt.TensorIOMode.INPUT,
                tuple(int(size) for size in engine.get_tensor_shape(name)),
                engine.get_tensor_dtype(name) == self._trt.float32,
            )
            for name in names
        ]

    def runs(self, sides: Sequence[Mapping[str, int]]) -> List[Run]:
        # A context for each side: no address is ever set again while it plays.
        return [_NamedRun(self._context(), side) for side in sides]


class _NamedRun(Run):
    def __init__(self, context: Any, addresses: Mapping[str, int]) -> None:
        for name, address in addresses.items():
            if not context.set_tensor_address(name, address):
                raise RuntimeError("TensorRT does not take the address of " + name)
        self._execute = context.execute_async_v3

    def start(self, stream: int) -> bool:
        return bool(self._execute(stream))


def bind(trt: Any, engine: Any) -> Binding:
    """Return the binding that this TensorRT offers, names where it has both."""
    if hasattr(engine, "num_io_tensors"):
        return NamedBinding(trt, engine)
    return NumberedBinding(trt, engine)


def shapes(tensors: Sequence[Tensor], is_input: bool) -> Dict[str, Shape]:
    """Return name -> shape of the inputs or of the outputs."""
    return {tensor.name: tensor.shape for tensor in tensors if tensor.is_input == is_input}
