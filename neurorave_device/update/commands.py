"""`neurorave update`: install a package, see and choose versions, make packages and their keys."""

import argparse
import sys
from typing import Any

from neurorave_device.arguments import AddCommand
from neurorave_device.errors import UserError
from neurorave_device.update.versions import (
    FACTORY,
    go_back,
    installed,
    read_versions,
    write_versions,
)

VERSIONS = "/var/lib/neurorave/versions"
KEY = "/etc/neurorave/update.pub"


def add(commands: Any, add_command: AddCommand) -> None:
    """Add the command and its actions; ``add_command`` makes a parser with help and example."""
    parser = add_command(
        commands,
        "update",
        "install another version from the card, or go back to the one before",
        "neurorave update status",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action")
    actions.required = True

    new = add_command(
        actions,
        "install",
        "check a package and install it beside what plays; it is tried at the next start",
        "neurorave update install neurorave-update-1.2.0.zip",
    )
    new.add_argument("package", metavar="FILE.zip", help="the package")
    new.add_argument("--key", metavar="FILE", default=KEY, help="the public key (%s)" % KEY)
    _add_versions(new)
    new.set_defaults(command=_install)

    status = add_command(
        actions, "status", "say which versions there are", "neurorave update status"
    )
    _add_versions(status)
    status.set_defaults(command=_status)

    back = add_command(
        actions,
        "back",
        "let the version before the present one play from the next start on",
        "neurorave update back",
    )
    _add_versions(back)
    back.set_defaults(command=_back)

    keys = add_command(
        actions,
        "keys",
        "make a pair of keys for packages of your own",
        "neurorave update keys --secret update.key --public update.pub",
    )
    keys.add_argument("--secret", metavar="FILE", required=True, help="signs; keep it off the card")
    keys.add_argument("--public", metavar="FILE", required=True, help="goes to the module: " + KEY)
    keys.set_defaults(command=_keys)

    build = add_command(
        actions,
        "build",
        "make a signed package from wheels",
        "neurorave update build --version 1.2.0 --wheel dist/neurorave-1.2.0-py3-none-any.whl "
        "--install neurorave==1.2.0 --secret update.key --out neurorave-update-1.2.0.zip",
    )
    build.add_argument(
        "--version", metavar="X.Y.Z", required=True, dest="number", help="of what is in it"
    )
    build.add_argument(
        "--wheel", metavar="FILE", action="append", required=True, help="may be given several times"
    )
    build.add_argument(
        "--install",
        metavar="NAME==VERSION",
        action="append",
        required=True,
        help="what pip is to install of them; may be given several times",
    )
    build.add_argument("--secret", metavar="FILE", required=True, help="the secret key")
    build.add_argument(
        "--out", metavar="FILE.zip", required=True, help="neurorave-update-X.Y.Z.zip"
    )
    build.set_defaults(command=_build)


def _add_versions(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--versions",
        metavar="DIR",
        default=VERSIONS,
        help="where versions are kept (%s)" % VERSIONS,
    )


def _install(options: argparse.Namespace) -> int:
    from neurorave_device.update.install import install
    from neurorave_device.update.package import read_key

    version = install(options.package, options.versions, read_key(options.key), _progress)
    print("Version %s is installed; the next start tries it." % version)
    return 0


def _status(options: argparse.Namespace) -> int:
    state = read_versions(options.versions)
    print("plays     %s" % _name(state.chosen))
    if state.trial:
        print("on trial  %s, started %d times" % (state.trial, state.tries))
    if state.before != state.chosen:
        print("before    %s" % _name(state.before))
    for version in sorted(installed(options.versions)):
        print("here      %s" % version)
    for version, why in sorted(state.refused.items()):
        print("refused   %s: %s" % (version, why))
    return 0


def _back(options: argparse.Namespace) -> int:
    state = read_versions(options.versions)
    if state.chosen == FACTORY and not state.trial:
        raise UserError(
            "%s: the version that was installed first plays, there is none before it"
            % options.versions
        )
    after = go_back(state)
    write_versions(options.versions, after)
    print("From the next start on: %s." % _name(after.chosen))
    return 0


def _keys(options: argparse.Namespace) -> int:
    from neurorave_device.update.build import make_keys

    make_keys(options.secret, options.public)
    print("%s signs packages; copy %s to %s on the module." % (options.secret, options.public, KEY))
    return 0


def _build(options: argparse.Namespace) -> int:
    from neurorave_device.update.build import build

    package = build(options.number, options.wheel, options.install, options.secret, options.out)
    print(
        "%s: version %s, %d files, %.1f MB"
        % (options.out, package.version, len(package.files), package.size / 1e6)
    )
    return 0


def _name(version: str) -> str:
    return version or "the version that was installed first"


def _progress(text: str) -> None:
    print("neurorave: " + text, file=sys.stderr, flush=True)
