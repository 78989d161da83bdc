"""The front panel at work: on the face in virtual time, and in the real module on a machine without any hardware."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Dict, List

import pytest

from neurorave_device.config import Config, load_given
from neurorave_device.errors import UserError
from neurorave_device.face.face import Face
from neurorave_device.face.led import FAULT_LIGHT, PLAYING_LIGHT, WARNING_LIGHT, colour_now
from neurorave_device.face.link import FAULT
from neurorave_device.face_process.front_wiring import FrontWiring
from neurorave_device.launch import daemon
from neurorave_device.machine.board import Board

from .fake_link import FakeLink
from .test_front_panel import Rig
from .test_oled import rows
from .toy import TOY


class Wired(Rig):
    """A front panel on fake chips, wired to a face on a fake module."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wiring = None
        super().__init__(monkeypatch)
        self.link = FakeLink(self.clock)
        self.face = Face(self.link)
        self.said: List[str] = []
        self.wiring = FrontWiring(self.panel, self.face, self.said.append)
        self.run(1.0)

    def run(self, seconds: float, period: float = 0.01) -> None:
        for _ in range(max(1, round(seconds / period))):
            if self.wiring is not None:
                self.wiring.follow(self.clock.now())
            super().run(period, period)


def test_turns_and_clicks_reach_the_menu_and_its_picture_the_screen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Wired(monkeypatch)
    assert rig.oled.picture() == rows(rig.face.picture)
    play = rig.oled.picture()
    rig.button(True)
    rig.run(0.1)
    rig.button(False)
    rig.run(0.3)
    menu = rig.oled.picture()
    assert menu != play
    rig.breakout.turn(1)
    rig.run(0.3)
    assert rig.oled.picture() not in (menu, play)
    assert rig.oled.picture() == rows(rig.face.picture)
    # Held for 0.7 s it goes home.
    rig.button(True)
    rig.run(0.9)
    rig.button(False)
    rig.run(0.3)
    assert rig.oled.picture() == play
    assert rig.said == []


def test_a_detent_is_seen_within_a_tenth_of_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Wired(monkeypatch)
    rig.button(True)
    rig.run(0.1)
    rig.button(False)
    rig.run(0.5)
    for number in range(20):
        # At any moment of the face's own rhythm.
        rig.run(0.5 + 0.007 * number)
        before = rig.oled.picture()
        rig.breakout.turn(-1 if number % 2 else 1)
        took = 0.0
        while rig.oled.picture() == before:
            rig.run(0.01)
            took += 0.01
            assert took < 0.1


def test_the_light_shows_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Wired(monkeypatch)
    assert rig.breakout.shown == colour_now(PLAYING_LIGHT, rig.clock.now())
    rig.link.state = FAULT
    shown = set()
    for _ in range(150):
        rig.run(0.01)
        shown.add(rig.breakout.shown)
    assert shown == {FAULT_LIGHT.colour, (0, 0, 0)}


def test_a_fault_is_on_the_screen_and_told_when_it_begins_and_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Wired(monkeypatch)
    play = rig.oled.picture()
    rig.breakout.unplugged = True
    rig.run(0.5)
    assert rig.oled.picture() != play
    rig.run(30.0)
    assert rig.said == [
        "The encoder at 0x0F on I2C bus 1: No such device or address; "
        "check its cable, and `i2cdetect -y -r 1`."
    ]
    # Another device's fault does not say the first one's again.
    rig.oled.unplugged = True
    rig.link.set_jack(1, volts=3.0)
    rig.run(1.0)
    rig.oled.unplugged = False
    rig.run(12.0)
    assert len(rig.said) == 3
    assert rig.said[1].startswith("The screen at 0x3C on I2C bus 1: ")
    assert rig.said[2].startswith("This is over: The screen at 0x3C on I2C bus 1: ")
    rig.breakout.unplugged = False
    rig.run(12.0)
    assert rig.said[3:] == [
        "This is over: The encoder at 0x0F on I2C bus 1: No such device or address."
    ]
    rig.breakout.unplugged = True
    rig.run(1.0)
    assert len(rig.said) == 5


def test_the_module_plays_on_a_board_without_anything_plugged_in() -> None:
    # The test's packages come without it, since it has to be compiled.
    pytest.importorskip("spidev", reason="spidev is not installed: pip install spidev")
    command = [sys.executable, "-m", "neurorave_device.cli", "run", "--bundle", TOY]
    done = subprocess.run(
        command + ["--panel", "jetson", "--audio", "null", "--port", "0", "--seconds", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "2.0 s played" in done.stdout
    assert "The encoder at 0x0F on I2C bus 1: " in done.stderr
    assert "The screen at 0x3C on I2C bus 1: " in done.stderr


@pytest.mark.parametrize("missing", ["spidev", "smbus2", "luma.oled"])
def test_a_missing_package_is_told_before_the_start(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec

    def find_spec(name: str) -> object:
        return None if name == missing else found("json")

    monkeypatch.setattr(daemon.importlib.util, "find_spec", find_spec)
    with pytest.raises(UserError, match="needs the package %s for " % missing):
        daemon.check(Config(bundle=TOY, panel="jetson"))
    if missing != "spidev":
        board = {"screen": "none", "encoder": "none"}
        daemon.check(Config(bundle=TOY, panel="jetson", board=board))


@pytest.mark.parametrize(
    "missing,rack,line,told",
    [
        ("spidev", "panel: jetson", {}, "{0}: panel: jetson needs the package spidev for the CV "),
        ("spidev", "", {"panel": "jetson"}, "--panel jetson needs the package spidev for the CV "),
        # The command line wins.
        (
            "spidev",
            "panel: replay",
            {"panel": "jetson"},
            "--panel jetson needs the package spidev for the CV inputs: run ",
        ),
        (
            "smbus2",
            "board: {screen: sh1106}",
            {"panel": "jetson"},
            "--panel jetson needs the package smbus2 for board: encoder: breakout: run ",
        ),
        (
            "luma.oled",
            "panel: jetson\nboard: {screen: sh1106}",
            {},
            "{0}: panel: jetson needs the package luma.oled for {0}: board: screen: sh1106: run ",
        ),
        (
            "sounddevice",
            "audio: soundcard",
            {},
            "the sound card ({0}: audio: soundcard) needs it: ",
        ),
        (
            "sounddevice",
            "",
            {"panel": "audio"},
            "the sound card with the jacks (--panel audio) needs it: ",
        ),
    ],
)
def test_a_missing_package_is_told_with_what_asks_for_it(
    missing: str,
    rack: str,
    line: Dict[str, str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = importlib.util.find_spec

    def find_spec(name: str) -> object:
        return None if name == missing else found("json")

    path = tmp_path / "rack.yaml"
    path.write_text(rack)
    config, sources = load_given(str(path), dict(line, bundle=TOY))
    monkeypatch.setattr(daemon.importlib.util, "find_spec", find_spec)
    with pytest.raises(UserError) as caught:
        daemon.check(config, sources)
    assert told.format(path) in str(caught.value)
    assert missing in str(caught.value)


def test_no_module_needs_hardware_packages_to_be_imported() -> None:
    modules = (
        "inputs.jetson face_process.front_wiring front_panel.oled front_panel.i2c_encoder "
        "sound_process.sound face_process.process"
    )
    lines = ["import importlib, sys"]
    lines += ["sys.modules[%r] = None" % name for name in ("spidev", "smbus2", "luma", "Jetson")]
    lines += ["importlib.import_module('neurorave_device.%s')" % name for name in modules.split()]
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True, timeout=60)


def test_the_settings_of_screen_and_light_act(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Wired(monkeypatch)
    full = Board().screen_contrast
    assert rig.oled.level == round(0.8 * full)
    rig.link.set("screen.contrast", 0.5)
    rig.link.set("encoder.light", 0.5)
    rig.run(0.2)
    assert rig.oled.level == round(0.5 * full)
    assert rig.breakout.shown == colour_now(PLAYING_LIGHT, rig.clock.now(), 0.5)
    rig.link.set("encoder.light", 0.0)
    rig.run(0.2)
    assert rig.breakout.shown == (0, 0, 0)
    # Blank after one minute instead of twenty; the click that wakes it is swallowed.
    rig.link.set("screen.blank", 1.0)
    rig.link.set("screen.saver", 0.0)
    rig.run(50.0, 0.1)
    assert rig.oled.on
    rig.run(15.0, 0.1)
    assert not rig.oled.on
    rig.button(True)
    rig.run(0.1)
    rig.button(False)
    rig.run(0.3)
    assert rig.oled.on and rig.face.menu.level == 1
    rig.button(True)
    rig.run(0.1)
    rig.button(False)
    rig.run(0.3)
    assert rig.face.menu.level == 2


def test_a_missing_device_is_warned_of_by_the_light(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Wired(monkeypatch)
    assert rig.face.light(rig.clock.now()) is PLAYING_LIGHT
    rig.oled.unplugged = True
    rig.link.set_jack(1, volts=3.0)
    rig.run(1.0)
    assert rig.face.light(rig.clock.now()) is WARNING_LIGHT
    rig.oled.unplugged = False
    rig.run(15.0)
    assert rig.face.light(rig.clock.now()) is PLAYING_LIGHT
