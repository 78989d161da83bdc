"""A thread that works beside the sound in small pieces, so that those who play get the interpreter in between.

Python's lock knows no priorities: a thread that computes takes its half of the time from one that plays, and makes it
wait for a switch each time it gives the lock up, which numpy does some twenty times a frame. Against that helps only
to want the lock seldom. The work is other people's code, so the pauses come from a profile hook, which Python calls at
each call and return.
"""

import contextlib
import sys
import time
from typing import Any, Iterator

# So long at a time; a call that takes longer is followed by a longer pause, in which the buffer fills again.
WORK_SECONDS = 0.001
REST_RATIO = 3.0
LONGEST_REST = 0.1


@contextlib.contextmanager
def polite() -> Iterator[None]:
    """Let the calling thread work a quarter of the time at most, as far as its work is made of calls."""
    since = time.monotonic()

    def pause(frame: Any, event: str, argument: Any) -> None:
        nonlocal since
        worked = time.monotonic() - since
        if worked >= WORK_SECONDS:
            time.sleep(min(LONGEST_REST, REST_RATIO * worked))
            since = time.monotonic()

    before = sys.getprofile()
    sys.setprofile(pause)
    try:
        yield
    finally:
        sys.setprofile(before)
