"""Reads volts and gates of the rig's jacks through `AudioPanel`, a thousand times a second, until stdin ends.

`python -m tests.device.card_reader`, in a process of its own; each line on stdin is answered with what was seen since
the last one.
"""

import json
import sys
import threading
from typing import Any, Dict, List

from neurorave_device.clock import SystemClock
from neurorave_device.inputs.audio_panel import AudioPanel
from neurorave_device.machine.audio_jacks import AudioJacks
from tests.device.pulse import JACKS


def main() -> None:
    clock = SystemClock()
    panel = AudioPanel(AudioJacks(JACKS, block=256, latency_ms=50.0), clock)
    stop = threading.Event()
    seen: Dict[str, List[Any]] = {"volts": [], "edges": []}

    def scan() -> None:
        while not stop.wait(0.001):
            now = clock.now()
            seen["volts"].append([round(volts, 4) for volts in panel.read(now)])
            seen["edges"] += [list(edge) for edge in panel.take_edges(now)]

    thread = threading.Thread(target=scan, daemon=True)
    thread.start()
    for _ in sys.stdin:
        count, edges = len(seen["volts"]), len(seen["edges"])
        told = {
            "fault": panel.fault,
            "volts": seen["volts"][:count],
            "edges": seen["edges"][:edges],
        }
        del seen["volts"][:count]
        del seen["edges"][:edges]
        print(json.dumps(told))
    stop.set()
    thread.join()
    panel.close()


if __name__ == "__main__":
    main()
