"""A fake of pycuda.driver with the names of 2022.1 that exist in newer ones too (src/wrapper/wrap_cudadrv.cpp).

Its device memory is the host's, but it is stern: each call needs a context that is current in the calling thread,
each address must lie in a live allocation, and what is put on a stream happens when the stream is synchronized.
"""

import atexit
import ctypes
import os
import threading
from typing import Any, Callable, Dict, List, Tuple

import numpy as np

# Not part of pycuda: what tests look at.
fake_allocations: Dict[int, int] = {}
fake_contexts: List["Context"] = []
fake_threads: List[int] = []
_streams: Dict[int, "Stream"] = {}
_current = threading.local()


def _cleanup() -> None:
    """Abort as pycuda does where a context is left when the interpreter ends."""
    if fake_contexts:
        os._exit(134)


atexit.register(_cleanup)


class Error(Exception):
    pass


class LogicError(Error):
    pass


class MemoryError(Error):
    pass


class ctx_flags:
    SCHED_AUTO = 0
    SCHED_SPIN = 1
    SCHED_YIELD = 2
    SCHED_BLOCKING_SYNC = 4
    MAP_HOST = 8


class host_alloc_flags:
    PORTABLE = 1
    DEVICEMAP = 2
    WRITECOMBINED = 4


class device_attribute:
    MULTIPROCESSOR_COUNT = 16


def init(flags: int = 0) -> None:
    if os.environ.get("FAKE_CUDA_FAULT") == "no_gpu":
        raise Error("cuInit failed: no CUDA-capable device is detected")


class Device:
    def __init__(self, number: int) -> None:
        if number != 0:
            raise LogicError("cuDeviceGet failed: invalid device ordinal")

    def name(self) -> str:
        return os.environ.get("FAKE_CUDA_GPU", "NVIDIA Tegra X1")

    def compute_capability(self) -> Tuple[int, int]:
        return 5, 3

    def get_attribute(self, attribute: int) -> int:
        assert attribute == device_attribute.MULTIPROCESSOR_COUNT
        return 1

    def make_context(self, flags: int = 0) -> "Context":
        if os.environ.get("FAKE_CUDA_FAULT") == "no_context":
            raise MemoryError("cuCtxCreate failed: out of memory")
        context = Context(flags)
        _stack().append(context)
        fake_contexts.append(context)
        fake_threads.append(threading.get_ident())
        return context


class Context:
    def __init__(self, fake_flags: int) -> None:
        self.fake_flags = fake_flags
        self.fake_state = "current"

    @staticmethod
    def pop() -> None:
        _require_context().fake_state = "popped"
        _stack().pop()

    def detach(self) -> None:
        if self.fake_state != "popped":
            raise LogicError("cannot detach from a context that is current")
        if fake_allocations:
            raise LogicError("there is memory left in the context")
        self.fake_state = "detached"
        fake_contexts.remove(self)


class Stream:
    def __init__(self, flags: int = 0) -> None:
        _require_context()
        self._pending: List[Callable[[], None]] = []
        _streams[id(self)] = self

    @property
    def handle(self) -> int:
        return id(self)

    def synchronize(self) -> None:
        _require_context()
        pending, self._pending = self._pending, []
        for work in pending:
            work()

    def fake_put(self, work: Callable[[], None]) -> None:
        self._pending.append(work)


class DeviceAllocation:
    def __init__(self, fake_block: np.ndarray) -> None:
        self._block = fake_block
        fake_allocations[fake_block.ctypes.data] = fake_block.nbytes

    def __int__(self) -> int:
        return int(self._block.ctypes.data)

    def free(self) -> None:
        _require_context()
        del fake_allocations[int(self)]


class PagelockedHostAllocation:
    def __init__(self, fake_shape: Tuple[int, ...], fake_dtype: Any, fake_flags: int) -> None:
        dtype = np.dtype(fake_dtype)
        self._block = _aligned(int(np.prod(fake_shape)) * dtype.itemsize)
        self._flags = fake_flags
        self.__array_interface__ = {
            "shape": fake_shape,
            "typestr": dtype.str,
            "data": (self._block.ctypes.data, False),
            "version": 3,
        }
        fake_allocations[self._block.ctypes.data] = self._block.nbytes

    def get_device_pointer(self) -> int:
        context = _require_context()
        if not (
            self._flags & host_alloc_flags.DEVICEMAP and context.fake_flags & ctx_flags.MAP_HOST
        ):
            raise LogicError("cuMemHostGetDevicePointer failed: invalid argument")
        return int(self._block.ctypes.data)

    def free(self) -> None:
        _require_context()
        del fake_allocations[self._block.ctypes.data]


def mem_alloc(size: int) -> DeviceAllocation:
    _require_context()
    block = _aligned(size)
    # Device memory comes as it is, never zeroed.
    block.view(np.float32)[...] = np.nan
    return DeviceAllocation(block)


def pagelocked_empty(
    shape: Tuple[int, ...], dtype: Any, order: str = "C", mem_flags: int = 0
) -> np.ndarray:
    _require_context()
    # As with pycuda, the array's base is what holds the memory.
    return np.asarray(PagelockedHostAllocation(shape, dtype, mem_flags))


def memcpy_htod(dest: int, src: np.ndarray) -> None:
    _require_context()
    fake_view(dest, src.nbytes)[...] = src.reshape(-1).view(np.uint8)


def memcpy_dtoh(dest: np.ndarray, src: int) -> None:
    _require_context()
    dest.reshape(-1).view(np.uint8)[...] = fake_view(src, dest.nbytes)


def memset_d32_async(dest: int, data: int, size: int, stream: Any = None) -> None:
    _require_context()

    def work() -> None:
        fake_view(dest, 4 * size).view(np.uint32)[...] = data

    stream.fake_put(work)


def fake_stream(handle: int) -> Stream:
    _require_context()
    return _streams[handle]


def fake_require_context() -> None:
    _require_context()


def fake_view(address: int, size: int) -> np.ndarray:
    """Return the bytes at an address, which must lie in one live allocation."""
    for base, length in fake_allocations.items():
        if base <= address and address + size <= base + length:
            raw = (ctypes.c_uint8 * size).from_address(address)
            return np.frombuffer(raw, np.uint8)
    raise LogicError("an illegal memory access was encountered")


def _stack() -> List[Context]:
    if not hasattr(_current, "stack"):
        _current.stack = []
    stack: List[Context] = _current.stack
    return stack


def _require_context() -> Context:
    if not _stack():
        raise LogicError("invalid device context (in this thread)")
    return _stack()[-1]


def _aligned(size: int) -> np.ndarray:
    raw = np.zeros(size + 512, np.uint8)
    skip = -raw.ctypes.data % 512
    return raw[skip : skip + size]
