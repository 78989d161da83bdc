"""The `neurorave` command. Exit status: 0 well, 1 failure while running, 2 bad usage or bad input, 130 Ctrl-C.

130 means that work was left unfinished; `neurorave run` has no other end than Ctrl-C, so there it is 0.
"""

import argparse
import os
import sys
from typing import Any, Callable, Dict, NoReturn, Optional, Sequence

from neurorave_device.arguments import STDOUT, add_json, number, whole, write_report
from neurorave_device.errors import UserError
from neurorave_device.tools import board_commands
from neurorave_device.update import commands as update

# What a command imports it imports itself: `neurorave --help` shall not wait for ONNX Runtime.

PROGRAM = "neurorave"


class _Parser(argparse.ArgumentParser):
    """A parser whose complaint is one sentence, not a page."""

    def __init__(self, **options: Any) -> None:
        # Examples stay on their line.
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(**options)

    def error(self, message: str) -> NoReturn:
        self.exit(2, "%s: %s, see %s --help\n" % (self.prog, message, self.prog))


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run one command and return the exit status; bad usage ends with SystemExit 2."""
    options, unknown = _parser().parse_known_args(arguments)
    if unknown:
        # parse_args would complain in the name of the program, whose help lists no options.
        options.parser.error("unrecognized arguments: " + " ".join(unknown))
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except UserError as error:
        return _fail(str(error), 2)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    except BrokenPipeError:
        # Whoever read our output has seen enough. Python would complain once more at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package in ("", "neurorave_device"):
            raise
        return _fail("%s is not installed: run `make setup`" % package, 2)
    except OSError as error:
        return _fail(str(error), 1)


def _fail(sentence: str, status: int) -> int:
    print("%s: %s" % (PROGRAM, sentence), file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=PROGRAM,
        description="The module: plays a neural sound model under control voltages and gates.",
        epilog="example: neurorave run --bundle models/hand_percussion",
    )
    parser.add_argument("--version", action="version", version="neurorave " + _version())
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="name")
    commands.required = True
    _add_run(commands)
    _add_render(commands)
    _add_models(commands)
    _add_bench(commands)
    board_commands.add(commands, _add)
    _add_calibrate(commands)
    update.add(commands, _add)
    return parser


def _add(commands: Any, name: str, text: str, example: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=text[0].upper() + text[1:] + ".", epilog="example: " + example
    )
    parser.set_defaults(parser=parser)
    return parser


def _add_run(commands: Any) -> None:
    parser = _add(
        commands,
        "run",
        "play, with a panel in the browser",
        "neurorave run --bundle models/hand_percussion --port 9000",
    )
    add = parser.add_argument
    add("--config", metavar="FILE", help="a YAML file with these and more keys (docs/running.md)")
    add("--bundle", metavar="DIR", help="the model to play (models/hand_percussion)")
    add(
        "--panel",
        metavar="NAME",
        help="where CV and gates come from: virtual, replay, jetson, audio",
    )
    add("--cv", metavar="FILE.wav", help="the CV recording that --panel replay plays")
    add("--audio", metavar="NAME", help="where sound goes to: browser, soundcard, file, null")
    add("--out", metavar="FILE.wav", help="the file that --audio file writes")
    add("--engine", metavar="NAME", help="what runs the model: auto, onnx, tensorrt")
    add("--seconds", metavar="S", type=number, help="end after S seconds")
    add("--port", metavar="P", type=whole, help="the panel's port (8765; 0: any free one)")
    add("--state", metavar="DIR", help="where patch and presets are kept (docs/memory.md)")
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    given: Dict[str, Any] = {
        "bundle": options.bundle,
        "panel": options.panel,
        "cv_file": options.cv,
        "audio": options.audio,
        "out": options.out,
        "engine": options.engine,
        "seconds": options.seconds,
        "port": options.port,
        "state": options.state,
    }
    try:
        from neurorave_device.config import load_given
        from neurorave_device.launch import daemon

        return daemon.run(load_given(options.config, given))
    except KeyboardInterrupt:
        # Before the daemon has taken the signals over; nothing was started yet.
        return 0


def _add_render(commands: Any) -> None:
    parser = _add(
        commands,
        "render",
        "play a CV recording into a file, the same each time for the same seed",
        "neurorave render --bundle models/hand_percussion --cv patch.wav --out sound.wav --seed 7",
    )
    add = parser.add_argument
    add("--bundle", metavar="DIR", required=True, help="the model to play")
    add(
        "--cv", metavar="FILE.wav", required=True, help="six channels: CV 1-4, gate 1-2; 1.0 = 10 V"
    )
    add("--out", metavar="FILE.wav", required=True, help="the file to write")
    add("--seed", metavar="N", type=whole, help="the seed of everything random")
    add("--preset", metavar="FILE", help="a YAML file with a patch")
    add_json(parser)
    parser.set_defaults(command=_render)


def _render(options: argparse.Namespace) -> int:
    from neurorave_device.tools.render import render

    with _Bar("rendering") as bar:
        report = render(
            options.bundle,
            options.cv,
            options.out,
            seed=options.seed,
            preset=options.preset,
            json_path=options.json,
            progress=bar.draw,
        )
    if options.json != STDOUT:
        print("%s: %.2f s, %d hits." % (options.out, report["seconds"], len(report["triggers"])))
    return 0


class _Bar:
    """A progress bar on stderr, where that is a terminal; gone at the end, also after an error."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._shown = -1
        self._visible = sys.stderr.isatty()

    def __enter__(self) -> "_Bar":
        return self

    def draw(self, part: float) -> None:
        """Show the part that is done, 0..1."""
        percent = int(part * 100)
        if self._visible and percent != self._shown:
            self._shown = percent
            sys.stderr.write(
                "\r%s [%-40s] %3d %%" % (self._name, "#" * (percent * 2 // 5), percent)
            )
            sys.stderr.flush()

    def __exit__(self, *_: object) -> None:
        if self._shown >= 0:
            sys.stderr.write("\r%70s\r" % "")
            sys.stderr.flush()


def _add_models(commands: Any) -> None:
    parser = _add(commands, "models", "list or check bundles", "neurorave models check models/mine")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action")
    actions.required = True
    listing = _add(actions, "list", "list the bundles in a folder", "neurorave models list models")
    listing.add_argument("folder", metavar="DIR", nargs="?", default="models", help="(models)")
    add_json(listing)
    listing.set_defaults(command=_list)
    checking = _add(
        actions,
        "check",
        "check everything of a bundle: description, files, graphs",
        "neurorave models check models/hand_percussion",
    )
    checking.add_argument("folder", metavar="DIR", help="the bundle's folder")
    add_json(checking)
    checking.set_defaults(command=_check)


def _list(options: argparse.Namespace) -> int:
    from neurorave_device.engine.listing import list_bundles

    if os.path.isfile(options.folder):
        raise UserError(
            "%s: is a file, `models list` wants the folder that holds the bundles' folders"
            % options.folder
        )
    found = list_bundles(options.folder)
    if write_report(options, {"bundles": [dict(row._asdict()) for row in found]}):
        for row in found:
            size = "%.1f MB" % (row.size_bytes / 1e6)
            told = (row.author, row.licence, row.description)
            said = row.fault or ", ".join(part for part in told if part)
            # The folder is what --bundle wants; a bundle's name need not be that of its folder.
            columns = (row.folder, row.name, row.version, size, " ".join(said.split()))
            print("%-32s %-24s %-8s %8s  %s" % columns)
        if not found:
            print("No bundle in %s." % options.folder)
    return 0


def _check(options: argparse.Namespace) -> int:
    from neurorave_device.engine.checks import ERROR, check_bundle

    found = check_bundle(options.folder)
    good = not any(finding.level == ERROR for finding in found)
    findings = [dict(finding._asdict()) for finding in found]
    if write_report(options, {"bundle": options.folder, "ok": good, "findings": findings}):
        for finding in found:
            if finding.level != ERROR:
                print("%s: %s" % (finding.level, finding.text))
        if good:
            print("%s: well." % options.folder)
    for finding in found:
        if finding.level == ERROR:
            _fail(finding.text, 2)
    return 0 if good else 2


def _add_bench(commands: Any) -> None:
    parser = _add(
        commands,
        "bench",
        "measure how fast the model runs here",
        "neurorave bench --bundle models/hand_percussion --paced --seconds 60 --json -",
    )
    add = parser.add_argument
    add("--bundle", metavar="DIR", help="the model to measure (models/hand_percussion)")
    add("--engine", metavar="NAME", default="onnx", help="onnx or tensorrt (onnx)")
    add("--threads", metavar="N", type=whole, default=1, help="threads of the engine (1)")
    add("--seconds", metavar="S", type=number, default=10.0, help="how much sound (10)")
    add("--paced", action="store_true", help="wait between frames as in real life")
    add(
        "--report",
        action="store_true",
        help="print it as a table to send to others, with the board",
    )
    add_json(parser)
    parser.set_defaults(command=_bench)


def _bench(options: argparse.Namespace) -> int:
    from neurorave_device.config import Config
    from neurorave_device.tools.bench import bench

    with _Bar("measuring") as bar:
        report = bench(
            Config().bundle if options.bundle is None else options.bundle,
            engine=options.engine,
            threads=options.threads,
            seconds=options.seconds,
            paced=options.paced,
            progress=bar.draw,
        )
    texts = write_report(options, report)
    if options.report:
        from neurorave_device.doctor.machine import Machine
        from neurorave_device.tools.bench_report import report as table

        print(table(report, Machine()))
    elif texts:
        print(_bench_text(report))
    return 0


def _bench_text(report: Dict[str, Any]) -> str:
    frame, gate = report["frame_ms"], report["gate_to_sound_ms"]
    return "\n".join(
        (
            "frames          %d of %.2f ms (%s, %s, %d thread%s)"
            % (
                report["frames"],
                report["deadline_ms"],
                "paced" if report["paced"] else "back to back",
                report["engine"],
                report["threads"],
                "" if report["threads"] == 1 else "s",
            ),
            "frame time      p50 %.2f  p99 %.2f  p99.9 %.2f  max %.2f ms"
            % (frame["p50"], frame["p99"], frame["p999"], frame["max"]),
            "misses          %d; %d too late for a module that makes sound %.0f ms ahead"
            % (report["misses"], report["late"], report["ahead_ms"]),
            "real time       %.1f times; the graphs alone (%s ms) %.1f times"
            % (
                report["real_time_factor"],
                ", ".join("%s %.2f" % row for row in sorted(report["graphs_ms"].items())),
                report["graphs_real_time_factor"],
            ),
            "CPU             %.0f %% of one core" % report["cpu_percent"],
            "gate to sound   p50 %.2f  p99 %.2f  max %.2f  jitter %.3f ms"
            % (gate["p50"], gate["p99"], gate["max"], gate["jitter"]),
        )
    )


def _add_calibrate(commands: Any) -> None:
    parser = _add(
        commands,
        "calibrate",
        "calibrate the CV inputs, with questions in the terminal",
        "neurorave calibrate --panel jetson",
    )
    add = parser.add_argument
    add("--config", metavar="FILE", help="the configuration that the module is started with")
    add("--panel", metavar="NAME", help="which inputs: jetson, audio (the configuration's; jetson)")
    add("--state", metavar="DIR", help="where the calibration is kept (docs/memory.md)")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--export", metavar="FILE", help="only write what is kept to another file")
    only.add_argument("--import", metavar="FILE", dest="import_", help="only keep what FILE holds")
    only.add_argument("--reset", action="store_true", help="only forget what is kept")
    parser.set_defaults(command=_calibrate)


def _calibrate(options: argparse.Namespace) -> int:
    from neurorave_device.clock import SystemClock
    from neurorave_device.config import load_given
    from neurorave_device.tools import calibrate

    given = load_given(options.config, {"panel": options.panel, "state": options.state})
    config = given.config
    if "panel" not in given.keys:
        # Nobody calibrates what the program is started with for a try.
        config = config._replace(panel="jetson")
    if options.export is not None:
        calibrate.file_of(config).export(options.export)
        print("The calibration is in %s." % options.export)
    elif options.import_ is not None or options.reset:
        print(calibrate.replace(config, options.import_))
    else:
        with _Bar("measuring") as bar:
            return calibrate.run(config, input, print, bar.draw, SystemClock())
    return 0


def _version() -> str:
    from neurorave_device import __version__

    return __version__


if __name__ == "__main__":
    sys.exit(main())
