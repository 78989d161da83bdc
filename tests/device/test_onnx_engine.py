"""Graphs on ONNX Runtime: states, buffers, refusals."""

import os
import threading
from typing import Any, Dict, List

import numpy as np
import pytest

from neurorave_device.engine.choice import make_engine
from neurorave_device.engine.onnx_engine import OnnxGraph
from neurorave_device.errors import UserError

from .toy import BAD_GRAPHS, TOY


def _graph(role: str) -> OnnxGraph:
    return OnnxGraph(os.path.join(TOY, role + ".onnx"))


def _inputs(seed: int = 0) -> Dict[str, Any]:
    random = np.random.RandomState(seed)
    return {
        "latents": random.standard_normal((1, 1, 8)).astype(np.float32),
        "descriptors": random.uniform(0.2, 0.9, (1, 1, 5)).astype(np.float32),
        "mask": np.ones((1, 1, 5), dtype=np.float32),
        "noise": random.standard_normal((1, 1, 512)).astype(np.float32),
    }


def _frames(graph: OnnxGraph, count: int, first: int = 0) -> List[np.ndarray]:
    return [graph.run(**_inputs(first + n))["audio"].copy() for n in range(count)]


def test_names_and_shapes_are_read_from_the_graph_without_states() -> None:
    graph = _graph("decoder")
    assert graph.inputs == {
        "latents": (1, 1, 8),
        "descriptors": (1, 1, 5),
        "mask": (1, 1, 5),
        "noise": (1, 1, 512),
    }
    assert graph.outputs == {"audio": (1, 512)}


def test_states_carry_over_from_frame_to_frame() -> None:
    graph = _graph("prior")
    inputs: Dict[str, Any] = {
        "noise": np.zeros((1, 16), np.float32),
        "temperature": 1.0,
        "forced": 0.0,
        "force": 0.0,
    }
    rms = [float(graph.run(**inputs)["descriptors"][0, 0, 0]) for _ in range(4)]
    assert rms == pytest.approx(np.exp(-0.05 * np.arange(4)) - 0.05, abs=1e-6)


def test_reset_is_a_fresh_start_after_odd_and_even_counts_of_frames() -> None:
    fresh = _frames(_graph("decoder"), 3)
    graph = _graph("decoder")
    for warm in (1, 2, 5):
        _frames(graph, warm, first=100)
        graph.reset()
        assert np.array_equal(_frames(graph, 3), fresh)


def test_a_fork_shares_weights_but_not_states() -> None:
    graph = _graph("decoder")
    alone = _frames(graph, 4)
    graph.reset()
    fork = graph.fork()
    mixed = []
    for number in range(4):
        mixed.append(graph.run(**_inputs(number))["audio"].copy())
        fork.run(**_inputs(50 + number))
    assert np.array_equal(mixed, alone)


def test_a_snapshot_brings_the_sound_back_to_its_place() -> None:
    graph = _graph("decoder")
    _frames(graph, 3)
    kept = graph.snapshot()
    after = _frames(graph, 2, first=3)
    graph.restore(kept)
    assert np.array_equal(_frames(graph, 2, first=3), after)
    with pytest.raises(ValueError):
        graph.restore(kept[:1])


def test_denormal_states_become_zero_in_threads_started_after_the_graph() -> None:
    graph = _graph("prior")
    held = np.array([[1e-39, -1e-39, 1e-30, 1e-3, 0.5, 0.0, -1.0, 1e-8]], dtype=np.float32)
    graph.restore([np.ones((1, 1), np.float32), held])
    silent: Dict[str, Any] = {"noise": np.zeros((1, 16), np.float32), "temperature": 1.0}
    thread = threading.Thread(target=lambda: graph.run(forced=0.0, force=0.0, **silent))
    thread.start()
    thread.join()
    after = graph.snapshot()[1][0]
    # Bits, because this thread may take denormal numbers for zero too.
    assert (after[:2].view(np.uint32) & np.uint32(0x7FFFFFFF)).tolist() == [0, 0]
    assert np.array_equal(after[2:], held[0, 2:])


def test_buffers_are_the_same_in_every_frame() -> None:
    graph = _graph("decoder")
    first = graph.run(**_inputs(1))["audio"]
    again = graph.run(**_inputs(2))["audio"]
    assert first is again


def test_inputs_that_do_not_belong_are_refused() -> None:
    graph = _graph("meter")
    with pytest.raises(TypeError, match="audio"):
        graph.run()
    with pytest.raises(TypeError, match="sound"):
        graph.run(sound=np.zeros((1, 512), np.float32))
    with pytest.raises(ValueError, match="audio"):
        graph.run(audio=np.zeros((512,), np.float32))


@pytest.mark.parametrize(
    "name, said",
    [
        ("double.onnx", "float32 only"),
        ("open_shape.onnx", "static"),
        ("lone_state.onnx", "state_out_0 is missing"),
        ("absent.onnx", "not an ONNX graph"),
    ],
)
def test_graphs_that_break_the_rules_are_refused_in_one_sentence(name: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        OnnxGraph(os.path.join(BAD_GRAPHS, name))
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name, allowed", [("tensorrt", "onnx"), ("tpu", "auto, onnx")])
def test_engines_that_are_not_there_are_refused(name: str, allowed: str) -> None:
    with pytest.raises(UserError, match=allowed):
        make_engine(name)
    with pytest.raises(UserError, match="1 or more"):
        make_engine("onnx", threads=0)
