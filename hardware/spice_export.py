"""The netlist as text for ngspice: the decks in spice/ simulate what is in the netlist, and no value is typed twice.

Each stage becomes a file spice/stages/NAME.inc with its parts and the nets' own names. A part's value stands in
`tolerance(...)`, which models.inc turns into another value in each run of a Monte-Carlo simulation.
"""

from typing import Dict, List, NamedTuple, Tuple

from hardware.design import Design, Part
from hardware.parts import Unit

# File -> sheets. CV 1 and gate 1 stand for their kind; a test holds the others equal to them.
STAGES: Dict[str, Tuple[str, ...]] = {
    "cv": ("cv1",),
    "gate": ("gate1", "gates"),
    "output": ("out_l",),
    "references": ("references",),
    "supply": ("supply",),
}
# Relative tolerances of the parts: half the width of an even distribution.
TOLERANCES = {
    "resistor": "0.01",
    "capacitor": "0.05",
    "decoupling": "0.1",
    "electrolytic": "0.2",
    "choke": "0.2",
}
_HEADING = "* Made by `make hardware` from the netlist; sheets {}.\n"


class Element(NamedTuple):
    """One line of a SPICE netlist: name, nodes, and the rest (a value or a model)."""

    name: str
    nodes: Tuple[str, ...]
    rest: str

    def __str__(self) -> str:
        return " ".join((self.name, *self.nodes, self.rest))


def node(net: str) -> str:
    """Return a net's name in a deck."""
    return "0" if net == "GND" else net.lower()


def stage(design: Design, name: str) -> List[Element]:
    """Return the elements of a stage: the parts of its sheets, and those units of chips that they are wired to."""
    elements: List[Element] = []
    parts = design.sheet(*STAGES[name])
    for part in parts:
        elements += _elements(part)
    nets = {net for part in parts if not part.facts.units for net in part.pins.values()}
    nets -= {"GND", ""}
    for part in design.parts.values():
        for unit in part.facts.units:
            if part.pins[unit.out] in nets or part.pins[unit.plus] in nets:
                elements.append(_unit(part, unit))
    return elements


def texts(design: Design) -> Dict[str, str]:
    """Return the files of spice/stages/ by name."""
    return {
        f"{name}.inc": _HEADING.format(", ".join(sheets))
        + "".join(f"{element}\n" for element in stage(design, name))
        for name, sheets in STAGES.items()
    }


def _elements(part: Part) -> List[Element]:
    model, pins = part.facts.model, {pin: node(net) for pin, net in part.pins.items()}
    if model in ("R", "C", "L"):
        rest = "{tolerance(%s,%s)}" % (part.value, TOLERANCES[part.kind])
        return [Element(_name(model, part.ref), tuple(pins.values()), rest)]
    if model == "D":
        return [Element(part.ref, (pins["A"], pins["K"]), "d" + part.value.lower())]
    if model == "jack":
        # The deck says whether a plug is in: then the switch is open.
        return (
            [Element("R" + part.ref, (pins["TIP"], pins["SWITCH"]), "{plugged}")]
            if pins["SWITCH"]
            else []
        )
    if model == "range_jumper":
        return [
            Element(f"R{part.ref}A", (pins["BIPOLAR"], pins["COMMON"]), "{bipolar}"),
            Element(f"R{part.ref}B", (pins["UNIPOLAR"], pins["COMMON"]), "{unipolar}"),
        ]
    if model in ("lp2950", "reg78l05"):
        return [Element("X" + part.ref, (pins["IN"], pins["OUT"]), model)]
    if model == "buck":
        return [Element("X" + part.ref, (pins["VIN"], pins["VOUT"]), model)]
    if model == "fuse":
        return [Element("R" + part.ref, tuple(pins.values()), "{fuse_ohms}")]
    return []


def _unit(part: Part, unit: Unit) -> Element:
    inputs = [unit.plus] + ([unit.minus] if unit.minus else [])
    names = [*inputs, *part.facts.supply, unit.out]
    return Element(
        f"X{part.ref}{unit.letter}",
        tuple(node(part.pins[name]) for name in names),
        part.facts.model,
    )


def _name(letter: str, ref: str) -> str:
    return ref if ref.startswith(letter) else letter + ref
