"""Gates from GPIO lines: true times on the stream's clock, chatter, lost edges, and lines that go away."""

import errno
from typing import List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurorave_device.clock import VirtualClock
from neurorave_device.drivers.debounce import Debounce
from neurorave_device.drivers.gpio_lines import LinePins
from neurorave_device.inputs.base import SILENT_VOLTS, Edge
from neurorave_device.inputs.cv_stage import CvInputs
from neurorave_device.inputs.gpio_gates import Gates
from neurorave_device.inputs.jetson import JetsonPanel
from neurorave_device.inputs.mcp3208 import Mcp3208
from neurorave_device.machine.board import Board

from .fake_gpio import FakeKernel, both
from .fake_spi import FakeSpi

LINES = (149, 200)
HOLD = 0.001


class Rig:
    """Gates on a fake kernel, whose clock is 100 s ahead of the stream's."""

    def __init__(self, version: int = 2, stamps: int = 1) -> None:
        self.kernel = FakeKernel(version, stamps)
        self.stream = VirtualClock()
        self.gates = Gates(Board(), self.stream, self.opened)
        self.move(0.0)

    def opened(self) -> LinePins:
        return LinePins("tegra-gpio", LINES, False, self.kernel)

    def move(self, time: float) -> None:
        self.stream.advance(time - self.stream.now())
        self.kernel.now = 100.0 + time

    def set(self, time: float, gate: int, high: bool) -> None:
        self.move(time)
        self.kernel.set(LINES[gate - 1], high)

    def take(self, time: float) -> List[Edge]:
        self.move(time)
        return list(self.gates.take(time))


def near(edges: List[Edge], wanted: List[Tuple[int, bool, float]]) -> None:
    assert [edge[:2] for edge in edges] == [row[:2] for row in wanted]
    assert [edge.time for edge in edges] == pytest.approx([row[2] for row in wanted], abs=2e-6)


@pytest.mark.parametrize("version,stamps", both())
def test_an_edge_keeps_its_time_however_late_it_is_read(version: int, stamps: int) -> None:
    rig = Rig(version, stamps)
    assert rig.take(1.0) == []
    rig.set(1.0101, 1, True)
    rig.set(1.0123, 2, True)
    rig.set(1.0160, 1, False)
    near(rig.take(1.2), [(1, True, 1.0101), (2, True, 1.0123), (1, False, 1.016)])
    assert rig.take(1.3) == []


def test_an_edge_after_until_waits_for_the_next_scan() -> None:
    rig = Rig()
    rig.take(1.0)
    rig.set(1.002, 1, True)
    rig.move(1.003)
    assert rig.gates.take(1.001) == ()
    near(list(rig.gates.take(1.003)), [(1, True, 1.002)])


def test_a_gate_that_is_high_at_the_start_waits_for_its_next_rise() -> None:
    rig = Rig()
    rig.kernel.high = {149: True}
    assert rig.take(1.0) == []
    rig.set(1.1, 1, False)
    rig.set(1.2, 1, True)
    near(rig.take(1.3), [(1, True, 1.2)])


def test_chatter_is_one_edge_without_delay() -> None:
    rig = Rig()
    rig.take(1.0)
    for step in range(8):
        rig.set(1.01 + 0.0001 * step, 1, step % 2 == 0)
    rig.set(1.0109, 1, True)
    near(rig.take(1.02), [(1, True, 1.01)])
    rig.set(1.03, 1, False)
    near(rig.take(1.04), [(1, False, 1.03)])


def test_a_trigger_shorter_than_the_pause_becomes_as_long() -> None:
    rig = Rig()
    rig.take(1.0)
    rig.set(1.01, 2, True)
    rig.set(1.0102, 2, False)
    near(rig.take(1.0105), [(2, True, 1.01)])
    near(rig.take(1.012), [(2, False, 1.011)])


@given(st.lists(st.tuples(st.floats(0.0, 0.004), st.booleans()), max_size=60), st.integers(1, 7))
def test_whatever_a_line_does_edges_alternate_and_end_at_its_level(
    changes: List[Tuple[float, bool]], look: int
) -> None:
    debounce = Debounce(HOLD)
    edges: List[Tuple[float, bool]] = []
    now = 0.0
    for number, (pause, high) in enumerate(changes):
        now += pause
        edges += debounce.feed(high, now)
        # However often somebody looks in between.
        if number % look == 0:
            edges += debounce.settle(now)
    edges += debounce.settle(now + 2 * HOLD)
    assert [rising for _, rising in edges] == [place % 2 == 0 for place in range(len(edges))]
    times = [time for time, _ in edges]
    assert all(later - earlier >= HOLD * 0.999 for earlier, later in zip(times, times[1:]))
    assert debounce.level == (changes[-1][1] if changes else False)
    # What happens after quiet is never late: the first change to high, or a pulse that was seen as a fall only.
    if changes:
        assert times[0] == pytest.approx(changes[0][0])


def test_a_change_that_was_missed_is_seen_in_the_next_one() -> None:
    debounce = Debounce(HOLD)
    assert debounce.feed(False, 1.0) == [(1.0, True)]
    assert debounce.settle(1.01) == [(1.0 + HOLD, False)]
    assert debounce.feed(True, 2.0) == [(2.0, True)]
    assert debounce.feed(True, 3.0) == [(3.0, False)]
    assert debounce.settle(3.01) == [(3.0 + HOLD, True)]


@pytest.mark.parametrize("version", [1, 2])
def test_an_edge_that_the_kernel_lost_is_made_good(version: int) -> None:
    rig = Rig(version)
    rig.take(1.0)
    rig.set(1.01, 1, True)
    near(rig.take(1.011), [(1, True, 1.01)])
    rig.kernel.lose = 1
    rig.set(1.012, 1, False)
    found: List[Edge] = []
    for step in range(40):
        found += rig.take(1.013 + 0.001 * step)
    assert [edge[:2] for edge in found] == [(1, False)]
    assert 1.012 < found[0].time <= 1.035


def test_chatter_beyond_the_kernels_buffer_leaves_the_gate_as_the_line_is() -> None:
    rig = Rig(1, 0)
    rig.take(1.0)
    for step in range(101):
        rig.set(1.001 + 0.00001 * step, 1, step % 2 == 0)
    found: List[Edge] = []
    for step in range(60):
        found += rig.take(1.003 + 0.001 * step)
    assert found[-1].rising
    assert len(found) <= 3


def test_lines_that_go_let_gates_fall_and_come_back() -> None:
    rig = Rig()
    rig.take(1.0)
    rig.set(1.01, 1, True)
    near(rig.take(1.02), [(1, True, 1.01)])
    rig.kernel.gone = True
    near(rig.take(1.03), [(1, False, 1.03)])
    assert rig.gates.fault == (
        "The gates on pins 29 and 31: No such device; "
        "check that the board's GPIO is free and this user is in the group gpio."
    )
    assert rig.kernel.open_descriptors == {}
    rig.kernel.gone = False
    assert rig.take(1.6) == []
    rig.set(1.7, 1, False)
    rig.set(1.8, 1, True)
    near(rig.take(1.9), [(1, True, 1.8)])
    rig.take(2.7)
    assert rig.gates.fault == ""
    rig.gates.close()
    assert rig.kernel.open_descriptors == {}


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 2)), max_size=80), st.integers(1, 9))
def test_edges_never_go_back_in_time(steps: List[Tuple[int, int]], every: int) -> None:
    rig = Rig()
    rig.take(1.0)
    time, high = 1.0, [False, False]
    found: List[Edge] = []
    for number, (pause, gate) in enumerate(steps):
        time += 0.0003 * pause
        high[gate - 1] = not high[gate - 1]
        rig.set(time, gate, high[gate - 1])
        if number % every == 0:
            found += rig.take(time)
    found += rig.take(time + 0.1)
    times = [edge.time for edge in found]
    assert times == sorted(times)
    for gate in (1, 2):
        rising = [edge.rising for edge in found if edge.gate == gate]
        assert rising == [place % 2 == 0 for place in range(len(rising))]
        assert (rising[-1] if rising else False) == high[gate - 1]


def test_the_panel_goes_on_with_either_half() -> None:
    rig = Rig()
    spi = FakeSpi([1000] * 8)
    cvs = CvInputs(Board(), lambda: Mcp3208(0, 0, 1000000, spi))
    panel = JetsonPanel(Board(), rig.stream, cvs, rig.gates)
    rig.take(1.0)
    good = panel.read(1.0)
    assert panel.fault == ""
    spi.missing = spi.broken = True
    rig.set(1.01, 1, True)
    panel.read(1.02)
    assert [edge[:2] for edge in panel.take_edges(1.02)] == [(1, True)]
    assert panel.fault.startswith("The CV inputs on /dev/spidev0.0: ")
    rig.kernel.refused = errno.EACCES
    rig.kernel.gone = True
    rig.move(5.0)
    panel.take_edges(5.0)
    assert panel.read(5.0) == SILENT_VOLTS
    assert "The gates on pins 29 and 31: " in panel.fault
    spi.missing = spi.broken = False
    rig.move(20.0)
    assert panel.read(20.0) == good
    panel.take_edges(20.0)
    assert "Permission denied" in panel.fault or "refused" in panel.fault
    panel.close()
    assert spi.place is None
