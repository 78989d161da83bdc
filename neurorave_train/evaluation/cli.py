"""The `neurorave-evaluate` command: a bundle and a folder of recordings in, figures out."""

import argparse
import os
import shlex
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence

from neurorave_device.errors import UserError

from ..errors import RunFailure, missing_package

if TYPE_CHECKING:
    from .codec import BundleCodec
    from .metrics import Floats
    from .protocol import Extras

# Of another set's clips, so that a large set does not decide how long an evaluation takes.
MOST_TRANSFERRED = 25

EPILOG = """example:
  neurorave-evaluate models/hand_percussion --data recordings/valid --json figures.json --html report
"""


class _Parser(argparse.ArgumentParser):
    """Bad usage in one sentence, as for every other mistake."""

    def error(self, message: str) -> None:  # type: ignore[override]
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def parser() -> argparse.ArgumentParser:
    """The command line of neurorave-evaluate."""
    top = _Parser(
        prog="neurorave-evaluate",
        description="Measure how well a bundle reproduces recordings and obeys its descriptors.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("bundle", metavar="BUNDLE", help="folder of the bundle")
    top.add_argument("--data", required=True, metavar="DIR", help="folder of audio files")
    top.add_argument("--json", metavar="FILE", help="write the figures; - is stdout")
    top.add_argument("--html", metavar="DIR", help="write a page with players, pictures and tables")
    top.add_argument("--limit", type=_two_or_more, metavar="N", help="use the first N clips")
    top.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="GLOB",
        help="leave out files of this name or path (may be repeated)",
    )
    top.add_argument(
        "--oracle",
        action="store_true",
        help="measure the answers with librosa, MoSQITo and timbral_models, not with the bundle",
    )
    top.add_argument(
        "--quick",
        action="store_true",
        help="leave out the Eurorack curves and the cycle, most of the time",
    )
    top.add_argument(
        "--full",
        action="store_true",
        help="the whole protocol: also the published curves, sets of two to four, all modulators, "
        "and the guard (about four times as long)",
    )
    top.add_argument(
        "--transfer",
        action="append",
        default=[],
        metavar="DIR",
        help="also play the recordings of another set with this bundle (may be repeated)",
    )
    top.add_argument(
        "--jnd",
        action="store_true",
        help="also the CDPAM distance, where that package is installed",
    )
    top.add_argument(
        "--seed", type=_seed, default=0, metavar="N", help="of noise and random curves"
    )
    top.add_argument(
        "--clips", metavar="FILE", help="the very clips of an earlier evaluation's --json"
    )
    top.add_argument("--debug", action="store_true", help="show the traceback of a failure")
    return top


def _two_or_more(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 2:
        raise argparse.ArgumentTypeError(f"{text} is not allowed; it must be a number from 2 on")
    return value


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**31:
        raise argparse.ArgumentTypeError(f"{text} is not allowed; it must be 0 to {2**31 - 1}")
    return int(text)


def main(argv: Optional[List[str]] = None) -> int:
    """Run the command; returns the exit status (0, 1 on failure, 2 on bad usage or input, 130 on Ctrl-C)."""
    args = parser().parse_args(argv)
    args.command = shlex.join(["neurorave-evaluate", *(sys.argv[1:] if argv is None else argv)])
    try:
        _run(args)
    except UserError as error:
        return _complain(args, str(error), 2)
    except KeyboardInterrupt:
        return _complain(args, "interrupted.", 130)
    except Exception as error:
        missing = missing_package(error) if isinstance(error, ModuleNotFoundError) else None
        if missing is not None:
            return _complain(args, missing, 2)
        words = str(error) if isinstance(error, RunFailure) else f"{type(error).__name__}: {error}"
        return _complain(args, words, 1)
    return 0


def _complain(args: argparse.Namespace, words: str, status: int) -> int:
    if args.debug:
        traceback.print_exc()
    print(f"neurorave-evaluate: {words}", file=sys.stderr)
    return status


def _run(args: argparse.Namespace) -> None:
    # The libraries take seconds to import; --help and bad usage do without them.
    from ..provenance import commit
    from .clips import load_clips, read_list
    from .codec import BundleCodec
    from .protocol import evaluate_codec
    from .subject import clip_samples
    from .text import lines

    if args.quick and args.full:
        raise UserError("--quick and --full: allowed is one of them.")
    _check_outputs(args)
    only = read_list(args.clips) if args.clips else None
    codec = BundleCodec(args.bundle)
    samples = clip_samples(codec.sample_rate, codec.hop)
    clips = load_clips(args.data, codec.sample_rate, samples, args.exclude, args.limit, only)
    notes = list(clips.notes)
    lists: Dict[str, Any] = {}
    extras = _extras(args, codec, samples, notes, lists)
    for note in notes:
        print(note, file=sys.stderr)
    ears = None
    if args.oracle:
        from .oracle import OracleEars

        ears = OracleEars(codec.sample_rate, codec.hop, codec.quantiles)
    with _Bar() as bar:
        figures = evaluate_codec(
            codec,
            clips.audio,
            args.quick,
            args.seed,
            ears,
            bar.show,
            args.full,
            extras,
        )
    result: Dict[str, Any] = {
        "command": args.command,
        **commit(),
        "bundle": args.bundle,
        "name": codec.name,
        "version": codec.version,
        "recipe": codec.bundle.document["training"].get("recipe"),
        "files": clips.files,
        **figures,
        "clip_list": clips.listed,
    }
    if lists:
        result["transfer_clip_lists"] = lists
    if ears is not None:
        from .oracle import agreement

        result["oracle"] = {
            "agreement": agreement(codec, ears, clips.audio),
            "skipped": ears.skipped,
        }
    print("\n".join(lines(result)), file=sys.stderr if args.json == "-" else sys.stdout)
    if args.html:
        from .page import write_page

        with _Bar() as bar:
            write_page(
                Path(args.html),
                codec,
                clips.audio,
                result,
                extras.guard,
                extras.transfer,
                bar.show,
            )
    _write_json(args.json, result)


def _extras(
    args: argparse.Namespace,
    codec: "BundleCodec",
    samples: int,
    notes: List[str],
    lists: Dict[str, Any],
) -> "Extras":
    """What the options add to an evaluation; bad ones are refused before minutes are spent.

    What is worth saying of the other sets is added to `notes`, their clip lists to `lists`.
    """
    from .clips import load_clips
    from .protocol import Extras

    transfer: "Dict[str, Sequence[Floats]]" = {}
    for folder in args.transfer:
        found = load_clips(folder, codec.sample_rate, samples, (), args.limit or MOST_TRANSFERRED)
        notes.extend(found.notes)
        name = "/".join(Path(folder).resolve().parts[-2:])
        transfer[name], lists[name] = found.audio, found.listed
    jnd = None
    if args.jnd:
        from .perception import Jnd

        jnd = Jnd(codec.sample_rate)
    return Extras(jnd, codec.bundle.info.guard, transfer)


def _check_outputs(args: argparse.Namespace) -> None:
    """Refuse what cannot be written before minutes are spent."""
    if args.json not in (None, "-"):
        path = Path(args.json)
        if path.is_dir() or not path.absolute().parent.is_dir():
            raise UserError(f"--json {path}: allowed is a file in a folder that exists, or -.")
        if not os.access(path.absolute().parent, os.W_OK):
            raise UserError(f"--json {path}: the folder cannot be written.")
    if args.html is not None:
        try:
            Path(args.html).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"--html {args.html}: cannot be made a folder ({error.strerror})."
            ) from error


def _write_json(target: Optional[str], result: Dict[str, Any]) -> None:
    from ..data.files import readable, replacing

    if target is None:
        return
    text = readable(result)
    if target == "-":
        sys.stdout.write(text)
        return
    try:
        with replacing(Path(target)) as stream:
            stream.write(text.encode("utf-8"))
    except OSError as error:
        raise RunFailure(f"--json {target}: not written ({error.strerror}).") from error


class _Bar:
    """A progress bar on stderr where that is a terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import Progress

        console = Console(stderr=True)
        self._progress = Progress(console=console, disable=not console.is_terminal, transient=True)
        self._task = self._progress.add_task("evaluating", total=None)

    def __enter__(self) -> "_Bar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, done: int, total: int, label: str) -> None:
        """Move the bar; called from the evaluation's own thread."""
        self._progress.update(self._task, completed=done, total=total, description=label)


if __name__ == "__main__":
    sys.exit(main())
