"""A build in the background, as the process sees it that has started it."""

import json
import os
import signal
import time
from typing import Callable, List, NamedTuple, Optional

from neurorave_device.engine.tensorrt.planning import Made
from neurorave_device.processes.child import CRASHED, DONE, FAILED, READY, REFUSED, Child, Process

MODULE = "neurorave_device.engine.tensorrt.plan_process"

RUNNING = "running"
FINISHED = "finished"
BROKEN = "broken"


class BuildState(NamedTuple):
    """How a build stands: `state` is running, finished or broken.

    `role` is the graph at work; `part` how far the present phase is, 0..1, None where TensorRT does not tell;
    `seconds` since the start; `text` a sentence for the face; `plans` what has been made, once finished.
    """

    state: str
    role: str
    part: Optional[float]
    seconds: float
    text: str
    plans: List[Made]


def start_child(bundle: str, again: bool) -> Process:
    """Start the process that builds."""
    return Child(MODULE, {"bundle": os.path.abspath(bundle), "again": again}, {})


class PlanJob:
    """Builds the plans of a bundle in a process of its own; one thread at a time.

    It may be killed at any moment, by `stop`, by the kernel for lack of memory or by a power cut: finished plans stay,
    unfinished ones were never there.
    """

    def __init__(
        self,
        bundle: str,
        again: bool = False,
        start: Callable[[str, bool], Process] = start_child,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._began = now()
        self._process: Optional[Process] = start(bundle, again)
        self._state = BuildState(RUNNING, "", None, 0.0, "The TensorRT plans are being built.", [])

    def poll(self) -> BuildState:
        """Return how the build stands; never waits."""
        process = self._process
        if process is None:
            return self._state
        # In this order: what it has said before it ended is still in the pipe.
        ended = process.returncode()
        for status in process.statuses():
            if status.kind == READY:
                step = json.loads(status.text)
                self._go_on(step["role"], step["doing"], step["part"])
            elif status.kind == DONE:
                plans = [Made(**fields) for fields in json.loads(status.text)]
                text = "The TensorRT plans are ready."
                self._end(FINISHED, text, plans)
            elif status.kind in (REFUSED, FAILED, CRASHED):
                self._end(BROKEN, "No TensorRT plan: {}.".format(status.text.rstrip(".")), [])
        if self._state.state == RUNNING:
            self._state = self._state._replace(seconds=self._now() - self._began)
            if ended is not None:
                self._end(BROKEN, _cut_off(ended), [])
        if ended is not None:
            process.close()
            self._process = None
        return self._state

    def stop(self) -> None:
        """End the build at once; it can be started again later."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.close()
            if self._state.state == RUNNING:
                self._end(BROKEN, "The building of the TensorRT plans was stopped.", [])

    def _go_on(self, role: str, doing: str, part: Optional[float]) -> None:
        seconds = self._now() - self._began
        self._state = BuildState(RUNNING, role, part, seconds, _sentence(role, doing), [])

    def _end(self, state: str, text: str, plans: List[Made]) -> None:
        self._state = BuildState(state, "", None, self._now() - self._began, text, plans)


def progress_text(state: BuildState) -> str:
    """Return the state's sentence with how far it is, or for how long it has been running where nobody knows."""
    if state.state != RUNNING:
        return state.text
    if state.part is not None:
        return "{} {:.0f} % of this step.".format(state.text, 100.0 * state.part)
    return "{} {:.0f} s so far.".format(state.text, state.seconds)


def _sentence(role: str, doing: str) -> str:
    if doing == "waiting":
        return "Another process builds TensorRT plans; this one waits."
    if doing == "building":
        return "TensorRT builds the plan of the {}.".format(role)
    if doing == "checking":
        return "The TensorRT plan of the {} is being checked.".format(role)
    return "The TensorRT plans are being built."


def _cut_off(status: int) -> str:
    if status == -signal.SIGKILL:
        return (
            "No TensorRT plan: the building was killed, most likely for lack of memory; "
            "more swap helps, or fewer other programs."
        )
    return "No TensorRT plan: the building ended too early (status {}).".format(status)
