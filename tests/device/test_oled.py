"""Screens through the real luma.oled, whose bytes arrive at chips that know their commands."""

import random
import sys
import types
from typing import Any, List

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.drivers.device import Retried
from neurorave_device.front_panel.oled import Oled, place
from neurorave_device.front_panel.painter import Painter
from neurorave_device.front_panel.protocols import stripes
from neurorave_device.front_panel.saver import saver_picture
from neurorave_device.machine.board import Board

from .fake_smbus import FakeBusses, FakeOled
from .test_gpio_lines import FakeJetson

KINDS = ("ssd1306", "sh1106")


def rows(picture: bytes) -> List[List[int]]:
    """Return the 64 rows of 128 points of a picture as the face makes it."""
    bits = [byte >> (7 - bit) & 1 for byte in picture for bit in range(8)]
    return [bits[row * 128 : row * 128 + 128] for row in range(64)]


def noise(seed: int) -> bytes:
    random_one = random.Random(seed)
    return bytes(random_one.randrange(256) for _ in range(1024))


class Rig:
    """A screen on a bus, and a painter for it."""

    def __init__(self, kind: str, monkeypatch: pytest.MonkeyPatch, rotated: bool = False) -> None:
        import smbus2

        self.chip = FakeOled(kind == "sh1106")
        self.busses = FakeBusses({0x3C: self.chip})
        monkeypatch.setattr(smbus2, "SMBus", self.busses)
        self.board = Board(screen=kind, screen_rotated=rotated)
        self.screen = Oled(self.board)
        self.painter = Painter(rotated)
        self.now = 0.0

    def send(self) -> int:
        """Send all that there is to send; return how many bytes that took on the bus."""
        before = self.busses.bytes
        while True:
            piece = self.painter.piece(self.now)
            if piece is None:
                return self.busses.bytes - before
            self.screen.write(*piece)
            self.painter.sent(piece)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rotated", [False, True])
def test_what_is_shown_is_the_picture(
    kind: str, rotated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(kind, monkeypatch, rotated)
    assert rig.chip.on
    assert rig.chip.picture() == rows(bytes(1024))
    for seed in range(3):
        rig.painter.show(noise(seed))
        rig.send()
        wanted = rows(noise(seed))
        if rotated:
            wanted = [row[::-1] for row in wanted[::-1]]
        assert rig.chip.picture() == wanted


@pytest.mark.parametrize(
    "kind,full,point", [("ssd1306", 8 * (8 + 130), 8 + 3), ("sh1106", 8 * (5 + 130), 5 + 3)]
)
def test_bytes_on_the_bus(
    kind: str, full: int, point: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(kind, monkeypatch)
    rig.painter.show(b"\xff" * 1024)
    assert rig.send() == full
    rig.painter.show(b"\xff" * 1024)
    assert rig.send() == 0
    rig.painter.show(b"\xff" * 1023 + b"\xfe")
    assert rig.send() == point


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 50), max_size=40), st.integers(1, 9))
def test_after_any_pictures_cut_short_the_last_one_is_seen(seeds: List[int], pieces: int) -> None:
    painter = Painter()
    shown = [bytearray(128) for _ in range(8)]
    now = 0.0

    def send(most: int) -> None:
        for _ in range(most):
            piece = painter.piece(now)
            if piece is None:
                return
            shown[piece.stripe][piece.column : piece.column + len(piece.points)] = piece.points
            painter.sent(piece)

    for seed in seeds:
        painter.show(noise(seed))
        send(pieces)
        now += 0.02
    now += 1.0
    send(9)
    assert [bytes(row) for row in shown] == (
        stripes(noise(seeds[-1])) if seeds else [bytes(128)] * 8
    )


def test_at_most_fifteen_pictures_a_second_and_no_wait_for_a_single_one() -> None:
    painter = Painter()
    sent: List[float] = []
    for step in range(3000):
        now = 0.001 * step
        # Each is one piece.
        painter.show(bytes([1 + step % 250]) + bytes(1023))
        piece = painter.piece(now)
        if piece is not None:
            painter.sent(piece)
            sent.append(now)
    assert len(sent) == 3 * 15
    assert all(later - first >= 0.9999 for first, later in zip(sent, sent[15:]))
    assert sent[0] == 0.0
    painter.show(b"\xff" * 1024)
    assert painter.piece(4.5) is not None


@pytest.mark.parametrize("kind", KINDS)
def test_contrast_sleep_and_end(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(kind, monkeypatch)
    rig.painter.show(noise(1))
    rig.send()
    rig.screen.contrast(9)
    assert rig.chip.level == 9
    rig.screen.power(False)
    assert rig.chip.picture() == rows(bytes(1024))
    rig.screen.power(True)
    assert rig.chip.picture() == rows(noise(1))
    rig.screen.close()
    assert not rig.chip.on
    assert rig.busses.open == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fails", [0, 1, 3, 5, 9])
def test_a_screen_that_breaks_off_is_opened_again(
    kind: str, fails: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(kind, monkeypatch)
    rig.screen.close()
    kept = Retried(*place(rig.board), opening=lambda: Oled(rig.board))
    rig.chip.fail_after = fails
    for number in range(12):
        kept.use(0.0, lambda screen, number=number: screen.contrast(number))  # type: ignore[misc]
    assert "The screen at 0x3C on I2C bus 1: " in kept.fault
    assert "check its cable, and `i2cdetect -y -r 1`." in kept.fault
    assert rig.busses.open == 0
    rig.chip.fail_after = None
    kept.use(1.0, lambda screen: screen.contrast(55))
    assert rig.chip.level == 55 and rig.chip.on
    kept.close()
    assert rig.busses.open == 0


def test_nothing_at_the_address_and_no_such_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig("ssd1306", monkeypatch)
    for board, words in (
        (Board(screen_address=0x3D), "The screen at 0x3D on I2C bus 1: No such device or address"),
        (Board(screen_bus=7), "The screen at 0x3C on I2C bus 7: I2C device not found"),
    ):
        kept = Retried(*place(board), opening=lambda board=board: Oled(board))  # type: ignore[misc]
        assert kept.use(0.0, lambda screen: True) is None
        assert kept.fault.startswith(words), kept.fault
    assert rig.busses.open == 1


class FakeSpiBus:
    """spidev as luma uses it for a screen: D/C says whether a byte is a command."""

    def __init__(self, chip: FakeOled, pins: Any) -> None:
        self.chip = chip
        self.pins = pins
        self.opened = False

    def open(self, port: int, device: int) -> None:
        assert (port, device) == (1, 0)
        self.opened = True

    def writebytes(self, data: List[int]) -> None:
        assert self.opened and self.pins.level[36] == 1, "it is held in reset"
        self.chip.block(0x40 if self.pins.level[15] else 0x00, list(data))

    def close(self) -> None:
        self.opened = False

    max_speed_hz = 0


class FakeOutputs(FakeJetson):
    """Jetson.GPIO with outputs."""

    OUT, LOW, HIGH = 0, 0, 1

    def __init__(self) -> None:
        super().__init__({})
        self.level = {}  # type: ignore[var-annotated]

    def setup(self, pin: int, direction: int) -> None:
        assert self.mode and direction == self.OUT
        self.set_up.append(pin)

    def output(self, pin: int, level: int) -> None:
        assert pin in self.set_up
        self.level[pin] = level


@pytest.mark.parametrize("kind", KINDS)
def test_a_screen_on_spi(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pins = FakeOutputs()
    package: Any = types.ModuleType("Jetson")
    package.GPIO = pins
    monkeypatch.setitem(sys.modules, "Jetson", package)
    monkeypatch.setitem(sys.modules, "Jetson.GPIO", pins)
    chip = FakeOled(kind == "sh1106")
    bus = FakeSpiBus(chip, pins)
    spidev: Any = types.ModuleType("spidev")
    spidev.SpiDev = lambda: bus
    monkeypatch.setitem(sys.modules, "spidev", spidev)
    board = Board(screen=kind, screen_interface="spi", screen_bus=1)
    screen = Oled(board)
    screen.write(3, 5, b"\x01\x80")
    seen = chip.picture()
    assert seen[24][5] == 1 and seen[31][6] == 1 and sum(map(sum, seen)) == 2
    assert place(board)[0] == "The screen on /dev/spidev1.0"
    screen.close()
    assert not bus.opened and not chip.on


def test_the_saver_is_one_dot_that_has_been_everywhere() -> None:
    lit = np.zeros((64, 128), int)
    for step in range(64 * 32):
        picture = np.frombuffer(saver_picture(8.0 * step), np.uint8)
        points = np.unpackbits(picture).reshape(64, 128)
        assert points.sum() == 4
        lit += points
    assert (lit == 1).all()
