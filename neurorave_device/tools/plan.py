"""`neurorave plan`: builds a bundle's TensorRT plans for this board in a process of its own, and says what came out."""

import sys
from typing import Any, Callable, Dict, List, Optional, Sequence

from neurorave_device.clock import Clock, SystemClock
from neurorave_device.config import Config
from neurorave_device.engine.tensorrt.cache import plan_folder
from neurorave_device.engine.tensorrt.engine import TensorRtEngine
from neurorave_device.engine.tensorrt.job import BROKEN, RUNNING, BuildState, PlanJob, progress_text
from neurorave_device.engine.tensorrt.planning import Made, graph_paths
from neurorave_device.engine.tensorrt.toolkit import Missing
from neurorave_device.errors import UserError
from neurorave_device.face_process.catalogue import Catalogue

_LOOK_SECONDS = 0.1


class PlanFailed(OSError):
    """No plan came out; the text says why."""


def make(
    bundle: str,
    again: bool = False,
    show: Optional[Callable[[str], None]] = None,
    clock: Optional[Clock] = None,
) -> Dict[str, Any]:
    """Build what is missing (``again``: all) and return the report.

    ``show`` gets a sentence ten times a second, '' at the end.

    Raises UserError where TensorRT cannot be used here or the bundle is bad, PlanFailed where building fails. Main
    thread; takes minutes on a small board. Ctrl-C ends the build, finished plans stay.
    """
    graph_paths(bundle)
    try:
        board = TensorRtEngine().board
    except Missing as error:
        raise UserError("plan: TensorRT cannot be used here, since {}".format(error)) from None
    job = PlanJob(bundle, again)
    try:
        state = _wait(job, show or _nothing, clock or SystemClock())
    finally:
        job.stop()
        (show or _nothing)("")
    if state.state == BROKEN:
        raise PlanFailed(state.text)
    return {
        "bundle": bundle,
        "folder": plan_folder(),
        "board": dict(board._asdict()),
        "seconds": state.seconds,
        "plans": [dict(made._asdict()) for made in state.plans],
    }


def make_all(
    config: Config,
    again: bool = False,
    show: Optional[Callable[[str], None]] = None,
) -> List[Dict[str, Any]]:
    """Build what is missing for each bundle beside the configured one and on the card, and return their reports.

    One that cannot be planned has a `fault` in place of its plans, and the others go on. Raises UserError where
    TensorRT cannot be used here.
    """
    try:
        TensorRtEngine()
    except Missing as error:
        raise UserError("plan: TensorRT cannot be used here, since {}".format(error)) from None
    catalogue = Catalogue(config.bundle, config.card)
    reports: List[Dict[str, Any]] = []
    for row in catalogue.rows():
        folder = catalogue.folder(row.name)
        try:
            if row.fault:
                raise UserError(row.fault)
            reports.append(make(folder, again, show))
        except (UserError, PlanFailed) as error:
            reports.append({"bundle": folder, "fault": str(error)})
    return reports


def _wait(job: PlanJob, show: Callable[[str], None], clock: Clock) -> BuildState:
    while True:
        state = job.poll()
        show(progress_text(state))
        if state.state != RUNNING:
            return state
        clock.sleep(_LOOK_SECONDS)


def show_on_terminal(text: str) -> None:
    """Show a text in place of the last one on stderr, where that is a terminal; '' takes it away."""
    if sys.stderr.isatty():
        sys.stderr.write("\r%-100.100s" % text + ("" if text else "\r"))
        sys.stderr.flush()


def _nothing(text: str) -> None:
    pass


def as_text(report: Dict[str, Any]) -> str:
    """Return a line for each plan."""
    return "\n".join(_line(Made(**fields)) for fields in report["plans"])


def all_as_text(reports: Sequence[Dict[str, Any]]) -> str:
    """Return the lines of all bundles."""
    lines = []
    for report in reports:
        lines.append("%s:" % report["bundle"])
        text = report["fault"] if "fault" in report else as_text(report)
        lines += ["    " + line for line in text.splitlines()]
    return "\n".join(lines) or "No bundle, no plans."


def _line(made: Made) -> str:
    did = "built in {:.0f} s".format(made.seconds) if made.built else "was there"
    text = "{:8} {}, {}; a frame takes {:.2f} ms, {:.2f} ms with ONNX Runtime; differs by {:.1g}"
    times = made.frame_ms
    line = text.format(
        made.role, made.precision, did, times["tensorrt"], times["onnx"], made.difference
    )
    return line + ("; " + made.note if made.note else "")
