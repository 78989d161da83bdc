"""The converter's driver against a chip that answers bit by bit, and what the board says when nothing answers."""

import sys
from typing import List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurorave_device.drivers.device import DeviceError
from neurorave_device.inputs.base import SILENT_VOLTS
from neurorave_device.inputs.cv_stage import STUCK_SECONDS, CvInputs, volts
from neurorave_device.inputs.mcp3208 import Mcp3208
from neurorave_device.machine.board import Board

from .fake_spi import FakeSpi

BOARD = Board()


def inputs(spi: FakeSpi) -> CvInputs:
    return CvInputs(BOARD, lambda: Mcp3208(0, 0, 1000000, spi))


@given(st.lists(st.integers(0, 4095), min_size=8, max_size=8), st.integers(0, 1))
def test_every_count_of_every_channel_is_read(counts: List[int], floating: int) -> None:
    chip = Mcp3208(0, 0, 1000000, FakeSpi(counts, floating))
    assert chip.read(range(8)) == counts


def test_a_scan_is_twelve_bytes_in_four_transfers() -> None:
    spi = FakeSpi()
    Mcp3208(0, 1, 1000000, spi).read((0, 3, 4, 7))
    assert spi.place == (0, 1)
    assert spi.transfers == [[6, 0, 0], [6, 0xC0, 0], [7, 0, 0], [7, 0xC0, 0]]


def test_a_clock_that_is_too_fast_is_refused_and_the_bus_given_back() -> None:
    spi = FakeSpi()
    with pytest.raises(AssertionError):
        Mcp3208(0, 0, 4000000, spi)
    assert spi.place is None


@pytest.mark.parametrize("keep", [0, 1, 2])
def test_half_an_answer_is_an_error(keep: int) -> None:
    spi = FakeSpi()
    spi.keep = keep
    with pytest.raises(DeviceError, match="answered %d bytes instead of 3" % keep):
        Mcp3208(0, 0, 1000000, spi).read((0,))


def test_volts_are_those_of_the_simulated_stage() -> None:
    # The op-amp's output for -5, 0 and +5 V at the jack, as counts of a converter with 3.3 V.
    for jack, output in ((0.0, 1.65), (5.0, 0.15), (-5.0, 3.15)):
        counts = [round(output / 3.3 * 4096)] * 4
        assert volts(BOARD, counts) == pytest.approx((jack,) * 4, abs=0.0026 / 2)


def test_channels_go_to_the_jacks_that_the_wiring_says() -> None:
    spi = FakeSpi([0, 0, 100, 200, 300, 400, 0, 0])
    board = BOARD._replace(adc_channels=(5, 4, 3, 2))
    found = CvInputs(board, lambda: Mcp3208(0, 0, 1000000, spi)).read(0.0)
    assert found == volts(board, (400, 300, 200, 100))


def scan(cvs: CvInputs, begin: float, seconds: float) -> Tuple[float, ...]:
    """Scan a thousand times a second; return the last volts."""
    found: Tuple[float, ...] = ()
    for step in range(round(1000 * seconds)):
        found = cvs.read(begin + 0.001 * step)
    return found


def test_all_zeros_hold_the_volts_and_then_are_said() -> None:
    spi = FakeSpi([1000] * 8)
    cvs = inputs(spi)
    good = cvs.read(0.0)
    spi.stuck = 0
    assert scan(cvs, 0.001, STUCK_SECONDS - 0.01) == good
    assert cvs.fault == ""
    assert scan(cvs, STUCK_SECONDS, 0.1) == SILENT_VOLTS
    assert cvs.fault == (
        "The CV inputs on /dev/spidev0.0 read all zeros; check MISO, chip select and the pin functions."
    )
    spi.stuck = None
    assert cvs.read(2.0) == good
    assert cvs.fault == ""


def test_zeros_on_three_channels_are_volts() -> None:
    spi = FakeSpi([0, 0, 0, 1, 9, 9, 9, 9])
    cvs = inputs(spi)
    assert scan(cvs, 0.0, 2.0) == volts(BOARD, (0, 0, 0, 1))
    assert cvs.fault == ""


def test_all_ones_are_no_answer_at_once() -> None:
    spi = FakeSpi()
    spi.stuck = 1
    cvs = inputs(spi)
    assert cvs.read(0.0) == SILENT_VOLTS
    assert "The CV inputs on /dev/spidev0.0: reads all ones, so nothing answers; check" in cvs.fault


def test_a_converter_at_its_upper_end_is_all_ones_too() -> None:
    cvs = inputs(FakeSpi([4095] * 8))
    assert scan(cvs, 0.0, 0.6) == SILENT_VOLTS
    assert "read all ones" in cvs.fault


def test_a_converter_that_is_not_there_is_tried_again_ever_more_seldom() -> None:
    spi = FakeSpi([1000] * 8)
    spi.missing = True
    tries: List[float] = []
    now = [0.0]

    def opening() -> Mcp3208:
        tries.append(now[0])
        return Mcp3208(0, 0, 1000000, spi)

    cvs = CvInputs(BOARD, opening)
    while now[0] < 60.0:
        cvs.read(now[0])
        now[0] += 0.25
    assert tries == [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 25.5, 35.5, 45.5, 55.5]
    assert cvs.fault == (
        "The CV inputs on /dev/spidev0.0: not there; "
        "check the MCP3208's wires, and that jetson-io has SPI enabled."
    )
    spi.missing = False
    assert cvs.read(66.0) == volts(BOARD, [1000] * 4)
    assert cvs.fault
    cvs.read(67.0)
    assert cvs.fault == ""


def test_a_transfer_that_fails_closes_and_opens_again() -> None:
    spi = FakeSpi([1000] * 8)
    cvs = inputs(spi)
    good = cvs.read(0.0)
    spi.broken = True
    assert cvs.read(0.1) == good
    assert spi.place is None
    assert "Input/output error" in cvs.fault
    spi.broken = False
    assert cvs.read(0.61) == good
    assert spi.opened == 2
    cvs.close()
    assert spi.place is None


def test_without_the_package_it_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spidev", None)
    cvs = CvInputs(BOARD)
    assert cvs.read(0.0) == SILENT_VOLTS
    assert "a package is missing" in cvs.fault
    assert "spidev" in cvs.fault
