"""The whole module as a netlist: CV and gate inputs, converters, outputs, supplies, front panel, the Jetson's header.

`python -m hardware.netlist` checks it; with `--kicad FILE` it is written as a netlist that KiCad imports.

References tell the place: R11 to R13 belong to CV 1, R41 to R43 to CV 4, 51 and 61 and up to the gates, 71 and 81 and
up to the outputs, 91 and up to the references, 101 and up to the supply, 201 and up to the rest.
"""

import argparse
import sys
from pathlib import Path
from typing import Tuple

from hardware import pinout
from hardware.checks import faults
from hardware.design import Design
from hardware.parts import BOTH, INPUT, OUTPUT, PASSIVE

# Of the whole module, as patched: CV 1-4 on units A-D of U2, gates on A and B of U4, outputs on A and B of U6.
CVS = (1, 2, 3, 4)
GATES = (1, 2)
OUTPUTS = ("L", "R")

# The converter's reference, the analogue supply and the amplifiers' rail are one net: what is measured is then a
# ratio of resistors, and no amplifier can drive the converter beyond its own supply.
ANALOGUE = "A3V3"
JETSON_3V3 = "J3V3"
_HEADER_TYPES = {"in": INPUT, "out": OUTPUT, "both": BOTH, "power": PASSIVE, "": PASSIVE}


def build() -> Design:
    """Return the module."""
    design = Design()
    for number in CVS:
        _cv_stage(design, number)
    _cv_chips(design)
    _references(design)
    for number in GATES:
        _gate_stage(design, number)
    _gate_chips(design)
    for number, side in enumerate(OUTPUTS, 7):
        _output_stage(design, number, side)
    _sound(design)
    _supply(design)
    _front(design)
    _header(design)
    return design


def _cv_stage(design: Design, n: int) -> None:
    """Place an inverting amplifier around half the range: 100k in, 30k back, two poles against noise.

    30k instead of the 32k that would use the last of the converter's range: it is a stocked value (E24), one board
    serves -5..5 V and 0..10 V by a jumper, and 0.4 V at the jack remain for tolerances at each end. 4.7 nF across it
    end the band at 1.1 kHz: the converter is read a thousand times a second. The diodes hold the summing node when a
    jack gets more than 12 V; within the range they sleep, and their leakage is all that they add.
    """
    sheet, tip, node, amp = f"cv{n}", f"CV{n}_TIP", f"CV{n}_SUM", f"CV{n}_AMP"
    put = design.place
    # Nothing patched must read as 0 V: an open input would read as 1.27 V of its own.
    put("jack", f"J{n}", "PJ398SM", sheet, {"SLEEVE": "GND", "TIP": tip, "SWITCH": "GND"})
    put("resistor", f"R{n}1", "100k", sheet, {"A": tip, "B": node})
    put("diode", f"D{n}1", "1N4148", sheet, {"A": node, "K": ANALOGUE})
    put("diode", f"D{n}2", "1N4148", sheet, {"A": "GND", "K": node})
    put("resistor", f"R{n}2", "30k", sheet, {"A": node, "B": amp})
    put("capacitor", f"C{n}1", "4.7n", sheet, {"A": node, "B": amp})
    put("range", f"JP{n}", "5V/10V", sheet,
        {"BIPOLAR": "REF_5V", "COMMON": f"CV{n}_REF", "UNIPOLAR": "REF_10V"})  # fmt: skip
    # The converter's capacitor draws from this one, not from the amplifier.
    put("resistor", f"R{n}3", "1k", sheet, {"A": amp, "B": f"CV{n}_ADC"})
    put("capacitor", f"C{n}2", "10n", sheet, {"A": f"CV{n}_ADC", "B": "GND"})


def _cv_chips(design: Design) -> None:
    amplifier = {"VDD": ANALOGUE, "VSS": "GND"}
    for n, letter in zip(CVS, "ABCD"):
        amplifier.update(
            {
                f"IN{letter}+": f"CV{n}_REF",
                f"IN{letter}-": f"CV{n}_SUM",
                f"OUT{letter}": f"CV{n}_AMP",
            }
        )
    design.place("mcp6004", "U2", "MCP6004", "converter", amplifier)
    converter = {f"CH{n - 1}": f"CV{n}_ADC" for n in CVS}
    # An input that floats would disturb its neighbours.
    converter.update({f"CH{i}": "GND" for i in range(4, 8)})
    converter.update({"DGND": "GND", "AGND": "GND", "VREF": ANALOGUE, "VDD": ANALOGUE})
    converter.update({"CS": "ADC_CS", "CLK": "ADC_CLK", "DIN": "ADC_DIN", "DOUT": "ADC_DOUT"})
    design.place("mcp3208", "U1", "MCP3208", "converter", converter)
    # While the Jetson starts its pins float: the converter must not answer then.
    design.place("resistor", "R201", "100k", "converter", {"A": ANALOGUE, "B": "ADC_CS"})
    design.place("resistor", "R202", "100", "converter", {"A": "ADC_DOUT", "B": "ADC_MISO"})
    for ref in ("C201", "C202"):
        design.place("decoupling", ref, "100n", "converter", {"A": ANALOGUE, "B": "GND"})


def _references(design: Design) -> None:
    """Place 5 V and 3.3 V for the analogue part, and what the inputs are compared with, as ratios of the 3.3 V.

    The amplifiers' inputs take no current, so the dividers need no buffers.
    """
    sheet, put = "references", design.place
    put("78l05", "U8", "78L05", sheet, {"IN": "P12A", "GND": "GND", "OUT": "A5V"})
    put("decoupling", "C91", "1u", sheet, {"A": "P12A", "B": "GND"})
    put("electrolytic", "C92", "10u", sheet, {"+": "A5V", "-": "GND"})
    put("lp2950", "U7", "LP2950A-3.3", sheet, {"IN": "A5V", "GND": "GND", "OUT": ANALOGUE})
    put("electrolytic", "C93", "10u", sheet, {"+": ANALOGUE, "-": "GND"})
    # 1.269 V: 0 V at the jack is then 1.65 V, the middle of the converter's range.
    put("resistor", "R91", "16k", sheet, {"A": ANALOGUE, "B": "REF_5V"})
    put("resistor", "R92", "10k", sheet, {"A": "REF_5V", "B": "GND"})
    put("decoupling", "C94", "1u", sheet, {"A": "REF_5V", "B": "GND"})
    # 2.426 V: now 5 V at the jack is the middle.
    put("resistor", "R93", "27k", sheet, {"A": ANALOGUE, "B": "REF_10V"})
    put("resistor", "R94", "75k", sheet, {"A": "REF_10V", "B": "GND"})
    put("decoupling", "C95", "1u", sheet, {"A": "REF_10V", "B": "GND"})


def _gate_stage(design: Design, n: int) -> None:
    """Place a comparator with hysteresis, then two Schmitt inverters that drive the header.

    The thresholds are made by resistors (2.2 V up, 1.7 V down). The inverters are there for the level shifters of a
    developer kit: they want edges faster than 40 ns/V, which the comparator's are not, and hold a line with 4k, against
    which an open collector with 10k never reads high.
    """
    block, sheet = n + 4, f"gate{n}"
    tip, node, raw, buffered = f"GATE{n}_TIP", f"GATE{n}_IN", f"GATE{n}_RAW", f"GATE{n}_BUF"
    put = design.place
    put("jack", f"J{block}", "PJ398SM", sheet, {"SLEEVE": "GND", "TIP": tip, "SWITCH": "GND"})
    put("resistor", f"R{block}1", "100k", sheet, {"A": tip, "B": node})
    put("resistor", f"R{block}2", "100k", sheet, {"A": node, "B": "GND"})
    put("resistor", f"R{block}3", "680k", sheet, {"A": node, "B": raw})
    put("capacitor", f"C{block}1", "100p", sheet, {"A": node, "B": "GND"})
    put("diode", f"D{block}1", "1N4148", sheet, {"A": node, "K": JETSON_3V3})
    put("diode", f"D{block}2", "1N4148", sheet, {"A": "GND", "K": node})
    put("resistor", f"R{block}4", "330", sheet, {"A": buffered, "B": f"GATE{n}"})


def _gate_chips(design: Design) -> None:
    """Place the gates' chips; the Jetson's own 3.3 V supply them, so that they drive nothing while it is off."""
    put = design.place
    comparator = {"VDD": JETSON_3V3, "VSS": "GND"}
    inverter = {"VCC": JETSON_3V3, "GND": "GND", "5A": "GND", "6A": "GND", "5Y": "", "6Y": ""}
    for n, letter in zip(GATES, "AB"):
        comparator.update(
            {
                f"IN{letter}+": f"GATE{n}_IN",
                f"IN{letter}-": "GATE_REF",
                f"OUT{letter}": f"GATE{n}_RAW",
            }
        )
        first, second = 2 * n - 1, 2 * n
        inverter.update(
            {
                f"{first}A": f"GATE{n}_RAW",
                f"{first}Y": f"GATE{n}_INV",
                f"{second}A": f"GATE{n}_INV",
                f"{second}Y": f"GATE{n}_BUF",
            }
        )
    put("mcp6542", "U4", "MCP6542", "gates", comparator)
    put("74ac14", "U5", "74AC14", "gates", inverter)
    for pin in ("5Y", "6Y"):
        design.leave_open(
            "U5", pin, "output of an inverter that is not used; its input is grounded"
        )
    put("resistor", "R95", "22k", "gates", {"A": JETSON_3V3, "B": "GATE_REF"})
    put("resistor", "R96", "10k", "gates", {"A": "GATE_REF", "B": "GND"})
    put("decoupling", "C96", "100n", "gates", {"A": "GATE_REF", "B": "GND"})
    for ref in ("C203", "C204"):
        put("decoupling", ref, "100n", "gates", {"A": JETSON_3V3, "B": "GND"})


def _output_stage(design: Design, block: int, side: str) -> None:
    """Place an amplifier by 1.68: the converter's 2.1 V effective become 5 V peak. 1k save it from a wrong patch."""
    sheet, put = f"out_{side.lower()}", design.place
    source, plus, minus, amp = f"DAC_{side}", f"OUT_{side}_IN", f"OUT_{side}_FB", f"OUT_{side}_AMP"
    put("resistor", f"R{block}1", "470", sheet, {"A": source, "B": plus})
    put("capacitor", f"C{block}1", "2.2n", sheet, {"A": plus, "B": "GND"})
    put("resistor", f"R{block}2", "6.8k", sheet, {"A": minus, "B": amp})
    put("resistor", f"R{block}3", "10k", sheet, {"A": minus, "B": "GND"})
    put("resistor", f"R{block}4", "1k", sheet, {"A": amp, "B": f"OUT_{side}_TIP"})
    put("jack", f"J{block}", "PJ398SM", sheet,
        {"SLEEVE": "GND", "TIP": f"OUT_{side}_TIP", "SWITCH": ""})  # fmt: skip
    design.leave_open(f"J{block}", "SWITCH", "an output has nothing to switch")


def _sound(design: Design) -> None:
    put = design.place
    amplifier = {"VCC+": "P12A", "VCC-": "N12"}
    for side, letter in zip(OUTPUTS, "AB"):
        amplifier.update(
            {
                f"IN{letter}+": f"OUT_{side}_IN",
                f"IN{letter}-": f"OUT_{side}_FB",
                f"OUT{letter}": f"OUT_{side}_AMP",
            }
        )
    put("tl072", "U6", "TL072", "sound", amplifier)
    put("decoupling", "C205", "100n", "sound", {"A": "P12A", "B": "GND"})
    put("decoupling", "C206", "100n", "sound", {"A": "GND", "B": "N12"})
    # SCK on ground makes the converter derive its clock from BCK. The predecessor had the Jetson's clock on SCK, and
    # its BCK on a net of one pin. The straps: normal filter, no de-emphasis, not muted, I2S.
    put(
        "pcm5102", "A1", "PCM5102A", "sound",
        {
            "SCK": "GND", "BCK": "I2S_BCK", "DIN": "I2S_DATA", "LCK": "I2S_LRCK", "GND": "GND", "VIN": "A5V",
            "FLT": "GND", "DEMP": "GND", "XSMT": "DAC_3V3", "FMT": "GND", "A3V3": "DAC_3V3",
            "AGND": "GND", "AGND2": "GND", "LOUT": "DAC_L", "ROUT": "DAC_R",
        },
    )  # fmt: skip


def _supply(design: Design) -> None:
    """Place what is between the rack's 12 V and the rails: fuses, diodes against a wrong cable, filters.

    The rack's 5 V are not used: few supplies have as much as a Jetson takes.
    """
    sheet, put = "supply", design.place
    rack = {f"-12V_{i}": "N12_RACK" for i in (1, 2)}
    rack.update({f"GND_{i}": "GND" for i in range(3, 9)})
    rack.update({f"+12V_{i}": "P12_RACK" for i in (9, 10)})
    put("eurorack", "J101", "2x5", sheet, rack)
    put("fuse", "F101", "2.5A", sheet, {"A": "P12_RACK", "B": "P12_FUSED"})
    put("schottky", "D101", "1N5822", sheet, {"A": "P12_FUSED", "K": "P12"})
    put("electrolytic", "C101", "100u", sheet, {"+": "P12", "-": "GND"})
    # The converter's ripple stays out of the rack, and out of the audio part.
    put("choke", "L101", "10u", sheet, {"A": "P12", "B": "P12_BUCK"})
    put("electrolytic", "C102", "220u", sheet, {"+": "P12_BUCK", "-": "GND"})
    put("buck", "A4", "5V", sheet,
        {"VIN": "P12_BUCK", "GND": "GND", "VOUT": "P5", "EN": "", "PG": ""})  # fmt: skip
    design.leave_open("A4", "EN", "pulled up on the module: always on")
    design.leave_open("A4", "PG", "nothing asks whether the 5 V are good")
    put("electrolytic", "C103", "470u", sheet, {"+": "P5", "-": "GND"})
    put("outlet", "J102", "5V", sheet, {"+": "P5", "-": "GND"})
    put("resistor", "R101", "10", sheet, {"A": "P12", "B": "P12A"})
    put("electrolytic", "C104", "100u", sheet, {"+": "P12A", "-": "GND"})
    put("fuse", "F102", "0.1A", sheet, {"A": "N12_RACK", "B": "N12_FUSED"})
    put("schottky", "D102", "1N5819", sheet, {"A": "N12", "K": "N12_FUSED"})
    put("electrolytic", "C105", "100u", sheet, {"+": "GND", "-": "N12"})
    design.power("P12_RACK", "N12_RACK", "GND", "P12", "P12A", "N12", "P12_BUCK", JETSON_3V3)


def _front(design: Design) -> None:
    sheet, put = "front", design.place
    bus = {"VCC": JETSON_3V3, "GND": "GND", "SDA": "SDA", "SCL": "SCL"}
    put("encoder", "A2", "RGB encoder", sheet, {**bus, "INT": ""})
    design.leave_open("A2", "INT", "the encoder is asked a hundred times a second")
    put("screen", "A3", "0.96 inch", sheet, bus)
    # As strong as the level shifter's keeper wants it; 10k would never read high.
    put("resistor", "R203", "1k", sheet, {"A": JETSON_3V3, "B": "SWITCH"})
    put("button", "SW1", "15 mm", sheet, {"A": "SWITCH", "B": "GND"})
    put("resistor", "R204", "1k", sheet, {"A": JETSON_3V3, "B": "ON_LIGHT"})
    put("light", "D201", "green", sheet, {"A": "ON_LIGHT", "K": "GND"})
    put("electrolytic", "C207", "10u", sheet, {"+": JETSON_3V3, "-": "GND"})


def _header(design: Design) -> None:
    pins = pinout.header()
    extra: Tuple[Tuple[str, str, str], ...] = tuple(
        (str(pin.number), str(pin.number), _HEADER_TYPES[pin.direction]) for pin in pins
    )
    nets = {str(pin.number): pin.net for pin in pins}
    design.place("header", "J201", "2x20", "header", nets, extra)
    for pin in pins:
        if not pin.net:
            design.leave_open("J201", str(pin.number), f"{pin.jetson}: {pin.purpose}")


def main() -> int:
    """Check the netlist; exit status 1 where something is against it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kicad", metavar="FILE", help="also write a netlist for KiCad")
    arguments = parser.parse_args()
    design = build()
    found = faults(design)
    for fault in found:
        print(fault, file=sys.stderr)
    print(f"{len(design.parts)} parts, {len(design.nets())} nets, {len(found)} faults")
    if arguments.kicad:
        text: str = design.circuit.generate_netlist(tool="kicad8", do_backup=False)
        Path(arguments.kicad).write_text(text, "utf-8")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
