"""The inputs thread: what it reads is calibrated at once as the face says, and also told as it was read."""

from typing import Any, Iterator, List

import numpy as np
import pytest

from neurorave_device.clock import VirtualClock
from neurorave_device.inputs.base import Edge, Panel, Volts
from neurorave_device.inputs.calibration import Calibration
from neurorave_device.inputs.midi import MidiIn
from neurorave_device.inputs.raw_volts import READINGS, RawVolts
from neurorave_device.inputs.virtual import VirtualPanel
from neurorave_device.link.commands import CommandReceiver, make_pipe
from neurorave_device.link.events import EventWriter
from neurorave_device.link.settings import pack_calibration, pack_values
from neurorave_device.link.shared import SharedMemory
from neurorave_device.parameters import default_values
from neurorave_device.sound_process.scan import SCAN_PERIOD, InputScan
from neurorave_device.sound_process.stream import StreamClock, VoltHistory
from tests.device.fake_midi import FakePorts


class Noisy(Panel):
    """Jacks at four voltages, each with its own noise."""

    def __init__(self) -> None:
        self._noise = np.random.RandomState(5)

    def read(self, now: float) -> Volts:
        first, second, third, fourth = (
            np.array([1.0, -2.0, 0.0, 5.0]) + [0.0, 0.02, 0.1, 0.0] * self._noise.standard_normal(4)
        ).tolist()
        return first, second, third, fourth

    def take_edges(self, until: float) -> Any:
        return ()


class Rig:
    def __init__(self) -> None:
        self.clock = VirtualClock(10.0)
        self.shared = SharedMemory.create(ring_samples=64)
        self.ends = make_pipe()
        self.history = VoltHistory()
        self.edges: List[Edge] = []
        stream = StreamClock(self.clock, 44100, 128)
        stream.anchor(0)
        self.scan = InputScan(
            Noisy(),
            self.shared.calibration,
            stream,
            self.history,
            self.edges.append,
            CommandReceiver(self.ends[0]),
            self.shared.panel,
            lambda folder: None,
        )

    def step(self, times: int = 1) -> None:
        for _ in range(times):
            self.clock.advance(SCAN_PERIOD)
            self.scan.step()

    def close(self) -> None:
        self.shared.close()
        for end in self.ends:
            end.close()


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.close()


def test_a_calibration_counts_from_the_next_scan_on(rig: Rig) -> None:
    rig.step()
    assert rig.history.newest[0] == 1.0
    new = Calibration((2.0, 1.0, 1.0, 0.5), (0.5, 0.0, 0.0, 0.0))
    rig.shared.calibration.write(pack_calibration(new))
    rig.step()
    assert (rig.history.newest[0], rig.history.newest[3]) == (2.5, 2.5)


def test_what_is_read_is_told_without_calibration_with_its_noise(rig: Rig) -> None:
    rig.shared.calibration.write(pack_calibration(Calibration((2.0,) * 4, (1.0,) * 4)))
    rig.step(READINGS)
    mean, spread = rig.history.raw.summary()
    assert mean == pytest.approx((1.0, -2.0, 0.0, 5.0), abs=0.05)
    assert spread[0] == spread[3] == 0.0
    assert 0.015 < spread[1] < 0.025
    assert 0.075 < spread[2] < 0.125


def test_notes_and_cables_open_the_same_gates() -> None:
    clock = VirtualClock(10.0)
    shared = SharedMemory.create(ring_samples=64)
    shared.parameters.write(pack_values(dict(default_values(), **{"midi.on": 1.0})))
    receiving, sending = make_pipe()
    stream = StreamClock(clock, 44100, 128)
    stream.anchor(0)
    ports, panel, edges = FakePorts(), VirtualPanel(stream), []  # type: ignore[var-annotated]
    scan = InputScan(
        panel,
        shared.calibration,
        stream,
        VoltHistory(),
        edges.append,
        CommandReceiver(receiving),
        shared.panel,
        lambda folder: None,
        MidiIn(shared.parameters, EventWriter(shared.events), ports),
    )

    def step() -> List[Any]:
        clock.advance(SCAN_PERIOD)
        scan.step()
        found = [(edge.gate, edge.rising) for edge in edges]
        edges.clear()
        return found

    try:
        panel.press(1)
        assert step() == [(1, True)]
        ports.send(0x90, 60, 100)
        assert step() == [(1, False), (1, True)]
        panel.release(1)
        assert step() == []
        ports.send(0x80, 60, 0)
        assert step() == [(1, False)]
    finally:
        shared.close()
        receiving.close()
        sending.close()


def test_summaries_cover_every_reading_once() -> None:
    raw = RawVolts()
    means = []
    for number in range(3 * READINGS):
        raw.put((float(number), 0.0, 0.0, 0.0))
        # Asked more often than there is news, it says the same again.
        means.append(raw.summary().mean[0])
    middle = (READINGS - 1) / 2.0
    assert sorted(set(means)) == [0.0, middle, middle + READINGS, middle + 2 * READINGS]
