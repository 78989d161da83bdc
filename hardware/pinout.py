"""The 40-pin header: `pinout.csv` is its only source. The netlist, the page in docs/ and a test of board.py read it."""

import csv
import re
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Tuple, Union

HERE = Path(__file__).resolve().parent
_ENTRY = re.compile(r"(\w+?)(?:\[(\d+)\])?=(\d+)$")
_WAYS = {"in": "into the Jetson", "out": "from the Jetson", "both": "both ways", "power": "supply"}
_INTRODUCTION = """\
# The 40-pin header

*Made by `make hardware` from `hardware/pinout.csv`; change that file.* Netlist, wiring list and pictures are made from
it too, and tests compare it with the defaults of `neurorave_device/machine/board.py`.

Pins are numbered as printed on a Jetson Nano developer kit, pin 1 beside the small triangle. *Line* is the number on
the GPIO chip `tegra-gpio` of the Nano; other boards name theirs in `gpio_lines`
([hardware-inputs.md](hardware-inputs.md)).
All signals are 3.3 V; no pin but 2 and 4, which stay open, ever sees more.

| pin | Jetson Nano | line | net | direction | default of | purpose |
|---|---|---|---|---|---|---|
"""


class Pin(NamedTuple):
    """A pin of the header; `line` on the GPIO chip, `net` '' where it is open, `board` the keys that it stands for."""

    number: int
    jetson: str
    line: Optional[int]
    net: str
    direction: str
    board: Tuple[Tuple[str, Optional[int], int], ...]
    purpose: str


def header() -> List[Pin]:
    """Return the pins, 1 to 40; ValueError for an entry that is none."""
    with open(HERE / "pinout.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        Pin(
            int(row["pin"]),
            row["jetson"],
            int(row["line"]) if row["line"] else None,
            row["net"],
            row["direction"],
            tuple(_entry(text) for text in row["board"].split()),
            row["purpose"],
        )
        for row in rows
    ]


def board_defaults() -> Dict[str, Union[int, Tuple[int, ...]]]:
    """Return the keys of the board's configuration that the header decides, with their defaults."""
    found: Dict[Tuple[str, Optional[int]], int] = {}
    for pin in header():
        for key, place, value in pin.board:
            if found.setdefault((key, place), value) != value:
                raise ValueError(f"pinout.csv: pin {pin.number}: {key} has two values")
    single = {key: value for (key, place), value in found.items() if place is None}
    listed: Dict[str, List[int]] = {}
    for (key, _), value in sorted(
        (entry, value) for entry, value in found.items() if entry[1] is not None
    ):
        listed.setdefault(key, []).append(value)
    return {**single, **{key: tuple(values) for key, values in listed.items()}}


def page() -> str:
    """Return docs/pinout.md."""
    lines = []
    for pin in header():
        keys = ", ".join(dict.fromkeys(f"`{key}`" for key, _, _ in pin.board))
        cells = (
            str(pin.number),
            pin.jetson,
            "" if pin.line is None else str(pin.line),
            pin.net,
            _WAYS.get(pin.direction, ""),
            keys,
            pin.purpose,
        )
        lines.append("| " + " | ".join(cells) + " |\n")
    return _INTRODUCTION + "".join(lines)


def _entry(text: str) -> Tuple[str, Optional[int], int]:
    found = _ENTRY.match(text)
    if found is None:
        raise ValueError(f"pinout.csv: board: {text!r}, allowed is key=number or key[place]=number")
    place = found.group(2)
    return found.group(1), None if place is None else int(place), int(found.group(3))
