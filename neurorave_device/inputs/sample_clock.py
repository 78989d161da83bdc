"""When each sample of a card was, on another clock: its blocks arrive early and late, its samples do not.

A delay-locked loop of second order (F. Adriaensen, "Using a DLL to filter time", 2005): it follows a clock that drifts
without lagging behind, and what a single block is late by hardly moves it.
"""

import math

# How fast it follows, in Hz: at first quickly, then so slowly that a sample's time is steady.
FIRST_BANDWIDTH = 1.0
BANDWIDTH = 0.1
LOCKED_SECONDS = 2.0
# A block that is further off than this says nothing, unless all of them are for a while: then samples were lost.
FAR_SECONDS = 0.005
LOST_SECONDS = 0.25


class SampleClock:
    """Of one stream at `rate` samples per second; one thread."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._begin(0, 0.0)
        self._running = False

    def _begin(self, position: int, time: float) -> None:
        self._position = position
        self._time = time
        self._period = 1.0 / self._rate
        self._seconds = self._far = 0.0
        self._running = True

    def anchor(self, position: int, time: float) -> None:
        """Tell that the samples up to `position` had arrived at `time`."""
        count = position - self._position
        if not self._running:
            self._begin(position, time)
        if count <= 0:
            return
        block = count / self._rate
        error = time - self.time_of(position)
        self._time = self.time_of(position)
        self._position = position
        self._seconds += block
        if abs(error) > FAR_SECONDS:
            self._far += block
            if self._far > LOST_SECONDS:
                self._begin(position, time)
            return
        self._far = 0.0
        bandwidth = FIRST_BANDWIDTH if self._seconds < LOCKED_SECONDS else BANDWIDTH
        step = 2.0 * math.pi * bandwidth * block
        self._time += math.sqrt(2.0) * step * error
        self._period += step * step * error / count

    def time_of(self, position: float) -> float:
        """Return when a sample was; further ahead or back the less exactly."""
        return self._time + (position - self._position) * self._period

    def position_at(self, time: float) -> float:
        """Return which sample was at a time."""
        return self._position + (time - self._time) / self._period
