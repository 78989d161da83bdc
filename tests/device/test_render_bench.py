"""The bench: its figures come from what it measured, in virtual time here."""

from typing import Any

import numpy as np
import pytest

from neurorave_device.clock import VirtualClock
from neurorave_device.engine.bundle import load_bundle
from neurorave_device.errors import UserError
from neurorave_device.sound_process.timing import timing
from neurorave_device.tools import bench as module
from neurorave_device.tools.bench import bench, gate_delays

from .toy import TOY

DEADLINE = 512 / 44100.0


@pytest.fixture(autouse=True)
def _no_settling(monkeypatch: Any) -> None:
    # Garbage collection stays on for the other tests.
    monkeypatch.setattr(module, "settle", lambda: None)


class _Slow:
    """Stands in for the output stage and lets time pass as if the frame had taken so long."""

    clock = VirtualClock()
    seconds = 0.0
    late = 0

    def __init__(self, rate: int) -> None:
        self.frames = 0

    def process(self, samples: np.ndarray) -> np.ndarray:
        self.frames += 1
        measured = self.frames > module.WARM_FRAMES
        late = measured and self.frames - module.WARM_FRAMES <= self.late
        self.clock.advance(3.0 * DEADLINE if late else self.seconds)
        return samples


def _bench(monkeypatch: Any, seconds: float, late: int, paced: bool) -> Any:
    _Slow.clock, _Slow.seconds, _Slow.late = VirtualClock(), seconds, late
    monkeypatch.setattr(module, "OutputStage", _Slow)
    return bench(TOY, seconds=0.4, paced=paced, clock=_Slow.clock)


def test_frames_in_time_miss_nothing(monkeypatch: Any) -> None:
    figures = _bench(monkeypatch, 0.002, 0, True)
    assert (figures["frames"], figures["misses"], figures["late"]) == (35, 0, 0)
    assert figures["frame_ms"] == pytest.approx({"p50": 2.0, "p99": 2.0, "p999": 2.0, "max": 2.0})
    assert figures["real_time_factor"] == pytest.approx(DEADLINE / 0.002)
    assert figures["deadline_ms"] == pytest.approx(1e3 * DEADLINE)


def test_a_late_frame_makes_those_behind_it_late_until_it_is_caught_up(monkeypatch: Any) -> None:
    # One frame takes three deadlines, the rest 0.4 of one: each of them catches up 0.6.
    figures = _bench(monkeypatch, 0.4 * DEADLINE, 1, True)
    assert figures["misses"] == 4
    # The module has 20 ms of sound in hand: only the first is too late for it, by 3 - 1 deadlines.
    assert (figures["late"], figures["ahead_ms"]) == (1, 20.0)
    assert figures["frame_ms"]["max"] == pytest.approx(3e3 * DEADLINE)


def test_without_pace_only_the_computation_counts(monkeypatch: Any) -> None:
    figures = _bench(monkeypatch, 0.5 * DEADLINE, 2, False)
    assert figures["misses"] == 2
    assert not figures["realtime"]


def test_all_keys_of_the_contract_are_there(monkeypatch: Any) -> None:
    figures = _bench(monkeypatch, 0.001, 0, True)
    assert {"engine", "threads", "sample_rate", "hop", "deadline_ms", "frames"} <= set(figures)
    assert {"misses", "real_time_factor", "cpu_percent", "model"} <= set(figures)
    assert sorted(figures["frame_ms"]) == ["max", "p50", "p99", "p999"]
    assert sorted(figures["gate_to_sound_ms"]) == ["jitter", "max", "p50", "p99"]
    assert figures["model"] == {"parameters": 1000, "mac_per_second": 250000.0}


def test_the_time_in_the_graphs_is_told_apart(monkeypatch: Any) -> None:
    figures = _bench(monkeypatch, 0.002, 0, False)
    # In virtual time only the output stage takes any.
    assert figures["graphs_ms"] == {"decoder": 0.0, "meter": 0.0, "prior": 0.0}
    real = bench(TOY, seconds=0.2, paced=False)
    assert all(spent > 0.0 for spent in real["graphs_ms"].values())
    assert sum(real["graphs_ms"].values()) < 1e3 * DEADLINE / real["real_time_factor"]
    assert real["graphs_real_time_factor"] > real["real_time_factor"]


def test_every_gate_waits_the_same_time_within_a_sample() -> None:
    delays = gate_delays(load_bundle(TOY), gates=30)
    assert np.ptp(delays) <= 1.0 / 44100 + 1e-9
    assert np.median(delays) == pytest.approx(timing(20.0, 128, 44100, 512).gate, abs=2.0 / 44100)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_a_length_that_is_none_is_refused(seconds: float) -> None:
    with pytest.raises(UserError, match="above 0"):
        bench(TOY, seconds=seconds)
