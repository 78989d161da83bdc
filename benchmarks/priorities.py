"""Should the scan of the inputs stand above the synthesis or below it?  Measured on one core, with real-time priority.

One thread does what synthesis does, a frame's work every hop, outside the interpreter; another scans every
millisecond as the inputs do.  `scan`: how late scans are, `frame`: how long a frame takes, both in milliseconds.
A gate that is noticed later than `timing.SCAN_SECONDS` misses its own sample.
"""

import argparse
import json
import os
import threading
import time
from typing import Any, Dict, List

import numpy as np

from neurorave_device.processes.realtime import SYNTHESIS_PRIORITY, priority, raise_priority, settle
from neurorave_device.sound_process.timing import SCAN_SECONDS
from neurorave_device.tools.render import write_json

HOP_SECONDS = 512 / 44100.0
PERIOD = 0.001
SIZE = 20000


def measure(level: int, work_seconds: float, seconds: float) -> Dict[str, Any]:
    """Runs both threads for a while and returns the figures."""
    # Large enough that numpy lets others have the interpreter, and one thread of its own does it all.
    values = np.random.RandomState(0).random_sample(SIZE)
    result = np.empty_like(values)
    began = time.perf_counter()
    for _ in range(500):
        np.sin(values, out=result)
    steps = max(1, round(work_seconds / ((time.perf_counter() - began) / 500)))
    late: List[float] = []
    frames: List[float] = []
    end = time.perf_counter() + seconds

    def scan() -> None:
        raise_priority(level)
        due = time.perf_counter()
        while due < end:
            late.append(time.perf_counter() - due)
            due += PERIOD
            time.sleep(max(0.0, due - time.perf_counter()))

    def synthesis() -> None:
        raise_priority(SYNTHESIS_PRIORITY)
        due = time.perf_counter()
        while due < end:
            before = time.perf_counter()
            for _ in range(steps):
                np.sin(values, out=result)
            frames.append(time.perf_counter() - before)
            due += HOP_SECONDS
            time.sleep(max(0.0, due - time.perf_counter()))

    threads = [threading.Thread(target=work) for work in (scan, synthesis)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    row: Dict[str, Any] = {"inputs": level}
    for name, times in (("scan", late), ("frame", frames)):
        for share in (50, 99, 100):
            row["%s_p%d" % (name, share)] = round(float(np.percentile(times, share)) * 1e3, 3)
    row["missed"] = int(np.sum(np.array(late) > SCAN_SECONDS))
    row["scans"] = len(late)
    return row


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.priorities",
        description=__doc__.splitlines()[0],
        epilog="example: python -m benchmarks.priorities --work-ms 6 --json priorities.json",
    )
    parser.add_argument("--work-ms", type=float, default=5.0, help="of a frame (5)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each case (10)")
    parser.add_argument("--json", metavar="FILE", help="also writes JSON there")
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with priority(SYNTHESIS_PRIORITY):
        if os.sched_getscheduler(0) != os.SCHED_FIFO:
            raise SystemExit("real-time priority is not permitted here")
    settle()
    rows = [measure(level, options.work_ms * 1e-3, options.seconds) for level in (50, 65)]
    for row in rows:
        print(json.dumps(row))
    if options.json:
        write_json(options.json, {"rows": rows})


if __name__ == "__main__":
    main()
