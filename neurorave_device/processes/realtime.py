"""What a process can do to meet its deadlines: priorities, a processor that stays awake, no garbage collection."""

import contextlib
import gc
import os
import struct
import sys
import threading
from typing import BinaryIO, Callable, Iterator, Optional

# The output's thread above the synthesis that feeds it, the short scan of the inputs between them: on one core a
# scan that had to wait for a frame would notice a gate too late for its own sample (docs/sound-card.md).
OUTPUT_PRIORITY = 70
INPUTS_PRIORITY = 65
SYNTHESIS_PRIORITY = 60
# What is in no hurry in the process that plays. It is real-time all the same: a thread that holds the interpreter
# while another process has its core makes those above wait too.
BACKGROUND_PRIORITY = 40
# Python lets another thread run after this long at the latest; its own 5 ms are two audio blocks.
SWITCH_SECONDS = 0.0005
# Linux: as long as a number is held here, no processor sleeps deeper than it can wake from in so many microseconds
# (Documentation/power/pm_qos_interface.rst).
CPU_LATENCY = "/dev/cpu_dma_latency"


def raise_priority(priority: int) -> bool:
    """Give the calling thread a real-time (FIFO) priority and say whether that was permitted."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    except (AttributeError, OSError):
        return False
    return True


@contextlib.contextmanager
def priority(level: int) -> Iterator[None]:
    """Give the calling thread a real-time priority for a while, where that is permitted.

    Threads that a library makes meanwhile, such as the one that calls back for a sound card, inherit it.
    """
    try:
        before = os.sched_getscheduler(0), os.sched_getparam(0)
    except (AttributeError, OSError):
        yield
        return
    raised = raise_priority(level)
    try:
        yield
    finally:
        if raised:
            os.sched_setscheduler(0, before[0], before[1])


@contextlib.contextmanager
def awake(path: Optional[str] = CPU_LATENCY) -> Iterator[bool]:
    """Keep all processors out of idle states for a while, and say whether that was permitted; None asks for nothing.

    Between two frames a processor has milliseconds to fall asleep in, and what it sleeps in takes time to leave: on
    a small board microseconds, on a virtual machine, whose host gives the processor to others meanwhile, up to
    tens of milliseconds (docs/decisions/0011-staying-awake.md). It costs power and heat.
    """
    held: Optional[BinaryIO] = None
    granted = False
    try:
        if path is not None:
            held = open(path, "r+b", buffering=0)
            granted = held.write(struct.pack("=i", 0)) == 4
    except OSError:
        # Whoever wants to know why asks the doctor.
        pass
    try:
        yield granted
    finally:
        if held is not None:
            held.close()


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
