"""How late this machine wakes a real-time thread that has nothing to do: what no program on it can be better than.

The thread sleeps until each frame of the shipped model would be due (512 samples at 44.1 kHz). Run it where the late
frames of `neurorave bench --paced` are counted, beside the same other programs.  `python -m benchmarks.wakeups`
"""

import argparse
import sys
import time

import numpy as np

from neurorave_device.realtime import SYNTHESIS_PRIORITY, raise_priority

PERIOD = 512 / 44100
# A wake-up later than this leaves less than a quarter of the frame to compute it.
LATE_SECONDS = 0.009


def main() -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30.0, metavar="S")
    count = int(parser.parse_args().seconds / PERIOD)
    realtime = raise_priority(SYNTHESIS_PRIORITY)
    begin = time.monotonic() + PERIOD
    late = np.zeros(count)
    for number in range(count):
        due = begin + number * PERIOD
        time.sleep(max(0.0, due - time.monotonic()))
        late[number] = time.monotonic() - due
    p50, p99, p999 = 1e3 * np.percentile(late, (50, 99, 99.9))
    print("real-time priority %s" % ("yes" if realtime else "not permitted"))
    print(
        "late by p50 %.2f  p99 %.2f  p99.9 %.2f  max %.2f ms" % (p50, p99, p999, 1e3 * late.max())
    )
    print("over %.0f ms: %d of %d" % (1e3 * LATE_SECONDS, int(np.sum(late > LATE_SECONDS)), count))
    return 0


if __name__ == "__main__":
    sys.exit(main())
