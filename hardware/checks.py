"""What must hold for the netlist: electrical rules, no lonely pins, the right rails, only 3.3 V for the Jetson."""

from typing import Dict, List, Set

from hardware import pinout, skidl_quiet
from hardware.design import Design

# Signals of the header may meet these rails and no other.
_LOW_RAILS = {"GND", "J3V3", "A3V3"}
# Which rail each supply pin belongs to; a part that is missing here is a fault.
RAILS: Dict[str, Dict[str, str]] = {
    "U1": {"VDD": "A3V3", "VREF": "A3V3", "AGND": "GND", "DGND": "GND"},
    "U2": {"VDD": "A3V3", "VSS": "GND"},
    "U4": {"VDD": "J3V3", "VSS": "GND"},
    "U5": {"VCC": "J3V3", "GND": "GND"},
    "U6": {"VCC+": "P12A", "VCC-": "N12"},
    "U7": {"IN": "A5V", "GND": "GND", "OUT": "A3V3"},
    "U8": {"IN": "P12A", "GND": "GND", "OUT": "A5V"},
    "A1": {"VIN": "A5V", "GND": "GND", "AGND": "GND", "AGND2": "GND", "A3V3": "DAC_3V3"},
    "A2": {"VCC": "J3V3", "GND": "GND"},
    "A3": {"VCC": "J3V3", "GND": "GND"},
    "A4": {"VIN": "P12_BUCK", "GND": "GND", "VOUT": "P5"},
}
# What passes a voltage on.
_PASSIVE = frozenset(
    "resistor capacitor decoupling electrolytic diode schottky light fuse choke jack range button".split()
)
# 5 V and more.
_HIGH = {
    "P12_RACK",
    "P12_FUSED",
    "P12",
    "P12A",
    "P12_BUCK",
    "P5",
    "A5V",
    "N12",
    "N12_FUSED",
    "N12_RACK",
}


def faults(design: Design) -> List[str]:
    """Return a sentence for each fault; an empty list for a sound netlist."""
    return (
        skidl_quiet.electrical_rules(design.circuit)
        + single_pins(design)
        + open_pins(design)
        + wrong_rails(design)
        + header_faults(design)
    )


def single_pins(design: Design) -> List[str]:
    """Return the nets that connect nothing: with one the predecessor's converter had no clock."""
    return [
        f"net {name} has one pin, {pins[0][0]} {pins[0][1]}"
        for name, pins in design.nets().items()
        if len(pins) < 2
    ]


def open_pins(design: Design) -> List[str]:
    """Return the pins that are open without a reason, and the reasons without an open pin."""
    found = {
        (part.ref, pin)
        for part in design.parts.values()
        for pin, net in part.pins.items()
        if not net
    }
    listed = set(design.open_pins)
    return [
        f"{ref} pin {pin} is open and nobody says why" for ref, pin in sorted(found - listed)
    ] + [f"{ref} pin {pin} is called open and is not" for ref, pin in sorted(listed - found)]


def wrong_rails(design: Design) -> List[str]:
    """Return the chips whose supply pins are not on the rail that they belong to."""
    wrong = []
    for part in design.parts.values():
        supplied = [name for _, name, kind in part.facts.pins if kind in ("PWRIN", "PWROUT")]
        if supplied and not set(supplied) <= set(RAILS.get(part.ref, ())):
            wrong.append(f"{part.ref} has supply pins {supplied} and no rails in checks.RAILS")
        for pin, rail in RAILS.get(part.ref, {}).items():
            if part.pins[pin] != rail:
                wrong.append(f"{part.ref} {pin} is on {part.pins[pin]}, not on {rail}")
    return wrong


def header_faults(design: Design) -> List[str]:
    """Return header pins that differ from the pin-out, and signals that more than 3.3 V can reach past all chips.

    A way leads through resistors, capacitors, chokes, fuses, diodes and switches. It ends at ground and at the two
    supplies of 3.3 V.
    """
    header = design.parts["J201"]
    wrong = [
        f"header pin {pin.number} is on {header.pins[str(pin.number)] or 'nothing'}, "
        f"pinout.csv says {pin.net or 'nothing'}"
        for pin in pinout.header()
        if header.pins[str(pin.number)] != pin.net
    ]
    tips = {part.pins["TIP"] for part in design.parts.values() if part.kind == "jack"}
    for pin in pinout.header():
        net = header.pins[str(pin.number)]
        if not net or pin.direction == "power":
            continue
        met = _reach(design, net) & (_HIGH | tips)
        if met:
            wrong.append(
                f"header pin {pin.number} ({net}) is connected to {', '.join(sorted(met))}"
            )
    for number in ("2", "4"):
        if header.pins[number]:
            wrong.append(
                f"header pin {number} (5 V of the kit) is connected to {header.pins[number]}"
            )
    return wrong


def _reach(design: Design, start: str) -> Set[str]:
    """Return the nets that a net touches, through parts of two or three pins."""
    reached, waiting = set(), [start]
    while waiting:
        net = waiting.pop()
        if net in reached:
            continue
        reached.add(net)
        if net in _LOW_RAILS:
            continue
        for part in design.parts.values():
            if part.kind in _PASSIVE and net in part.pins.values():
                waiting += [other for other in part.pins.values() if other]
    return reached
