"""An update that is cut off at random moments: whether a version plays afterwards, always.

A package lies on the card; the launcher that the system's service runs is started and killed with all its children
at a random moment of the time that it takes. Then it is started again: what plays has to be the old or the new version.
Every other round begins with a version that came by an update itself.

    python -m benchmarks.update_cut [--cuts 50] [--json FILE]

A kill that comes when the start is over is no cut; rounds go on until there are so many that were.
"""

import argparse
import collections
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any, Dict

from neurorave_device.tools.render import write_json
from tests.device.update_rig import Rig

EXPECTED = ("plays 9.0.0", "plays 9.1.0", "plays factory")


def cut(rig: Rig, seconds: float) -> bool:
    """Start the module and kill it after so long; say whether it was still at work."""
    process = subprocess.Popen(
        rig.command([]),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=rig.environment(),
    )
    time.sleep(seconds)
    working = process.poll() is None
    if working:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return working


def measure(cuts: int, chance: random.Random) -> Dict[str, Any]:
    """Cut so many updates off and count what played at the next start."""
    played: Dict[str, int] = collections.Counter()
    rounds = cut_off = 0
    with tempfile.TemporaryDirectory(prefix="neurorave-update-") as folder:
        first = Rig(os.path.join(folder, "first"))
        first.package("9.0.0")
        began = time.monotonic()
        first.start()
        whole = time.monotonic() - began
        while cut_off < cuts:
            rig = Rig(os.path.join(folder, str(rounds)))
            rig.package("9.0.0")
            if rounds % 2:
                rig.start("confirm")
                rig.package("9.1.0")
            cut_off += cut(rig, chance.uniform(0.0, whole))
            played[rig.start("confirm")[0] or "nothing"] += 1
            shutil.rmtree(rig.folder)
            rounds += 1
    return {
        "rounds": rounds,
        "cut_off": cut_off,
        "played": dict(played),
        "nothing_played": rounds - sum(played[name] for name in EXPECTED),
    }


def main() -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cuts", type=int, default=50, metavar="N")
    parser.add_argument("--json", default="-", metavar="FILE")
    options = parser.parse_args()
    found = measure(options.cuts, random.Random(0))
    write_json(options.json, found)
    return 0 if found["nothing_played"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
