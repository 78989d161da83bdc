"""Screen, encoder, button and light together, in virtual time: none stops another, and nothing done is lost."""

from typing import Callable, List, Optional, Tuple

import pytest

from neurorave_device.clock import VirtualClock
from neurorave_device.drivers.gpio_lines import LinePins
from neurorave_device.front_panel.front_panel import FrontPanel, Makers, makers
from neurorave_device.front_panel.gpio_encoder import GpioButton, GpioEncoder
from neurorave_device.front_panel.i2c_encoder import I2cEncoder
from neurorave_device.front_panel.oled import Oled
from neurorave_device.front_panel.protocols import PRESS, RELEASE, TURN
from neurorave_device.machine.board import Board

from .fake_gpio import FakeKernel
from .fake_smbus import FakeBreakout, FakeBusses, FakeOled
from .test_oled import noise, rows

MINUTE = 60.0
A, B, BUTTON = 194, 51, 50


class Rig:
    """A front panel on fake chips; `run` lets time pass as its thread would."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, quadrature: bool = False) -> None:
        import smbus2

        self.clock = VirtualClock()
        self.kernel = FakeKernel(1, 0)
        # Contacts and switch are open, and pulled up.
        self.kernel.high = {A: True, B: True, BUTTON: True}
        self.breakout = FakeBreakout()
        self.oled = FakeOled()
        self.busses = FakeBusses({0x0F: self.breakout, 0x3C: self.oled})
        monkeypatch.setattr(smbus2, "SMBus", self.busses)
        board = Board(encoder="quadrature" if quadrature else "breakout")

        def pins(lines: List[int], inverted: bool) -> LinePins:
            return LinePins("tegra-gpio", lines, inverted, self.kernel)

        encoder: Callable[[], object] = lambda: I2cEncoder(1, 0x0F, False)  # noqa: E731
        if quadrature:
            encoder = lambda: GpioEncoder(board, pins([A, B], False))  # noqa: E731
        made = Makers(
            encoder,  # type: ignore[arg-type]
            lambda: GpioButton(board, 11, pins([BUTTON], True)),
            lambda: Oled(board),
        )
        self.panel = FrontPanel(board, self.clock, made)
        self.run(0.05)

    def run(self, seconds: float, period: float = 0.01) -> None:
        for _ in range(max(1, round(seconds / period))):
            while self.panel.step():
                pass
            self.clock.advance(period)
            self.kernel.now = self.clock.now()

    def button(self, down: bool) -> None:
        self.kernel.set(BUTTON, not down)

    def turn(self, direction: int) -> None:
        """Turn by one detent, contact by contact, a millisecond each."""
        states = [(False, True), (False, False), (True, False), (True, True)]
        for a, b in states if direction > 0 else states[2::-1] + states[3:]:
            self.kernel.now += 0.001
            self.kernel.set(A, a)
            self.kernel.set(B, b)

    def taken(self) -> List[Tuple[str, int]]:
        return [(action.kind, action.steps) for action in self.panel.take()]


def test_what_is_done_arrives_and_what_is_shown_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch)
    assert rig.panel.fault == ""
    rig.panel.show(noise(1), (10, 200, 30))
    rig.breakout.turn(2)
    rig.button(True)
    rig.run(0.02)
    rig.button(False)
    rig.run(0.05)
    assert rig.taken() == [(TURN, 2), (PRESS, 0), (RELEASE, 0)]
    assert rig.taken() == []
    assert rig.oled.picture() == rows(noise(1))
    assert rig.breakout.shown == (10, 200, 30)
    rig.panel.close()
    assert rig.busses.open == 0 and rig.kernel.open_descriptors == {}
    assert not rig.oled.on and rig.breakout.shown == (0, 0, 0)


def test_a_discrete_encoder_counts_each_detent(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch, quadrature=True)
    for direction in (1, 1, -1, 1, 1, 1):
        rig.turn(direction)
        rig.run(0.01)
    assert rig.taken() == [(TURN, step) for step in (1, 1, -1, 1, 1, 1)]


def test_a_bouncing_switch_is_one_press(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch)
    for down in (True, False, True, False, True):
        rig.button(down)
        rig.run(0.001, 0.001)
    rig.run(0.1)
    for down in (False, True, False):
        rig.button(down)
        rig.run(0.001, 0.001)
    rig.run(0.1)
    assert rig.taken() == [(PRESS, 0), (RELEASE, 0)]


def test_a_press_whose_pin_goes_away_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch)
    rig.button(True)
    rig.run(0.02)
    rig.kernel.gone = True
    rig.run(0.05)
    assert rig.taken() == [(PRESS, 0), (RELEASE, 0)]
    assert rig.panel.fault == "The button on pin 11: No such device; check its wires."


@pytest.mark.parametrize("part", ["oled", "breakout"])
def test_one_device_unplugged_leaves_the_others(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch)
    rig.panel.show(noise(1), (1, 2, 3))
    rig.run(0.1)
    chip = getattr(rig, part)
    chip.unplugged = True
    rig.panel.show(noise(2), (4, 5, 6))
    rig.run(0.5)
    rig.button(True)
    rig.run(0.05)
    assert (PRESS, 0) in rig.taken()
    names = {
        "oled": "The screen at 0x3C on I2C bus 1: ",
        "breakout": "The encoder at 0x0F on I2C bus 1: ",
    }
    assert rig.panel.fault.startswith(names[part])
    if part == "oled":
        rig.breakout.turn(5)
        rig.run(0.05)
        assert rig.taken() == [(TURN, 5)]
        assert rig.breakout.shown == (4, 5, 6)
        # What comes back has lost all it showed.
        rig.oled.memory = [bytearray(b"\x55" * 128) for _ in range(8)]
    else:
        assert rig.oled.picture() == rows(noise(2))
        rig.breakout.reset()
    chip.unplugged = False
    rig.run(12.0)
    assert rig.panel.fault == ""
    assert rig.oled.picture() == rows(noise(2))
    assert rig.breakout.shown == (4, 5, 6)
    rig.breakout.turn(-1)
    rig.run(0.05)
    assert (TURN, -1) in rig.taken()


def test_all_is_quiet_where_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch)
    rig.panel.show(noise(1), (1, 2, 3))
    rig.run(2.0)
    data, all_bytes = rig.oled.data_bytes, rig.busses.bytes
    rig.run(10.0)
    assert rig.oled.data_bytes == data
    # A look at the encoder takes four bytes, a hundred times a second, and once a second a look at its settings.
    assert rig.busses.bytes - all_bytes <= 4 * (1000 + 11)


def test_the_screen_falls_asleep_and_the_waking_click_does_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig(monkeypatch)
    rig.panel.show(noise(1), (1, 2, 3))
    rig.run(1.0)
    assert rig.oled.level == Board().screen_contrast
    rig.run(2 * MINUTE, 0.5)
    assert rig.oled.level == 8
    assert rig.oled.picture() == rows(noise(1))
    rig.run(3 * MINUTE, 0.5)
    assert sum(map(sum, rig.oled.picture())) == 4
    rig.run(15 * MINUTE, 0.5)
    assert not rig.oled.on
    quiet = rig.oled.data_bytes
    rig.panel.show(noise(2), (1, 2, 3))
    rig.run(MINUTE, 0.5)
    assert rig.oled.data_bytes == quiet
    rig.button(True)
    rig.run(0.05)
    rig.button(False)
    rig.run(1.1)
    assert rig.taken() == []
    assert rig.oled.on and rig.oled.level == Board().screen_contrast
    assert rig.oled.picture() == rows(noise(2))


def test_what_is_not_there_is_not_opened() -> None:
    nothing = makers(Board(encoder="none", screen="none"))
    assert nothing == Makers(None, None, None)
    clock = VirtualClock()
    panel = FrontPanel(Board(encoder="none", screen="none"), clock)
    panel.show(noise(1), (1, 2, 3))
    assert not panel.step()
    assert panel.fault == "" and panel.take() == []
    button: Optional[object] = makers(Board(button_pin=None)).button
    assert button is None


def test_without_any_hardware_each_device_says_so() -> None:
    clock = VirtualClock()
    panel = FrontPanel(Board(screen_bus=240, encoder_bus=241), clock)
    panel.step()
    for name in (
        "The screen at 0x3C on I2C bus 240: ",
        "The encoder at 0x0F on I2C bus 241: ",
        "The button",
    ):
        assert name in panel.fault
    panel.close()
