"""Kill a process that saves patches without a pause, with SIGKILL at random moments, and read what is left.

    python -m benchmarks.power_cut --kills 2000

After each kill the patch must load, and be the one whose saving had ended last or the one that was being saved: at
most one change old. A killed process does not take the system's cache with it, so this says nothing about a disk that
loses what was never forced onto it; tests/device/test_storage_safe_file.py goes through each step of that.
"""

import argparse
import json
import mmap
import os
import random
import shutil
import signal
import struct
import sys
import tempfile
import time
from typing import Any, Callable, Dict, List, Optional, Tuple

from neurorave_device.storage.patch import (
    Patch,
    default_patch,
    from_payload,
    patch_file,
    to_payload,
)

# What the writer was doing when it was killed, by the last of its system calls that had returned or begun.
STEPS = (
    "between saves",
    "before the new file is whole",
    "new file forced to disk",
    "old one renamed",
    "new one renamed",
)
_STATE = struct.Struct("=QQQ")
# A writer is killed after up to so many times what a save takes here.
_LONGEST = 3.0


def patch_number(number: int) -> Patch:
    """Return the patch that is the given change: all of it depends on the number."""
    patch = default_patch()
    values = dict(patch.values, seed=float(number % 10000), level=-60.0 + number % 60)
    return Patch(values, "change-%d" % number)


def number_of(patch: Patch) -> int:
    """Return which change a patch is; ValueError where it is none that was ever saved."""
    number = int(patch.bundle.split("-")[1])
    if patch != patch_number(number):
        raise ValueError("a mixture of patches: %r" % (patch,))
    return number


def write_for_ever(folder: str, first: int, shared: mmap.mmap) -> None:
    """Save change after change, telling through the shared memory which was begun, which is done, and the step."""
    state = {"begun": first - 1, "done": first - 1, "step": 0}

    def tell(**changes: int) -> None:
        state.update(changes)
        shared[: _STATE.size] = _STATE.pack(state["begun"], state["done"], state["step"])

    def stepping(call: Callable[..., Any], steps: Dict[int, int]) -> Callable[..., Any]:
        def wrapped(*arguments: Any) -> Any:
            found = call(*arguments)
            tell(step=steps.get(state["step"], state["step"]))
            return found

        return wrapped

    os.fsync = stepping(os.fsync, {1: 2})
    os.replace = stepping(os.replace, {2: 3, 3: 4})
    file = patch_file(folder)
    number = first
    while True:
        tell(begun=number, step=1)
        file.save(to_payload(patch_number(number)))
        tell(done=number, step=0)
        number += 1


def kill_once(folder: str, first: int, shared: mmap.mmap, delay: float) -> Tuple[int, int, int]:
    """Let a writer run for a time, kill it, and return (change begun, change done, step)."""
    shared[: _STATE.size] = _STATE.pack(first - 1, first - 1, 0)
    child = os.fork()
    if child == 0:
        try:
            write_for_ever(folder, first, shared)
        finally:
            os._exit(1)
    # Not before it has saved once: the start of a process is slow, and most kills would fall into its first save.
    while _STATE.unpack(shared[: _STATE.size])[1] < first:
        time.sleep(0.0001)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        raise RuntimeError("the writer ended by itself, with status %d" % status)
    begun, done, step = _STATE.unpack(shared[: _STATE.size])
    return begun, done, step


def save_seconds(folder: str) -> float:
    """Return how long a save takes, and leave change 0 in the folder."""
    begin = time.monotonic()
    for number in range(9, -1, -1):
        patch_file(folder).save(to_payload(patch_number(number)))
    return (time.monotonic() - begin) / 10


def measure(folder: str, kills: int, seed: int) -> Dict[str, Any]:
    """Kill that often and return the counts."""
    chance = random.Random(seed)
    shared = mmap.mmap(-1, mmap.PAGESIZE)
    landed = [0] * len(STEPS)
    lost: List[str] = []
    saves = from_previous = one_old = 0
    number = 0
    longest = _LONGEST * save_seconds(folder)
    for _ in range(kills):
        begun, done, step = kill_once(folder, number + 1, shared, chance.uniform(0.0, longest))
        landed[step] += 1
        saves += done - number
        loaded = patch_file(folder).load()
        found: Optional[int] = None
        if loaded.payload is not None:
            found = number_of(from_payload(loaded.payload)[0])
        if found is None or not done <= found <= begun:
            lost.append("begun %d, done %d, found %s: %s" % (begun, done, found, loaded.sentence))
        from_previous += bool(loaded.sentence)
        one_old += found == begun - 1
        number = found if found is not None else begun
    return {
        "kills": kills,
        "save_ms": 1000.0 * longest / _LONGEST,
        "seed": seed,
        "saves": saves,
        "landed": dict(zip(STEPS, landed)),
        "inside": kills - landed[0],
        "read_from_previous": from_previous,
        "one_change_old": one_old,
        "lost": lost,
    }


def main() -> int:
    """Measure and print; status 1 where anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=2000, metavar="N", help="(2000)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="(1)")
    parser.add_argument(
        "--folder", metavar="DIR", help="on the disk to be tested (the temporary one)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="neurorave-power-cut-", dir=options.folder)
    try:
        report = measure(folder, options.kills, options.seed)
    finally:
        shutil.rmtree(folder)
    if options.json:
        print(json.dumps(report))
    else:
        for key, value in report.items():
            print("%-20s %s" % (key, value))
    return 1 if report["lost"] else 0


if __name__ == "__main__":
    sys.exit(main())
