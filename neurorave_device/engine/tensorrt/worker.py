"""The one thread that owns the CUDA context: it makes it, does all that needs it, and takes it down.

A context is current in one thread. What others want done they hand over and wait for; what finalizers want freed
they hand over and do not wait. A frame costs two switches between threads, which is why the way there and back
is two bare locks and not a queue.
"""

import atexit
import threading
import weakref
from collections import deque
from typing import Any, Callable, Deque, Optional, Set, TypeVar, cast

from neurorave_device.engine.tensorrt.toolkit import Missing, Toolkit, one_line
from neurorave_device.processes.realtime import SYNTHESIS_PRIORITY, raise_priority

_T = TypeVar("_T")
# How long closing waits for work that hangs in the driver.
_CLOSE_SECONDS = 5.0


class WorkerClosed(RuntimeError):
    """The CUDA thread has ended, and with it every graph that it ran."""


class _Call:
    """Some work, and a lock that opens when it is done."""

    __slots__ = ("done", "error", "result", "work")

    def __init__(self, work: Callable[[], Any]) -> None:
        self.work = work
        self.result: Any = None
        self.error: Optional[BaseException] = None
        self.done = threading.Lock()
        self.done.acquire()


class CudaWorker:
    """A thread with a CUDA context of device 0, a stream, and everything made in it."""

    def __init__(self, toolkit: Toolkit, realtime: bool = True) -> None:
        """Start the thread and make the context; raises Missing where that fails.

        ``realtime`` asks for the priority of the synthesis thread; otherwise it is that of the calling thread.
        """
        self.toolkit = toolkit
        self._realtime = realtime
        self.stream: Any = None
        self._context: Any = None
        self._calls: Deque[Optional[_Call]] = deque()
        self._wake = threading.Lock()
        self._wake.acquire()
        self._owned: Set[Any] = set()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="cuda", daemon=True)
        self._thread.start()
        try:
            self.call(self._open)
        except Exception as error:
            self.close()
            raise Missing("no CUDA context can be made (" + one_line(error) + ")") from None
        # A context that is still there when the interpreter ends makes pycuda abort the process.
        own = weakref.ref(self)

        def close_late() -> None:
            worker = own()
            if worker is not None:
                worker.close()

        atexit.register(close_late)

    def call(self, work: Callable[[], _T]) -> _T:
        """Have the worker do something and return its result or raise its exception. Any thread."""
        if threading.current_thread() is self._thread:
            return work()
        if self._closed:
            raise WorkerClosed("the CUDA thread has been closed")
        call = _Call(work)
        self._hand_over(call)
        call.done.acquire()
        if call.error is not None:
            raise call.error
        return cast(_T, call.result)

    def own(self, resources: Any) -> None:
        """Have ``resources.free()`` called in the worker when it closes, if `release` has not before."""
        self._owned.add(resources)

    def release(self, resources: Any) -> None:
        """Have ``resources.free()`` called in the worker, and do not wait. Any thread, finalizers too."""
        if not self._closed:
            self._hand_over(_Call(lambda: self._free(resources)))

    def close(self) -> None:
        """Free everything, pop and detach the context, end the thread; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._hand_over(None)
        if threading.current_thread() is not self._thread:
            self._thread.join(_CLOSE_SECONDS)

    def _hand_over(self, call: Optional[_Call]) -> None:
        self._calls.append(call)
        try:
            self._wake.release()
        except RuntimeError:
            # It is open already: the worker has not looked since the last call came in, and will.
            pass

    def _run(self) -> None:
        if self._realtime:
            raise_priority(SYNTHESIS_PRIORITY)
        try:
            while True:
                while self._calls:
                    call = self._calls.popleft()
                    if call is None:
                        return
                    try:
                        call.result = call.work()
                    except BaseException as error:
                        call.error = error
                    call.done.release()
                    del call
                self._wake.acquire()
        finally:
            self._take_down()

    def _open(self) -> None:
        cuda = self.toolkit.cuda
        cuda.init()
        # Mapped memory has to be asked for. A thread that spins until the GPU is done would, at real-time
        # priority, keep a whole core from everything else: it sleeps instead.
        flags = cuda.ctx_flags.MAP_HOST | cuda.ctx_flags.SCHED_BLOCKING_SYNC
        self._context = cuda.Device(0).make_context(flags)
        self.stream = cuda.Stream()

    def _free(self, resources: Any) -> None:
        if resources in self._owned:
            self._owned.remove(resources)
            resources.free()

    def _take_down(self) -> None:
        for resources in list(self._owned):
            try:
                self._free(resources)
            except Exception:
                # After a fault of the GPU every call fails; what there was goes with the context.
                continue
        self.stream = None
        if self._context is not None:
            self._context.pop()
            self._context.detach()
            self._context = None


_lock = threading.Lock()
_shared: Optional[CudaWorker] = None


def shared_worker(toolkit: Toolkit, realtime: bool = True) -> CudaWorker:
    """Return the process's worker, made at the first call: a second context would cost a board its memory.

    ``realtime`` counts at the first call.
    """
    global _shared
    with _lock:
        if _shared is None or _shared._closed or _shared.toolkit != toolkit:
            if _shared is not None:
                _shared.close()
            _shared = CudaWorker(toolkit, realtime)
        return _shared


def close_shared() -> None:
    """Close the process's worker if there is one; all graphs on it are lost."""
    global _shared
    with _lock:
        if _shared is not None:
            _shared.close()
            _shared = None
