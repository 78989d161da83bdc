"""Run the decks of spice/ with ngspice, and each counter-deck, which is a deck with one fault that it has to notice.

`python -m hardware.simulate` prints what each assert saw, over all runs, and writes it to spice/results.csv; status 1
where one fails, or where a counter-deck passes.
"""

import argparse
import csv
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple

SPICE = Path(__file__).resolve().parent / "spice"
PACKAGE = "ngspice"
# As in the decks: the parts as printed, then 200 times with parts within their tolerances.
RUNS = 201
_ASSERTS = re.compile(r"set asserts = \( (.*?) \)")
_BOUND = re.compile(r"let ((?:low|high)_\w+) = (\S+)")
_LIMIT_S = 240


class Counter(NamedTuple):
    """A fault and the assert that has to notice it."""

    deck: str
    name: str
    change: str
    wrong: str


class Seen(NamedTuple):
    """What an assert saw: runs that passed and failed, and the smallest and the largest value."""

    passed: int
    failed: int
    low: float
    high: float


def decks() -> List[str]:
    """Return the names of the decks."""
    return sorted(path.stem for path in SPICE.glob("*.cir"))


def asserts(deck: str) -> List[str]:
    """Return the names of a deck's asserts."""
    text = (SPICE / f"{deck}.cir").read_text("utf-8")
    return [name for group in _ASSERTS.findall(text) for name in group.split()]


def counters() -> List[Counter]:
    """Return what counters.csv lists."""
    with open(SPICE / "counters.csv", encoding="utf-8", newline="") as file:
        return [Counter(*row) for row in list(csv.reader(file))[1:]]


def run(deck: str, runs: int = RUNS, folder: Path = SPICE) -> Dict[str, Seen]:
    """Return what each assert of a deck saw; RuntimeError where the simulation itself does not work.

    An assert that printed nothing has passed and failed 0 times.
    """
    command = ["ngspice", "-D", f"runs={runs}", "-b", f"{deck}.cir"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_LIMIT_S)
    found: Dict[str, List[float]] = {}
    failed: Dict[str, int] = {}
    for line in done.stdout.splitlines():
        words = line.split()
        if len(words) == 3 and words[0] in ("pass", "fail"):
            found.setdefault(words[1], []).append(float(words[2]))
            failed[words[1]] = failed.get(words[1], 0) + (words[0] == "fail")
    seen = {}
    for name in asserts(deck):
        values, bad = found.get(name, []), failed.get(name, 0)
        nothing = float("nan")
        seen[name] = Seen(
            len(values) - bad, bad, min(values, default=nothing), max(values, default=nothing)
        )
    if not found or done.returncode != (1 if any(failed.values()) else 0):
        raise RuntimeError(f"{deck}: ngspice ended with {done.returncode}: {done.stderr[-2000:]}")
    return seen


def bounds(deck: str) -> Dict[str, Tuple[str, str]]:
    """Return what each assert allows, as the deck writes it."""
    text = (SPICE / f"{deck}.cir").read_text("utf-8")
    limits = dict(_BOUND.findall(text))
    return {name: (limits[f"low_{name}"], limits[f"high_{name}"]) for name in asserts(deck)}


def results(seen: Dict[str, Dict[str, Seen]]) -> str:
    """Return results.csv: what each assert saw, four digits of it, and what it allows."""
    lines = ["deck,assert,lowest seen,highest seen,allowed from,allowed to"]
    for deck, found in seen.items():
        allowed = bounds(deck)
        for name, one in found.items():
            lines.append(
                ",".join((deck, name, f"{one.low:.4g}", f"{one.high:.4g}", *allowed[name]))
            )
    return "\n".join(lines) + "\n"


def run_counter(counter: Counter) -> Seen:
    """Return what the assert saw that has to notice the fault, with parts as printed otherwise."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "spice"
        shutil.copytree(SPICE, folder)
        damage(folder / "stages", counter)
        return run(counter.deck, 1, folder)[counter.name]


def damage(stages: Path, counter: Counter) -> List[str]:
    """Change the stages as the counter-deck says and return the lines that are different now.

    Changes are `REF=VALUE`, `remove REF`, `short REF` and `REF NODE>NODE`.  ValueError for one that changes nothing.
    """
    words = counter.change.split()
    ref = words[0].split("=")[0] if len(words) == 1 or ">" in words[-1] else words[1]
    changed = []
    for path in sorted(stages.glob("*.inc")):
        lines = path.read_text("utf-8").splitlines()
        for place, line in enumerate(lines):
            if line.split()[0] == ref:
                new = _changed(line, counter.change)
                if new != line:
                    changed.append(new)
                lines[place] = new
        path.write_text("\n".join(lines) + "\n", "utf-8")
    if not changed:
        raise ValueError(f"counters.csv: {counter.deck}: {counter.change!r} changes nothing")
    return changed


def _changed(line: str, change: str) -> str:
    words = line.split()
    if "=" in change:
        return re.sub(r"\(.*?,", f"({change.split('=')[1]},", line)
    if change.startswith("remove "):
        return "* " + line
    if change.startswith("short "):
        return f"R{words[0]} {words[1]} {words[2]} 1m"
    before, after = change.split()[1].split(">")
    return " ".join(after if word == before else word for word in words)


def main() -> int:
    """Run all of it; the exit status is 1 where something is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=RUNS, metavar="N", help="runs of each deck")
    arguments = parser.parse_args()
    wrong = 0
    everything = {}
    for deck in decks():
        everything[deck] = run(deck, arguments.runs)
        for name, seen in everything[deck].items():
            verdict = "ok" if seen.passed == arguments.runs and not seen.failed else "FAILS"
            wrong += verdict != "ok"
            print(f"{deck:15} {name:15} {seen.low:12.5g} to {seen.high:12.5g}  {verdict}")
    if arguments.runs == RUNS:
        (SPICE / "results.csv").write_text(results(everything), "utf-8")
    for counter in counters():
        seen = run_counter(counter)
        verdict = "noticed" if seen.failed == 1 else "NOT NOTICED"
        wrong += verdict != "noticed"
        print(f"{counter.deck:15} {counter.name:15} {counter.change:28} {verdict}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
