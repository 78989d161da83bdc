"""Building plans: in a process that may die at any moment, checked against ONNX Runtime before they are used."""

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any, Dict, Iterator, List, Optional

import numpy as np
import pytest

from neurorave_device.engine.onnx_engine import OnnxGraph
from neurorave_device.engine.tensorrt import cache, planning, verify, worker
from neurorave_device.engine.tensorrt.build import BuildFailed
from neurorave_device.engine.tensorrt.engine import TensorRtEngine
from neurorave_device.engine.tensorrt.job import (
    BROKEN,
    FINISHED,
    RUNNING,
    BuildState,
    PlanJob,
    progress_text,
)
from neurorave_device.engine.tensorrt.planning import lacking, make_plans
from neurorave_device.engine.tensorrt.verify import record
from neurorave_device.processes.child import DONE, READY, REFUSED, Process, Status
from neurorave_device.processes.realtime import SYNTHESIS_PRIORITY

from .toy import DATA, TOY
from .trt_fakes import APIS, install, set_fault, uninstall

ROOT = os.path.dirname(os.path.dirname(DATA))


@pytest.fixture()
def fakes(monkeypatch: Any, tmp_path: Any) -> Iterator[Any]:
    """Install a fake: fakes(api, fault); the folder of plans is tmp_path/plans."""

    # The same hits each time, so once is enough.
    monkeypatch.setattr(verify, "record", _recorded)

    def use(api: str = "api8", fault: str = "") -> str:
        return install(monkeypatch, tmp_path / "plans", api, fault)

    yield use
    worker.close_shared()
    uninstall()


_TAKES: Dict[str, Any] = {}


def _recorded(folder: str) -> Dict[str, Any]:
    if folder not in _TAKES:
        _TAKES[folder] = record(folder)
    return dict(_TAKES[folder])


def finish(job: PlanJob) -> BuildState:
    """Wait for a real process, a minute at most."""
    end = time.monotonic() + 60.0
    while time.monotonic() < end:
        state = job.poll()
        if state.state != RUNNING:
            return state
        time.sleep(0.01)
    job.stop()
    raise AssertionError("the build does not end")


def whole_plans(folder: str) -> List[str]:
    return [name for name in os.listdir(folder) if name.endswith(".plan")]


@pytest.mark.parametrize("api", APIS)
def test_plans_are_built_once_and_then_found(fakes: Any, api: str) -> None:
    fakes(api)
    engine = TensorRtEngine()
    told: List[Any] = []
    made = make_plans(TOY, engine, tell=lambda *step: told.append(step))
    assert [plan.role for plan in made] == ["decoder", "prior", "meter"]
    half = "fp32" if api == "api11" else "fp16"
    assert [plan.precision for plan in made] == [half, "fp32", "fp32"]
    assert ("half precision" in made[0].note) == (api == "api11")
    assert all(plan.built and os.path.isfile(plan.path) for plan in made)
    assert all(set(plan.frame_ms) == {"tensorrt", "onnx"} for plan in made)
    parts = [part for role, doing, part in told if (role, doing) == ("prior", "building")]
    assert parts == ([None] if api == "api8" else [0.0, 0.25, 0.5, 0.75, 1.0, 1.0])
    told.clear()
    again = make_plans(TOY, engine, tell=lambda *step: told.append(step))
    assert told == [] and not any(plan.built for plan in again)
    assert [plan.path for plan in again] == [plan.path for plan in made]
    assert lacking(TOY, engine) == ""
    assert all(plan.built for plan in make_plans(TOY, engine, again=True))


def test_the_timing_cache_grows_from_build_to_build(fakes: Any) -> None:
    fakes()
    engine = TensorRtEngine()
    make_plans(TOY, engine)
    key = cache.plan_key(engine.board, "0" * 64, cache.TIMING)
    assert cache.read_plan(engine.folder, key).payload == b"+++"
    make_plans(TOY, engine, again=True)
    assert cache.read_plan(engine.folder, key).payload == b"++++++"


def test_a_damaged_plan_is_refused_with_the_reason_and_built_again(fakes: Any) -> None:
    fakes()
    engine = TensorRtEngine()
    made = make_plans(TOY, engine)
    with open(made[1].path, "r+b") as handle:
        handle.seek(-1, os.SEEK_END)
        handle.write(b"?")
    assert lacking(TOY, engine) == "prior: its plan is damaged"
    assert [plan.built for plan in make_plans(TOY, engine)] == [False, True, False]
    assert lacking(TOY, engine) == ""


def test_plans_of_another_board_are_refused_and_built_again(fakes: Any, monkeypatch: Any) -> None:
    fakes()
    make_plans(TOY, TensorRtEngine())
    monkeypatch.setenv("FAKE_CUDA_GPU", "Orin")
    engine = TensorRtEngine()
    assert "made for the GPU NVIDIA Tegra X1" in lacking(TOY, engine)
    assert all(plan.built for plan in make_plans(TOY, engine))
    assert lacking(TOY, engine) == ""


def test_plans_of_another_tensorrt_are_refused(fakes: Any) -> None:
    fakes("api8")
    make_plans(TOY, TensorRtEngine())
    worker.close_shared()
    fakes("api10")
    assert "made for TensorRT 8.2.1.8, here is 10.3.0" in lacking(TOY, TensorRtEngine())


def test_half_precision_that_is_too_far_off_gives_way_to_single(
    fakes: Any, monkeypatch: Any
) -> None:
    fakes()
    engine = TensorRtEngine()
    assert make_plans(TOY, engine)[0].precision == "fp16"
    set_fault(monkeypatch, "half")
    made = make_plans(TOY, engine, again=True)[0]
    assert made.precision == "fp32"
    assert "fp16: differs by" in made.note and "0.01 is allowed" in made.note
    # The plan in half precision that was there before is not preferred any more.
    assert engine.stored(os.path.join(TOY, "decoder.onnx"))[0].precision == "fp32"


def test_a_plan_that_computes_something_else_is_not_used(fakes: Any) -> None:
    fakes(fault="single")
    with pytest.raises(BuildFailed, match=r"prior.*fp32: differs by 0.1 "):
        make_plans(TOY, TensorRtEngine())
    assert "prior" in lacking(TOY, TensorRtEngine())


@pytest.mark.parametrize("fault,word", [("parse", "RandomNormal"), ("memory", "out of memory")])
def test_what_tensorrt_says_when_it_fails_is_passed_on(fakes: Any, fault: str, word: str) -> None:
    folder = fakes(fault=fault)
    with pytest.raises(BuildFailed, match=word) as caught:
        make_plans(TOY, TensorRtEngine())
    assert "\n" not in str(caught.value)
    assert whole_plans(folder) == [] if os.path.isdir(folder) else True


def test_the_recording_is_of_real_hits() -> None:
    takes = record(TOY)
    assert set(takes) == {"decoder", "prior", "meter"}
    for frames in takes.values():
        assert len(frames) >= 32
    fresh = [number for number, frame in enumerate(takes["decoder"]) if frame.fresh]
    assert len(fresh) == verify.HITS and fresh[0] == 0
    masks = [frame.inputs["mask"] for frame in takes["decoder"]]
    assert 0.0 < np.mean(masks) < 1.0
    assert np.std([frame.outputs["audio"] for frame in takes["decoder"]]) > 1e-4


class Skewed(OnnxGraph):
    """Right but for a factor."""

    factor = np.float32(1.0)

    def run(self, **values: Any) -> Dict[str, np.ndarray]:
        return {name: self.factor * array for name, array in super().run(**values).items()}


@pytest.mark.parametrize("factor", [1.0, 1.005, 2.0, float("nan"), float("inf")])
def test_the_difference_is_relative_and_never_hides_nan(factor: float) -> None:
    frames = _recorded(TOY)["decoder"]
    graph = Skewed(os.path.join(TOY, "decoder.onnx"))
    graph.factor = np.float32(factor)
    found = verify.difference(graph, frames)
    wanted = abs(factor - 1.0) if np.isfinite(factor) else float("inf")
    assert found == pytest.approx(wanted, rel=1e-3, abs=1e-7)


@pytest.mark.parametrize("api", ["api8", "api10"])
def test_a_build_in_a_process_of_its_own(fakes: Any, api: str) -> None:
    fakes(api)
    job = PlanJob(TOY)
    state = finish(job)
    assert state.state == FINISHED and state.text == "The TensorRT plans are ready."
    assert [plan.role for plan in state.plans] == ["decoder", "prior", "meter"]
    engine = TensorRtEngine()
    assert lacking(TOY, engine) == ""
    assert job.poll() == state
    job.stop()
    # The very thread that TensorRT builds in has stepped back.
    header = engine.stored(os.path.join(TOY, "prior.onnx"))[1].payload.split(b"\n")[1]
    facts = json.loads(header.decode("ascii"))
    assert facts["nice"] >= 10 and not facts["fifo"]


@pytest.mark.parametrize(
    "fault,word",
    [
        ("memory", "out of memory"),
        ("killed", "lack of memory"),
        ("parse", "not understood"),
        ("single", "differs by"),
    ],
)
def test_a_build_that_fails_says_why_and_leaves_no_broken_plan(
    fakes: Any, fault: str, word: str
) -> None:
    folder = fakes(fault=fault)
    state = finish(PlanJob(TOY))
    assert state.state == BROKEN
    assert state.text.startswith("No TensorRT plan: ") and word in state.text
    assert "\n" not in state.text
    engine = TensorRtEngine()
    for name in whole_plans(folder):
        with open(os.path.join(folder, name), "rb") as handle:
            assert handle.read(8) == cache.MAGIC
    assert lacking(TOY, engine) != ""


def test_a_build_that_is_stopped_can_be_started_again(fakes: Any, monkeypatch: Any) -> None:
    folder = fakes(fault="hang")
    job = PlanJob(TOY)
    end = time.monotonic() + 60.0
    while job.poll().role != "decoder" and time.monotonic() < end:
        time.sleep(0.01)
    state = job.poll()
    assert state.state == RUNNING and state.part is None and state.seconds > 0.0
    with open(os.path.join(folder, "x.plan.unfinished-1"), "wb") as handle:
        handle.write(b"left by another one")
    job.stop()
    assert job.poll().state == BROKEN
    set_fault(monkeypatch, "")
    assert finish(PlanJob(TOY)).state == FINISHED
    assert not [name for name in os.listdir(folder) if "unfinished" in name]


def test_a_build_ends_with_the_process_that_wanted_it(fakes: Any) -> None:
    fakes(fault="hang")
    script = (
        "import os, sys, time; sys.path.insert(0, {!r}); "
        "from neurorave_device.engine.tensorrt.job import PlanJob; job = PlanJob({!r})\n"
        "while job.poll().role != 'decoder': time.sleep(0.01)\n"
        "print(job._process.pid, flush=True); os._exit(0)"
    ).format(ROOT, TOY)
    child = int(subprocess.check_output([sys.executable, "-c", script]).decode("ascii"))
    end = time.monotonic() + 60.0
    while runs(child) and time.monotonic() < end:
        time.sleep(0.05)
    assert not runs(child)


def runs(process: int) -> bool:
    """Say whether a process is there and no zombie."""
    try:
        with open("/proc/{}/stat".format(process), encoding="ascii") as handle:
            return handle.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_build_steps_back_and_is_the_first_to_go(fakes: Any) -> None:
    script = (
        "import os, sys; sys.path.insert(0, {!r}); "
        "from neurorave_device.engine.tensorrt.plan_process import step_back; step_back(); "
        "print(os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0) == os.SCHED_OTHER, "
        "open('/proc/self/oom_score_adj').read())"
    ).format(ROOT)
    said = subprocess.check_output([sys.executable, "-c", script]).decode("ascii").split()
    assert int(said[0]) >= 10 and said[1:] == ["True", "1000"]


def test_only_a_thread_that_plays_is_real_time(fakes: Any, monkeypatch: Any) -> None:
    fakes()
    raised: List[int] = []
    monkeypatch.setattr(worker, "raise_priority", raised.append)
    toolkit = TensorRtEngine().toolkit
    worker.shared_worker(toolkit, realtime=False).call(lambda: None)
    assert raised == []
    worker.close_shared()
    worker.shared_worker(toolkit).call(lambda: None)
    assert raised == [SYNTHESIS_PRIORITY]


class Scripted(Process):
    """A child that says what a test wants."""

    def __init__(self) -> None:
        self.said: List[Status] = []
        self.status: Optional[int] = None
        self.closed = False

    def statuses(self) -> List[Status]:
        said, self.said = self.said, []
        return said

    def returncode(self) -> Optional[int]:
        return self.status

    def terminate(self) -> None:
        raise AssertionError("nobody asks it to end nicely")

    def kill(self) -> None:
        self.status = -signal.SIGKILL

    def close(self) -> None:
        self.closed = True


def test_how_a_build_is_told(monkeypatch: Any) -> None:
    child, now = Scripted(), [100.0]
    job = PlanJob("bundle", False, lambda bundle, again: child, lambda: now[0])
    assert progress_text(job.poll()) == "The TensorRT plans are being built. 0 s so far."
    now[0] = 175.4
    child.said = [Status(READY, json.dumps({"role": "decoder", "doing": "building", "part": None}))]
    assert progress_text(job.poll()) == "TensorRT builds the plan of the decoder. 75 s so far."
    now[0] = 180.0
    assert job.poll().seconds == 80.0
    child.said = [Status(READY, json.dumps({"role": "prior", "doing": "building", "part": 0.4}))]
    assert progress_text(job.poll()) == "TensorRT builds the plan of the prior. 40 % of this step."
    child.said = [Status(READY, json.dumps({"role": "", "doing": "waiting", "part": None}))]
    assert "Another process builds" in progress_text(job.poll())
    child.said, child.status = [Status(DONE, "[]")], 0
    assert progress_text(job.poll()) == "The TensorRT plans are ready."
    assert child.closed and job.poll().state == FINISHED


@pytest.mark.parametrize(
    "said,status,word",
    [
        ([Status(REFUSED, "the bundle is bad.")], 2, "No TensorRT plan: the bundle is bad."),
        ([], -signal.SIGKILL, "lack of memory"),
        ([], 1, "status 1"),
    ],
)
def test_how_the_end_of_a_build_is_told(said: List[Status], status: int, word: str) -> None:
    child = Scripted()
    job = PlanJob("bundle", False, lambda bundle, again: child)
    child.said, child.status = said, status
    assert job.poll().state == BROKEN and word in job.poll().text


def test_only_the_decoder_is_tried_in_half_precision() -> None:
    assert planning.HALF_ROLES == ("decoder",)
    assert verify.limit_of("fp16") == 1e-2 and verify.limit_of("fp32") == 1e-3
