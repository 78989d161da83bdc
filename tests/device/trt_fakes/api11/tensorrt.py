"""A fake of tensorrt 11.4: as 10, without what 11 has removed."""

from fake_core import ILogger, OnnxParser  # noqa: F401
from fake_named import (  # noqa: F401
    IProgressMonitor,
    MemoryPoolType,
    NamedBuilder,
    NamedRuntime,
    TensorIOMode,
    float32,
)

__version__ = "11.4.0"


class NetworkDefinitionCreationFlag:
    STRONGLY_TYPED = 1


class BuilderFlag:
    TF32 = "TF32"


class Builder(NamedBuilder):
    fake_version = __version__


class Runtime(NamedRuntime):
    fake_version = __version__
