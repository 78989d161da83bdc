"""The fixed block of memory that the sound process and the face process share.

It holds a few *cells* (one record each, newest wins), one ring of the sound that was made, and one of events. A
writer never waits: not for a reader, and not for the other process, which may be dead. The block lives in
/dev/shm where there is one. Its file is unlinked as soon as it is open, and child processes inherit the
descriptor, so nothing can be left behind, not even by SIGKILL.

A cell is a sequence lock with two slots and a checksum. The writer fills the slot that the newest record
does not occupy, then moves the sequence number on. A reader copies the slot that the number points at and
keeps the copy only if the slot's own number and checksum agree. Python has no memory barriers; on ARM the
checksum does their work. Two slots mean that a writer killed half way leaves the last whole record
readable.

Every cell has one writing thread at a time, and so have the rings. Reads may come from any thread.
"""

import mmap
import os
import struct
import tempfile
import zlib
from typing import Any, NamedTuple, Optional, Tuple

import numpy as np

from neurorave_device.errors import UserError

_MAGIC = 0x314556415255454E  # "NEURAVE1" in little-endian bytes
_ALIGN = 64  # a cache line: two cells never share one
_HEAD = struct.Struct("=QQ")  # magic, ring samples
_SLOT_HEAD = struct.Struct(
    "=QII"
)  # sequence number, payload length, CRC-32 of both and the payload
_COUNTERS = struct.Struct("=QI")
_RETRIES = 64

TELEMETRY_BYTES = 2048
PARAMETER_BYTES = 2048
PANEL_BYTES = 2048
CALIBRATION_BYTES = 128
MORPH_BYTES = 4096
EVENT_BYTES = 32
EVENT_RECORDS = 256
_RECORD_BYTES = _SLOT_HEAD.size + EVENT_BYTES
RING_SAMPLES = 65536  # 1.5 s at 44.1 kHz, as much as a browser on a busy machine ever falls behind


def _aligned(size: int) -> int:
    return (size + _ALIGN - 1) // _ALIGN * _ALIGN


def _cell_bytes(capacity: int) -> int:
    return _ALIGN + 2 * _aligned(_SLOT_HEAD.size + capacity)


class Cell:
    """One record of at most ``capacity`` bytes: the newest write wins, reads never hold up the writer."""

    def __init__(self, memory: memoryview, capacity: int) -> None:
        self.capacity = capacity
        self._slot_bytes = _aligned(_SLOT_HEAD.size + capacity)
        self._memory = memory
        # Native 64-bit items: one store each, so a reader never sees half a number.
        self._sequence = memory[0:8].cast("Q")

    @property
    def sequence(self) -> int:
        """How many records were ever written; cheap, so a poller can skip what it has already seen."""
        return int(self._sequence[0])

    def write(self, payload: bytes) -> None:
        """Publish a record; ValueError if it is larger than the cell."""
        if len(payload) > self.capacity:
            raise ValueError("%d bytes do not fit a cell of %d" % (len(payload), self.capacity))
        number = int(self._sequence[0]) + 1
        start = _ALIGN + (number & 1) * self._slot_bytes
        head = _SLOT_HEAD.pack(number, len(payload), _checksum(number, payload))
        self._memory[start : start + len(head) + len(payload)] = head + payload
        self._sequence[0] = number

    def read(self) -> Optional[bytes]:
        """Return the newest whole record, or None where nothing was written yet."""
        for _ in range(_RETRIES):
            number = int(self._sequence[0])
            if number == 0:
                return None
            found = self._slot(number & 1)
            if found is not None and found[0] == number:
                return found[1]
        # The writer overtook every try, or died inside one: the newest slot that is whole will do.
        whole = [found for found in (self._slot(0), self._slot(1)) if found is not None]
        return max(whole, key=lambda found: found[0])[1] if whole else None

    def _slot(self, index: int) -> Optional[Tuple[int, bytes]]:
        start = _ALIGN + index * self._slot_bytes
        copy = bytes(self._memory[start : start + self._slot_bytes])
        number, length, checksum = _SLOT_HEAD.unpack_from(copy)
        payload = copy[_SLOT_HEAD.size : _SLOT_HEAD.size + length]
        if number == 0 or len(payload) != length or checksum != _checksum(number, payload):
            return None
        return number, payload

    def release(self) -> None:
        """Let go of the memory."""
        self._sequence.release()
        self._memory.release()


def _checksum(number: int, payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(_COUNTERS.pack(number, len(payload)))) & 0xFFFFFFFF


class AudioRing:
    """The last ``capacity`` samples of mono float32 sound, with a position that only ever grows.

    The writer first claims the samples that it is about to overwrite, then copies, then publishes. A reader
    that finds its samples claimed after copying them throws the copy away.
    """

    def __init__(self, memory: memoryview, capacity: int) -> None:
        self.capacity = capacity
        self._counters = memory[0:16].cast("Q")  # claimed, written
        self._memory = memory
        self._samples: Any = np.frombuffer(memory, dtype=np.float32, count=capacity, offset=_ALIGN)

    @property
    def written(self) -> int:
        """Samples written since the block was made."""
        return int(self._counters[1])

    def write(self, samples: np.ndarray) -> None:
        """Append samples (float32, any length up to the capacity); called by the one writer."""
        count = len(samples)
        if count > self.capacity:
            raise ValueError("%d samples do not fit a ring of %d" % (count, self.capacity))
        position = int(self._counters[1])
        self._counters[0] = position + count
        first = position % self.capacity
        head = min(count, self.capacity - first)
        self._samples[first : first + head] = samples[:head]
        self._samples[: count - head] = samples[head:]
        self._counters[1] = position + count

    def read(self, position: int, limit: Optional[int] = None) -> Tuple[int, np.ndarray]:
        """Return (new position, samples from ``position`` on, at most ``limit`` of them if it is given).

        A negative position, or one that was never reached, means "from now". The samples end at the new
        position: where the ring has moved on they begin later than asked, by the number of samples lost.
        """
        for _ in range(_RETRIES):
            end = self.written
            if position < 0 or position > end:
                return end, np.zeros(0, np.float32)
            start = max(position, end - self.capacity)
            if limit is not None:
                end = min(end, start + limit)
            copy = self._copy(start, end - start)
            if int(self._counters[0]) - start <= self.capacity:
                return end, copy
            # Overwritten while it was copied. Step well clear of the writer before the next try.
            position = max(position, self.written - self.capacity // 2)
        return self.written, np.zeros(0, np.float32)

    def _copy(self, start: int, count: int) -> np.ndarray:
        first = start % self.capacity
        head = min(count, self.capacity - first)
        copy = np.empty(count, np.float32)
        copy[:head] = self._samples[first : first + head]
        copy[head:] = self._samples[: count - head]
        return copy

    def release(self) -> None:
        """Let go of the memory."""
        self._samples = None
        self._counters.release()
        self._memory.release()


class RecordRing:
    """Records of ``EVENT_BYTES`` that are read once, in order; how far they are read outlives the reader.

    The writer fills a slot, then moves its counter on. A slot that it may be at is never read, so a writer that is
    killed inside one leaves nothing half. The oldest records of a reader that is too slow are lost, and counted.
    """

    def __init__(self, memory: memoryview, capacity: int) -> None:
        self.capacity = capacity
        self._counters = memory[0:16].cast("Q")  # written, read
        self._memory = memory

    def write(self, payload: bytes) -> None:
        """Append a record of exactly ``EVENT_BYTES``; called by the one writer."""
        number = int(self._counters[0]) + 1
        start = self._place(number)
        self._memory[start : start + _RECORD_BYTES] = (
            _SLOT_HEAD.pack(number, len(payload), _checksum(number, payload)) + payload
        )
        self._counters[0] = number

    def read(self) -> Tuple[int, Optional[bytes]]:
        """Return (how many were lost before it, the next record); None where there is none. The one reader."""
        lost = 0
        for _ in range(_RETRIES):
            written, seen = int(self._counters[0]), int(self._counters[1])
            if written <= seen:
                break
            oldest = written - (self.capacity - 1)
            if seen < oldest:
                lost += oldest - seen
                self._counters[1] = seen = oldest
            payload = self._record(seen + 1)
            if payload is not None:
                self._counters[1] = seen + 1
                return lost, payload
        return lost, None

    def _record(self, number: int) -> Optional[bytes]:
        start = self._place(number)
        copy = bytes(self._memory[start : start + _RECORD_BYTES])
        found, length, checksum = _SLOT_HEAD.unpack_from(copy)
        payload = copy[_SLOT_HEAD.size :]
        whole = found == number and length == len(payload)
        return payload if whole and checksum == _checksum(number, payload) else None

    def _place(self, number: int) -> int:
        return _ALIGN + number % self.capacity * _RECORD_BYTES

    def release(self) -> None:
        """Let go of the memory."""
        self._counters.release()
        self._memory.release()


class _Layout(NamedTuple):
    telemetry: int
    parameters: int
    panel: int
    calibration: int
    morph: int
    events: int
    ring: int
    total: int


def _layout(ring_samples: int) -> _Layout:
    telemetry = _ALIGN
    parameters = telemetry + _cell_bytes(TELEMETRY_BYTES)
    panel = parameters + _cell_bytes(PARAMETER_BYTES)
    calibration = panel + _cell_bytes(PANEL_BYTES)
    morph = calibration + _cell_bytes(CALIBRATION_BYTES)
    events = morph + _cell_bytes(MORPH_BYTES)
    ring = events + _ALIGN + _aligned(EVENT_RECORDS * _RECORD_BYTES)
    return _Layout(
        telemetry,
        parameters,
        panel,
        calibration,
        morph,
        events,
        ring,
        ring + _ALIGN + 4 * ring_samples,
    )


def total_bytes(ring_samples: int = RING_SAMPLES) -> int:
    """Return how many bytes a block takes."""
    return _layout(ring_samples).total


class SharedMemory:
    """The block: ``telemetry``, ``events`` and ``ring`` are written by sound, the others by face.

    Made once by the supervisor; a child process attaches to the descriptor that it inherits.
    """

    def __init__(self, descriptor: int) -> None:
        """Attach to the block behind a descriptor, which this object owns from now on.

        ValueError where it is no block of this version.
        """
        self.descriptor = descriptor
        self._map = mmap.mmap(descriptor, 0)
        memory = memoryview(self._map)
        start = memory[0 : _HEAD.size]
        magic, ring_samples = _HEAD.unpack(start)
        start.release()
        layout = _layout(ring_samples)
        if magic != _MAGIC or layout.total != len(memory):
            memory.release()
            self._map.close()
            raise ValueError("this is not a block of shared memory made by this version")
        self.telemetry = Cell(memory[layout.telemetry : layout.parameters], TELEMETRY_BYTES)
        self.parameters = Cell(memory[layout.parameters : layout.panel], PARAMETER_BYTES)
        self.panel = Cell(memory[layout.panel : layout.calibration], PANEL_BYTES)
        self.calibration = Cell(memory[layout.calibration : layout.morph], CALIBRATION_BYTES)
        self.morph = Cell(memory[layout.morph : layout.events], MORPH_BYTES)
        self.events = RecordRing(memory[layout.events : layout.ring], EVENT_RECORDS)
        self.ring = AudioRing(memory[layout.ring : layout.total], ring_samples)
        memory.release()

    @classmethod
    def create(
        cls, directory: Optional[str] = None, ring_samples: int = RING_SAMPLES
    ) -> "SharedMemory":
        """Make a zeroed block in ``directory`` (default: /dev/shm, or the temporary folder).

        UserError where there is no room for it: memory that runs out later would be a crash.
        """
        where = directory or ("/dev/shm" if os.path.isdir("/dev/shm") else tempfile.gettempdir())
        total = total_bytes(ring_samples)
        descriptor = -1
        try:
            descriptor, path = tempfile.mkstemp(prefix="neurorave-", dir=where)
            os.unlink(path)
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(descriptor, 0, total)
            else:
                os.ftruncate(descriptor, total)
            os.write(descriptor, _HEAD.pack(_MAGIC, ring_samples))
        except OSError as error:
            if descriptor >= 0:
                os.close(descriptor)
            raise UserError(
                "%s: cannot make %d KiB of shared memory there (%s); free some space there"
                % (where, total // 1024, error.strerror or error)
            ) from error
        return cls(descriptor)

    def close(self) -> None:
        """Unmap the block; the memory goes when the last process has done so."""
        if self.descriptor < 0:
            return
        for cell in (self.telemetry, self.parameters, self.panel, self.calibration, self.morph):
            cell.release()
        self.events.release()
        self.ring.release()
        self._map.close()
        os.close(self.descriptor)
        self.descriptor = -1
