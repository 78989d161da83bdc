"""From the kernel's time stamps to "so many seconds ago", whichever clock the kernel has stamped with."""

import time
from typing import Callable

# An edge is read within milliseconds. What seems older than this is the work of somebody who has set the clock.
OLDEST_SECONDS = 1.0

Clocks = Callable[[int], float]


def age(stamp: int, clocks: Clocks = time.clock_gettime) -> float:
    """Return how many seconds ago `stamp` (nanoseconds) was, 0 to 1.

    The GPIO character device stamps with CLOCK_REALTIME before Linux 5.7 and with CLOCK_MONOTONIC since. Which of
    both it was shows: an edge that has just been read is younger than the distance between the two. (A board
    without a battery may start in 1970, where they are nearly the same; then so is the result.)
    """
    seconds = stamp * 1e-9
    differences = [clocks(time.CLOCK_MONOTONIC) - seconds, clocks(time.CLOCK_REALTIME) - seconds]
    found = min(differences, key=abs)
    return found if 0.0 <= found <= OLDEST_SECONDS else 0.0
