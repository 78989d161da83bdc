"""What the fakes of tensorrt 10 and 11 share: tensors by name, memory pools, a progress monitor.

The names are those that the string tables of the real bindings 10.3.0 and 11.4.0 have.
"""

from typing import Any, Dict, FrozenSet, Optional, Set

import fake_core
from fake_core import ILogger, Network, Strict
from pycuda import driver

float32 = "DataType.FLOAT"


class MemoryPoolType:
    WORKSPACE = "WORKSPACE"


class TensorIOMode:
    NONE, INPUT, OUTPUT = "NONE", "INPUT", "OUTPUT"


class IProgressMonitor:
    def phase_start(self, phase_name: str, parent_phase: Optional[str], num_steps: int) -> None:
        raise NotImplementedError()

    def step_complete(self, phase_name: str, step: int) -> bool:
        raise NotImplementedError()

    def phase_finish(self, phase_name: str) -> None:
        raise NotImplementedError()


class IBuilderConfig(Strict):
    REAL = frozenset(
        "set_memory_pool_limit get_memory_pool_limit clear_flag set_flag get_flag create_timing_cache set_timing_cache "
        "get_timing_cache progress_monitor builder_optimization_level hardware_compatibility_level "
        "set_preview_feature add_optimization_profile max_aux_streams profiling_verbosity reset".split()
    )

    def __init__(self, fake_flags: Set[str]) -> None:
        self.progress_monitor: Optional[IProgressMonitor] = None
        self.fake_flags = fake_flags
        self.fake_pools: Dict[str, int] = {}
        self.fake_cache: Optional[fake_core.TimingCache] = None

    def set_flag(self, flag: str) -> None:
        self.fake_flags.add(flag)

    def clear_flag(self, flag: str) -> None:
        self.fake_flags.discard(flag)

    def set_memory_pool_limit(self, pool: str, pool_size: int) -> None:
        self.fake_pools[pool] = pool_size

    def create_timing_cache(self, serialized_timing_cache: bytes) -> fake_core.TimingCache:
        return fake_core.TimingCache(bytes(serialized_timing_cache))

    def set_timing_cache(self, cache: fake_core.TimingCache, ignore_mismatch: bool) -> bool:
        assert not ignore_mismatch
        self.fake_cache = cache
        return True

    def get_timing_cache(self) -> Optional[fake_core.TimingCache]:
        return self.fake_cache


class NamedBuilder(Strict):
    REAL: FrozenSet[str] = frozenset(
        "create_network create_builder_config build_serialized_network num_DLA_cores "
        "create_optimization_profile is_network_supported max_threads error_recorder logger reset".split()
    )
    fake_version = ""
    fake_network_flags = 0

    def __init__(self, logger: ILogger) -> None:
        self._logger = logger

    def create_network(self, flags: int = 0) -> Network:
        assert flags == type(self).fake_network_flags
        return Network()

    def create_builder_config(self) -> IBuilderConfig:
        return IBuilderConfig({"TF32"})

    def build_serialized_network(self, network: Network, config: IBuilderConfig) -> Any:
        assert config.fake_pools[MemoryPoolType.WORKSPACE] > 0
        half = "FP16" in config.fake_flags
        assert half or "TF32" not in config.fake_flags
        _report(config.progress_monitor)
        version = type(self).fake_version
        return fake_core.make_plan(network.fake_onnx, half, version, self._logger)


def _report(monitor: Optional[IProgressMonitor]) -> None:
    if monitor is None:
        return
    monitor.phase_start("Building Engine", None, 4)
    for step in range(4):
        monitor.phase_start("Tactics", "Building Engine", 2)
        assert monitor.step_complete("Tactics", 0)
        monitor.phase_finish("Tactics")
        assert monitor.step_complete("Building Engine", step)
    monitor.phase_finish("Building Engine")


class IExecutionContext(Strict):
    REAL = frozenset(
        "execute_v2 execute_async_v3 set_tensor_address get_tensor_address get_tensor_shape set_input_shape "
        "infer_shapes set_optimization_profile_async engine name profiler error_recorder nvtx_verbosity".split()
    )

    def __init__(self, fake_computer: fake_core.Computer) -> None:
        self._computer = fake_computer
        self._addresses: Dict[str, int] = {}

    def set_tensor_address(self, name: str, memory: int) -> bool:
        if name not in [tensor.name for tensor in self._computer.tensors]:
            return False
        self._addresses[name] = memory
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        return self._computer.put(self._addresses, stream_handle)


class ICudaEngine(Strict):
    REAL = frozenset(
        "num_io_tensors get_tensor_name get_tensor_mode get_tensor_shape get_tensor_dtype get_tensor_location "
        "get_tensor_format create_execution_context num_layers serialize refittable name "
        "num_optimization_profiles hardware_compatibility_level create_engine_inspector error_recorder".split()
    )

    def __init__(self, fake_computer: fake_core.Computer) -> None:
        self._tensors = {tensor.name: tensor for tensor in fake_computer.tensors}
        self._computer = fake_computer

    @property
    def num_io_tensors(self) -> int:
        return len(self._tensors)

    def get_tensor_name(self, index: int) -> str:
        return self._computer.tensors[index].name

    def get_tensor_mode(self, name: str) -> str:
        return TensorIOMode.INPUT if self._tensors[name].is_input else TensorIOMode.OUTPUT

    def get_tensor_shape(self, name: str) -> fake_core.Dims:
        return fake_core.Dims(self._tensors[name].shape)

    def get_tensor_dtype(self, name: str) -> str:
        return float32

    def create_execution_context(self) -> IExecutionContext:
        driver.fake_require_context()
        return IExecutionContext(self._computer)


class NamedRuntime(Strict):
    REAL = frozenset(
        "deserialize_cuda_engine DLA_core num_DLA_cores gpu_allocator error_recorder logger max_threads "
        "engine_host_code_allowed temporary_directory".split()
    )
    fake_version = ""

    def __init__(self, logger: ILogger) -> None:
        self._logger = logger

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> Optional[ICudaEngine]:
        if fake_core.fault() == "refuse":
            return None
        return ICudaEngine(fake_core.Computer(bytes(serialized_engine), type(self).fake_version))
