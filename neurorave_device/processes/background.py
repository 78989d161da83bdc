"""What a child process does that works beside the sound: it takes the lowest place, and ends with its parent."""

import os
import threading
import time

from neurorave_device.processes.child import orphaned

# Lower than everything that plays, higher than nothing at all: the work shall end some day.
NICENESS = 10
_WATCH_SECONDS = 1.0


def step_back() -> None:
    """Give up real-time priority, take a low one, and offer to be killed first when memory runs out."""
    try:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    except OSError:
        pass
    os.nice(NICENESS)
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as handle:
            handle.write("1000")
    except OSError:
        pass


def end_with_parent(parent: int) -> None:
    """End at once when the parent (its process number) is gone: nobody waits for the work any more."""

    def watch() -> None:
        while not orphaned(parent):
            time.sleep(_WATCH_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
