"""One table of the header: the configuration's defaults, the page and the netlist agree with it."""

import pytest

from hardware import pinout
from hardware.design import Design
from neurorave_device.machine.board import NANO_LINES, Board


def test_the_header_has_forty_pins_with_the_lines_of_the_nano() -> None:
    pins = pinout.header()
    assert [pin.number for pin in pins] == list(range(1, 41))
    assert {pin.number: pin.line for pin in pins if pin.line is not None} == dict(NANO_LINES)
    assert [p.number for p in pins if p.net == "GND"] == [6, 9, 14, 20, 25, 30, 34, 39]
    assert {p.number for p in pins if p.jetson == "5 V"} == {2, 4}


def test_the_defaults_of_the_configuration_are_those_of_the_header() -> None:
    decided = pinout.board_defaults()
    assert decided == {key: getattr(Board(), key) for key in decided}
    # Every key that names a pin, a bus or a chip select is among them.
    about_wires = {
        key for key in Board._fields if key.endswith(("_pin", "_pins", "_bus", "adc_device"))
    }
    assert set(decided) == about_wires


def test_the_header_of_the_netlist_is_this_one(module: Design) -> None:
    assert module.parts["J201"].pins == {str(pin.number): pin.net for pin in pinout.header()}


def test_an_entry_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="'gate_pins', allowed is key=number"):
        pinout._entry("gate_pins")
