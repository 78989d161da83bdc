"""Real-time priorities: taken for a while and given back, and nothing breaks where they are not permitted."""

import os
import struct
from pathlib import Path
from typing import Any, List, Tuple

import pytest

from neurorave_device.processes import realtime
from neurorave_device.processes.realtime import CPU_LATENCY, Worker, awake, priority, raise_priority


class Scheduler:
    """The system's part, for one thread; allows priorities up to `limit`."""

    def __init__(self, monkeypatch: Any, limit: int) -> None:
        self.state: Tuple[int, int] = (os.SCHED_OTHER, 0)
        self.seen: List[Tuple[int, int]] = []
        self._limit = limit
        monkeypatch.setattr(os, "sched_setscheduler", self._set)
        monkeypatch.setattr(os, "sched_getscheduler", lambda pid: self.state[0])
        monkeypatch.setattr(os, "sched_getparam", lambda pid: os.sched_param(self.state[1]))

    def _set(self, pid: int, policy: int, param: Any) -> None:
        if param.sched_priority > self._limit:
            raise PermissionError(1, "Operation not permitted")
        self.state = (policy, param.sched_priority)
        self.seen.append(self.state)


def test_a_priority_is_taken_for_a_while_and_given_back(monkeypatch: Any) -> None:
    system = Scheduler(monkeypatch, 99)
    assert raise_priority(60)
    with pytest.raises(KeyError):
        with priority(70):
            assert system.state == (os.SCHED_FIFO, 70)
            raise KeyError("whatever happens meanwhile")
    assert system.state == (os.SCHED_FIFO, 60)


def test_where_it_is_not_permitted_nothing_changes(monkeypatch: Any) -> None:
    system = Scheduler(monkeypatch, 65)
    assert raise_priority(60)
    assert not raise_priority(70)
    with priority(70):
        assert system.state == (os.SCHED_FIFO, 60)
    assert system.seen == [(os.SCHED_FIFO, 60)]


def test_a_system_that_knows_no_priorities_is_fine(monkeypatch: Any) -> None:
    for name in ("sched_setscheduler", "sched_getscheduler", "sched_getparam"):
        monkeypatch.delattr(os, name)
    assert not raise_priority(70)
    done = []
    with priority(70):
        done.append(True)
    assert done


def test_a_worker_takes_its_priority_and_keeps_its_error(monkeypatch: Any) -> None:
    system = Scheduler(monkeypatch, 99)

    def work() -> None:
        raise KeyError("broken")

    worker = Worker("worker", 65, work)
    worker.start()
    worker.join()
    assert system.seen == [(os.SCHED_FIFO, 65)]
    assert isinstance(worker.error, KeyError)


def test_the_output_is_above_the_inputs_above_the_synthesis_above_all_else() -> None:
    levels = [
        realtime.OUTPUT_PRIORITY,
        realtime.INPUTS_PRIORITY,
        realtime.SYNTHESIS_PRIORITY,
        realtime.BACKGROUND_PRIORITY,
    ]
    assert levels == sorted(levels, reverse=True) and len(set(levels)) == 4
    # What doctor tells to allow.
    assert 0 < levels[-1] and levels[0] <= 80


def _latency_allowed() -> int:
    """What the kernel makes of all who ask, microseconds."""
    with open(CPU_LATENCY, "rb", buffering=0) as node:
        return int(struct.unpack("=i", node.read(4))[0])


@pytest.mark.skipif(not os.access(CPU_LATENCY, os.R_OK | os.W_OK), reason="needs root's node")
def test_the_processor_is_kept_awake_for_a_while_on_the_real_node() -> None:
    before = _latency_allowed()
    with pytest.raises(KeyError):
        with awake() as granted:
            assert granted
            assert _latency_allowed() == 0
            raise KeyError("whatever happens meanwhile")
    assert _latency_allowed() == before


def test_the_wish_to_stay_awake_is_four_bytes_held_open(tmp_path: Path) -> None:
    node = tmp_path / "node"
    node.write_bytes(b"")
    with awake(str(node)) as granted:
        assert granted
        assert node.read_bytes() == b"\0\0\0\0"


def test_where_staying_awake_is_not_permitted_nothing_happens(tmp_path: Path) -> None:
    for path in (str(tmp_path / "none"), str(tmp_path), "/dev/full"):
        with awake(path) as granted:
            assert not granted
    with awake(None) as granted:
        assert not granted
