"""The kinds of parts: their pins, who makes them, their footprint, and what they are to a simulation.

All can be soldered by hand (through-hole, or modules on pin headers). Part numbers were written down from memory of the
makers' catalogues and never ordered: whoever orders checks them.
"""

from typing import Dict, List, NamedTuple, Tuple

PASSIVE, INPUT, OUTPUT, BOTH, POWER_IN, POWER_OUT, TRISTATE = (
    "PASSIVE",
    "INPUT",
    "OUTPUT",
    "BIDIR",
    "PWRIN",
    "PWROUT",
    "TRISTATE",
)


class Unit(NamedTuple):
    """One amplifier, comparator or inverter of a chip: names of its pins; `minus` is '' where there is one input."""

    letter: str
    plus: str
    minus: str
    out: str


class Kind(NamedTuple):
    """A kind of part. Pins are (number, name, electrical type).

    `model` is the letter of a SPICE primitive, or the subcircuit of spice/models.inc that stands for each unit (or for
    the whole part, where there are none), '' where no simulation contains it.  `supply` names the pins of its rails.
    """

    description: str
    footprint: str
    pins: Tuple[Tuple[str, str, str], ...]
    model: str = ""
    units: Tuple[Unit, ...] = ()
    supply: Tuple[str, str] = ("", "")


def _two(first: str = "A", second: str = "B") -> Tuple[Tuple[str, str, str], ...]:
    return ("1", first, PASSIVE), ("2", second, PASSIVE)


def _row(*pins: str) -> Tuple[Tuple[str, str, str], ...]:
    """Return pins numbered from 1; each is "name type"."""
    split = [pin.split() for pin in pins]
    return tuple((str(i), name, kind) for i, (name, kind) in enumerate(split, 1))


def _dual_amplifier(negative: str, positive: str) -> Tuple[Tuple[str, str, str], ...]:
    return _row(
        "OUTA OUTPUT", "INA- INPUT", "INA+ INPUT", negative + " PWRIN",
        "INB+ INPUT", "INB- INPUT", "OUTB OUTPUT", positive + " PWRIN",
    )  # fmt: skip


def _amplifiers(letters: str) -> Tuple[Unit, ...]:
    return tuple(Unit(x, f"IN{x}+", f"IN{x}-", f"OUT{x}") for x in letters)


_DIP = "Package_DIP:DIP-%d_W7.62mm"
_STRIP = "Connector_PinHeader_2.54mm:PinHeader_1x%02d_P2.54mm_Vertical"

KINDS: Dict[str, Kind] = {
    "resistor": Kind(
        "metal film 1 % 0.25 W",
        "Resistor_THT:R_Axial_DIN0207_L6.3mm_D2.5mm_P7.62mm_Horizontal",
        _two(),
        "R",
    ),
    "capacitor": Kind("ceramic C0G 5 %", "Capacitor_THT:C_Disc_D5.0mm_W2.5mm_P2.50mm", _two(), "C"),
    "decoupling": Kind("ceramic X7R", "Capacitor_THT:C_Disc_D5.0mm_W2.5mm_P5.00mm", _two(), "C"),
    "electrolytic": Kind(
        "electrolytic, radial", "Capacitor_THT:CP_Radial_D8.0mm_P3.50mm", _two("+", "-"), "C"
    ),
    "diode": Kind(
        "switching diode",
        "Diode_THT:D_DO-35_SOD27_P7.62mm_Horizontal",
        _row("K PASSIVE", "A PASSIVE"),
        "D",
    ),
    "schottky": Kind(
        "Schottky rectifier",
        "Diode_THT:D_DO-201AD_P15.24mm_Horizontal",
        _row("K PASSIVE", "A PASSIVE"),
        "D",
    ),
    "light": Kind("LED 3 mm", "LED_THT:LED_D3.0mm", _row("K PASSIVE", "A PASSIVE")),
    "fuse": Kind("resettable fuse", "Fuse:Fuse_Bourns_MF-RG300", _two(), "fuse"),
    "choke": Kind(
        "choke, radial", "Inductor_THT:L_Radial_D9.5mm_P5.00mm_Fastron_07HVP", _two(), "L"
    ),
    "jack": Kind(
        "3.5 mm jack with a switch",
        "Connector_Audio:Jack_3.5mm_QingPu_WQP-PJ398SM_Vertical_CircularHoles",
        (("S", "SLEEVE", PASSIVE), ("T", "TIP", PASSIVE), ("TN", "SWITCH", PASSIVE)),
        "jack",
    ),
    "range": Kind(
        "range jumper, 3 pins and a shunt",
        _STRIP % 3,
        _row("BIPOLAR PASSIVE", "COMMON PASSIVE", "UNIPOLAR PASSIVE"),
        "range_jumper",
    ),
    "button": Kind(
        "push button 6 x 6 mm, its pin 15 mm high", "Button_Switch_THT:SW_PUSH_6mm", _two()
    ),
    "mcp6004": Kind(
        "four rail-to-rail amplifiers",
        _DIP % 14,
        _row(
            "OUTA OUTPUT",
            "INA- INPUT",
            "INA+ INPUT",
            "VDD PWRIN",
            "INB+ INPUT",
            "INB- INPUT",
            "OUTB OUTPUT",
            "OUTC OUTPUT",
            "INC- INPUT",
            "INC+ INPUT",
            "VSS PWRIN",
            "IND+ INPUT",
            "IND- INPUT",
            "OUTD OUTPUT",
        ),
        "mcp6004",
        _amplifiers("ABCD"),
        ("VDD", "VSS"),
    ),
    "mcp6542": Kind(
        "two push-pull comparators",
        _DIP % 8,
        _dual_amplifier("VSS", "VDD"),
        "mcp6542",
        _amplifiers("AB"),
        ("VDD", "VSS"),
    ),
    "tl072": Kind(
        "two JFET amplifiers",
        _DIP % 8,
        _dual_amplifier("VCC-", "VCC+"),
        "tl072",
        _amplifiers("AB"),
        ("VCC+", "VCC-"),
    ),
    "74ac14": Kind(
        "six Schmitt inverters, push-pull",
        _DIP % 14,
        _row(
            "1A INPUT",
            "1Y OUTPUT",
            "2A INPUT",
            "2Y OUTPUT",
            "3A INPUT",
            "3Y OUTPUT",
            "GND PWRIN",
            "4Y OUTPUT",
            "4A INPUT",
            "5Y OUTPUT",
            "5A INPUT",
            "6Y OUTPUT",
            "6A INPUT",
            "VCC PWRIN",
        ),
        "inverter",
        tuple(Unit(x, f"{x}A", "", f"{x}Y") for x in "123456"),
        ("VCC", "GND"),
    ),
    "mcp3208": Kind(
        "8 channel 12 bit AD converter",
        _DIP % 16,
        _row(
            *(f"CH{i} INPUT" for i in range(8)),
            "DGND PWRIN",
            "CS INPUT",
            "DIN INPUT",
            "DOUT TRISTATE",
            "CLK INPUT",
            "AGND PWRIN",
            "VREF INPUT",
            "VDD PWRIN",
        ),
    ),
    "lp2950": Kind(
        "3.3 V reference regulator, 0.5 %",
        "Package_TO_SOT_THT:TO-92_Inline",
        _row("OUT PWROUT", "GND PWRIN", "IN PWRIN"),
        "lp2950",
    ),
    "78l05": Kind(
        "5 V regulator, 100 mA",
        "Package_TO_SOT_THT:TO-92_Inline",
        _row("OUT PWROUT", "GND PWRIN", "IN PWRIN"),
        "reg78l05",
    ),
    "buck": Kind(
        "module: 12 V to 5 V, 5 A, soft start",
        _STRIP % 5,
        _row("PG OUTPUT", "EN INPUT", "VIN PWRIN", "GND PWRIN", "VOUT PWROUT"),
        "buck",
    ),
    "pcm5102": Kind(
        "module: stereo DA converter PCM5102A",
        _STRIP % 15,
        _row(
            "SCK INPUT",
            "BCK INPUT",
            "DIN INPUT",
            "LCK INPUT",
            "GND PWRIN",
            "VIN PWRIN",
            "FLT INPUT",
            "DEMP INPUT",
            "XSMT INPUT",
            "FMT INPUT",
            "A3V3 PWROUT",
            "AGND PWRIN",
            "ROUT OUTPUT",
            "AGND2 PASSIVE",
            "LOUT OUTPUT",
        ),
    ),
    "encoder": Kind(
        "module: encoder with RGB light, I2C 0x0F",
        _STRIP % 5,
        _row("VCC PWRIN", "SDA BIDIR", "SCL INPUT", "INT OUTPUT", "GND PWRIN"),
    ),
    "screen": Kind(
        "module: OLED 128x64, SSD1306, I2C 0x3C",
        _STRIP % 4,
        _row("GND PWRIN", "VCC PWRIN", "SCL INPUT", "SDA BIDIR"),
    ),
    "eurorack": Kind(
        "power header 2x5, keyed",
        "Connector_IDC:IDC-Header_2x05_P2.54mm_Vertical",
        tuple(
            (str(i), f"{name}_{i}", PASSIVE)
            for i, name in enumerate(["-12V"] * 2 + ["GND"] * 6 + ["+12V"] * 2, 1)
        ),
    ),
    "outlet": Kind(
        "terminal for the lead to the kit's barrel jack",
        "TerminalBlock_Phoenix:TerminalBlock_Phoenix_MKDS-1,5-2-5.08_1x02_P5.08mm_Horizontal",
        _two("+", "-"),
    ),
    "header": Kind(
        "header 2x20 for the ribbon to the Jetson",
        "Connector_IDC:IDC-Header_2x20_P2.54mm_Vertical",
        (),  # the pins are those of pinout.csv
    ),
}

# (kind, value) -> maker, part number. A value that is missing here cannot be bought, and stops the netlist.
_CATALOGUE: Dict[Tuple[str, str], Tuple[str, str]] = {
    ("capacitor", "100p"): ("Kemet", "C315C101J1G5TA"),
    ("capacitor", "2.2n"): ("Kemet", "C315C222J1G5TA"),
    ("capacitor", "4.7n"): ("Kemet", "C315C472J1G5TA"),
    ("capacitor", "10n"): ("Kemet", "C317C103J1G5TA"),
    ("decoupling", "100n"): ("Vishay", "K104K15X7RF5TH5"),
    ("decoupling", "1u"): ("Kemet", "C330C105K5R5TA"),
    ("electrolytic", "10u"): ("Panasonic", "ECA-1HM100"),
    ("electrolytic", "100u"): ("Panasonic", "ECA-1EM101"),
    ("electrolytic", "220u"): ("Panasonic", "ECA-1EM221"),
    ("electrolytic", "470u"): ("Panasonic", "ECA-1CM471"),
    ("diode", "1N4148"): ("onsemi", "1N4148"),
    ("schottky", "1N5822"): ("STMicroelectronics", "1N5822"),
    ("schottky", "1N5819"): ("STMicroelectronics", "1N5819"),
    ("light", "green"): ("Kingbright", "WP710A10LGD"),
    ("fuse", "2.5A"): ("Bourns", "MF-R250"),
    ("fuse", "0.1A"): ("Bourns", "MF-R010"),
    ("choke", "10u"): ("Bourns", "RLB0914-100KL"),
    ("jack", "PJ398SM"): ("Thonk", "PJ398SM"),
    ("range", "5V/10V"): ("Harwin", "M20-9990346"),
    ("button", "15 mm"): ("CUI Devices", "TS02-66-150-BK-260-LCR-D"),
    ("mcp6004", "MCP6004"): ("Microchip", "MCP6004-I/P"),
    ("mcp6542", "MCP6542"): ("Microchip", "MCP6542-I/P"),
    ("tl072", "TL072"): ("Texas Instruments", "TL072CP"),
    ("74ac14", "74AC14"): ("Texas Instruments", "SN74AC14N"),
    ("mcp3208", "MCP3208"): ("Microchip", "MCP3208-CI/P"),
    ("lp2950", "LP2950A-3.3"): ("onsemi", "LP2950ACZ-3.3RAG"),
    ("78l05", "78L05"): ("STMicroelectronics", "L78L05ACZ"),
    ("buck", "5V"): ("Pololu", "D36V50F5"),
    ("pcm5102", "PCM5102A"): ("unbranded", "GY-PCM5102"),
    ("encoder", "RGB encoder"): ("Pimoroni", "PIM522"),
    ("screen", "0.96 inch"): ("unbranded", "SSD1306 128x64 I2C 4-pin"),
    ("eurorack", "2x5"): ("Amphenol", "T821110A1S100CEU"),
    ("outlet", "5V"): ("Phoenix Contact", "1715721"),
    ("header", "2x20"): ("Amphenol", "T821140A1S100CEU"),
}


def maker_and_number(kind: str, value: str) -> Tuple[str, str]:
    """Return who makes a part and under which number; KeyError where the catalogue has no such part."""
    if kind == "resistor":
        return "Yageo", "MFR-25FBF52-" + _letter_code(value)
    return _CATALOGUE[kind, value]


def _letter_code(value: str) -> str:
    """Return 6.8k as 6K8, 330 as 330R."""
    letter = {"k": "K", "M": "M"}.get(value[-1], "R")
    digits = value.rstrip("kM")
    return digits.replace(".", letter) if "." in digits else digits + letter


# Resistors of 1 % are stocked in these steps; a value between them has to be waited for.
E24: List[float] = [
    float(step)
    for step in (
        "1.0 1.1 1.2 1.3 1.5 1.6 1.8 2.0 2.2 2.4 2.7 3.0 3.3 3.6 3.9 4.3 4.7 5.1 5.6 6.2 6.8 7.5 8.2 9.1".split()
    )
]
