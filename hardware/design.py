"""A circuit under construction, and what can be asked of it once it is built: SKiDL underneath, names on top."""

import re
from typing import Any, Dict, List, NamedTuple, Tuple

from hardware import skidl_quiet
from hardware.parts import KINDS, Kind, maker_and_number

_SCALE = {"p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6}


class Part(NamedTuple):
    """A placed part: `pins` are pin name -> net name, with '' for a pin that is left open on purpose."""

    ref: str
    kind: str
    value: str
    sheet: str
    pins: Dict[str, str]

    @property
    def facts(self) -> Kind:
        return KINDS[self.kind]

    @property
    def number(self) -> float:
        """The value of a resistor, capacitor or choke in ohms, farads or henries."""
        found = re.match(r"([\d.]+)([pnumkM]?)$", self.value)
        if found is None:
            raise ValueError(f"{self.ref}: {self.value!r} is no number with a prefix")
        return float(found.group(1)) * _SCALE[found.group(2)]


class Design:
    """Parts and nets by name. `circuit` is SKiDL's."""

    def __init__(self) -> None:
        self._skidl = skidl_quiet.load()
        self.circuit = self._skidl.Circuit()
        self.parts: Dict[str, Part] = {}
        self.open_pins: Dict[Tuple[str, str], str] = {}
        self._nets: Dict[str, Any] = {}

    def place(
        self, kind: str, ref: str, value: str, sheet: str, pins: Dict[str, str], extra: Any = ()
    ) -> Part:
        """Place a part and connect all of its pins; ValueError for a pin without a word about it, or one too many.

        `extra` are further pins, as those of a header.
        """
        facts = KINDS[kind]
        known = facts.pins + tuple(extra)
        names = [name for _, name, _ in known]
        if sorted(names) != sorted(pins) or ref in self.parts:
            raise ValueError(
                f"{ref}: has pins {names}, given are {list(pins)}, or it is there twice"
            )
        types = self._skidl.Pin.types
        maker, number = maker_and_number(kind, value)
        made = self._skidl.Part(
            name=kind,
            tool=self._skidl.SKIDL,
            dest=self._skidl.TEMPLATE,
            ref_prefix=re.sub(r"\d+$", "", ref),
            pins=[
                self._skidl.Pin(num=number, name=name, func=getattr(types, function))
                for number, name, function in known
            ],
        )(circuit=self.circuit, ref=ref, value=value, footprint=facts.footprint, tag=ref)
        made.fields["Manufacturer"], made.fields["MPN"] = maker, number
        for pin_number, name, _ in known:
            if pins[name]:
                self.net(pins[name]).connect(made[pin_number])
            else:
                self.circuit.NC += made[pin_number]
        part = Part(ref, kind, value, sheet, dict(pins))
        self.parts[ref] = part
        return part

    def leave_open(self, ref: str, pin: str, reason: str) -> None:
        """Say why a pin has no net; `checks.py` wants a reason for each."""
        self.open_pins[ref, pin] = reason

    def net(self, name: str) -> Any:
        """Return SKiDL's net of this name, made at the first call."""
        if name not in self._nets:
            self._nets[name] = self._skidl.Net(name, circuit=self.circuit)
        return self._nets[name]

    def power(self, *names: str) -> None:
        """Say that these nets are supplied."""
        for name in names:
            self.net(name).drive = self._skidl.POWER

    def nets(self) -> Dict[str, List[Tuple[str, str]]]:
        """Return each net with its (reference, pin name), as SKiDL has connected them."""
        found: Dict[str, List[Tuple[str, str]]] = {}
        for net in self.circuit.nets:
            if net is not self.circuit.NC and net.pins:
                found[net.name] = sorted((pin.part.ref, pin.name) for pin in net.pins)
        return dict(sorted(found.items()))

    def sheet(self, *names: str) -> List[Part]:
        """Return the parts of some sheets, in the order in which they were placed."""
        return [part for part in self.parts.values() if part.sheet in names]

    def number(self, ref: str) -> float:
        """Return the value of a part in ohms, farads or henries."""
        return self.parts[ref].number
