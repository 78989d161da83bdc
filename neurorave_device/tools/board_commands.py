"""`neurorave plan` and `neurorave doctor`: getting a board ready, and finding what is wrong with it."""

import argparse
from typing import Any

from neurorave_device.arguments import AddCommand, add_json, write_report
from neurorave_device.errors import UserError

# What a command imports it imports itself: `neurorave --help` shall not wait for ONNX Runtime.


def add(commands: Any, add_command: AddCommand) -> None:
    """Add both commands; ``add_command`` makes a parser with help and example."""
    plan = add_command(
        commands,
        "plan",
        "build the TensorRT plans of a bundle, or of all bundles, for this board",
        "neurorave plan --bundle models/hand_percussion --json -",
    )
    plan.add_argument("--bundle", metavar="DIR", help="the model to plan for")
    plan.add_argument("--again", action="store_true", help="also where there are plans already")
    _add_shared(plan, "plan for all bundles of this configuration")
    plan.set_defaults(command=_plan)

    doctor = add_command(
        commands,
        "doctor",
        "say what this machine has and lacks, and what to do about it",
        "neurorave doctor --bundle fault.zip",
    )
    doctor.add_argument(
        "--bundle", metavar="FILE.zip", help="write a support bundle for a report of a fault"
    )
    _add_shared(doctor, "the module's configuration (docs/running.md)")
    doctor.set_defaults(command=_doctor)


def _add_shared(parser: argparse.ArgumentParser, config: str) -> None:
    parser.add_argument("--config", metavar="FILE", help=config)
    add_json(parser)


def _plan(options: argparse.Namespace) -> int:
    from neurorave_device.config import load_config
    from neurorave_device.tools import plan

    if (options.bundle is None) is (options.config is None):
        raise UserError(
            "plan: give either --bundle DIR or --config FILE, whose bundles are all planned"
        )
    if options.bundle is not None:
        report = plan.make(options.bundle, options.again, plan.show_on_terminal)
        if write_report(options, report):
            print(plan.as_text(report))
        return 0
    done = plan.make_all(load_config(options.config), options.again, plan.show_on_terminal)
    faults = [row for row in done if "fault" in row]
    if write_report(options, {"ok": not faults, "bundles": done}):
        print(plan.all_as_text(done))
    return 1 if faults else 0


def _doctor(options: argparse.Namespace) -> int:
    from neurorave_device import doctor
    from neurorave_device.config import load_config

    if options.bundle is not None and not options.bundle.endswith(".zip"):
        raise UserError(
            "--bundle is %r, allowed is the zip file to write, its name must end in .zip"
            % options.bundle
        )
    config = load_config(options.config)
    results = doctor.examine(doctor.Machine(), config)
    texts = write_report(options, doctor.as_json(results))
    if texts:
        print(doctor.as_text(results))
    if options.bundle is not None:
        from neurorave_device.doctor.support import write_support_bundle
        from neurorave_device.link.running import find_running

        running = find_running()
        if running is not None and options.config is None:
            config = running.config
        report = None if running is None else running.report
        write_support_bundle(options.bundle, config, report, results=results)
        if texts:
            print("%s: written, look into it before you send it." % options.bundle)
    return doctor.exit_status(results)
