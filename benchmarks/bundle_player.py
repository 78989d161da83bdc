"""The sound process as it is, with a watch beside it: how long nobody else got the interpreter.

A child process of `benchmarks/bundle_change.py`, which describes the figures.
"""

import json
import threading
import time
from typing import List

import numpy as np

from neurorave_device.engine.onnx_engine import OnnxEngine
from neurorave_device.processes.realtime import INPUTS_PRIORITY, raise_priority
from neurorave_device.sound_process import sound

PERIOD = 0.0005
# Shorter than this is the everyday life of a process with five threads.
SHORTEST = 0.001


class Watch:
    """A thread that wants the interpreter every half millisecond, and notes when it got it much later."""

    def __init__(self) -> None:
        self.stalls: List[List[float]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> np.ndarray:
        """End, and return moments (monotonic) and seconds of all stalls, [n, 2]."""
        self._stop.set()
        self._thread.join(1.0)
        return np.array(self.stalls, float).reshape(-1, 2)

    def _run(self) -> None:
        raise_priority(INPUTS_PRIORITY)
        before = time.monotonic()
        while not self._stop.is_set():
            time.sleep(PERIOD)
            now = time.monotonic()
            if now - before - PERIOD > SHORTEST:
                self.stalls.append([now, now - before - PERIOD])
            before = now


def main(arguments: List[str]) -> int:
    """Run as a child process."""
    settings = json.loads(arguments[0])
    if settings["here"]:
        sound.ElsewhereEngine = _HereEngine  # type: ignore[misc,assignment]
    watch = Watch()
    try:
        return sound.main(arguments)
    finally:
        np.save(settings["stalls"], watch.close())


class _HereEngine(OnnxEngine):
    """Loads in this process what would be loaded elsewhere."""

    def __init__(self, engine: str) -> None:
        OnnxEngine.__init__(self)

    def play(self) -> None:
        """Play at once."""
