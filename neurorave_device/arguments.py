"""What the commands' arguments share: numbers, and where a report goes."""

import argparse
import math
import os
from typing import Any, Callable, Dict, Optional

# Makes a parser with help and an example, of the commands or actions that it is given.
AddCommand = Callable[[Any, str, str, str], argparse.ArgumentParser]
STDOUT = "-"


def number(text: str) -> float:
    """Return a finite number; argparse.ArgumentTypeError where it is none."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise argparse.ArgumentTypeError("%r is not a number" % text)
    return found


def whole(text: str) -> int:
    """Return a whole number; argparse.ArgumentTypeError where it is none."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError("%r is not a whole number" % text) from None


def new_file(text: str) -> str:
    """Return the path of a file that can be in its folder; argparse.ArgumentTypeError where there is no folder.

    Known before the work begins, it is a mistake in the line and no failure after minutes of measuring.
    """
    folder = os.path.dirname(os.path.abspath(text))
    if text != STDOUT and not os.path.isdir(folder):
        raise argparse.ArgumentTypeError("%s: there is no folder %s" % (text, folder))
    return text


def add_json(parser: argparse.ArgumentParser) -> None:
    """Let a command write its result as JSON; see `write_report`."""
    parser.add_argument(
        "--json", metavar="FILE", type=new_file, help="write the result as JSON; - is stdout"
    )


def write_report(options: argparse.Namespace, document: Dict[str, Any]) -> bool:
    """Write a result where ``--json`` says, and return whether stdout is left for a text.

    OSError where the file cannot be written.
    """
    from neurorave_device.tools.render import write_json

    path: Optional[str] = options.json
    if path is not None:
        write_json(path, document)
    return path != STDOUT
