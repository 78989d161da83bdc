"""What a process can do to meet its deadlines: thread priorities, garbage collection, thread switching."""

import gc
import os
import sys
import threading
from typing import Callable, Optional

# The output's thread above the synthesis that feeds it, the short scan of the inputs between them.
OUTPUT_PRIORITY = 70
INPUTS_PRIORITY = 65
SYNTHESIS_PRIORITY = 60
# Python lets another thread run after this long at the latest; its own 5 ms are two audio blocks.
SWITCH_SECONDS = 0.0005


def raise_priority(priority: int) -> bool:
    """Give the calling thread a real-time (FIFO) priority and say whether that was permitted."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    except (AttributeError, OSError):
        return False
    return True


def settle() -> None:
    """Set up the interpreter for playing: no garbage collection any more, threads switched quickly.

    Call it when everything is loaded. Nothing that is made per block refers to itself, so counting
    references frees all of it.
    """
    gc.collect()
    # Python 3.7 and newer.
    freeze = getattr(gc, "freeze", None)
    if freeze is not None:
        freeze()
    gc.disable()
    sys.setswitchinterval(SWITCH_SECONDS)


class Worker(threading.Thread):
    """A thread with a priority, whose exception is kept for the one who watches it.

    ``error`` is that exception, None while all is well.
    """

    def __init__(self, name: str, priority: int, work: Callable[[], None]) -> None:
        super().__init__(name=name, daemon=True)
        self._priority = priority
        self._work = work
        self.error: Optional[Exception] = None

    def run(self) -> None:
        """Do the work."""
        raise_priority(self._priority)
        try:
            self._work()
        except Exception as error:
            self.error = error
