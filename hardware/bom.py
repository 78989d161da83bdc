"""The bill of materials: what to buy, from the netlist."""

import csv
import io
from typing import Dict, List, Tuple

from hardware.design import Design, Part
from hardware.parts import maker_and_number

HEADINGS = ("quantity", "references", "value", "description", "maker", "part number", "footprint")
# Sold with or needed for a part, and on no net: (quantity, for which kinds, value, description, maker, part number).
_LOOSE: Tuple[Tuple[str, str, str, str, str], ...] = (
    ("range", "shunt", "jumper 2.54 mm", "Harwin", "M7582-05"),
    (
        "eurorack",
        "cable",
        "ribbon 2x5 to 2x8 for the rack's bus",
        "unbranded",
        "Eurorack power cable 10 to 16",
    ),
    (
        "header",
        "ribbon",
        "40 wires, 2x20 sockets at both ends, 100 mm at most",
        "unbranded",
        "IDC ribbon 2x20",
    ),
    (
        "outlet",
        "lead",
        "barrel plug 5.5 x 2.1 mm at an angle, 0.75 mm2, 150 mm",
        "unbranded",
        "DC lead 5.5x2.1",
    ),
    ("encoder", "knob", "15 mm, for a 6 mm shaft", "unbranded", "knob 6 mm"),
)


def groups(design: Design) -> Dict[Tuple[str, str], List[Part]]:
    """Return the parts by kind and value."""
    found: Dict[Tuple[str, str], List[Part]] = {}
    for part in design.parts.values():
        found.setdefault((part.kind, part.value), []).append(part)
    return found


def rows(design: Design) -> List[Tuple[str, ...]]:
    """Return the rows below the headings, parts of the netlist first."""
    listed: List[Tuple[str, ...]] = []
    for (kind, value), parts in groups(design).items():
        maker, number = maker_and_number(kind, value)
        references = " ".join(part.ref for part in parts)
        facts = parts[0].facts
        listed.append(
            (str(len(parts)), references, value, facts.description, maker, number, facts.footprint)
        )
    for kind, value, description, maker, number in _LOOSE:
        parts = [part for part in design.parts.values() if part.kind == kind]
        references = "for " + " ".join(part.ref for part in parts)
        listed.append((str(len(parts)), references, value, description, maker, number, ""))
    return listed


def text(design: Design) -> str:
    """Return bom.csv."""
    return as_csv([HEADINGS, *rows(design)])


def nets_text(design: Design) -> str:
    """Return nets.csv: what is connected to what, for whoever wires it."""
    lines: List[Tuple[str, ...]] = [("net", "pins")]
    for name, pins in design.nets().items():
        lines.append((name, " ".join(f"{ref}.{pin}" for ref, pin in pins)))
    lines += [
        ("(open)", f"{ref}.{pin}: {reason}") for (ref, pin), reason in design.open_pins.items()
    ]
    return as_csv(lines)


def as_csv(lines: List[Tuple[str, ...]]) -> str:
    """Return lines as a CSV file."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(lines)
    return out.getvalue()
