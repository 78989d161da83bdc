"""What a child process does that works beside the sound: it takes the lowest place, and ends with its parent."""

import os
import threading
import time

from neurorave_device.processes.child import orphaned

# Lower than everything that plays, higher than nothing at all: the work shall end some day.
NICENESS = 10
_WATCH_SECONDS = 1.0
_VICTIM = "/proc/self/oom_score_adj"


def step_back(nice: bool = True) -> str:
    """Give up real-time priority, take a low one, and offer to be killed first when memory runs out.

    Return what `step_forward` wants to know. One that is not ``nice`` takes an ordinary place.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    except OSError:
        pass
    if nice:
        os.nice(NICENESS)
    return _offer("1000")


def step_forward(before: str) -> None:
    """Take back the offer to be killed first."""
    _offer(before)


def _offer(score: str) -> str:
    """Set how soon this process is killed where memory is short, and return what that was, '' where it is not known."""
    try:
        with open(_VICTIM, "r+", encoding="ascii") as handle:
            before = handle.read().strip()
            if score:
                handle.seek(0)
                handle.write(score)
            return before
    except OSError:
        return ""


def end_with_parent(parent: int) -> None:
    """End at once when the parent (its process number) is gone: nobody waits for the work any more."""

    def watch() -> None:
        while not orphaned(parent):
            time.sleep(_WATCH_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
