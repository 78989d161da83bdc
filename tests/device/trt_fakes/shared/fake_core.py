"""What all fake versions of tensorrt share: how a plan is made, and how it is computed through ONNX Runtime.

A class of a fake lists in `REAL` names that its class has in that version. Asking for another name raises
AttributeError, as it would there; asking for one that the fake does not imitate raises NotImplementedError, so that no
test passes by a detour that the fake cannot follow.
"""

import json
import os
import signal
from typing import Any, Dict, FrozenSet, List, Tuple

import numpy as np
import onnxruntime
from pycuda import driver

_MAGIC = b"fake plan\n"


class Strict:
    """Has the names of `REAL` at most; `fake_` and `_` are the fake's own."""

    REAL: FrozenSet[str] = frozenset()

    def __getattr__(self, name: str) -> Any:
        if name in type(self).REAL:
            raise NotImplementedError("the fake does not imitate " + name)
        raise AttributeError("{} has no {}".format(type(self).__name__, name))

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith(("_", "fake_")) and name not in type(self).REAL:
            raise AttributeError("{} has no {}".format(type(self).__name__, name))
        object.__setattr__(self, name, value)


class Dims:
    """A shape: can be walked through, and is no tuple."""

    def __init__(self, sizes: List[int]) -> None:
        self._sizes = sizes

    def __len__(self) -> int:
        return len(self._sizes)

    def __getitem__(self, place: int) -> int:
        return self._sizes[place]


class HostMemory(bytes):
    """What serialized things come in."""


class ILogger:
    VERBOSE, INFO, WARNING, ERROR, INTERNAL_ERROR = "VERBOSE", "INFO", "WARNING", "ERROR", "FATAL"

    def log(self, severity: str, msg: str) -> None:
        raise NotImplementedError()


class ParserError:
    def __init__(self, fake_text: str) -> None:
        self._text = fake_text

    def desc(self) -> str:
        return self._text


class Network(Strict):
    def __init__(self) -> None:
        self.fake_onnx = b""


class OnnxParser(Strict):
    REAL = frozenset(
        "parse parse_from_file num_errors get_error clear_errors supports_model".split()
    )

    def __init__(self, network: Network, logger: ILogger) -> None:
        self._network = network
        self._errors: List[ParserError] = []

    @property
    def num_errors(self) -> int:
        return len(self._errors)

    def get_error(self, index: int) -> ParserError:
        return self._errors[index]

    def parse(self, model: bytes) -> bool:
        if fault() == "parse":
            self._errors.append(ParserError("No importer registered for op: RandomNormal"))
            return False
        self._network.fake_onnx = bytes(model)
        return True


class TimingCache(Strict):
    REAL = frozenset("serialize combine reset".split())

    def __init__(self, fake_data: bytes) -> None:
        self.fake_data = fake_data

    def serialize(self) -> HostMemory:
        return HostMemory(self.fake_data + b"+")


class Tensor:
    def __init__(self, name: str, is_input: bool, shape: List[int]) -> None:
        self.name, self.is_input, self.shape = name, is_input, shape
        self.size = 4 * int(np.prod(shape))


def fault() -> str:
    """Return what shall go wrong."""
    return os.environ.get("FAKE_TENSORRT_FAULT", "")


def make_plan(onnx: bytes, half: bool, version: str, logger: ILogger) -> Any:
    """Be the builder: return a plan, or None as the real one does."""
    driver.fake_require_context()
    if fault() == "memory":
        logger.log(logger.ERROR, "[defaultAllocator.cpp::allocate::19] Error Code 1: out of memory")
        return None
    if fault() == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    while fault() == "hang":
        signal.pause()
    wrong = fault() == ("half" if half else "single")
    fifo = os.sched_getscheduler(0) == os.SCHED_FIFO
    header = {"half": half, "version": version, "wrong": wrong, "fifo": fifo}
    header["nice"] = os.nice(0)
    return HostMemory(_MAGIC + json.dumps(header).encode("ascii") + b"\n" + onnx)


class Computer:
    """A deserialised plan."""

    def __init__(self, plan: bytes, version: str) -> None:
        driver.fake_require_context()
        magic, header, onnx = plan.split(b"\n", 2)
        # The real one may crash on a plan of another version; so does this.
        self._settings = json.loads(header.decode("ascii"))
        assert magic + b"\n" == _MAGIC and self._settings["version"] == version
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            onnx, options, providers=["CPUExecutionProvider"]
        )
        self.tensors = [Tensor(n.name, True, n.shape) for n in self._session.get_inputs()]
        self.tensors += [Tensor(n.name, False, n.shape) for n in self._session.get_outputs()]

    def put(self, addresses: Dict[str, int], stream: int) -> bool:
        """Put a run on a stream; the addresses are looked up at once and used later."""
        if fault() == "run":
            return False
        views = {t.name: driver.fake_view(addresses[t.name], t.size) for t in self.tensors}
        _refuse_overlaps([(addresses[t.name], t.size) for t in self.tensors])
        driver.fake_stream(stream).fake_put(lambda: self._compute(views))
        return True

    def _compute(self, views: Dict[str, np.ndarray]) -> None:
        arrays = {t.name: views[t.name].view(np.float32).reshape(t.shape) for t in self.tensors}
        feeds = {t.name: arrays[t.name] for t in self.tensors if t.is_input}
        names = [t.name for t in self.tensors if not t.is_input]
        for name, found in zip(names, self._session.run(names, feeds)):
            arrays[name][...] = found if name.startswith("state_") else self._spoil(found)

    def _spoil(self, values: np.ndarray) -> np.ndarray:
        """Be as inexact as this plan is: half precision rounds, and some are wrong on demand."""
        found: np.ndarray = values
        if self._settings["half"]:
            found = values.astype(np.float16).astype(np.float32)
        if self._settings["wrong"]:
            found = found * np.float32(1.1)
        return found


def _refuse_overlaps(ranges: List[Tuple[int, int]]) -> None:
    """Two tensors never share memory: TensorRT may write an output before it has read all inputs."""
    end = 0
    for start, size in sorted(ranges):
        assert start >= end, "two tensors share memory"
        assert start % 256 == 0, "a tensor is not aligned"
        end = start + size
