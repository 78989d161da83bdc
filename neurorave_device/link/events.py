"""What the sound process tells the face: events, in order, each exactly once.

What has a *state* is in the telemetry, where the newest value wins. What *happens* (a gate that asks for the next
preset, a MIDI controller that moves) goes through a ring in shared memory: it outlives either process, and the sound
waits for nobody.
"""

import collections
import struct
import threading
from typing import Deque, List, NamedTuple

from neurorave_device.link.shared import EVENT_BYTES, RecordRing

NEXT_PRESET = "next preset"
NEXT_MODEL = "next model"
CONTROLLER = "controller"
PROGRAM = "program"
KINDS = (NEXT_PRESET, NEXT_MODEL, CONTROLLER, PROGRAM)

_RECORD = struct.Struct("=Iid")
_PADDING = bytes(EVENT_BYTES - _RECORD.size)


class Event(NamedTuple):
    """One thing that happened.

    kind: one of KINDS. number: of the MIDI controller or program, from 0; else 0. value: of the controller, 0..1.
    """

    kind: str
    number: int = 0
    value: float = 0.0


class EventWriter:
    """The sound process's end. Any of its threads; none waits, neither for the face nor for another thread."""

    def __init__(self, ring: RecordRing) -> None:
        self._ring = ring
        self._waiting: Deque[Event] = collections.deque()
        self._busy = threading.Lock()

    def put(self, event: Event) -> None:
        """Tell the face an event."""
        self._waiting.append(event)
        # Whoever finds the ring taken leaves its event to the one at work, who looks again after letting go of it.
        while self._waiting and self._busy.acquire(False):
            try:
                while self._waiting:
                    self._write(self._waiting.popleft())
            finally:
                self._busy.release()

    def _write(self, event: Event) -> None:
        record = _RECORD.pack(KINDS.index(event.kind), event.number, event.value)
        self._ring.write(record + _PADDING)


class EventReader:
    """The face's end; one thread. A reader in a face that was started again goes on where the old one stopped."""

    def __init__(self, ring: RecordRing) -> None:
        self._ring = ring
        self._lost = 0

    @property
    def lost(self) -> int:
        """How many events came faster than they were taken, and are gone; always the oldest."""
        return self._lost

    def take(self) -> List[Event]:
        """Return what has happened since the last call, oldest first."""
        found: List[Event] = []
        # No more than the ring holds: who writes faster than this reads must not keep it for ever.
        while len(found) < self._ring.capacity:
            lost, record = self._ring.read()
            self._lost += lost
            if record is None:
                break
            kind, number, value = _RECORD.unpack_from(record)
            found.append(Event(KINDS[kind], number, value))
        return found
