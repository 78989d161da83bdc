"""A fake of tensorrt 8.2: the names of its bindings (NVIDIA/TensorRT, python/src/infer/pyCore.cpp of that release)."""

from typing import Any, Dict, List, Optional

import fake_core
from fake_core import ILogger, Network, OnnxParser, Strict  # noqa: F401

__version__ = "8.2.1.8"
float32 = "DataType.FLOAT"


class NetworkDefinitionCreationFlag:
    EXPLICIT_BATCH = 0
    EXPLICIT_PRECISION = 1


class BuilderFlag:
    FP16, INT8, DEBUG, GPU_FALLBACK, STRICT_TYPES, REFIT, DISABLE_TIMING_CACHE, TF32 = range(8)


class IBuilderConfig(Strict):
    REAL = frozenset(
        "min_timing_iterations avg_timing_iterations int8_calibrator engine_capability max_workspace_size flags "
        "default_device_type DLA_core clear_flag set_flag get_flag quantization_flags clear_quantization_flag "
        "set_quantization_flag get_quantization_flag reset profile_stream add_optimization_profile "
        "set_calibration_profile get_calibration_profile num_optimization_profiles set_device_type get_device_type "
        "is_device_type_set reset_device_type can_run_on_DLA profiling_verbosity algorithm_selector "
        "set_tactic_sources get_tactic_sources create_timing_cache set_timing_cache get_timing_cache".split()
    )

    def __init__(self) -> None:
        # The real one's first value: no scratch memory at all.
        self.max_workspace_size = 0
        self.fake_flags = {BuilderFlag.TF32}
        self.fake_cache: Optional[fake_core.TimingCache] = None

    def set_flag(self, flag: int) -> None:
        self.fake_flags.add(flag)

    def clear_flag(self, flag: int) -> None:
        self.fake_flags.discard(flag)

    def create_timing_cache(self, serialized_timing_cache: bytes) -> fake_core.TimingCache:
        return fake_core.TimingCache(bytes(serialized_timing_cache))

    def set_timing_cache(self, cache: fake_core.TimingCache, ignore_mismatch: bool) -> bool:
        assert not ignore_mismatch
        self.fake_cache = cache
        return True

    def get_timing_cache(self) -> Optional[fake_core.TimingCache]:
        return self.fake_cache


class Builder(Strict):
    REAL = frozenset(
        "create_network max_batch_size platform_has_tf32 platform_has_fast_fp16 platform_has_fast_int8 "
        "max_DLA_batch_size num_DLA_cores gpu_allocator create_optimization_profile error_recorder "
        "create_builder_config build_engine build_serialized_network is_network_supported logger reset".split()
    )

    def __init__(self, logger: ILogger) -> None:
        self._logger = logger

    def create_network(self, flags: int = 0) -> Network:
        assert flags == 1 << NetworkDefinitionCreationFlag.EXPLICIT_BATCH
        return Network()

    def create_builder_config(self) -> IBuilderConfig:
        return IBuilderConfig()

    def build_serialized_network(self, network: Network, config: IBuilderConfig) -> Any:
        assert config.max_workspace_size > 0
        half = BuilderFlag.FP16 in config.fake_flags
        assert half or BuilderFlag.TF32 not in config.fake_flags
        return fake_core.make_plan(network.fake_onnx, half, __version__, self._logger)


class IExecutionContext(Strict):
    REAL = frozenset(
        "execute execute_async execute_v2 execute_async_v2 debug_sync profiler engine name device_memory "
        "active_optimization_profile get_strides set_binding_shape get_binding_shape set_shape_input get_shape "
        "all_binding_shapes_specified all_shape_inputs_specified set_optimization_profile_async error_recorder "
        "enqueue_emits_profile report_to_profiler".split()
    )

    def __init__(self, fake_computer: fake_core.Computer) -> None:
        self._computer = fake_computer

    def execute_async_v2(self, bindings: List[int], stream_handle: int) -> bool:
        names = [tensor.name for tensor in self._computer.tensors]
        assert len(bindings) == len(names)
        addresses: Dict[str, int] = dict(zip(names, bindings))
        return self._computer.put(addresses, stream_handle)


class ICudaEngine(Strict):
    REAL = frozenset(
        "num_bindings get_binding_name get_binding_index binding_is_input get_binding_shape get_binding_dtype "
        "has_implicit_batch_dimension max_batch_size num_layers serialize create_execution_context get_location "
        "create_execution_context_without_device_memory device_memory_size refittable name "
        "num_optimization_profiles engine_capability get_profile_shape get_profile_shape_input is_shape_binding "
        "is_execution_binding get_binding_bytes_per_component get_binding_components_per_element "
        "get_binding_format get_binding_format_desc get_binding_vectorized_dim error_recorder tactic_sources "
        "profiling_verbosity create_engine_inspector".split()
    )

    def __init__(self, fake_computer: fake_core.Computer) -> None:
        self._computer = fake_computer

    @property
    def num_bindings(self) -> int:
        return len(self._computer.tensors)

    def get_binding_name(self, index: int) -> str:
        return self._computer.tensors[index].name

    def binding_is_input(self, index: int) -> bool:
        return self._computer.tensors[index].is_input

    def get_binding_shape(self, index: int) -> fake_core.Dims:
        return fake_core.Dims(self._computer.tensors[index].shape)

    def get_binding_dtype(self, index: int) -> str:
        return float32

    def create_execution_context(self) -> IExecutionContext:
        return IExecutionContext(self._computer)


class Runtime(Strict):
    REAL = frozenset(
        "deserialize_cuda_engine DLA_core num_DLA_cores gpu_allocator error_recorder logger".split()
    )

    def __init__(self, logger: ILogger) -> None:
        self._logger = logger

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> Optional[ICudaEngine]:
        if fake_core.fault() == "refuse":
            return None
        return ICudaEngine(fake_core.Computer(bytes(serialized_engine), __version__))
