"""How late this machine wakes a real-time thread that has nothing to do: what no program on it can be better than.

The thread sleeps until each frame of the shipped model would be due (512 samples at 44.1 kHz), in turns of some
seconds with the processor free to sleep and kept awake, as the module does where it may. Run it where the late frames
of `neurorave bench --paced` are counted, beside the same other programs.  `python -m benchmarks.wakeups`
"""

import argparse
import sys
import time
from typing import Dict, List

import numpy as np

from neurorave_device.processes.realtime import (
    CPU_LATENCY,
    SYNTHESIS_PRIORITY,
    awake,
    raise_priority,
)

PERIOD = 512 / 44100
# A wake-up later than this leaves less than a quarter of the frame to compute it.
LATE_SECONDS = 0.009
TURN_SECONDS = 5.0


def lateness(seconds: float) -> np.ndarray:
    """Sleep frame by frame, and return how late each wake-up came, seconds [n]."""
    count = int(seconds / PERIOD)
    begin = time.monotonic() + PERIOD
    late = np.zeros(count)
    for number in range(count):
        due = begin + number * PERIOD
        time.sleep(max(0.0, due - time.monotonic()))
        late[number] = time.monotonic() - due
    return late


def main() -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, metavar="S", help="of both together")
    seconds = parser.parse_args().seconds
    realtime = raise_priority(SYNTHESIS_PRIORITY)
    print("real-time priority %s" % ("yes" if realtime else "not permitted"))
    found: Dict[str, List[np.ndarray]] = {"may sleep": [], "kept awake": []}
    for _ in range(max(1, round(seconds / (2.0 * TURN_SECONDS)))):
        found["may sleep"].append(lateness(TURN_SECONDS))
        with awake(CPU_LATENCY) as granted:
            if not granted:
                print("%s may not be used" % CPU_LATENCY, file=sys.stderr)
                return 1
            found["kept awake"].append(lateness(TURN_SECONDS))
    for name, turns in found.items():
        late = np.concatenate(turns)
        p50, p99, p999 = 1e3 * np.percentile(late, (50, 99, 99.9))
        text = "%-10s  late by p50 %.2f  p99 %.2f  p99.9 %.2f  max %.2f ms; over %.0f ms: %d of %d"
        over = int(np.sum(late > LATE_SECONDS))
        print(text % (name, p50, p99, p999, 1e3 * late.max(), 1e3 * LATE_SECONDS, over, late.size))
    return 0


if __name__ == "__main__":
    sys.exit(main())
