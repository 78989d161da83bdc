"""Graphs on TensorRT, through fakes that have the names of 8.2, 10 and 11 and no others."""

import functools
import gc
import importlib
import inspect
import operator
import os
import shutil
import sys
import threading
from typing import Any, Dict, Iterator, List

import numpy as np
import pytest

from neurorave_device.engine.bundle import load_bundle
from neurorave_device.engine.choice import make_engine
from neurorave_device.engine.digest import sha256_of
from neurorave_device.engine.onnx_engine import OnnxGraph
from neurorave_device.engine.tensorrt import cache, worker
from neurorave_device.engine.tensorrt.build import build_plan
from neurorave_device.engine.tensorrt.engine import TensorRtEngine
from neurorave_device.engine.voice import Voice
from neurorave_device.errors import UserError
from neurorave_device.inputs.base import Edge

from .toy import TOY, copy_toy, still
from .trt_fakes import APIS, install, set_fault, uninstall

DECODER = os.path.join(TOY, "decoder.onnx")


@pytest.fixture(params=APIS)
def api(request: Any, monkeypatch: Any, tmp_path: Any) -> Iterator[str]:
    """One of the fakes, installed, with an empty folder of plans."""
    install(monkeypatch, tmp_path / "plans", request.param)
    yield request.param
    worker.close_shared()
    cuda = sys.modules["pycuda.driver"]
    # Whatever a test does, nothing stays on the device.
    assert cuda.fake_allocations == {} and cuda.fake_contexts == []
    uninstall()


def plan(path: str, half: bool = False) -> TensorRtEngine:
    """Put a plan of this graph where the engine finds it, unchecked."""
    engine = TensorRtEngine()
    with open(path, "rb") as handle:
        onnx = handle.read()
    cuda = worker.shared_worker(engine.toolkit)
    built = cuda.call(lambda: build_plan(engine.toolkit.trt, onnx, half, b"", lambda part: None))
    precision = cache.HALF if half else cache.SINGLE
    key = cache.plan_key(engine.board, sha256_of(path), precision)
    facts = {"note": "", "difference": 0.0, "frame_ms": {"tensorrt": 1.0, "onnx": 2.0}}
    cache.write_plan(engine.folder, key, built.plan, facts)
    return engine


@pytest.mark.parametrize("name", ["tensorrt", "auto"])
def test_an_engine_that_is_closed_leaves_nothing_on_the_device(api: str, name: str) -> None:
    plan(DECODER)
    engine = make_engine(name)
    graph = engine.load(DECODER)
    graph.run(**inputs(0))
    cuda = sys.modules["pycuda.driver"]
    assert engine.name == "tensorrt" and cuda.fake_contexts != [] and cuda.fake_allocations != {}
    engine.close()
    assert cuda.fake_contexts == [] and cuda.fake_allocations == {}
    with pytest.raises(worker.WorkerClosed):
        graph.run(**inputs(0))
    # Another one in the same process begins anew.
    assert make_engine(name).load(DECODER).run(**inputs(0))


def inputs(seed: int) -> Dict[str, Any]:
    random = np.random.RandomState(seed)
    return {
        "latents": random.standard_normal((1, 1, 8)).astype(np.float32),
        "descriptors": random.uniform(0.2, 0.9, (1, 1, 5)).astype(np.float32),
        "mask": np.ones((1, 1, 5), dtype=np.float32),
        "noise": random.standard_normal((1, 1, 512)).astype(np.float32),
    }


def frames(graph: Any, count: int, first: int = 0) -> List[np.ndarray]:
    return [graph.run(**inputs(first + n))["audio"].copy() for n in range(count)]


def test_signature_and_sound_are_those_of_onnx_runtime(api: str) -> None:
    graph, right = plan(DECODER).load(DECODER), OnnxGraph(DECODER)
    assert graph.inputs == right.inputs and graph.outputs == right.outputs
    for number in range(5):
        assert np.array_equal(frames(graph, 1, number), frames(right, 1, number))
    for found, wanted in zip(graph.snapshot(), right.snapshot()):
        assert np.array_equal(found, wanted)


def test_a_float_fills_an_input_of_one_element(api: str) -> None:
    path = os.path.join(TOY, "prior.onnx")
    graph, right = plan(path).load(path), OnnxGraph(path)
    noise = np.full((1, 16), 0.5, np.float32)
    for _ in range(3):
        values: Dict[str, Any] = {"noise": noise, "temperature": 0.7, "forced": 0.2, "force": 1.0}
        found, wanted = graph.run(**values), right.run(**values)
        assert all(np.array_equal(found[name], wanted[name]) for name in wanted)


def test_reset_is_a_fresh_start_after_odd_and_even_counts_of_frames(api: str) -> None:
    fresh = frames(OnnxGraph(DECODER), 3)
    graph = plan(DECODER).load(DECODER)
    assert np.array_equal(frames(graph, 3), fresh)
    for warm in (1, 2, 5):
        frames(graph, warm, first=100)
        graph.reset()
        assert all(not state.any() for state in graph.snapshot())
        assert np.array_equal(frames(graph, 3), fresh)


def test_forks_have_states_of_their_own(api: str) -> None:
    alone = frames(OnnxGraph(DECODER), 4)
    graph = plan(DECODER).load(DECODER)
    frames(graph, 3)
    fork = graph.fork()
    graph.reset()
    mixed = []
    for number in range(4):
        mixed.append(graph.run(**inputs(number))["audio"].copy())
        assert np.array_equal(fork.run(**inputs(number))["audio"], alone[number])
    assert np.array_equal(mixed, alone)


def test_a_snapshot_brings_the_sound_back_also_after_a_reset(api: str) -> None:
    graph = plan(DECODER).load(DECODER)
    frames(graph, 3)
    kept = graph.snapshot()
    after = frames(graph, 2, first=3)
    graph.reset()
    graph.restore(kept)
    assert np.array_equal(frames(graph, 2, first=3), after)
    with pytest.raises(ValueError, match="states"):
        graph.restore(kept[:1])


def test_nothing_is_made_anew_from_frame_to_frame(api: str) -> None:
    graph = plan(DECODER).load(DECODER)
    first = graph.run(**inputs(0))["audio"]
    cuda = sys.modules["pycuda.driver"]
    held = dict(cuda.fake_allocations)
    assert graph.run(**inputs(1))["audio"] is first
    assert cuda.fake_allocations == held


def test_inputs_that_do_not_belong_are_refused(api: str) -> None:
    path = os.path.join(TOY, "meter.onnx")
    graph = plan(path).load(path)
    with pytest.raises(TypeError, match="audio"):
        graph.run()
    with pytest.raises(TypeError, match="sound"):
        graph.run(sound=np.zeros((1, 512), np.float32))
    with pytest.raises(ValueError, match="audio"):
        graph.run(audio=np.zeros((512,), np.float32))


def test_one_thread_owns_the_context_and_any_thread_may_run_frames(api: str) -> None:
    fresh = frames(OnnxGraph(DECODER), 4)
    graph = plan(DECODER).load(DECODER)
    found: List[np.ndarray] = frames(graph, 2)
    thread = threading.Thread(target=lambda: found.extend(frames(graph, 2, first=2)))
    thread.start()
    thread.join()
    assert np.array_equal(found, fresh)
    makers = sys.modules["pycuda.driver"].fake_threads[-1:]
    assert makers and threading.get_ident() not in makers


def test_many_threads_may_hand_over_at_once(api: str) -> None:
    cuda = worker.shared_worker(TensorRtEngine().toolkit)
    wrong: List[int] = []

    def ask(first: int) -> None:
        for number in range(first, first + 500):
            if cuda.call(functools.partial(operator.neg, number)) != -number:
                wrong.append(number)

    threads = [threading.Thread(target=ask, args=(1000 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30.0)
    assert wrong == [] and not any(thread.is_alive() for thread in threads)


def test_an_exception_in_the_cuda_thread_comes_out_where_the_work_was_given(api: str) -> None:
    cuda = worker.shared_worker(TensorRtEngine().toolkit)
    with pytest.raises(ZeroDivisionError):
        cuda.call(lambda: 1 // 0)
    assert cuda.call(lambda: 7) == 7


def test_a_graph_that_is_dropped_in_any_thread_frees_its_memory(api: str) -> None:
    engine = plan(DECODER)
    graphs = [engine.load(DECODER)]
    cuda = sys.modules["pycuda.driver"]
    held = len(cuda.fake_allocations)
    graphs.append(graphs[0].fork())
    assert len(cuda.fake_allocations) == 2 * held
    thread = threading.Thread(target=graphs.pop)
    thread.start()
    thread.join()
    gc.collect()
    # The worker does things in order: when this is done, so is what came before.
    worker.shared_worker(engine.toolkit).call(lambda: None)
    assert len(cuda.fake_allocations) == held
    assert np.array_equal(frames(graphs[0], 2), frames(OnnxGraph(DECODER), 2))


def test_a_closed_worker_refuses_and_a_new_one_can_be_had(api: str) -> None:
    engine = plan(DECODER)
    graph = engine.load(DECODER)
    worker.close_shared()
    with pytest.raises(RuntimeError, match="closed"):
        graph.run(**inputs(0))
    again = engine.load(DECODER)
    assert np.array_equal(frames(again, 2), frames(OnnxGraph(DECODER), 2))


def test_half_precision_is_near_and_not_equal(monkeypatch: Any, tmp_path: Any) -> None:
    install(monkeypatch, tmp_path / "plans", "api8")
    try:
        found = frames(plan(DECODER, half=True).load(DECODER), 3)
        right = frames(OnnxGraph(DECODER), 3)
        assert not np.array_equal(found, right)
        assert np.allclose(found, right, atol=2e-2)
    finally:
        worker.close_shared()
        uninstall()


def test_a_voice_plays_the_same_through_either_engine(api: str) -> None:
    for role in ("decoder", "prior", "meter"):
        plan(os.path.join(TOY, role + ".onnx"))
    sounds = []
    for name in ("onnx", "tensorrt"):
        voice = Voice(load_bundle(TOY, make_engine(name)), {})
        sounds.append(voice.render(6000, still, [Edge(1, True, 0.01), Edge(1, True, 0.07)]))
    assert np.array_equal(sounds[0], sounds[1])
    assert sounds[0].any()
    del voice


def test_a_frame_that_fails_tells_so_and_its_plan_is_not_met_again(
    api: str, monkeypatch: Any
) -> None:
    engine = plan(DECODER)
    graph = engine.load(DECODER)
    set_fault(monkeypatch, "run")
    with pytest.raises(RuntimeError, match="TensorRT failed"):
        graph.run(**inputs(0))
    set_fault(monkeypatch, "")
    with pytest.raises(UserError, match="no plan yet"):
        engine.load(DECODER)


@pytest.mark.parametrize("fault", ["refuse", "run"])
def test_a_plan_that_does_not_load_leaves_nothing_on_the_device(
    api: str, fault: str, monkeypatch: Any
) -> None:
    engine = plan(DECODER)
    set_fault(monkeypatch, fault)
    with pytest.raises(UserError, match="neurorave plan") as caught:
        engine.load(DECODER)
    assert "\n" not in str(caught.value)


def test_no_plan_names_the_file_and_what_to_do(api: str, tmp_path: Any) -> None:
    other = os.path.join(copy_toy(tmp_path), "decoder.onnx")
    with pytest.raises(UserError, match=r"decoder.onnx: it has no plan yet; .neurorave plan"):
        TensorRtEngine().load(other)
    shutil.rmtree(os.path.dirname(other))


@pytest.mark.parametrize("name", APIS)
def test_the_fakes_have_no_name_that_the_real_ones_lack(
    name: str, monkeypatch: Any, tmp_path: Any
) -> None:
    install(monkeypatch, tmp_path, name)
    fake = importlib.import_module("tensorrt")
    strict = importlib.import_module("fake_core").Strict
    found = [c for _, c in inspect.getmembers(fake, inspect.isclass) if issubclass(c, strict)]
    assert len(found) >= 3
    for kind in found:
        own = {word for word in dir(kind) if not word.startswith(("_", "fake_", "REAL"))}
        assert own <= kind.REAL, (kind, own - kind.REAL)
    for gone in ("TensorIOMode", "MemoryPoolType", "IProgressMonitor"):
        assert hasattr(fake, gone) == (name != "api8")
    assert hasattr(fake.BuilderFlag, "FP16") == (name != "api11")
    assert hasattr(fake.NetworkDefinitionCreationFlag, "EXPLICIT_BATCH") == (name != "api11")
    uninstall()
