"""The circuit diagrams: CV input, gate input, output, supply, and what is around the converters and the header."""

from typing import Callable, Dict

from hardware import pinout
from hardware.design import Design
from hardware.schematic import Sheet


def cv(design: Design) -> Sheet:
    """Draw CV 1; the other three are alike."""
    s = Sheet(design)
    s.title("CV input 1 (2 to 4: R21.., R31.., R41..; units B, C, D of U2)", (7.5, 6.8))
    jack = s.jack("J1", (0, 0), "CV 1")
    x, y = jack["TIP"]
    s.wire(jack["SLEEVE"], (0.6, jack["SLEEVE"][1]), (0.6, jack["SWITCH"][1]), jack["SWITCH"])
    s.wire((0.6, jack["SLEEVE"][1]), (0.6, -1.0))
    s.dot((0.6, jack["SLEEVE"][1]))
    s.ground((0.6, -1.0))
    s.two("R11", (1.2, y), (4.2, y))
    s.wire((x, y), (1.2, y))
    node = (5.0, y)
    s.wire((4.2, y), (8.5, y))
    s.two("D11", node, (5.0, y + 3.0), "bottom")
    s.name("A3V3", (5.0, y + 3.0), "up")
    s.two("D12", (5.0, y - 3.0), node, "bottom")
    s.ground((5.0, y - 3.0))
    s.dot(node)
    amp = s.amplifier("U2", "A", (8.5, y))
    out = amp["OUTA"]
    s.two("R12", (7.2, y + 2.0), (out[0] + 0.6, y + 2.0))
    s.two("C11", (7.2, y + 3.8), (out[0] + 0.6, y + 3.8))
    s.wire((7.2, y), (7.2, y + 3.8))
    s.wire((out[0] + 0.6, y + 3.8), (out[0] + 0.6, out[1]))
    s.dot((7.2, y))
    s.dot((7.2, y + 2.0))
    s.dot((out[0] + 0.6, y + 2.0))
    s.wire(out, (out[0] + 0.6, out[1]))
    s.dot((out[0] + 0.6, out[1]))
    jumper = s.block("JP1", (5.4, y - 6.4), [], ["BIPOLAR", "COMMON", "UNIPOLAR"], "range")
    s.name("REF_5V", jumper["BIPOLAR"], "right")
    s.name("REF_10V", jumper["UNIPOLAR"], "right")
    plus = amp["INA+"]
    s.wire(
        jumper["COMMON"],
        (9.8, jumper["COMMON"][1]),
        (9.8, y - 2.4),
        (8.1, y - 2.4),
        (8.1, plus[1]),
        plus,
    )
    s.wire((out[0] + 0.6, out[1]), (out[0] + 1.2, out[1]))
    s.two("R13", (out[0] + 1.2, out[1]), (out[0] + 4.2, out[1]))
    s.wire((out[0] + 4.2, out[1]), (out[0] + 5.4, out[1]))
    s.two("C12", (out[0] + 4.8, out[1]), (out[0] + 4.8, out[1] - 2.4), "bottom")
    s.dot((out[0] + 4.8, out[1]))
    s.ground((out[0] + 4.8, out[1] - 2.4))
    s.name("CV1_ADC", (out[0] + 5.4, out[1]))
    s.rails("U2", (14.0, y - 5.0))
    return s


def gate(design: Design) -> Sheet:
    """Draw gate 1; gate 2 is alike."""
    s = Sheet(design)
    s.title("Gate input 1 (2: R61..; unit B of U4, inverters 3 and 4 of U5)", (8.5, 6.4))
    jack = s.jack("J5", (0, 0), "GATE 1")
    x, y = jack["TIP"]
    s.wire(jack["SLEEVE"], (0.6, jack["SLEEVE"][1]), (0.6, jack["SWITCH"][1]), jack["SWITCH"])
    s.wire((0.6, jack["SLEEVE"][1]), (0.6, -1.0))
    s.dot((0.6, jack["SLEEVE"][1]))
    s.ground((0.6, -1.0))
    s.wire((x, y), (1.2, y))
    s.two("R51", (1.2, y), (4.2, y))
    s.wire((4.2, y), (11.2, y))
    s.two("D51", (5.0, y), (5.0, y + 3.0), "bottom")
    s.name("J3V3", (5.0, y + 3.0), "up")
    s.two("D52", (5.0, y - 3.0), (5.0, y), "bottom")
    s.ground((5.0, y - 3.0))
    s.two("R52", (7.1, y), (7.1, y - 3.0), "bottom")
    s.ground((7.1, y - 3.0))
    s.two("C51", (8.8, y), (8.8, y - 3.0), "bottom")
    s.ground((8.8, y - 3.0))
    for across in (5.0, 7.1, 8.8, 10.1):
        s.dot((across, y))
    amp = s.amplifier("U4", "A", (11.2, y - 1.25), flipped=True)
    out = amp["OUTA"]
    s.wire((11.2, y), amp["INA+"])
    s.two("R53", (10.1, y + 2.2), (out[0] + 0.5, y + 2.2))
    s.wire((10.1, y), (10.1, y + 2.2))
    s.wire((out[0] + 0.5, y + 2.2), (out[0] + 0.5, out[1]))
    s.wire(out, (out[0] + 1.0, out[1]))
    s.dot((out[0] + 0.5, out[1]))
    minus = amp["INA-"]
    low = y - 5.0
    s.wire(minus, (10.7, minus[1]), (10.7, low), (13.1, low))
    s.two("R95", (16.1, low), (13.1, low), "bottom")
    s.name("J3V3", (16.1, low))
    s.two("R96", (10.7, low), (10.7, low - 3.0), "bottom")
    s.two("C96", (12.6, low), (12.6, low - 3.0), "bottom")
    for across in (10.7, 12.6):
        s.dot((across, low))
        s.ground((across, low - 3.0))
    s.rails("U4", (16.4, y + 3.4))
    s.rails("U5", (18.2, low - 1.6))
    first = s.inverter("U5", "1", (out[0] + 1.0, out[1]))
    second = s.inverter("U5", "2", (first["1Y"][0] + 0.4, out[1]))
    s.wire(first["1Y"], second["2A"])
    end = second["2Y"]
    s.wire(end, (end[0] + 0.3, end[1]))
    s.two("R54", (end[0] + 0.3, end[1]), (end[0] + 3.3, end[1]))
    s.name("GATE1", (end[0] + 3.3, end[1]))
    return s


def output(design: Design) -> Sheet:
    """Draw the left output; the right one is alike."""
    s = Sheet(design)
    s.title("Output L (R: R81..; unit B of U6)", (6.5, 2.2))
    s.rails("U6", (9.6, 0.6))
    s.name("DAC_L", (0, 0), "left")
    s.two("R71", (0, 0), (3.0, 0))
    s.wire((3.0, 0), (5.5, 0))
    s.two("C71", (4.0, 0), (4.0, -3.0), "bottom")
    s.ground((4.0, -3.0))
    s.dot((4.0, 0))
    amp = s.amplifier("U6", "A", (5.5, -1.25), flipped=True)
    out, minus = amp["OUTA"], amp["INA-"]
    s.wire((5.5, 0), amp["INA+"])
    s.wire(minus, (5.5, -3.2))
    s.two("R72", (5.5, -3.2), (8.5, -3.2), "bottom")
    s.two("R73", (5.5, -3.2), (5.5, -6.2), "bottom")
    s.dot((5.5, -3.2))
    s.ground((5.5, -6.2))
    s.wire((8.5, -3.2), (8.5, out[1]), out)
    s.dot((8.5, out[1]))
    s.wire((8.5, out[1]), (9.2, out[1]))
    s.two("R74", (9.2, out[1]), (12.2, out[1]))
    jack = s.jack("J7", (13.4, out[1] - 1.2), "OUT L", output=True)
    s.wire((12.2, out[1]), jack["TIP"])
    s.wire(jack["SLEEVE"], (12.8, jack["SLEEVE"][1]), (12.8, jack["SLEEVE"][1] - 1.0))
    s.ground((12.8, jack["SLEEVE"][1] - 1.0))
    return s


def supply(design: Design) -> Sheet:
    """Draw the way from the rack to the rails, and the references."""
    s = Sheet(design)
    s.title("Supply and references", (12.0, 4.6))
    grounds = [f"GND_{number}" for number in range(3, 9)]
    contacts = ["+12V_9", "+12V_10", *grounds, "-12V_1", "-12V_2"]
    rack = s.block("J101", (-1.5, -3.0), [], contacts, "rack")
    x = rack["GND_3"][0]
    top = rack["+12V_9"][1]
    s.wire(rack["+12V_10"], (x + 0.6, rack["+12V_10"][1]), (x + 0.6, top), rack["+12V_9"])
    s.wire((x + 0.6, top), (x + 1.0, top))
    s.dot((x + 0.6, top))
    s.wire(*[rack[ground] for ground in grounds])
    s.wire(rack["GND_8"], (x + 1.2, rack["GND_8"][1]))
    s.ground((x + 1.2, rack["GND_8"][1]))
    low = rack["-12V_2"][1]
    s.wire(rack["-12V_1"], (x + 0.6, rack["-12V_1"][1]), (x + 0.6, low), rack["-12V_2"])
    s.wire((x + 0.6, low), (x + 1.0, low))
    s.dot((x + 0.6, low))
    # 12 V.
    at = x + 1.0
    s.two("F101", (at, top), (at + 2.6, top))
    s.two("D101", (at + 2.6, top), (at + 5.2, top))
    s.wire((at + 5.2, top), (at + 7.4, top))
    s.two("C101", (at + 5.8, top), (at + 5.8, top - 3.0), "bottom")
    s.ground((at + 5.8, top - 3.0))
    s.two("L101", (at + 7.4, top), (at + 10.4, top))
    s.wire((at + 10.4, top), (at + 13.0, top))
    s.two("C102", (at + 11.2, top), (at + 11.2, top - 3.0), "bottom")
    s.ground((at + 11.2, top - 3.0))
    buck = s.block(
        "A4", (at + 15.5, top - 0.5), ["VIN", "GND"], ["VOUT", "EN", "PG"], "12 V to 5 V"
    )
    shift = buck["VIN"][1]
    s.wire((at + 13.0, top), (at + 13.0, shift), buck["VIN"])
    s.wire(buck["GND"], (buck["GND"][0], top - 3.0))
    s.ground((buck["GND"][0], top - 3.0))
    right = buck["VOUT"][0] + 0.6
    s.wire(buck["VOUT"], (right + 2.4, buck["VOUT"][1]))
    s.two("C103", (right + 0.4, buck["VOUT"][1]), (right + 0.4, buck["VOUT"][1] - 3.4), "bottom")
    s.dot((right + 0.4, buck["VOUT"][1]))
    s.ground((right + 0.4, buck["VOUT"][1] - 3.4))
    kit = s.block(
        "J102", (right + 4.6, buck["VOUT"][1] - 0.5), ["+", "-"], [], "to the kit's barrel jack"
    )
    s.wire((right + 2.4, buck["VOUT"][1]), (right + 2.4, kit["+"][1]), kit["+"])
    s.wire(kit["-"], (right + 2.4, kit["-"][1]), (right + 2.4, kit["-"][1] - 1.0))
    s.ground((right + 2.4, kit["-"][1] - 1.0))
    for across in (at + 5.8, at + 6.6, at + 11.2):
        s.dot((across, top))
    # -12 V.
    s.two("F102", (at, low), (at + 2.6, low))
    s.two("D102", (at + 5.2, low), (at + 2.6, low))
    s.wire((at + 5.2, low), (at + 6.8, low))
    s.two("C105", (at + 5.8, low + 3.0), (at + 5.8, low), "bottom")
    s.name("GND", (at + 5.8, low + 3.0), "up")
    s.dot((at + 5.8, low))
    s.name("N12", (at + 6.8, low))
    # The analogue part.
    rail = low - 3.0
    s.name("P12", (at + 6.6, top + 0.8), "up")
    s.wire((at + 6.6, top), (at + 6.6, top + 0.8))
    s.name("P12", (0.0, rail), "left")
    s.two("R101", (0.0, rail), (2.6, rail))
    s.wire((2.6, rail), (6.4, rail))
    s.two("C104", (3.4, rail), (3.4, rail - 3.0), "bottom")
    s.two("C91", (5.2, rail), (5.2, rail - 3.0), "bottom")
    s.name("P12A", (3.4, rail + 0.7), "up")
    s.wire((3.4, rail), (3.4, rail + 0.7))
    eight = s.block("U8", (8.4, rail - 0.5), ["IN", "GND"], ["OUT"])
    s.wire((6.4, rail), (6.4, eight["IN"][1]), eight["IN"])
    mid = eight["OUT"][1]
    s.wire(eight["OUT"], (13.6, mid))
    s.two("C92", (11.4, mid), (11.4, mid - 3.0), "bottom")
    s.name("A5V", (11.4, mid + 0.7), "up")
    s.wire((11.4, mid), (11.4, mid + 0.7))
    seven = s.block("U7", (15.6, mid - 0.5), ["IN", "GND"], ["OUT"])
    s.wire((13.6, mid), (13.6, seven["IN"][1]), seven["IN"])
    end = seven["OUT"][1]
    s.wire(seven["OUT"], (25.4, end))
    s.two("C93", (18.8, end), (18.8, end - 3.0), "bottom")
    s.name("A3V3", (18.8, end + 0.7), "up")
    s.wire((18.8, end), (18.8, end + 0.7))
    for across, bottom in (
        (3.4, rail - 3.0),
        (5.2, rail - 3.0),
        (11.4, mid - 3.0),
        (18.8, end - 3.0),
    ):
        s.ground((across, bottom))
    for chip in (eight, seven):
        s.wire(chip["GND"], (chip["GND"][0], chip["GND"][1] - 1.6))
        s.ground((chip["GND"][0], chip["GND"][1] - 1.6))
    for across, level in ((3.4, rail), (5.2, rail), (11.4, mid), (18.8, end), (20.9, end)):
        s.dot((across, level))
    for across, upper, lower, capacitor, name in (
        (20.9, "R91", "R92", "C94", "REF_5V"),
        (25.4, "R93", "R94", "C95", "REF_10V"),
    ):
        s.two(upper, (across, end), (across, end - 2.8), "bottom")
        s.two(lower, (across, end - 2.8), (across, end - 5.6), "bottom")
        s.wire((across, end - 2.8), (across + 2.2, end - 2.8))
        s.two(capacitor, (across + 1.6, end - 2.8), (across + 1.6, end - 5.6), "bottom")
        s.name(name, (across + 2.2, end - 2.8))
        s.dot((across, end - 2.8))
        s.dot((across + 1.6, end - 2.8))
        s.ground((across, end - 5.6))
        s.ground((across + 1.6, end - 5.6))
    return s


def boards(design: Design) -> Sheet:
    """Draw the header with all that is on it, by names."""
    s = Sheet(design)
    s.title("Converters, front panel and header", (11.0, 12.6))
    pins = pinout.header()
    shown = {str(pin.number): pin.jetson for pin in pins}
    odd = [str(pin.number) for pin in pins if pin.number % 2]
    even = [str(pin.number) for pin in pins if not pin.number % 2]
    s.named_block("J201", (0.0, 0.0), odd, even, "to the Jetson", shown)
    facts = design.parts["U1"].facts.pins
    names = [name for _, name, _ in facts]
    s.named_block("U1", (11.5, 5.5), names[:8], names[:7:-1])
    s.named_block(
        "A1", (11.5, -6.5), ["SCK", "BCK", "DIN", "LCK", "FLT", "DEMP", "XSMT", "FMT"],
        ["VIN", "A3V3", "GND", "AGND", "LOUT", "AGND2", "ROUT"],
    )  # fmt: skip
    s.named_block("A2", (22.0, 8.0), [], ["VCC", "SDA", "SCL", "INT", "GND"])
    s.named_block("A3", (22.0, 1.5), [], ["GND", "VCC", "SCL", "SDA"], "OLED")
    s.between("R201", (20.0, -3.0), (23.0, -3.0))
    s.between("R202", (20.0, -5.0), (23.0, -5.0))
    s.between("R203", (20.0, -7.0), (23.0, -7.0))
    s.between("SW1", (20.0, -9.0), (23.0, -9.0))
    s.between("R204", (20.0, -11.0), (23.0, -11.0))
    s.between("D201", (20.0, -13.4), (23.0, -13.4))
    capacitors = ("C201", "C202", "C203", "C204", "C205", "C206", "C207")
    for place, ref in enumerate(capacitors):
        s.between(ref, (-6.0 + 3.6 * place, -15.4), (-6.0 + 3.6 * place, -18.4), "bottom")
    return s


SHEETS: Dict[str, Callable[[Design], Sheet]] = {
    "cv": cv,
    "gate": gate,
    "output": output,
    "supply": supply,
    "boards": boards,
}
