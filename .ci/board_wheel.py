"""Make the wheel for the board out of the whole one: neurorave_device only, without what trains and tests.

    python .ci/board_wheel.py dist/neurorave-0.1.0-py3-none-any.whl dist/board

The board never builds, so what it gets is cut from the very wheel that everybody else gets.
"""

import configparser
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGE = "neurorave_device"
COMMANDS = ("neurorave",)
EXTRAS = ("board", "midi", "panel", "screen", "update")


def cut(metadata: str) -> str:
    """Return the metadata without the extras that are of no use on a board."""
    kept = []
    for line in metadata.splitlines(keepends=True):
        extra = re.match(r"Provides-Extra: (\S+)|Requires-Dist: .*extra == '([^']+)'", line)
        if extra is None or (extra.group(1) or extra.group(2)) in EXTRAS:
            kept.append(line)
    return "".join(kept)


def shrink(folder: Path) -> None:
    """Take out of an unpacked wheel what is not for the board."""
    for path in folder.iterdir():
        if path.is_dir() and path.name != PACKAGE and path.suffix != ".dist-info":
            shutil.rmtree(path)
    info = next(folder.glob("*.dist-info"))
    (info / "METADATA").write_text(cut((info / "METADATA").read_text("utf-8")), "utf-8")
    commands = configparser.ConfigParser()
    commands.read(info / "entry_points.txt")
    for name in set(commands["console_scripts"]) - set(COMMANDS):
        del commands["console_scripts"][name]
    with open(info / "entry_points.txt", "w", encoding="utf-8") as handle:
        commands.write(handle)


def main(whole: Path, out: Path) -> None:
    """Write the board's wheel into ``out``, under the same name."""
    with tempfile.TemporaryDirectory() as place:
        wheel = [sys.executable, "-m", "wheel"]
        subprocess.run(
            [*wheel, "unpack", "--dest", place, whole], check=True, stdout=subprocess.DEVNULL
        )
        folder = next(Path(place).iterdir())
        shrink(folder)
        out.mkdir(parents=True, exist_ok=True)
        # It writes the checksums of all files anew.
        subprocess.run(
            [*wheel, "pack", "--dest-dir", out, folder], check=True, stdout=subprocess.DEVNULL
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
