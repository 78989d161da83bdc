"""From an ONNX file to a plan: TensorRT's builder, with what its versions have in common.

It runs in a process of its own (`plan_process.py`), since it takes minutes and much memory on a small board, and may be
killed.
"""

import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional

from neurorave_device.engine.tensorrt.toolkit import one_line

# Scratch memory that a layer may ask for. The graphs here need a few MiB; a Nano has 4 GiB for CPU and GPU together.
WORKSPACE_BYTES = 128 << 20

# Gets the part done, 0..1, of the present phase; None where TensorRT says nothing.
Progress = Callable[[Optional[float]], None]


class BuildFailed(Exception):
    """TensorRT makes no plan of a graph; the text is the reason, without a full stop."""


class Built(NamedTuple):
    """A plan, the timing cache that grew with it (b"" where there is none), and the seconds it took."""

    plan: bytes
    timing: bytes
    seconds: float


def build_plan(trt: Any, onnx: bytes, half: bool, timing: bytes, progress: Progress) -> Built:
    """Build a plan; ``timing`` is the timing cache of earlier builds or b"". Raises BuildFailed. Takes minutes.

    In single precision TensorRT's own 19-bit format for matrix products (TF32) is switched off.
    """
    began = time.monotonic()
    log = _make_log(trt)
    builder = trt.Builder(log)
    # 8.2 wants to be told that the batch is a dimension like others; 11 knows nothing else and has no such flag.
    flag = getattr(trt.NetworkDefinitionCreationFlag, "EXPLICIT_BATCH", None)
    network = builder.create_network(0 if flag is None else 1 << int(flag))
    parser = trt.OnnxParser(network, log)
    if not parser.parse(onnx):
        texts = [str(parser.get_error(number).desc()) for number in range(parser.num_errors)]
        raise BuildFailed("the graph is not understood: " + _short(texts or log.errors))
    config = builder.create_builder_config()
    _limit_workspace(trt, config)
    if half:
        config.set_flag(trt.BuilderFlag.FP16)
    elif hasattr(trt.BuilderFlag, "TF32"):
        config.clear_flag(trt.BuilderFlag.TF32)
    cache = config.create_timing_cache(timing)
    if cache is not None:
        config.set_timing_cache(cache, False)
    monitor = _make_monitor(trt, progress)
    if monitor is None:
        progress(None)
    else:
        config.progress_monitor = monitor
    try:
        plan = builder.build_serialized_network(network, config)
    except Exception as error:
        raise BuildFailed(one_line(error)) from None
    if plan is None:
        raise BuildFailed(_short(log.errors))
    grown = b"" if cache is None else bytes(config.get_timing_cache().serialize())
    return Built(bytes(plan), grown, time.monotonic() - began)


def make_runtime(trt: Any) -> Any:
    """Return what deserialises plans."""
    return trt.Runtime(_make_log(trt))


def _limit_workspace(trt: Any, config: Any) -> None:
    if hasattr(config, "set_memory_pool_limit"):
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, WORKSPACE_BYTES)
    else:
        config.max_workspace_size = WORKSPACE_BYTES


def _short(texts: List[str]) -> str:
    return " ".join(texts[-1].split())[:300] if texts else "TensorRT gives no reason"


def _make_log(trt: Any) -> Any:
    """Return a logger that keeps what went wrong; TensorRT's own one writes it to the terminal."""

    class Log(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.errors: List[str] = []

        def log(self, severity: Any, text: str) -> None:
            if severity in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR):
                self.errors.append(str(text))

    return Log()


def _make_monitor(trt: Any, progress: Progress) -> Optional[Any]:
    """Return a monitor of TensorRT 10 and newer, None where there is none: then nobody knows how far a build is.

    The outermost phases follow one another and are not equally long; what is told is how far the present one is.
    """
    if not hasattr(trt, "IProgressMonitor"):
        return None

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self._steps: Dict[str, int] = {}

        def phase_start(self, phase_name: str, parent_phase: Optional[str], steps: int) -> None:
            if parent_phase is None:
                self._steps[phase_name] = max(1, steps)
                progress(0.0)

        def step_complete(self, phase_name: str, step: int) -> bool:
            if phase_name in self._steps:
                progress(min(1.0, (step + 1) / float(self._steps[phase_name])))
            # Go on: who wants to stop a build ends its process.
            return True

        def phase_finish(self, phase_name: str) -> None:
            if self._steps.pop(phase_name, None) is not None:
                progress(1.0)

    return Monitor()
