"""The installer's command line. Status: 0 well, 1 a step failed and all is undone, 2 refused before any change."""

import argparse
import glob
import os
import re
import sys
from typing import Optional, Sequence

from neurorave_device import __version__
from neurorave_device.installer.install import Options, install, uninstall
from neurorave_device.installer.steps import Release
from neurorave_device.installer.system import Failed, Refused, System


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Install or uninstall, and return the exit status."""
    options = _parser().parse_args(arguments)
    system = System(options.root, options.dry_run)
    try:
        release = _release(options.source, options.wheels)
        chosen = Options(release, options.card, options.any_system, not options.no_pins)
        if options.uninstall:
            uninstall(system, chosen, options.purge)
        else:
            install(system, chosen)
    except Refused as error:
        return _fail(str(error), 2)
    except (Failed, OSError) as error:
        return _fail(str(error), 1)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="install",
        description="Install neurorave on a board with JetPack 4.6.1 to 4.6.x or 6 and newer; docs/install.md.",
        epilog="examples: sudo ./install --dry-run; sudo ./install; sudo ./install --uninstall",
    )
    add = parser.add_argument
    add("--dry-run", action="store_true", help="say what would be done, and change nothing")
    add("--uninstall", action="store_true", help="take everything off again; settings stay")
    add("--purge", action="store_true", help="with --uninstall: settings go too")
    add("--card", metavar="DEVICE", help="make this empty partition the card, such as /dev/sda1")
    add(
        "--wheels",
        metavar="DIR",
        help="a folder with the Python packages, where there is no network",
    )
    add("--no-pins", action="store_true", help="leave SPI and I2S of the header as they are")
    add("--any-system", action="store_true", help="also where there is no JetPack")
    add("--root", metavar="DIR", default="/", help="look and write below this folder (/)")
    add("--source", metavar="DIR", default=os.getcwd(), help="the folder of the release")
    return parser


def _release(folder: str, wheels: Optional[str]) -> Release:
    found = sorted(glob.glob(os.path.join(glob.escape(folder), "neurorave-*-py3-none-any.whl")))
    wheel = found[-1] if found else ""
    named = re.match(r"neurorave-([^-]+)-", os.path.basename(wheel))
    version = named.group(1) if named else __version__
    return Release(folder, wheel, version, None if wheels is None else os.path.abspath(wheels))


def _fail(sentence: str, status: int) -> int:
    print("install: %s." % sentence.rstrip("."), file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
