"""Which engine runs the graphs: by name, or the best that is to be had."""

from neurorave_device.engine.base import Engine
from neurorave_device.engine.onnx_engine import OnnxEngine
from neurorave_device.errors import UserError

ENGINES = ("auto", "onnx", "tensorrt")


def make_engine(name: str = "auto", threads: int = 1) -> Engine:
    """Makes the engine called `name` (auto, onnx, tensorrt); raises UserError where it is not to be had."""
    if name in ("auto", "onnx"):
        return OnnxEngine(threads)
    if name == "tensorrt":
        raise UserError(
            "engine: tensorrt is not part of this version of neurorave; allowed are auto and onnx"
        )
    raise UserError("engine: {!r} is unknown; allowed are {}".format(name, ", ".join(ENGINES)))
