"""The command that repeats a table."""

from __future__ import annotations

import argparse
import sys
import traceback
from pathlib import Path

from neurorave_device.errors import UserError
from neurorave_train.data.files import disk_errors, replacing
from neurorave_train.errors import RunFailure
from neurorave_train.experiments.driver import Driver
from neurorave_train.experiments.summary import markdown
from neurorave_train.experiments.table import load_table, names


class _Parser(argparse.ArgumentParser):
    """Bad usage in one sentence, as for every other mistake."""

    def error(self, message: str) -> None:  # type: ignore[override]
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = _Parser(
        prog="python -m neurorave_train.experiments",
        description="Train, export and measure every system of a table, one run at a time. Stopped and "
        "started again it skips what is done and goes on with what was begun.",
        epilog=f"tables: {', '.join(names())}",
    )
    top.add_argument("table", metavar="TABLE", help="a table that ships, or a YAML file")
    top.add_argument(
        "--data", required=True, metavar="DIR", help="holds the sets, each with train/ and valid/"
    )
    top.add_argument(
        "--work", required=True, metavar="DIR", help="for prepared data and unfinished runs"
    )
    top.add_argument("--out", default="docs/results", metavar="DIR", help="default: %(default)s")
    top.add_argument(
        "--seconds", type=float, metavar="S", help="processor time of a run, not the table's"
    )
    top.add_argument(
        "--seed", type=int, action="append", metavar="N", help="only this seed (may be repeated)"
    )
    top.add_argument(
        "--set", action="append", metavar="NAME", help="only this set (may be repeated)"
    )
    top.add_argument(
        "--system", action="append", metavar="NAME", help="only this one (may be repeated)"
    )
    top.add_argument(
        "--keep", action="store_true", help="keep finished runs with their bundles in --work"
    )
    top.add_argument(
        "--measure-again",
        action="store_true",
        help="train nothing; measure the kept bundles anew and rewrite their results",
    )
    top.add_argument("--list", action="store_true", help="say what would run, and what is done")
    top.add_argument("--debug", action="store_true", help="show the traceback of a failure")
    return top


def main(argv: list[str] | None = None) -> int:
    """Runs the command: 0 all there, 1 some run failed, 2 bad usage or input, 130 Ctrl-C."""
    args = parser().parse_args(argv)
    try:
        return _run(args)
    except UserError as error:
        return _complain(args, str(error), 2)
    except KeyboardInterrupt as stop:
        return _complain(args, str(stop) or "interrupted.", 130)
    except RunFailure as error:
        return _complain(args, str(error), 1)


def _complain(args: argparse.Namespace, words: str, status: int) -> int:
    if args.debug:
        traceback.print_exc()
    print(f"experiments: {words}", file=sys.stderr)
    return status


def _run(args: argparse.Namespace) -> int:
    table = load_table(args.table, args.seconds, args.seed, args.set, args.system)
    out = Path(args.out)
    driver = Driver(table, Path(args.data), Path(args.work), out, args.keep)
    if args.list:
        there = driver.results_so_far(table.cells)
        done = {(r["set"], r["system"], r["seed"]): r for r in there}
        for cell in table.cells:
            found = done.get((cell.audio.name, cell.system.name, cell.seed))
            state = "to do" if found is None else "failed" if "failed" in found else "done"
            print(f"{cell.name}: {state}")
        return 0
    # The page is about the whole table, whatever part of it runs now.
    whole = load_table(args.table, args.seconds)
    whole = whole._replace(cells=tuple(dict.fromkeys([*whole.cells, *table.cells])))
    with disk_errors(out):

        def say(words: str) -> None:
            print(words, flush=True)
            with replacing(out / f"{table.name}.md") as stream:
                stream.write(markdown(whole, driver.results_so_far(whole.cells)).encode())

        failed = driver.run(say, args.measure_again)
    if failed:
        print(f"experiments: {len(failed)} runs failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0
