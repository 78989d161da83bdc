"""Writes docs/parameters.md from the parameter table: `python -m tests.make_parameter_page`."""

import os
from typing import List

from neurorave_device.parameter import Parameter
from neurorave_device.parameters import PARAMETERS

PAGE = os.path.join(os.path.dirname(os.path.dirname(__file__)), "docs", "parameters.md")
_HEAD = """# All parameters

This page is made from the parameter table ([parameters.py](../neurorave_device/parameters.py)) by
`python -m tests.make_parameter_page`; do not edit it. The same table makes the menu, the browser panel, what MIDI
controllers can be learnt to, and what a configuration file takes under `patch:`. There numbers stand as they are (a
share of 50 % is 0.5), choices by their names, toggles as `on` or `off`:

    patch:
      cv2.destination: booming
      cv2.amount: -0.5
      gate1.role: hold

*Preset* says whether a preset carries the parameter; the others belong to the module and stay as they are when a preset
is loaded. All of them are remembered when the module is switched off. What they do is told in [control.md](control.md).
"""


def text() -> str:
    """Return the page."""
    lines: List[str] = []
    page = ""
    for row in PARAMETERS:
        if row.page != page:
            page = row.page
            lines += ["", "## " + _title(page), ""]
            lines.append("| id | name | allowed | at first | preset | what it does |")
            lines.append("|---|---|---|---|---|---|")
        lines.append(_line(row))
    return _HEAD + "\n".join(lines) + "\n"


def _title(page: str) -> str:
    if page.startswith("cv"):
        return "CV " + page[2:]
    if page == "midi":
        return "MIDI"
    head, _, tail = page.partition(".")
    return head.capitalize() + (" of " + tail if tail else "")


def _line(row: Parameter) -> str:
    cells = [
        "`%s`" % row.id,
        row.name,
        _allowed(row),
        row.format(row.default),
        "no" if row.setup else "yes",
        row.help,
    ]
    return "| %s |" % " | ".join(cells)


def _allowed(row: Parameter) -> str:
    if row.measured:
        return "%s to %s" % (row.format(row.low), row.format(row.high))
    return ", ".join(row.choices) if row.choices else "on, off"


def main() -> None:
    with open(PAGE, "w", encoding="utf-8") as handle:
        handle.write(text())
    print("%d parameters in %s" % (len(PARAMETERS), PAGE))


if __name__ == "__main__":
    main()
