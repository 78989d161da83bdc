"""Shared memory: the newest record wins, a torn one is never seen, a dead writer does no harm."""

import multiprocessing
import os
import signal
import sys
import threading
from multiprocessing import reduction
from typing import Any, Callable, Iterator, List

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.errors import UserError
from neurorave_device.link import shared
from neurorave_device.link.shared import SharedMemory

SPAWN = multiprocessing.get_context("spawn")
# A hammered reader reads at least so often, and meets at least so many new records.
READS, CHANGES = 2000, 100


@pytest.fixture
def memory() -> Any:
    block = SharedMemory.create(ring_samples=1024)
    yield block
    block.close()


def uniform(number: int) -> bytes:
    """A record whose bytes all agree, so that a mix of two records shows; its length changes too."""
    return bytes([number % 251]) * (600 + number % 400)


# Byte and length together tell a record's number modulo this.
NUMBERS = 251 * 400


def number_of(record: bytes) -> int:
    """The number of a uniform record, modulo NUMBERS (Chinese remainders: 251 * 51 is 1 modulo 400)."""
    byte, length = record[0], len(record) - 600
    return (byte + 251 * ((length - byte) * 51 % 400)) % NUMBERS


def assert_whole(record: bytes) -> None:
    assert len(set(record)) == 1, "a torn record"


class Inherited:
    """The block's descriptor, as an argument for a process that is being started."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __getstate__(self) -> Any:
        return reduction.DupFd(self.descriptor)

    def __setstate__(self, state: Any) -> None:
        self.descriptor = state.detach()

    def attach(self) -> SharedMemory:
        return SharedMemory(self.descriptor)


def in_process(work: Any, inherited: Inherited, *arguments: Any) -> None:
    work(inherited.attach(), *arguments)


Start = Callable[..., Any]


@pytest.fixture
def start() -> Iterator[Start]:
    """A function that starts work(memory, *arguments) in a process with a mapping of its own.

    The processes end with the test, however it ends.
    """
    children: List[Any] = []

    def start_one(work: Any, memory: SharedMemory, *arguments: Any) -> Any:
        child = SPAWN.Process(
            target=in_process, args=(work, Inherited(memory.descriptor)) + arguments, daemon=True
        )
        child.start()
        children.append(child)
        return child

    yield start_one
    for child in children:
        if child.is_alive():
            os.kill(child.pid, signal.SIGKILL)
        child.join()


def wait_for(event: Any, *writers: Any) -> None:
    """Wait until the event is set, however busy the machine is, but not for writers that have failed."""
    while not event.wait(0.2):
        assert all(writer.is_alive() for writer in writers), "a writer has ended too early"


def hammer(memory: SharedMemory, started: Any, stop: Any) -> None:
    """Write records until told to stop: that a reader meets them does not depend on who is scheduled when."""
    number = 0
    while not stop.is_set():
        memory.telemetry.write(uniform(number))
        number += 1
        if number == 10:
            started.set()


def hammer_ring(memory: SharedMemory, started: Any, stop: Any) -> None:
    position = memory.ring.written
    number = 0
    while not stop.is_set():
        size = 1 + (number * 37) % 200
        memory.ring.write(counted(position, position + size))
        position += size
        number += 1
        if number == 10:
            started.set()


def counted(start: int, end: int) -> np.ndarray:
    """Sound that counts its samples, as far as float32 does that exactly."""
    return (np.arange(start, end) % 2**24).astype(np.float32)


def write_for_ever(memory: SharedMemory, started: Any) -> None:
    number = 0
    while True:
        memory.telemetry.write(uniform(number))
        memory.ring.write(np.full(64, number % 1000, np.float32))
        number += 1
        if number == 10:
            started.set()


def test_nothing_written_reads_as_none(memory: SharedMemory) -> None:
    assert memory.telemetry.read() is None
    assert memory.parameters.sequence == 0


def test_cells_are_separate_and_the_newest_record_wins(memory: SharedMemory) -> None:
    memory.parameters.write(b"p" * shared.PARAMETER_BYTES)
    memory.telemetry.write(b"old")
    memory.panel.write(b"q" * shared.PANEL_BYTES)
    memory.telemetry.write(b"t" * shared.TELEMETRY_BYTES)
    memory.ring.write(np.ones(1024, np.float32))
    assert memory.telemetry.read() == b"t" * shared.TELEMETRY_BYTES
    assert memory.parameters.read() == b"p" * shared.PARAMETER_BYTES
    assert memory.panel.read() == b"q" * shared.PANEL_BYTES
    assert memory.telemetry.sequence == 2


def test_a_record_that_is_too_long_is_refused_and_the_old_one_stays(memory: SharedMemory) -> None:
    memory.panel.write(b"good")
    with pytest.raises(ValueError):
        memory.panel.write(b"x" * (shared.PANEL_BYTES + 1))
    assert memory.panel.read() == b"good"


@settings(max_examples=50, deadline=None)
@given(
    records=st.lists(st.binary(min_size=1, max_size=200), min_size=2, max_size=6),
    where=st.floats(0, 1),
    bit=st.integers(0, 7),
)
def test_a_record_that_is_not_whole_is_never_returned(
    records: List[bytes], where: float, bit: int
) -> None:
    block = SharedMemory.create(ring_samples=64)
    try:
        cell = block.telemetry
        for record in records:
            cell.write(record)
        # One flipped bit anywhere in the newest slot: what a reader meets while the writer is inside it.
        start = shared._ALIGN + (len(records) & 1) * cell._slot_bytes
        size = shared._SLOT_HEAD.size + len(records[-1])
        index = start + min(int(where * size), size - 1)
        cell._memory[index] ^= 1 << bit
        assert cell.read() == records[-2]
        cell.write(b"next")
        assert cell.read() == b"next"
    finally:
        block.close()


def test_a_number_that_arrives_before_its_record_shows_the_newest_record_there_is(
    memory: SharedMemory,
) -> None:
    # Possible on ARM: another core sees the new sequence number, but not yet the slot.
    for record in (b"one", b"two", b"three"):
        memory.telemetry.write(record)
    memory.telemetry._sequence[0] += 1
    assert memory.telemetry.read() == b"three"


def test_a_hammering_thread_never_shows_a_torn_or_an_older_record(memory: SharedMemory) -> None:
    started, stop = threading.Event(), threading.Event()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    writer = threading.Thread(target=hammer, args=(memory, started, stop), daemon=True)
    try:
        writer.start()
        wait_for(started, writer)
        reads = changes = last = 0
        while reads < READS or changes < CHANGES:
            before = memory.telemetry.sequence
            record = memory.telemetry.read()
            assert record is not None
            assert_whole(record)
            # The record's number, as far as it tells: not before one that had been there already.
            age = (before - 1 - number_of(record)) % NUMBERS
            assert age == 0 or age > NUMBERS // 2, "an older record"
            reads += 1
            changes += before != last
            last = before
    finally:
        stop.set()
        writer.join()
        sys.setswitchinterval(interval)
    assert memory.telemetry.read() == uniform(memory.telemetry.sequence - 1)


def test_a_hammering_process_never_shows_a_torn_record_nor_torn_sound(
    memory: SharedMemory, start: Start
) -> None:
    started, ring_started, stop = SPAWN.Event(), SPAWN.Event(), SPAWN.Event()
    writer = start(hammer, memory, started, stop)
    ring_writer = start(hammer_ring, memory, ring_started, stop)
    wait_for(started, writer)
    wait_for(ring_started, ring_writer)
    reads = changes = last = pieces = 0
    position = 0
    while reads < READS or changes < CHANGES or pieces < CHANGES:
        assert writer.is_alive() and ring_writer.is_alive()
        record = memory.telemetry.read()
        assert record is not None
        assert_whole(record)
        reads += 1
        changes += memory.telemetry.sequence != last
        last = memory.telemetry.sequence
        end, samples = memory.ring.read(position)
        assert end >= position
        assert np.array_equal(samples, counted(end - len(samples), end))
        pieces += len(samples) > 0
        position = end
    stop.set()
    writer.join()
    ring_writer.join()
    assert (writer.exitcode, ring_writer.exitcode) == (0, 0)
    assert memory.telemetry.read() == uniform(memory.telemetry.sequence - 1)


def test_a_killed_writer_leaves_a_whole_record_and_its_successor_goes_on(
    memory: SharedMemory, start: Start
) -> None:
    for _ in range(3):
        started = SPAWN.Event()
        writer = start(write_for_ever, memory, started)
        wait_for(started, writer)
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        record = memory.telemetry.read()
        assert record is not None
        assert_whole(record)
        before = memory.telemetry.sequence
        memory.telemetry.write(b"mine")
        assert memory.telemetry.read() == b"mine"
        assert memory.telemetry.sequence == before + 1
        position = memory.ring.written
        memory.ring.write(np.full(10, 0.5, np.float32))
        assert memory.ring.read(position)[0] == position + 10


@settings(max_examples=50, deadline=None)
@given(sizes=st.lists(st.integers(0, 64), min_size=1, max_size=30), data=st.data())
def test_the_ring_returns_the_sound_in_order_or_says_what_is_lost(
    sizes: List[int], data: Any
) -> None:
    block = SharedMemory.create(ring_samples=64)
    try:
        ring = block.ring
        position = written = 0
        for size in sizes:
            ring.write(np.arange(written, written + size).astype(np.float32))
            written += size
            assert ring.written == written
            if data.draw(st.booleans()):
                limit = data.draw(st.one_of(st.none(), st.integers(0, 70)))
                end, samples = ring.read(position, limit)
                begin = end - len(samples)
                assert np.array_equal(samples, np.arange(begin, end))
                assert begin == max(position, written - 64)
                assert limit is not None or end == written
                position = end
    finally:
        block.close()


def test_from_now_means_no_old_sound(memory: SharedMemory) -> None:
    memory.ring.write(np.ones(100, np.float32))
    end, samples = memory.ring.read(-1)
    assert (end, len(samples)) == (100, 0)
    end, samples = memory.ring.read(10**9)
    assert (end, len(samples)) == (100, 0)
    with pytest.raises(ValueError):
        memory.ring.write(np.zeros(1025, np.float32))


def test_sound_overwritten_while_it_is_copied_is_thrown_away(
    memory: SharedMemory, monkeypatch: Any
) -> None:
    ring = memory.ring
    ring.write(np.arange(1024).astype(np.float32))
    copy = ring._copy
    overtaken: List[int] = []

    def slow_copy(start: int, count: int) -> np.ndarray:
        result = copy(start, count)
        if not overtaken:
            overtaken.append(start)
            ring.write(np.arange(1024, 1224).astype(np.float32))
        return result

    monkeypatch.setattr(ring, "_copy", slow_copy)
    end, samples = ring.read(0)
    assert end == 1224
    assert np.array_equal(samples, np.arange(end - len(samples), end))
    assert len(samples) > 0


def test_the_block_leaves_no_file_behind(tmp_path: Any) -> None:
    block = SharedMemory.create(directory=str(tmp_path), ring_samples=64)
    assert os.listdir(str(tmp_path)) == []
    block.telemetry.write(b"still works")
    assert block.telemetry.read() == b"still works"
    block.close()
    block.close()


def test_a_folder_that_cannot_hold_it_is_a_sentence(tmp_path: Any) -> None:
    missing = str(tmp_path / "missing")
    with pytest.raises(UserError) as caught:
        SharedMemory.create(directory=missing)
    assert missing in str(caught.value)


def test_memory_of_another_version_is_refused(tmp_path: Any) -> None:
    path = tmp_path / "block"
    path.write_bytes(b"other version!!!" * 65536)
    descriptor = os.open(str(path), os.O_RDWR)
    with pytest.raises(ValueError):
        SharedMemory(descriptor)
    os.close(descriptor)
