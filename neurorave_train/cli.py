"""The `neurorave-train` command: argument parsing and exit statuses, nothing else."""

import argparse
import sys
import traceback
from typing import Callable, List, Optional

from neurorave_device.errors import UserError

from .errors import RunFailure, missing_package

# Torch and Lightning take seconds to import, so that each command imports its own module.
Command = Callable[[argparse.Namespace], Optional[int]]


def _prepare(args: argparse.Namespace) -> Optional[int]:
    from .data.prepare import main as run

    return run(args)


def _fit(args: argparse.Namespace) -> Optional[int]:
    from .training.fit import main as run

    run(args)
    return 0


def _export(args: argparse.Namespace) -> Optional[int]:
    from .export import main as run

    run(args)
    return 0


class _Parser(argparse.ArgumentParser):
    """Bad usage in one sentence, as for every other mistake."""

    def error(self, message: str) -> None:  # type: ignore[override]
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def parser() -> argparse.ArgumentParser:
    """The command line of neurorave-train."""
    from .data.options import add_arguments

    top = _Parser(
        prog="neurorave-train",
        description="From recordings to a bundle: prepare, then fit, then export.",
        epilog="example: neurorave-train prepare --data recordings --out runs/prepared",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--debug", action="store_true", help="show the traceback of a failure")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, run: Command, summary: str, example: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=f"example: neurorave-train {name} {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        # Accepted on both sides of the command; SUPPRESS keeps the outer value.
        sub.add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS
        )
        sub.set_defaults(function=run)
        return sub

    add_arguments(
        command(
            "prepare",
            _prepare,
            "turn folders of recordings into training data",
            "--data recordings --out runs/prepared --exclude 'body_*'",
        )
    )
    _fit_arguments(
        command(
            "fit",
            _fit,
            "train the model, then its prior",
            "--recipe playable --data runs/prepared --out runs/first --max-steps 20000",
        )
    )
    _export_arguments(
        command(
            "export",
            _export,
            "write the bundle of a trained run",
            "--run runs/first --out models/first --name 'My drums' --licence CC0-1.0",
        )
    )
    return top


def _fit_arguments(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--recipe", required=True, metavar="NAME|FILE", help="a recipe that ships, or a YAML file"
    )
    sub.add_argument("--data", required=True, metavar="DIR", help="what `prepare` wrote")
    sub.add_argument("--out", required=True, metavar="DIR", help="folder of the run")
    sub.add_argument(
        "--from",
        dest="begin_from",
        default=None,
        metavar="RUN|BUNDLE",
        help="begin with the weights of a run or of a bundle that has the same network",
    )
    sub.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    sub.add_argument("--devices", type=_positive, default=1, metavar="N", help="per node")
    sub.add_argument("--num-nodes", type=_positive, default=1, metavar="N", help="machines")
    sub.add_argument(
        "--max-steps", type=_positive, default=None, metavar="N", help="default: the recipe's"
    )
    sub.add_argument(
        "--max-seconds",
        type=_seconds,
        default=None,
        metavar="S",
        help="end the model's training after S seconds of this process's processor time in steps",
    )
    sub.add_argument(
        "--stage",
        choices=("model", "prior"),
        default=None,
        help="train this part only (default: the model, then the prior)",
    )
    sub.add_argument(
        "--set",
        action="append",
        default=[],
        type=_assignment,
        metavar="KEY=VALUE",
        help="change one value of the recipe; may be given several times",
    )


def _export_arguments(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--run", required=True, metavar="RUN", help="what `fit` wrote")
    sub.add_argument("--out", required=True, metavar="BUNDLE", help="folder to write")
    for option in ("name", "author", "licence", "version"):
        sub.add_argument(f"--{option}", default=None, help=f"the bundle's {option}")


def _positive(text: str) -> int:
    """A whole number from 1 on."""
    value = int(text) if text.isdigit() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return value


def _seconds(text: str) -> float:
    """A time above zero."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


def _assignment(text: str) -> str:
    """KEY=VALUE with a key."""
    if "=" not in text or not text.split("=", 1)[0].strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form KEY=VALUE")
    return text


def main(argv: Optional[List[str]] = None) -> int:
    """Run one command; 0 on success, 2 on bad usage or input, 1 on failure, 130 on Ctrl-C."""
    args = parser().parse_args(argv)
    try:
        return args.function(args) or 0
    except UserError as error:
        print(f"neurorave-train: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        # Whoever could save something says what was kept and how to go on.
        print(f"neurorave-train: {str(stop) or 'interrupted.'}", file=sys.stderr)
        return 130
    except RunFailure as error:
        print(f"neurorave-train: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader of our output left (`| head`); there is nobody to tell.
        sys.stderr.close()
        return 1
    except Exception as error:
        missing = missing_package(error) if isinstance(error, ModuleNotFoundError) else None
        if args.debug:
            traceback.print_exc()
        if missing is not None:
            print(f"neurorave-train: {missing}", file=sys.stderr)
            return 2
        if not args.debug:
            print(
                f"neurorave-train: {type(error).__name__}: {error} (--debug shows where).",
                file=sys.stderr,
            )
        return 1


if __name__ == "__main__":
    sys.exit(main())
