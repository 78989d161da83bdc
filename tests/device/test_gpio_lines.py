"""GPIO lines as the kernel gives them, in both versions of its interface, and the fall-back to polling."""

import ctypes
import errno
import importlib.abc
import os
import sys
import types
from typing import Any, Dict, List, Tuple

import pytest

from neurorave_device.clock import VirtualClock
from neurorave_device.drivers import gpio_abi as abi
from neurorave_device.drivers import gpio_lines
from neurorave_device.drivers.device import DeviceError
from neurorave_device.drivers.gpio_lines import LinePins
from neurorave_device.drivers.jetson_pins import PolledPins
from neurorave_device.drivers.pin_choice import open_pins
from neurorave_device.drivers.pins import PinEvent
from neurorave_device.inputs.gpio_gates import Gates
from neurorave_device.machine.board import Board

from . import fake_gpio as fake
from .fake_gpio import BASE, MONOTONIC, REALTIME, FakeKernel, both


def io(direction: int, number: int, size: int) -> int:
    """Return an ioctl number as the kernel makes it."""
    return direction << 30 | size << 16 | 0xB4 << 8 | number


def test_numbers_and_sizes_are_those_of_the_structures() -> None:
    read, both_ways = 2, 3
    size = ctypes.sizeof
    assert io(read, 1, size(fake.ChipInfo)) == abi.GET_CHIP_INFO
    assert io(both_ways, 4, size(fake.EventRequest)) == abi.V1_GET_EVENT
    assert io(both_ways, 8, 64) == abi.V1_GET_VALUES
    assert io(both_ways, 7, size(fake.V2Request)) == abi.V2_GET_LINE
    assert io(both_ways, 14, size(fake.V2Values)) == abi.V2_GET_VALUES
    assert (size(fake.EventData), size(fake.V2Event)) == (abi.V1_EVENT_BYTES, abi.V2_EVENT_BYTES)


@pytest.mark.parametrize("version,stamps", both())
def test_edges_come_in_order_with_their_age(version: int, stamps: int) -> None:
    kernel = FakeKernel(version, stamps)
    pins = LinePins("tegra-gpio", [149, 200], False, kernel)
    assert pins.version == version
    assert pins.read() == []
    for time, line, high in ((1.0, 200, True), (1.001, 149, True), (1.0025, 200, False)):
        kernel.now = time
        kernel.set(line, high)
    kernel.now = 1.003
    found = pins.read()
    assert [event[:2] for event in found] == [(1, True), (0, True), (1, False)]
    # A float holds the seconds since 1970 to a quarter of a microsecond.
    assert [event.age for event in found] == pytest.approx([0.003, 0.002, 0.0005], abs=1e-6)
    assert pins.levels() == [True, False]
    assert pins.read() == []
    pins.close()
    assert kernel.open_descriptors == {}


@pytest.mark.parametrize("version", [1, 2])
def test_inverted_lines_are_turned_round_by_the_kernel(version: int) -> None:
    kernel = FakeKernel(version)
    kernel.high = {7: True}
    pins = LinePins("tegra-gpio", [7, 8], True, kernel)
    assert pins.levels() == [False, True]
    kernel.set(7, False)
    assert [event[:2] for event in pins.read()] == [(0, True)]


@pytest.mark.parametrize("version", [1, 2])
def test_a_burst_is_read_to_its_end(version: int) -> None:
    kernel = FakeKernel(version)
    pins = LinePins("tegra-gpio", [3], False, kernel)
    for step in range(300):
        kernel.set(3, step % 2 == 0)
    count = {1: fake.V1_BUFFER, 2: 256}[version]
    assert len(pins.read()) == count


def test_a_line_that_never_stops_does_not_hold_the_thread() -> None:
    class Endless(FakeKernel):
        reads = 0

        def read(self, descriptor: int, size: int) -> bytes:
            self.reads += 1
            return bytes(fake.V2Event(0, 1, 3, 1, 1)) * (size // abi.V2_EVENT_BYTES)

    kernel = Endless()
    assert len(LinePins("tegra-gpio", [3], False, kernel).read()) == 256
    assert kernel.reads == 16


@pytest.mark.parametrize("version", [1, 2])
def test_faults_name_themselves_and_leave_nothing_open(version: int) -> None:
    kernel = FakeKernel(version)
    kernel.busy = [200]
    with pytest.raises(DeviceError, match="used by another program"):
        LinePins("tegra-gpio", [149, 200], False, kernel)
    with pytest.raises(DeviceError, match="has no such line"):
        LinePins("tegra-gpio", [149, 300], False, kernel)
    with pytest.raises(DeviceError, match="no GPIO chip is called other here"):
        LinePins("other", [149], False, kernel)
    kernel.refused = errno.EACCES
    with pytest.raises(PermissionError):
        LinePins("tegra-gpio", [149], False, kernel)
    assert kernel.open_descriptors == {}


@pytest.mark.parametrize("version", [1, 2])
def test_half_an_event_and_a_chip_that_goes_are_errors(version: int) -> None:
    kernel = FakeKernel(version)
    pins = LinePins("/dev/gpiochip1", [149], False, kernel)
    kernel.half = True
    kernel.set(149, True)
    with pytest.raises(DeviceError, match="no whole number of events"):
        pins.read()
    kernel.gone = True
    with pytest.raises(OSError):
        pins.read()


def test_a_clock_that_was_set_meanwhile_makes_an_edge_new_not_old() -> None:
    stamp = int((BASE[REALTIME] + 3.0) * 1e9)
    for now, wanted in ((3.002, 0.002), (90.0, 0.0), (-4000.0, 0.0), (2.9, 0.0)):
        clocks = {MONOTONIC: 100.0, REALTIME: BASE[REALTIME] + now}
        found = gpio_lines.age(stamp, lambda clock, clocks=clocks: clocks[clock])  # type: ignore[misc]
        assert found == pytest.approx(wanted, abs=1e-6)


class FakeJetson(types.ModuleType):
    """Jetson.GPIO with what is used of it; refuses pins that were not set up."""

    BOARD, IN = 10, 1

    def __init__(self, levels: Dict[int, bool]) -> None:
        super().__init__("Jetson.GPIO")
        self.levels = levels
        self.mode = 0
        self.set_up: List[int] = []
        self.bad: List[int] = []

    def setmode(self, mode: int) -> None:
        assert mode == self.BOARD
        self.mode = mode

    def setup(self, pin: int, direction: int) -> None:
        assert self.mode and direction == self.IN
        if pin in self.bad:
            raise ValueError("Channel %d is invalid" % pin)
        self.set_up.append(pin)

    def input(self, pin: int) -> int:
        assert pin in self.set_up
        return int(self.levels.get(pin, False))

    def cleanup(self, pins: List[int]) -> None:
        self.set_up = [pin for pin in self.set_up if pin not in pins]


@pytest.fixture
def jetson(monkeypatch: pytest.MonkeyPatch) -> FakeJetson:
    module = FakeJetson({11: True})
    package: Any = types.ModuleType("Jetson")
    package.GPIO = module
    monkeypatch.setitem(sys.modules, "Jetson", package)
    monkeypatch.setitem(sys.modules, "Jetson.GPIO", module)
    return module


def test_polled_pins_find_changes(jetson: FakeJetson) -> None:
    pins = PolledPins([29, 11], True)
    assert pins.levels() == [True, False]
    assert pins.read() == []
    jetson.levels.update({29: True, 11: False})
    assert pins.read() == [PinEvent(0, False, 0.0), PinEvent(1, True, 0.0)]
    assert pins.read() == []
    pins.close()
    assert jetson.set_up == []


def test_a_pin_that_cannot_be_set_up_frees_the_others(jetson: FakeJetson) -> None:
    jetson.bad = [31]
    with pytest.raises(ValueError):
        PolledPins([29, 31], False)
    assert jetson.set_up == []


def kernel_in_place(monkeypatch: pytest.MonkeyPatch, kernel: FakeKernel) -> None:
    monkeypatch.setattr(gpio_lines, "Kernel", lambda: kernel)


def test_polling_where_the_kernel_gives_no_lines(
    jetson: FakeJetson, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = FakeKernel()
    kernel_in_place(monkeypatch, kernel)
    assert isinstance(open_pins(Board(), (29, 31), False), LinePins)
    kernel.refused = errno.ENOENT
    assert isinstance(open_pins(Board(), (29, 31), False), PolledPins)
    assert isinstance(open_pins(Board(gpio_mode="polling"), (29, 31), False), PolledPins)
    with pytest.raises(OSError):
        open_pins(Board(gpio_mode="lines"), (29, 31), False)


def test_both_reasons_are_said_where_neither_works(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = FakeKernel()
    kernel.busy = [149]
    kernel_in_place(monkeypatch, kernel)
    monkeypatch.setitem(sys.modules, "Jetson.GPIO", None)
    with pytest.raises(DeviceError) as caught:
        open_pins(Board(), (29, 31), False)
    assert "used by another program" in str(caught.value)
    assert "Jetson.GPIO is missing" in str(caught.value)


class Unusable(importlib.abc.MetaPathFinder):
    """Jetson.GPIO on a machine without /dev/gpiochip0."""

    def find_spec(self, name: str, *_: Any) -> None:
        if name.startswith("Jetson"):
            raise RuntimeError(
                "The current user does not have permissions set to access the library functionalites. Please "
                "configure permissions or use the root user to run this. It is also possible that /dev/gpiochip0 "
                "does not exist. Please check if that file is present."
            )


class Bare(FakeKernel):
    """A kernel without any chip."""

    def chips(self) -> List[str]:
        return []


@pytest.mark.parametrize(
    "kernel, wanted",
    [
        (
            FakeKernel(label="gpio-other"),
            "no GPIO chip is called tegra-gpio here; set gpio_chip in the section board to the one that the pins are "
            "on (gpio-other or max77620-gpio).",
        ),
        (
            Bare(),
            "this kernel shows no GPIO chip; switch its GPIO on (/dev/gpiochip0), or choose another panel than jetson.",
        ),
    ],
)
def test_a_missing_chip_is_one_sentence_with_what_to_do(
    kernel: FakeKernel, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel_in_place(monkeypatch, kernel)
    for name in ("Jetson", "Jetson.GPIO"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "meta_path", [Unusable()] + sys.meta_path)
    gates = Gates(Board(), VirtualClock())
    assert gates.take(0.0) == ()
    assert gates.fault == "The gates on pins 29 and 31: " + wanted
    assert kernel.open_descriptors == {}


def simulated_chip() -> Tuple[str, str]:
    """Return the path of a simulated chip of this kernel and the folder that moves its lines; skips without one."""
    for place in ("/sys/devices/platform", "/sys/bus/platform/devices"):
        for name in sorted(os.listdir(place)) if os.path.isdir(place) else []:
            folder = os.path.join(place, name)
            for chip in sorted(os.listdir(folder)) if name.startswith("gpio-sim") else []:
                if chip.startswith("gpiochip"):
                    return "/dev/" + chip, os.path.join(folder, chip)
    pytest.skip("this kernel has no gpio-sim chip (CONFIG_GPIO_SIM; docs/hardware-inputs.md)")


def test_a_simulated_chip_of_this_kernel_gives_edges() -> None:
    path, folder = simulated_chip()

    def pull(level: str) -> None:
        with open(os.path.join(folder, "sim_gpio0", "pull"), "w", encoding="ascii") as file:
            file.write(level)

    pull("pull-down")
    pins = LinePins(path, [0, 1], False)
    try:
        pins.read()
        pull("pull-up")
        pull("pull-down")
        found = pins.read()
        assert [event[:2] for event in found] == [(0, True), (0, False)]
        assert all(0.0 <= event.age < 1.0 for event in found)
    finally:
        pins.close()
