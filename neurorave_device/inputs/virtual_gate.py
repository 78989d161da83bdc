"""One virtual gate: a button and a clock on the same jack."""

from collections import deque
from typing import Deque, List

from neurorave_device.inputs.base import Edge


class VirtualGate:
    """High while its button is pressed or its clock is high; not thread-safe by itself.

    `rate` in Hz, `width` the part of each cycle that the clock is high.  Changes happen at the time
    they are made, or where the edges were already taken further than that, right there: an edge
    that was given out is never taken back.
    """

    def __init__(self, number: int, now: float) -> None:
        self.number = number
        self.pressed = False
        self.clock = False
        self.rate = 2.0
        self.width = 0.2
        self._made = now
        self._since = now
        self._phase = 0.0
        self._cycle = -1
        self._clock_high = False
        self._high = False
        self._edges: Deque[Edge] = deque()

    @property
    def high(self) -> bool:
        """The level after the last edge that was made."""
        return self._high

    def set_button(self, pressed: bool, now: float) -> None:
        """Press or release the button."""
        self._advance(now)
        self.pressed = pressed
        self._update(self._made)

    def set_clock(self, on: bool, rate: float, width: float, now: float) -> None:
        """Change the clock; it starts with a rising edge, and keeps its phase while it runs."""
        self._advance(now)
        now = self._made
        if on and self.clock:
            self._phase += self.rate * (now - self._since)
        elif on:
            self._phase, self._cycle = 0.0, -1
        self._since = now
        self.clock, self.rate, self.width = on, rate, width
        if not on:
            self._clock_high = False
        self._update(now)

    def take(self, until: float) -> List[Edge]:
        """Return the edges up to `until` that were not yet taken."""
        self._advance(until)
        taken: List[Edge] = []
        while self._edges and self._edges[0].time <= until:
            taken.append(self._edges.popleft())
        return taken

    def _advance(self, now: float) -> None:
        while self.clock:
            # The next event is counted, not searched, so that none is doubled or lost by rounding.
            place = self._cycle + (self.width if self._clock_high else 1.0)
            time = max(self._since + (place - self._phase) / self.rate, self._made)
            if time > now:
                break
            self._made = time
            if not self._clock_high:
                self._cycle += 1
            self._clock_high = not self._clock_high
            self._update(time)
        self._made = max(self._made, now)

    def _update(self, time: float) -> None:
        high = self.pressed or self._clock_high
        if high != self._high:
            self._high = high
            self._edges.append(Edge(self.number, high, time))
