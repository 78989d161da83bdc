"""What of TensorRT is there, and which board this is.

Nothing here or beside it reads a version to decide anything: what a library can do is found by looking for the name,
since 8.2 (Jetson Nano), 10 and 11 differ in names only. Versions are data, part of the key of a plan.
"""

import importlib
from typing import Any, NamedTuple

L4T_FILE = "/etc/nv_tegra_release"
NO_L4T = "none"


class Missing(Exception):
    """TensorRT cannot be used here; the text is the reason, a sentence without its full stop."""


class Toolkit(NamedTuple):
    """The two libraries: `trt` is tensorrt, `cuda` is pycuda.driver."""

    trt: Any
    cuda: Any


class Board(NamedTuple):
    """What a plan depends on besides the graph and the precision.

    `gpu` names the chip with its count of multiprocessors, since boards with the same chip's name differ in it;
    `capability` is such as "5.3", `l4t` the release of the board's system ("32.7.1", "none" elsewhere).
    """

    tensorrt: str
    gpu: str
    capability: str
    l4t: str


def find_toolkit() -> Toolkit:
    """Import both libraries; raises Missing where one is not there. Takes up to some seconds."""
    return Toolkit(_import("tensorrt"), _import("pycuda.driver"))


def find_board(toolkit: Toolkit, l4t_file: str = L4T_FILE) -> Board:
    """Ask the driver for the GPU; raises Missing where there is none. Any thread, needs no CUDA context."""
    cuda = toolkit.cuda
    try:
        cuda.init()
        device = cuda.Device(0)
        capability = device.compute_capability()
        units = device.get_attribute(cuda.device_attribute.MULTIPROCESSOR_COUNT)
        gpu = "{}, multiprocessors: {}".format(device.name(), units)
    except Exception as error:  # pycuda raises classes of its own
        raise Missing("no GPU answers (" + one_line(error) + ")") from None
    version = str(getattr(toolkit.trt, "__version__", "unknown"))
    return Board(version, gpu, "{}.{}".format(*capability), read_l4t(l4t_file))


def read_l4t(path: str = L4T_FILE) -> str:
    """Return the release of the board's system, "none" where this is no Jetson.

    The first line of the file looks like "# R32 (release), REVISION: 7.1, GCID: ...".
    """
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            words = handle.readline().replace(",", " ").split()
    except OSError:
        return NO_L4T
    major = [word[1:] for word in words if word[:1] == "R" and word[1:].isdigit()]
    minor = [words[n + 1] for n, word in enumerate(words[:-1]) if word == "REVISION:"]
    return ".".join(major[:1] + minor[:1]) or NO_L4T


def half_precision(trt: Any) -> bool:
    """Say whether this TensorRT may choose half precision for a float32 graph by itself.

    TensorRT 11 has no such flag: its networks are strongly typed, half precision would have to be in the file.
    """
    return hasattr(trt.BuilderFlag, "FP16")


def abilities(trt: Any) -> str:
    """Return in words what of this TensorRT the engine will use."""
    names = "by name" if hasattr(trt, "TensorIOMode") else "by number"
    half = "half precision" if half_precision(trt) else "single precision only"
    progress = "with progress" if hasattr(trt, "IProgressMonitor") else "without progress"
    return "tensors {}, {}, builds {}".format(names, half, progress)


def one_line(error: BaseException) -> str:
    """Return an exception's text on one line, its class where it has none."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except Exception as error:  # a library that lacks another one may raise anything
        text = "{} is not there ({})".format(name.split(".")[0], one_line(error))
        raise Missing(text) from None
