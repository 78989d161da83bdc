"""The pictures of the player's manual, from the very pages; `python -m tests.device.manual_pictures` draws them anew.

Each is a state of `page_states`, whose reference pictures are looked at when they change.
"""

import os
import re
from typing import Dict, Set

from PIL import Image, ImageOps

from .page_states import STATES

MANUAL = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(__file__))), "docs", "manual")
FOLDER = os.path.join(MANUAL, "pictures")
SCALE = 3
_MARGIN = 4
_PICTURE = re.compile(r"!\[[^\]]*\]\(pictures/([a-z_]+)\.png\)")


def pages() -> Dict[str, str]:
    """Return the manual's pages: file name -> text."""
    found = {}
    for name in sorted(os.listdir(MANUAL)):
        if name.endswith(".md"):
            with open(os.path.join(MANUAL, name), encoding="utf-8") as page:
                found[name] = page.read()
    return found


def wanted() -> Set[str]:
    """Return the states that the manual shows."""
    return {name for text in pages().values() for name in _PICTURE.findall(text)}


def drawn(name: str) -> Image.Image:
    """Return the picture of a state as the manual shows it: larger, on a dark margin."""
    points = Image.frombytes("1", (128, 64), STATES[name]())
    framed = ImageOps.expand(points, _MARGIN, 0)
    return framed.resize((framed.width * SCALE, framed.height * SCALE), Image.NEAREST)


def path_of(name: str) -> str:
    """Return where a picture lies."""
    return os.path.join(FOLDER, name + ".png")


def main() -> None:
    os.makedirs(FOLDER, exist_ok=True)
    for name in os.listdir(FOLDER):
        os.unlink(os.path.join(FOLDER, name))
    for name in sorted(wanted()):
        drawn(name).save(path_of(name), optimize=True)
    print("%d pictures in %s" % (len(wanted()), FOLDER))


if __name__ == "__main__":
    main()
