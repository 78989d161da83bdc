"""Making the plans of a bundle: build, check against ONNX Runtime, measure, keep. Work for a process of its own."""

import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional

from neurorave_device.engine.bundle import PLAYED_ROLES, file_faults, file_path
from neurorave_device.engine.description import read_description
from neurorave_device.engine.digest import sha256_of
from neurorave_device.engine.onnx_engine import OnnxGraph
from neurorave_device.engine.sealed import tidy
from neurorave_device.engine.tensorrt import cache, verify
from neurorave_device.engine.tensorrt.build import BuildFailed, Built, build_plan
from neurorave_device.engine.tensorrt.cache import HALF, SINGLE, TIMING, PlanKey, PlanRefused
from neurorave_device.engine.tensorrt.engine import TensorRtEngine
from neurorave_device.engine.tensorrt.toolkit import half_precision
from neurorave_device.engine.tensorrt.worker import shared_worker
from neurorave_device.errors import UserError

# Only the decoder is tried in half precision: it is nearly all of the work. The meter squares spectra, which half
# precision cannot hold, and the prior decides, where a rounding error is another decision.
HALF_ROLES = ("decoder",)

# Gets the role at work, what is done with it ("building", "checking"), and the part done, None where nobody knows.
Tell = Callable[[str, str, Optional[float]], None]


class Made(NamedTuple):
    """The plan of one role: where it is, its precision, and what was found out about it.

    `note` says why it is not what was tried first, '' where it is; `difference` is that of `verify.difference`;
    `frame_ms` the median milliseconds per frame of either engine; `seconds` the building took, 0 where it was there.
    """

    role: str
    path: str
    precision: str
    note: str
    difference: float
    frame_ms: Dict[str, float]
    seconds: float
    built: bool


def graph_paths(folder: str) -> Dict[str, str]:
    """Return role -> path of the graphs that are played; raises UserError where the bundle is not whole."""
    description = read_description(folder)
    for fault in file_faults(description):
        raise UserError(fault)
    files = description.document["files"]
    return {role: file_path(folder, role, files[role]) for role in PLAYED_ROLES if role in files}


def make_plans(
    folder: str, engine: TensorRtEngine, again: bool = False, tell: Optional[Tell] = None
) -> List[Made]:
    """Build the plans that a bundle lacks (``again``: all) and return all; raises BuildFailed, UserError.

    Each is kept as soon as it has passed its check. Takes minutes on a small board.
    """
    tell = tell or _silent
    tidy(engine.folder)
    paths = graph_paths(folder)
    takes: Dict[str, List[verify.Frame]] = {}
    made = []
    for role, path in paths.items():
        there = None if again else _there(engine, role, path)
        if there is None:
            takes = takes or verify.record(folder)
            there = _make(engine, role, path, takes[role], tell)
        made.append(there)
    return made


def lacking(folder: str, engine: TensorRtEngine) -> str:
    """Say which graph of a bundle has no usable plan and why, '' where all have; raises UserError."""
    for role, path in graph_paths(folder).items():
        try:
            engine.stored(path)
        except PlanRefused as error:
            return "{}: {}".format(role, error)
    return ""


def _there(engine: TensorRtEngine, role: str, path: str) -> Optional[Made]:
    try:
        key, stored = engine.stored(path)
    except PlanRefused:
        return None
    where = cache.plan_path(engine.folder, key)
    facts = stored.facts
    return Made(
        role,
        where,
        key.precision,
        str(facts["note"]),
        float(facts["difference"]),
        dict(facts["frame_ms"]),
        0.0,
        False,
    )


def _make(
    engine: TensorRtEngine, role: str, path: str, frames: List[verify.Frame], tell: Tell
) -> Made:
    digest = sha256_of(path)
    with open(path, "rb") as handle:
        onnx = handle.read()
    wanted = [SINGLE]
    notes: List[str] = []
    if role in HALF_ROLES:
        if half_precision(engine.toolkit.trt):
            wanted.insert(0, HALF)
        else:
            notes.append("this TensorRT does not choose half precision by itself")
    for precision in wanted:
        key = cache.plan_key(engine.board, digest, precision)
        built = _build(engine, role, onnx, precision, tell)
        try:
            tell(role, "checking", None)
            facts = _examine(engine, path, key, built, frames)
        except PlanRefused as error:
            notes.append("{}: {}".format(precision, error))
            continue
        facts["note"] = "; ".join(notes)
        where = cache.write_plan(engine.folder, key, built.plan, facts)
        if precision == SINGLE:
            # One of an earlier build, which this build has found wanting, would be preferred.
            cache.drop_plan(engine.folder, cache.plan_key(engine.board, digest, HALF))
        difference, times = facts["difference"], facts["frame_ms"]
        return Made(role, where, precision, facts["note"], difference, times, built.seconds, True)
    raise BuildFailed("the plan of the {} is not used ({})".format(role, "; ".join(notes)))


def _build(engine: TensorRtEngine, role: str, onnx: bytes, precision: str, tell: Tell) -> Built:
    timing_key = cache.plan_key(engine.board, "0" * 64, TIMING)
    try:
        timing = cache.read_plan(engine.folder, timing_key).payload
    except PlanRefused:
        timing = b""

    def progress(part: Optional[float]) -> None:
        tell(role, "building", part)

    try:
        # In the CUDA thread: elsewhere TensorRT would make a second context for itself.
        worker = shared_worker(engine.toolkit)
        half = precision == HALF
        built = worker.call(lambda: build_plan(engine.toolkit.trt, onnx, half, timing, progress))
    except BuildFailed as error:
        raise BuildFailed("TensorRT makes no plan of the {} ({})".format(role, error)) from None
    if built.timing:
        cache.write_plan(engine.folder, timing_key, built.timing, {})
    return built


def _examine(
    engine: TensorRtEngine, path: str, key: PlanKey, built: Built, frames: List[verify.Frame]
) -> Dict[str, Any]:
    """Run the plan; return what was found, or raise PlanRefused where it may not be used."""
    graph = engine.open(path, key, built.plan)
    found = verify.difference(graph, frames)
    limit = verify.limit_of(key.precision)
    if not found <= limit:
        raise PlanRefused(
            "differs by {:.2g} from ONNX Runtime, {:g} is allowed".format(found, limit)
        )
    both = {"tensorrt": graph, "onnx": OnnxGraph(path)}
    times = verify.frame_times(both, frames, time.perf_counter)
    return {"difference": found, "limit": limit, "frame_ms": times, "seconds": built.seconds}


def _silent(role: str, doing: str, part: Optional[float]) -> None:
    pass
