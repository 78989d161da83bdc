"""Watching a machine stand still: what no program on it can help.

A process on each processor, above all others, sleeps a millisecond again and again. Where it sleeps much longer,
nothing ran there: on a virtual machine the host had given the processor to somebody else.
"""

import multiprocessing
import os
import time
from typing import Any, List

import numpy as np

from neurorave_device.processes.realtime import raise_priority

PRIORITY = 90
NAP_SECONDS = 0.001


class StallWatch:
    """Notes stops longer than `seconds` between entering and leaving; `stalls` are rows of (begin, end), float64."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.stalls = np.zeros((0, 2))

    def __enter__(self) -> "StallWatch":
        context = multiprocessing.get_context("spawn")
        self._stop = context.Event()
        self._found: Any = context.Queue()
        self._workers = [
            context.Process(
                target=_watch, args=(cpu, self._seconds, self._stop, self._found), daemon=True
            )
            for cpu in sorted(os.sched_getaffinity(0))
        ]
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(self, *unused: object) -> None:
        self._stop.set()
        rows: List[List[float]] = []
        for _ in self._workers:
            rows += self._found.get(timeout=10.0)
        for worker in self._workers:
            worker.join()
        self.stalls = np.array(sorted(rows)).reshape(-1, 2)


def _watch(cpu: int, seconds: float, stop: Any, found: Any) -> None:
    os.sched_setaffinity(0, {cpu})
    raise_priority(PRIORITY)
    stalls: List[List[float]] = []
    last = time.monotonic()
    while not stop.is_set():
        time.sleep(NAP_SECONDS)
        now = time.monotonic()
        if now - last > NAP_SECONDS + seconds:
            stalls.append([last + NAP_SECONDS, now])
        last = now
    found.put(stalls)
