"""A page of a circuit diagram that remembers what it has drawn, so that a test can compare it with the netlist.

Parts are placed by hand; references and values come from the netlist. What is connected in the picture is what touches:
ends of wires and pins at one point or on a wire, and everything that carries the same net's name.
"""

from itertools import pairwise
from typing import Any, Dict, List, NamedTuple, Tuple

import schemdraw
import schemdraw.elements as elm
from schemdraw import logic

from hardware.design import Design

Point = Tuple[float, float]
Pin = Tuple[str, str]
_SYMBOLS = {
    "resistor": elm.ResistorIEC,
    "capacitor": elm.Capacitor,
    "decoupling": elm.Capacitor,
    "electrolytic": elm.Capacitor2,
    "diode": elm.Diode,
    "schottky": elm.Schottky,
    "light": elm.LED,
    "fuse": elm.Fuse,
    "choke": elm.Inductor2,
    "button": elm.Button,
}
# Which pin a symbol's `start` is, where that is not the first.
_STARTS = {"diode": "A", "schottky": "A", "light": "A"}
_UNITS = {"p": "pF", "n": "nF", "u": "µF"}
_SMALL = 11


class Group(NamedTuple):
    """What touches in the picture: pins, and the nets' names that stand there."""

    pins: Tuple[Pin, ...]
    names: Tuple[str, ...]


class Sheet:
    """A drawing in schemdraw's units (a resistor is 3 long), y upwards."""

    def __init__(self, design: Design) -> None:
        schemdraw.use("svg")
        schemdraw.svgconfig.text = "text"
        self._design = design
        self._drawing = schemdraw.Drawing(show=False)
        self._drawing.config(fontsize=12, lw=1.4)
        self._pins: List[Tuple[Pin, Point]] = []
        self._names: List[Tuple[str, Point]] = []
        self._wires: List[Tuple[Point, Point]] = []

    def two(self, ref: str, start: Point, end: Point, label: str = "top") -> None:
        """Draw a part of two pins from `start` (the first pin, or the anode) to `end`."""
        part = self._design.parts[ref]
        drawn = (
            _SYMBOLS[part.kind]()
            .at(start)
            .to(end)
            .label(f"{ref}\n{self._value(ref)}", label, fontsize=_SMALL)
        )
        self._drawing.add(drawn)
        first = _STARTS.get(part.kind, next(iter(part.pins)))
        second = next(pin for pin in part.pins if pin != first)
        self._pin(ref, first, start)
        self._pin(ref, second, end)

    def jack(self, ref: str, at: Point, name: str, output: bool = False) -> Dict[str, Point]:
        """Draw a jack with its contacts to the right (of an output to the left) and return where they are."""
        element = elm.AudioJack(switch=True).right()
        element = element.at(at).reverse() if output else element.at(at)
        drawn = self._drawing.add(element)
        self._text((at[0] + (1.0 if output else -1.0), at[1] + 2.0), f"{ref} {name}")
        spots = {}
        for pin, anchor in (("TIP", "tip"), ("SLEEVE", "sleeve"), ("SWITCH", "tipswitch")):
            spots[pin] = self._spot(drawn, anchor)
            self._pin(ref, pin, spots[pin])
        return spots

    def amplifier(
        self, ref: str, letter: str, minus: Point, flipped: bool = False
    ) -> Dict[str, Point]:
        """Draw an amplifier or comparator with its inverting input at `minus`; return where its pins are."""
        element = elm.Opamp().right().at(minus).anchor("in1")
        drawn = self._drawing.add(element.flip() if flipped else element)
        centre = drawn.absanchors["center"]
        self._text((centre[0] - 0.15, centre[1] - 0.1), f"{ref}{letter}", 9)
        pins = {f"IN{letter}-": "in1", f"IN{letter}+": "in2", f"OUT{letter}": "out"}
        return self._all(ref, drawn, pins)

    def inverter(self, ref: str, letter: str, at: Point) -> Dict[str, Point]:
        """Draw a Schmitt inverter with its input at `at`; return where its pins are."""
        drawn = self._drawing.add(logic.SchmittNot().at(at).anchor("in1").right())
        self._text((at[0] + 0.7, at[1] + 0.9), f"{ref} {letter}", 9)
        return self._all(ref, drawn, {f"{letter}A": "in1", f"{letter}Y": "out"})

    def block(
        self,
        ref: str,
        at: Point,
        left: List[str],
        right: List[str],
        title: str = "",
        shown: Any = None,
    ) -> Dict[str, Point]:
        """Draw a chip or module as a box with some of its pins; return where they are.

        `shown` says what is written at a pin, where that is not its name.
        """
        numbers = {name: number for number, name, _ in self._design.parts[ref].facts.pins}
        shown = shown or {}
        # schemdraw counts from below.
        pins = [
            elm.IcPin(
                name=shown.get(name, name),
                pin=numbers.get(name, name),
                side=side,
                anchorname=f"at_{side}_{place}",
            )
            for side, names in (("left", left), ("right", right))
            for place, name in reversed(list(enumerate(names)))
        ]
        element = elm.Ic(pins=pins, edgepadW=1.2, pinspacing=1.0, lblsize=11, plblsize=8)
        drawn = self._drawing.add(element.right().at(at).anchor("center"))
        top = drawn.get_bbox(transform=True, includetext=False).ymax
        self._text((at[0], top + 0.35), f"{ref} {title or self._value(ref)}")
        anchors = {name: f"at_left_{i}" for i, name in enumerate(left)}
        anchors.update({name: f"at_right_{i}" for i, name in enumerate(right)})
        return self._all(ref, drawn, anchors)

    def named_block(
        self,
        ref: str,
        at: Point,
        left: List[str],
        right: List[str],
        title: str = "",
        shown: Any = None,
    ) -> None:
        """Draw a box whose pins carry the names of their nets."""
        spots = self.block(ref, at, left, right, title, shown)
        for pin, spot in spots.items():
            net = self._design.parts[ref].pins[pin]
            if net:
                self.name(net, spot, "left" if pin in left else "right")

    def between(self, ref: str, start: Point, end: Point, label: str = "top") -> None:
        """Draw a part of two pins whose ends carry the names of their nets; ground has its sign."""
        self.two(ref, start, end, label)
        part = self._design.parts[ref]
        first = _STARTS.get(part.kind, next(iter(part.pins)))
        second = next(pin for pin in part.pins if pin != first)
        upright = abs(start[0] - end[0]) < 1e-6
        for pin, spot, other in ((first, start, end), (second, end, start)):
            net = part.pins[pin]
            if upright:
                below = spot[1] < other[1]
                if below and net == "GND":
                    self.ground(spot)
                else:
                    self.name(net, spot, "down" if below else "up")
            else:
                self.name(net, spot, "left" if spot[0] < other[0] else "right")

    def rails(self, ref: str, at: Point) -> None:
        """Write which rails a chip is on."""
        part = self._design.parts[ref]
        texts = [f"{pin} = {part.pins[pin]}" for pin in part.facts.supply]
        self._text(at, f"{ref} {self._value(ref)}: " + ", ".join(texts), 9)

    def wire(self, *points: Point) -> None:
        """Draw a wire through some points."""
        for start, end in pairwise(points):
            self._drawing.add(elm.Line().at(start).to(end))
            self._wires.append((_round(start), _round(end)))

    def dot(self, at: Point) -> None:
        """Draw the dot of a junction."""
        self._drawing.add(elm.Dot(radius=0.06).at(at))

    def ground(self, at: Point) -> None:
        """Draw the sign of ground."""
        self._drawing.add(elm.Ground().at(at))
        self._names.append(("GND", _round(at)))

    def name(self, net: str, at: Point, side: str = "right") -> None:
        """Write a net's name at a point, as a flag that points away from the circuit."""
        if side in ("up", "down"):
            flag = elm.Vdd().at(at) if side == "up" else elm.Vss().at(at)
            self._drawing.add(flag.label(net, fontsize=_SMALL))
        else:
            tag = elm.Tag(width=0.32 + 0.21 * len(net), height=0.55).at(at)
            tag = tag.right() if side == "right" else tag.left()
            self._drawing.add(tag.label(net, fontsize=9))
        self._names.append((net, _round(at)))

    def title(self, text: str, at: Point) -> None:
        """Write a heading."""
        self._text(at, text, 15)

    def svg(self) -> str:
        """Return the picture, on white."""
        data: bytes = self._drawing.get_imagedata("svg")
        text = data.decode("utf-8")
        # "sans" is no family that every viewer knows.
        text = text.replace('font-family="sans"', 'font-family="sans-serif"')
        return text.replace("<svg ", '<svg style="background-color:white" ', 1) + "\n"

    def groups(self) -> List[Group]:
        """Return what touches in the picture."""
        spots = [point for _, point in self._pins] + [point for _, point in self._names]
        spots += [point for wire in self._wires for point in wire]
        leader = {spot: spot for spot in spots}

        def find(spot: Point) -> Point:
            while leader[spot] != spot:
                spot = leader[spot]
            return spot

        for start, end in self._wires:
            for spot in list(leader):
                if _on(spot, start, end):
                    leader[find(spot)] = find(start)
        together: Dict[Point, Tuple[List[Pin], List[str]]] = {}
        for pin, point in self._pins:
            together.setdefault(find(point), ([], []))[0].append(pin)
        for name, point in self._names:
            together.setdefault(find(point), ([], []))[1].append(name)
        return [Group(tuple(sorted(pins)), tuple(names)) for pins, names in together.values()]

    def _all(self, ref: str, drawn: Any, anchors: Dict[str, str]) -> Dict[str, Point]:
        spots = {pin: self._spot(drawn, anchor) for pin, anchor in anchors.items()}
        for pin, spot in spots.items():
            self._pin(ref, pin, spot)
        return spots

    def _spot(self, drawn: Any, anchor: str) -> Point:
        point = drawn.absanchors[anchor]
        return _round((point[0], point[1]))

    def _pin(self, ref: str, pin: str, at: Point) -> None:
        self._pins.append(((ref, pin), _round(at)))

    def _text(self, at: Point, text: str, size: int = _SMALL) -> None:
        self._drawing.add(elm.Label().at(at).label(text, fontsize=size))

    def _value(self, ref: str) -> str:
        part = self._design.parts[ref]
        if part.facts.model == "C":
            return part.value[:-1] + " " + _UNITS[part.value[-1]]
        if part.facts.model == "L":
            return part.value[:-1] + " µH"
        return part.value.replace("k", " k") if part.kind == "resistor" else part.value


def _round(point: Point) -> Point:
    return round(float(point[0]), 3) + 0.0, round(float(point[1]), 3) + 0.0


def _on(spot: Point, start: Point, end: Point) -> bool:
    """Return whether a point lies on a line, its ends included."""
    across = (end[0] - start[0]) * (spot[1] - start[1]) - (end[1] - start[1]) * (spot[0] - start[0])
    if abs(across) > 1e-6:
        return False
    return (
        min(start[0], end[0]) - 1e-6 <= spot[0] <= max(start[0], end[0]) + 1e-6
        and min(start[1], end[1]) - 1e-6 <= spot[1] <= max(start[1], end[1]) + 1e-6
    )
