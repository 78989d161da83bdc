"""Graphs in a process of their own: the same sound, the same refusals, and what happens when it does not answer."""

import os
import signal
import socket
import subprocess
import sys
import time
from typing import Any, Callable, Dict, Iterator, List

import numpy as np
import pytest

from neurorave_device.engine import elsewhere
from neurorave_device.engine.bundle import load_bundle
from neurorave_device.engine.choice import make_engine
from neurorave_device.engine.elsewhere import ElsewhereEngine, ElsewhereGraph, GraphsLost
from neurorave_device.engine.graph_packets import LARGEST
from neurorave_device.engine.onnx_engine import OnnxEngine, OnnxGraph
from neurorave_device.engine.tensorrt import verify, worker
from neurorave_device.engine.tensorrt.engine import TensorRtEngine
from neurorave_device.engine.tensorrt.planning import make_plans
from neurorave_device.engine.voice import Voice
from neurorave_device.errors import UserError
from neurorave_device.inputs.base import Edge
from neurorave_device.processes.realtime import SYNTHESIS_PRIORITY

from .toy import BAD_GRAPHS, TOY, still
from .trt_fakes import install, uninstall

DECODER = os.path.join(TOY, "decoder.onnx")


@pytest.fixture()
def engine() -> Iterator[ElsewhereEngine]:
    made = ElsewhereEngine("onnx")
    yield made
    made.close()


def inputs(graph: Any, seed: int) -> Dict[str, Any]:
    random = np.random.RandomState(seed)
    return {name: random.rand(*shape).astype(np.float32) for name, shape in graph.inputs.items()}


def frames(graph: Any, count: int, first: int = 0) -> List[Dict[str, np.ndarray]]:
    found = []
    for number in range(first, first + count):
        answers = graph.run(**inputs(graph, number))
        found.append({name: array.copy() for name, array in answers.items()})
    return found


def same(found: List[Dict[str, np.ndarray]], wanted: List[Dict[str, np.ndarray]]) -> bool:
    assert [list(frame) for frame in found] == [list(frame) for frame in wanted]
    return all(np.array_equal(a[name], b[name]) for a, b in zip(found, wanted) for name in a)


def process_of(engine: ElsewhereEngine) -> int:
    assert engine._line is not None
    return engine._line._child.pid


def gone(process: int) -> bool:
    try:
        with open("/proc/%d/stat" % process) as handle:
            return handle.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def until(what: Callable[[], bool]) -> None:
    for _ in range(1000):
        if what():
            return
        time.sleep(0.01)
    raise AssertionError("it never came")


@pytest.mark.parametrize("role", ["decoder", "prior", "meter"])
def test_every_graph_answers_as_it_does_here(engine: ElsewhereEngine, role: str) -> None:
    path = os.path.join(TOY, role + ".onnx")
    there, here = engine.load(path), OnnxGraph(path)
    assert (there.inputs, there.outputs) == (here.inputs, here.outputs)
    assert (engine.name, engine.note, engine.wants_plans) == ("onnx", "", False)
    wanted = frames(here, 4)
    assert same(frames(there, 4), wanted)
    there.reset()
    assert same(frames(there, 2), wanted[:2])
    # A fork begins with zero states, whatever it was warmed with, and minds its own.
    fork = there.fork()
    assert same(frames(fork, 3), wanted[:3])
    assert same(frames(there, 2, first=2), wanted[2:])


def test_a_voice_sounds_as_it_does_here(engine: ElsewhereEngine) -> None:
    def sound(bundle: Any) -> np.ndarray:
        voice = Voice(bundle, {"seed": 3.0})
        hits = [Edge(1, True, 0.01), Edge(1, False, 0.02), Edge(1, True, 0.1)]
        return voice.render(12000, still, hits)

    found = sound(load_bundle(TOY, engine))
    assert np.abs(found).max() > 0.01
    assert np.array_equal(found, sound(load_bundle(TOY)))


def test_a_float_and_what_does_not_belong(engine: ElsewhereEngine) -> None:
    prior = engine.load(os.path.join(TOY, "prior.onnx"))
    values = inputs(prior, 1)
    wanted = frames(OnnxGraph(prior.path), 1, 1)[0]
    values.update(temperature=float(values["temperature"][0, 0]))
    assert np.array_equal(prior.run(**values)["latents"], wanted["latents"])
    with pytest.raises(TypeError, match="noise"):
        prior.run(temperature=1.0)
    with pytest.raises(ValueError, match="noise"):
        prior.run(**dict(values, noise=np.zeros(3, np.float32)))


@pytest.mark.parametrize("name", ["double", "open_shape", "lone_state", "absent"])
def test_what_cannot_be_loaded_is_refused_as_it_is_here(engine: ElsewhereEngine, name: str) -> None:
    path = os.path.join(BAD_GRAPHS, name + ".onnx")
    with pytest.raises(UserError) as here:
        OnnxEngine().load(path)
    with pytest.raises(UserError) as there:
        engine.load(path)
    assert str(there.value) == str(here.value)
    # The process is as good as before.
    assert same(frames(engine.load(DECODER), 1), frames(OnnxGraph(DECODER), 1))


def test_an_engine_that_is_not_there_is_refused(monkeypatch: Any) -> None:
    engine = ElsewhereEngine("steam")
    try:
        with pytest.raises(UserError, match="engine: 'steam' is unknown"):
            engine.load(DECODER)
    finally:
        engine.close()


def test_tensorrt_runs_there_too(monkeypatch: Any, tmp_path: Any) -> None:
    monkeypatch.setattr(verify, "frame_times", lambda *_: {"tensorrt": 1.0, "onnx": 2.0})
    install(monkeypatch, tmp_path / "plans", "api8")
    engine = ElsewhereEngine("auto")
    try:
        make_plans(TOY, TensorRtEngine())
        graph = engine.load(DECODER)
        assert (engine.name, engine.note) == ("tensorrt", "")
        # Half precision and all.
        assert same(frames(graph, 3), frames(make_engine("auto").load(DECODER), 3))
    finally:
        engine.close()
        worker.close_shared()
        uninstall()


def test_why_onnx_runtime_plays_there_is_told_here(monkeypatch: Any, tmp_path: Any) -> None:
    install(monkeypatch, tmp_path / "plans", "api8")
    engine = ElsewhereEngine("auto")
    try:
        engine.load(DECODER)
        here = make_engine("auto")
        here.load(DECODER)
        assert (engine.name, engine.note, engine.wants_plans) == ("onnx", here.note, True)
        assert "plan" in engine.note
    finally:
        engine.close()
        worker.close_shared()
        uninstall()


def test_a_process_that_dies_while_it_loads_is_a_refusal(engine: ElsewhereEngine) -> None:
    engine.load(DECODER)
    os.kill(process_of(engine), signal.SIGKILL)
    with pytest.raises(UserError) as caught:
        engine.load(DECODER)
    assert str(
        caught.value
    ) == "%s: cannot be loaded (the process that was to run it has ended)" % (DECODER)


def test_a_process_that_dies_while_it_plays_is_told_of(engine: ElsewhereEngine) -> None:
    graph = engine.load(DECODER)
    engine.play()
    frames(graph, 1)
    os.kill(process_of(engine), signal.SIGKILL)
    with pytest.raises(GraphsLost, match="the process that was to run it has ended"):
        frames(graph, 2)
    with pytest.raises(GraphsLost, match="has ended"):
        graph.fork()


def test_a_load_that_hangs_has_an_end(engine: ElsewhereEngine, monkeypatch: Any) -> None:
    monkeypatch.setattr(elsewhere, "LONGEST_LOAD", 0.3)
    # It has not read its request, and never will.
    started: List[int] = []
    real = elsewhere.Child

    def stopped(*args: Any) -> Any:
        child = real(*args)
        os.kill(child.pid, signal.SIGSTOP)
        started.append(child.pid)
        return child

    monkeypatch.setattr(elsewhere, "Child", stopped)
    with pytest.raises(UserError, match=r"decoder.onnx: cannot be loaded \(that took more than"):
        engine.load(DECODER)
    engine.close()
    assert gone(started[0])


def test_a_fault_over_there_comes_whole_however_small_the_answer(engine: ElsewhereEngine) -> None:
    prior = engine.load(os.path.join(TOY, "prior.onnx"))
    outputs = {"little": (1, 1)}
    nobody = ElsewhereGraph(prior._line, "nobody.onnx", 99, {"audio": (1, 4)}, outputs)
    with pytest.raises(
        GraphsLost, match=r"IndexError: list index out of range \(graph_desk.py:\d+\)"
    ):
        nobody.run(audio=np.zeros((1, 4), np.float32))
    # An answer of another length is none.
    short = ElsewhereGraph(prior._line, "short.onnx", 0, dict(prior.inputs), outputs)
    with pytest.raises(GraphsLost, match="the answer has 56 bytes, not 8"):
        short.run(**inputs(prior, 1))
    assert frames(prior, 1)


def test_a_frame_that_no_packet_holds_is_refused(engine: ElsewhereEngine) -> None:
    line = engine.load(DECODER)._line
    with pytest.raises(UserError, match=r"huge.onnx: a frame has .* numbers, at most 16384"):
        ElsewhereGraph(line, "huge.onnx", 0, {"noise": (1, LARGEST)}, {"audio": (1, 4)})
    # The largest that is allowed does get there: the answer is of a graph that has other inputs.
    most = {"noise": (1, LARGEST // 4 - 1)}
    graph = ElsewhereGraph(line, "most.onnx", 0, most, {"audio": (1, 512)})
    assert graph.run(noise=np.zeros(most["noise"], np.float32))["audio"].shape == (1, 512)


def test_it_loads_at_the_side_and_plays_in_the_first_row(engine: ElsewhereEngine) -> None:
    def offered() -> int:
        with open("/proc/%s/oom_score_adj" % process_of(engine)) as handle:
            return int(handle.read())

    with open("/proc/self/oom_score_adj") as handle:
        ours = int(handle.read())
    engine.load(DECODER)
    assert os.sched_getscheduler(process_of(engine)) == os.SCHED_OTHER
    assert offered() == 1000
    engine.play()
    assert offered() == ours
    if _may_be_urgent():
        assert os.sched_getscheduler(process_of(engine)) == os.SCHED_FIFO
        assert os.sched_getparam(process_of(engine)).sched_priority == SYNTHESIS_PRIORITY


def _may_be_urgent() -> bool:
    try_it = "import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))"
    return subprocess.call([sys.executable, "-c", try_it], stderr=subprocess.DEVNULL) == 0


def test_it_ends_when_it_is_hung_up_on_and_not_before(engine: ElsewhereEngine) -> None:
    graph = engine.load(DECODER)
    process = process_of(engine)
    # Who stops the module stops all of its processes; the sound needs this one until it has faded out.
    os.kill(process, signal.SIGTERM)
    assert frames(graph, 2)
    assert engine._line is not None
    engine._line._socket.shutdown(socket.SHUT_RDWR)
    until(lambda: gone(process))


def test_it_ends_with_the_process_that_it_runs_graphs_for() -> None:
    script = (
        "import os, sys; from neurorave_device.engine.elsewhere import ElsewhereEngine; "
        "engine = ElsewhereEngine('onnx'); engine.load(sys.argv[1]); "
        "print(engine._line._child.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    told = subprocess.Popen([sys.executable, "-c", script, DECODER], stdout=subprocess.PIPE)
    process = int(told.communicate(timeout=60)[0])
    assert told.returncode == -signal.SIGKILL
    until(lambda: gone(process))


def test_closing_waits_for_the_end_and_may_be_done_twice(engine: ElsewhereEngine) -> None:
    engine.load(DECODER)
    process = process_of(engine)
    engine.close()
    assert not os.path.exists("/proc/%d" % process)
    engine.close()
    # One that was never needed has no process.
    ElsewhereEngine("onnx").close()
