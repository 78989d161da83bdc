"""What the circuit diagrams show is what the netlist says: every connection, every value."""

import re
from typing import Dict, List, Set, Tuple

import pytest

from hardware.design import Design
from hardware.schematic import Sheet
from hardware.sheets import SHEETS

# CV 1, gate 1 and the left output stand for the others; tests/hardware/test_netlist.py holds them alike.
TWINS = ("cv2", "cv3", "cv4", "gate2", "out_r")


@pytest.fixture(scope="module")
def drawn(module: Design) -> Dict[str, Sheet]:
    return {name: draw(module) for name, draw in SHEETS.items()}


def faults(module: Design, sheet: Sheet) -> List[str]:
    """Return where a picture and the netlist differ."""
    found = []
    groups = sheet.groups()
    places: Dict[str, List[bool]] = {}
    for group in groups:
        nets = {module.parts[ref].pins[pin] for ref, pin in group.pins}
        if nets == {""} and not group.names and len(group.pins) == 1:
            continue
        if len(nets | set(group.names)) != 1:
            found.append(f"{group} is on {sorted(nets)}")
        for net in nets:
            places.setdefault(net, []).append(bool(group.names))
    for net, named in places.items():
        if len(named) > 1 and not all(named):
            found.append(f"{net} is drawn in {len(named)} places, and not all carry its name")
    return found


@pytest.mark.parametrize("name", list(SHEETS))
def test_a_picture_connects_what_the_netlist_connects(
    module: Design, drawn: Dict[str, Sheet], name: str
) -> None:
    assert faults(module, drawn[name]) == []


def test_every_pin_is_drawn_once(module: Design, drawn: Dict[str, Sheet]) -> None:
    """But for those of twins, and supply pins, which are written beside the chip."""
    pins = [pin for sheet in drawn.values() for group in sheet.groups() for pin in group.pins]
    assert len(pins) == len(set(pins))
    expected: Set[Tuple[str, str]] = set()
    for part in module.parts.values():
        if part.sheet in TWINS:
            continue
        shown = set(part.pins) - set(part.facts.supply)
        for unit in part.facts.units:
            if (part.ref, unit.out) not in pins:
                shown -= {unit.plus, unit.minus, unit.out}
        expected |= {(part.ref, pin) for pin in shown}
    assert set(pins) == expected
    units = {
        ref + pin
        for ref, pin in pins
        if (ref in ("U2", "U4", "U5", "U6") and "OUT" in pin) or "Y" in pin
    }
    assert units == {"U2OUTA", "U4OUTA", "U51Y", "U52Y", "U6OUTA"}


def test_values_are_the_netlists(module: Design, drawn: Dict[str, Sheet]) -> None:
    text = drawn["cv"].svg()
    assert re.search(r">R12<", text) and re.search(r">30 k<", text) and re.search(r">4.7 nF<", text)
    assert "VDD = A3V3" in text


def test_a_wrong_picture_is_noticed(module: Design) -> None:
    sheet = Sheet(module)
    sheet.two("R11", (0, 0), (3, 0))
    sheet.name("CV1_TIP", (0, 0))
    sheet.two("R12", (4, 0), (7, 0))
    sheet.name("CV1_SUM", (3, 0))
    sheet.name("CV1_SUM", (4, 0))
    assert faults(module, sheet) == []
    sheet.wire((3, 0), (3, -1), (7, -1), (7, 0))
    (fault,) = faults(module, sheet)
    assert "CV1_AMP" in fault
    apart = Sheet(module)
    apart.two("R12", (0, 0), (3, 0))
    apart.two("C11", (0, 2), (3, 2))
    assert len(faults(module, apart)) == 2


def test_crossing_wires_do_not_touch(module: Design) -> None:
    sheet = Sheet(module)
    sheet.two("R11", (0, 0), (3, 0))
    sheet.wire((1, -1), (1, -2), (4, -2))
    sheet.wire((2, -3), (2, -1))
    sheet.two("R12", (4, -2), (7, -2))
    names = {group.pins for group in sheet.groups()}
    assert names == {(("R11", "A"),), (("R11", "B"),), (("R12", "A"),), (("R12", "B"),)}
