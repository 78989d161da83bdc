"""`python -m hardware.make` (`make hardware`): write what is made from the netlist, the pin-out and the panel.

With `--check` nothing is written; exit status 1 where a file is not current.
"""

import argparse
import sys
from pathlib import Path
from typing import Dict

from hardware import bom, panel_files, pinout, power, spice_export
from hardware.checks import faults
from hardware.design import Design
from hardware.netlist import build
from hardware.panel import panel
from hardware.sheets import SHEETS

ROOT = Path(__file__).resolve().parent.parent
_HERE = "hardware/"


def texts(design: Design) -> Dict[str, str]:
    """Return what is made: path in the repository -> text."""
    made = {
        "docs/pinout.md": pinout.page(),
        _HERE + "bom.csv": bom.text(design),
        _HERE + "nets.csv": bom.nets_text(design),
    }
    for name, text in spice_export.texts(design).items():
        made[_HERE + "spice/stages/" + name] = text
    for name, draw in SHEETS.items():
        made[_HERE + f"schematic/{name}.svg"] = draw(design).svg()
    made[_HERE + "panel.svg"] = panel_files.svg(panel())
    made[_HERE + "panel.dxf"] = panel_files.dxf(panel())
    return made


def stale(made: Dict[str, str]) -> Dict[str, str]:
    """Return those that are not on the disk as they are made."""
    return {
        name: text
        for name, text in made.items()
        if not (ROOT / name).is_file() or (ROOT / name).read_text("utf-8") != text
    }


def main() -> int:
    """Check the netlist and write what has changed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    design = build()
    found = faults(design)
    for fault in found:
        print(fault, file=sys.stderr)
    if found:
        return 1
    changed = stale(texts(design))
    for name, text in changed.items():
        print(("not current: " if arguments.check else "writing ") + name)
        if not arguments.check:
            (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / name).write_text(text, "utf-8")
    print(
        f"{len(design.parts)} parts, {len(design.nets())} nets, no fault; {len(changed)} files changed"
    )
    print("\n".join(power.report()))
    return 1 if arguments.check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
