"""Events: each arrives once and in order, from several threads, across processes that die and are started again."""

import multiprocessing
import os
import signal
import threading
from typing import Any, Iterator, List

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.link.events import (
    CONTROLLER,
    KINDS,
    NEXT_MODEL,
    NEXT_PRESET,
    PROGRAM,
    Event,
    EventReader,
    EventWriter,
)
from neurorave_device.link.shared import EVENT_RECORDS, SharedMemory

# The child keeps the mapping, as the module's processes do.
FORK = multiprocessing.get_context("fork")
KEPT = EVENT_RECORDS - 1
MANY = 3000


@pytest.fixture
def memory() -> Iterator[SharedMemory]:
    block = SharedMemory.create(ring_samples=1024)
    yield block
    block.close()


def test_what_happened_is_told_in_order_and_once(memory: SharedMemory) -> None:
    writer, reader = EventWriter(memory.events), EventReader(memory.events)
    told = [
        Event(NEXT_PRESET),
        Event(NEXT_MODEL),
        Event(CONTROLLER, 127, 0.5),
        Event(PROGRAM, 12),
        Event(NEXT_PRESET),
    ]
    for event in told:
        writer.put(event)
    assert reader.take() == told
    assert reader.take() == []
    assert reader.lost == 0


def test_a_face_that_is_started_again_hears_what_it_has_missed_and_nothing_twice(
    memory: SharedMemory,
) -> None:
    writer = EventWriter(memory.events)
    writer.put(Event(PROGRAM, 1))
    assert EventReader(memory.events).take() == [Event(PROGRAM, 1)]
    writer.put(Event(PROGRAM, 2))
    assert EventReader(memory.events).take() == [Event(PROGRAM, 2)]


def test_a_sound_process_that_is_started_again_goes_on(memory: SharedMemory) -> None:
    EventWriter(memory.events).put(Event(PROGRAM, 1))
    EventWriter(memory.events).put(Event(PROGRAM, 2))
    assert EventReader(memory.events).take() == [Event(PROGRAM, 1), Event(PROGRAM, 2)]


@settings(max_examples=30, deadline=None)
@given(bursts=st.lists(st.integers(0, 3 * EVENT_RECORDS), min_size=1, max_size=6))
def test_a_slow_reader_loses_the_oldest_and_knows_how_many(bursts: List[int]) -> None:
    memory = SharedMemory.create(ring_samples=64)
    try:
        writer, reader = EventWriter(memory.events), EventReader(memory.events)
        written = lost = 0
        for burst in bursts:
            for _ in range(burst):
                writer.put(Event(CONTROLLER, written))
                written += 1
            found = [event.number for event in reader.take()]
            lost += max(0, burst - KEPT)
            assert found == list(range(written - min(burst, KEPT), written))
            assert reader.lost == lost
    finally:
        memory.close()


def test_what_is_put_while_another_is_written_comes_after_it_in_order() -> None:
    written: List[bytes] = []

    class Busy:
        """A ring in whose first write two more events are put."""

        def write(self, record: bytes) -> None:
            written.append(record)
            if len(written) == 1:
                writer.put(Event(PROGRAM, 2))
                writer.put(Event(PROGRAM, 3))

    ring: Any = Busy()
    writer = EventWriter(ring)
    writer.put(Event(PROGRAM, 1))
    assert [record[4] for record in written] == [1, 2, 3]


def put_many(memory: SharedMemory, threads: int) -> None:
    """Let threads tell events of their own, each numbered from 0, through one writer."""
    writer = EventWriter(memory.events)

    def body(kind: str) -> None:
        for number in range(MANY):
            writer.put(Event(kind, number, number / MANY))

    workers = [threading.Thread(target=body, args=(KINDS[place],)) for place in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def test_two_threads_of_another_process_are_heard_each_in_its_order(memory: SharedMemory) -> None:
    reader = EventReader(memory.events)
    child = FORK.Process(target=put_many, args=(memory, 2))
    child.start()
    found: List[Event] = []
    while child.is_alive():
        found += reader.take()
    child.join()
    found += reader.take()
    assert child.exitcode == 0
    assert len(found) + reader.lost == 2 * MANY
    for kind in KINDS[:2]:
        numbers = [event.number for event in found if event.kind == kind]
        assert numbers == sorted(set(numbers))
    assert found[-1].number == MANY - 1
    assert all(event.value == event.number / MANY for event in found)


def put_for_ever(memory: SharedMemory, started: Any) -> None:
    writer, number = EventWriter(memory.events), 0
    while True:
        writer.put(Event(CONTROLLER, number))
        number += 1
        if number == EVENT_RECORDS:
            started.set()


def test_a_writer_killed_at_any_moment_leaves_whole_events(memory: SharedMemory) -> None:
    for _ in range(5):
        started = FORK.Event()
        child = FORK.Process(target=put_for_ever, args=(memory, started))
        child.start()
        assert started.wait(20.0)
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        reader = EventReader(memory.events)
        numbers = [event.number for event in reader.take()]
        assert numbers == list(range(numbers[0], numbers[0] + KEPT))
        EventWriter(memory.events).put(Event(PROGRAM, 7))
        assert reader.take() == [Event(PROGRAM, 7)]
