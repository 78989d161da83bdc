"""The wiring's settings: defaults without a clash, and one sentence for each that cannot be."""

import json
from pathlib import Path
from typing import Any, Dict

import pytest

from neurorave_device.config import load_config
from neurorave_device.errors import UserError
from neurorave_device.machine.board import NANO_LINES, SCHEMA_PATH, Board, board_from, checked


def test_the_schema_has_just_the_keys_of_the_wiring_and_takes_its_defaults() -> None:
    with open(SCHEMA_PATH, encoding="utf-8") as file:
        keys = json.load(file)["properties"]
    assert list(keys) == list(Board._fields)
    defaults = json.loads(json.dumps(Board()._asdict()))
    assert board_from(checked("defaults", defaults)) == Board()


def test_every_arrangement_of_the_default_pins_is_without_a_clash() -> None:
    busses = {3, 5, 27, 28, 19, 21, 23, 24, 12, 35, 40}
    for encoder, interface in (("breakout", "i2c"), ("quadrature", "i2c"), ("breakout", "spi")):
        board = board_from(checked("test", {"encoder": encoder, "screen_interface": interface}))
        pins = [pin for _, pin in board.used_pins()]
        assert len(set(pins)) == len(pins)
        assert not busses & set(pins)


def test_lines_come_from_the_nano_or_from_the_file() -> None:
    assert Board().line(29) == NANO_LINES[29] == 149
    assert board_from(checked("test", {"gpio_lines": {29: 7}})).line(29) == 7
    with pytest.raises(UserError, match="pin 1 is no GPIO"):
        Board().line(1)


@pytest.mark.parametrize(
    "values,sentence",
    [
        ({"adc": 1}, "test: board: unknown key 'adc' (value 1), allowed are adc_bus, "),
        (
            {"adc_hz": 5},
            "test: board: adc_hz is 5, allowed is a whole number of Hz from 10000 to 2000000",
        ),
        (
            {"adc_channels": [0, 1, 1, 2]},
            "test: board: adc_channels is [0, 1, 1, 2], allowed is a list of four",
        ),
        (
            {"adc_reference": float("nan")},
            "test: board: adc_reference is nan, allowed is volts from 1 to 5.5",
        ),
        ({"encoder_address": 3}, "allowed is an I2C address from 8 to 119"),
        (
            {"screen": "st7789"},
            "test: board: screen is 'st7789', allowed is one of ssd1306, sh1106, none",
        ),
        ({"gate_pins": [29, 11]}, "test: board: pin 11 is given to gate_pins and to button_pin"),
        ({"gate_pins": [29, 1]}, "test: board: pin 1 is no GPIO of a Jetson Nano"),
        ({"gpio_lines": {"41": 3}}, "test: board: gpio_lines is {'41': 3}, allowed is header pins"),
        (
            {"encoder": "quadrature", "screen_interface": "spi"},
            "pin 15 is given to encoder_pins and to",
        ),
    ],
)
def test_what_cannot_be_is_one_sentence(values: Dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        checked("test", values)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_configuration_carries_the_wiring(tmp_path: Path) -> None:
    path = tmp_path / "module.yaml"
    path.write_text("board:\n  encoder_address: 0x18\n  gate_pins: [13, 16]\n", encoding="utf-8")
    config = load_config(str(path))
    board = board_from(json.loads(json.dumps(config.board)))
    assert board == Board(encoder_address=0x18, gate_pins=(13, 16))
    path.write_text("board: {gate_pins: 3}\n", encoding="utf-8")
    with pytest.raises(UserError, match="gate_pins is 3, allowed is a list of two"):
        load_config(str(path))
    path.write_text("board: wired\n", encoding="utf-8")
    with pytest.raises(
        UserError, match="board is 'wired', allowed is how the front panel is wired"
    ):
        load_config(str(path))
