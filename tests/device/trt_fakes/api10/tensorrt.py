"""A fake of tensorrt 10.3: tensors by name; the flags of 8.2 for explicit batch and half precision are still there."""

from fake_core import ILogger, OnnxParser  # noqa: F401
from fake_named import (  # noqa: F401
    IProgressMonitor,
    MemoryPoolType,
    NamedBuilder,
    NamedRuntime,
    TensorIOMode,
    float32,
)

__version__ = "10.3.0"


class NetworkDefinitionCreationFlag:
    EXPLICIT_BATCH = 0
    STRONGLY_TYPED = 1


class BuilderFlag:
    FP16, TF32 = "FP16", "TF32"


class Builder(NamedBuilder):
    REAL = NamedBuilder.REAL | {
        "platform_has_fast_fp16",
        "platform_has_fast_int8",
        "platform_has_tf32",
    }
    fake_version = __version__
    fake_network_flags = 1 << NetworkDefinitionCreationFlag.EXPLICIT_BATCH


class Runtime(NamedRuntime):
    fake_version = __version__
