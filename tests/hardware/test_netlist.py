"""The netlist is sound, and each check finds the fault that it is there for."""

import re
import subprocess
import sys
from typing import Any, Dict, Tuple

import pytest

from hardware import checks, netlist, parts
from hardware.design import Design
from hardware.parts import KINDS
from neurorave_device.machine.board import Board


def test_nothing_is_against_the_netlist(module: Design) -> None:
    assert checks.faults(module) == []


def test_the_open_pins_are_these_and_no_others(module: Design) -> None:
    assert all(reason for reason in module.open_pins.values())
    others = {pin for pin in module.open_pins if pin[0] != "J201"}
    assert others == {
        ("U5", "5Y"), ("U5", "6Y"), ("J7", "SWITCH"), ("J8", "SWITCH"), ("A2", "INT"), ("A4", "EN"), ("A4", "PG"),
    }  # fmt: skip
    used = {part for ref, part in module.open_pins if ref == "J201"}
    assert used.isdisjoint(
        {"1", "3", "5", "11", "12", "19", "21", "23", "24", "29", "31", "35", "40"}
    )


def test_nets_are_what_was_asked_for(module: Design) -> None:
    """SKiDL's own account of the connections equals the one that all else is made from."""
    asked: Dict[str, set[Tuple[str, str]]] = {}
    for part in module.parts.values():
        for pin, net in part.pins.items():
            if net:
                asked.setdefault(net, set()).add((part.ref, pin))
    assert {name: set(pins) for name, pins in module.nets().items()} == asked


def test_resistors_are_stocked_values(module: Design) -> None:
    for part in module.parts.values():
        if part.kind == "resistor":
            digits = float(f"{part.number:.6e}".split("e")[0])
            assert min(abs(digits - step) for step in parts.E24) < 1e-9, part


def test_the_defaults_of_the_board_are_the_values_of_the_parts(module: Design) -> None:
    board = Board()
    supply = board.adc_reference
    for n, channel in zip(netlist.CVS, board.adc_channels):
        gain = module.number(f"R{n}2") / module.number(f"R{n}1")
        reference = supply * _part_of(module, "R91", "R92")
        assert board.cv_slope == pytest.approx(-gain)
        assert board.cv_zero == pytest.approx(reference * (1 + gain))
        assert module.parts["U1"].pins[f"CH{channel}"] == f"CV{n}_ADC"
    unipolar = supply * _part_of(module, "R93", "R94") * (1 + gain)
    assert f"`cv_zero` is {unipolar:.3f}" in str(Board.__doc__)


def _part_of(module: Design, upper: str, lower: str) -> float:
    return module.number(lower) / (module.number(upper) + module.number(lower))


def test_the_four_cvs_two_gates_and_two_outputs_are_alike(module: Design) -> None:
    for first, number, others in (("1", "CV1", "234"), ("5", "GATE1", "6"), ("7", "L", "8")):
        for other in others:
            renamed = {"CV1": f"CV{other}", "GATE1": "GATE2", "L": "R"}[number]
            for part in module.parts.values():
                found = re.match(rf"([A-Z]+){first}(\d?)$", part.ref)
                if found is None or part.sheet not in ("cv1", "gate1", "out_l"):
                    continue
                twin = module.parts[f"{found.group(1)}{other}{found.group(2)}"]
                pattern = rf"(?<![A-Z0-9]){number}(?![A-Z0-9])"
                expected = {
                    pin: re.sub(pattern, renamed, net.replace("_", " ")).replace(" ", "_")
                    for pin, net in part.pins.items()
                }
                assert (twin.kind, twin.value, twin.pins) == (part.kind, part.value, expected)


# Wrong connections, all made at once, and what has to be said about them.
FAULTS: Tuple[Tuple[str, Dict[str, str], str], ...] = (
    # The predecessor's fault: the converter's bit clock alone on its net.
    ("A1", {"SCK": "I2S_BCK", "BCK": "DAC_BCK"}, "net DAC_BCK has one pin, A1 BCK"),
    ("A2", {"INT": "INT"}, "net INT has one pin"),
    ("A2", {"INT": "INT"}, "A2 pin INT is called open and is not"),
    ("U6", {"OUTB": ""}, "U6 pin OUTB is open and nobody says why"),
    ("U2", {"VDD": "P12A"}, "U2 VDD is on P12A, not on A3V3"),
    ("A3", {"VCC": "A5V"}, "A3 VCC is on A5V, not on J3V3"),
    ("J201", {"31": "GATE1"}, "header pin 31 is on GATE1, pinout.csv says GATE2"),
    ("J201", {"2": "P5"}, "header pin 2 (5 V of the kit) is connected to P5"),
    ("R203", {"A": "P5"}, "header pin 11 (SWITCH) is connected to P5"),
    ("R54", {"A": "GATE1_TIP"}, "header pin 29 (GATE1) is connected to GATE1_TIP"),
    ("R202", {"A": "A5V"}, "header pin 21 (ADC_MISO) is connected to A5V"),
    # Two outputs on one net, and an input that nobody drives: SKiDL's own rules.
    ("U5", {"4Y": "GATE1_INV"}, "ERROR: Pin conflict on net GATE1_INV"),
    ("C205", {"A": "LONELY"}, "WARNING: Only one pin"),
)


def test_each_check_finds_its_fault(monkeypatch: Any) -> None:
    changes: Dict[str, Dict[str, str]] = {}
    for ref, pins, _ in FAULTS:
        changes.setdefault(ref, {}).update(pins)
    original = Design.place

    def place(
        self: Design, kind: str, ref: str, value: str, sheet: str, pins: Dict[str, str], *extra: Any
    ) -> Any:
        return original(self, kind, ref, value, sheet, {**pins, **changes.get(ref, {})}, *extra)

    monkeypatch.setattr(Design, "place", place)
    found = checks.faults(netlist.build())
    for _, _, sentence in FAULTS:
        assert any(sentence in fault for fault in found), (sentence, found)


def test_a_part_that_cannot_be_bought_or_is_half_wired_is_refused() -> None:
    design = Design()
    with pytest.raises(KeyError):
        design.place("capacitor", "C1", "3.9n", "x", {"A": "N1", "B": "N2"})
    with pytest.raises(ValueError, match="C1: has pins"):
        design.place("capacitor", "C1", "10n", "x", {"A": "N1"})


def test_kinds_have_no_pin_twice() -> None:
    for name, kind in KINDS.items():
        for column in (0, 1):
            names = [pin[column] for pin in kind.pins]
            assert len(set(names)) == len(names), name


def test_the_command_writes_kicads_netlist_and_nothing_else(
    tmp_path: Any, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["netlist", "--kicad", "module.net"])
    assert netlist.main() == 0
    assert [path.name for path in tmp_path.iterdir()] == ["module.net"]
    text = (tmp_path / "module.net").read_text("utf-8")
    references = re.findall(r'\(comp\s+\(ref "(\w+)"\)', text)
    assert len(references) == len(set(references)) > 100
    nets = set(re.findall(r'\(name "([A-Z0-9_]+)"\)', text))
    assert {"CV1_SUM", "GATE_REF", "I2S_BCK", "P12_BUCK"} <= nets
    assert "MCP6004-I/P" in text and "Package_DIP:DIP-14_W7.62mm" in text


def test_other_libraries_keep_their_loggers() -> None:
    # Whoever logs an object that is no string would fail with SKiDL's.
    script = (
        "import logging; from hardware.skidl_quiet import load; load(); "
        "assert logging.getLoggerClass() is logging.Logger"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
