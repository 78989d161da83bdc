"""Installing a package beside the version that plays: all of it, or nothing of it.

The new version is put together in a folder of its own and gets its name last, in one step. It uses the interpreter and
the packages of the version that installs it, and comes with those that have changed.
"""

import os
import shutil
import stat
import subprocess
import sys
from typing import Callable, List

from neurorave_device import __version__
from neurorave_device.errors import UserError
from neurorave_device.update.package import Package, extract, open_package
from neurorave_device.update.versions import (
    Versions,
    installed,
    parsed,
    program,
    read_versions,
    refuse,
    sync_folder,
    sync_tree,
    try_next,
    write_versions,
)

# Wheels, what is unpacked from them, and some room to live.
_ROOM = 4
_SPARE_BYTES = 16 << 20
_START_SECONDS = 60
_NEW = ".new"

_PROGRAM = """#!/bin/sh
exec "{python}" "$(dirname "$(readlink -f "$0")")/start.py" "$@"
"""
_START = '''"""Starts this version with its own packages before those of the version that has installed it."""

import os
import sys

sys.path[0] = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "packages")

from neurorave_device.cli import main  # noqa: E402

sys.exit(main())
'''


def install(path: str, folder: str, key: bytes, say: Callable[[str], None]) -> str:
    """Install the package at ``path`` into the folder of versions and let it be tried next; return its version.

    UserError where it is not to be used: nothing has changed then but the note of why. OSError where the disk refuses.
    """
    package = open_package(path, key)
    state = read_versions(folder)
    try:
        _check_newer(package, state)
        os.makedirs(folder, exist_ok=True)
        if package.version not in installed(folder):
            _check_room(package, folder)
            _put_together(package, folder, say)
    except UserError as error:
        write_versions(folder, refuse(read_versions(folder), package.version, str(error)))
        raise
    write_versions(folder, try_next(read_versions(folder), package.version))
    clear(folder)
    return package.version


def clear(folder: str) -> None:
    """Remove versions that neither play nor did before, and what was begun and never ended."""
    state = read_versions(folder)
    kept = {state.chosen, state.before, state.trial}
    for name in os.listdir(folder):
        if (parsed(name) and name not in kept) or name.endswith(_NEW):
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)


def _check_newer(package: Package, state: Versions) -> None:
    playing = state.chosen or __version__
    if (parsed(package.version) or ()) <= (parsed(playing) or ()):
        raise UserError(
            "%s: version %s is not newer than %s, which plays"
            % (package.path, package.version, playing)
        )


def _check_room(package: Package, folder: str) -> None:
    needed = _ROOM * package.size + _SPARE_BYTES
    found = os.statvfs(folder)
    free = found.f_bavail * found.f_frsize
    if free < needed:
        raise UserError(
            "%s: %s has %d MB free, the update needs %d MB"
            % (package.path, folder, free >> 20, (needed >> 20) + 1)
        )


def _put_together(package: Package, folder: str, say: Callable[[str], None]) -> None:
    new = os.path.join(folder, package.version + _NEW)
    shutil.rmtree(new, ignore_errors=True)
    wheels = os.path.join(new, "wheels")
    os.makedirs(wheels)
    try:
        say("checking %s" % os.path.basename(package.path))
        extract(package, wheels)
        say("installing version %s" % package.version)
        _pip(package, wheels, os.path.join(new, "packages"))
        shutil.rmtree(wheels)
        _write_program(new)
        _check_start(package, new)
        sync_tree(new)
        # What lies there under this name is not whole, otherwise it would be installed.
        shutil.rmtree(os.path.join(folder, package.version), ignore_errors=True)
        os.rename(new, os.path.join(folder, package.version))
        sync_folder(folder)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise


def _pip(package: Package, wheels: str, target: str) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-index", "--no-deps", "--no-compile", "--find-links", wheels]
    _run(command + ["--target", target] + list(package.install), package)


def _write_program(new: str) -> None:
    os.makedirs(os.path.join(new, "bin"))
    path = program(os.path.dirname(new), os.path.basename(new))
    with open(path, "w", encoding="utf-8") as file:
        file.write(_PROGRAM.format(python=sys.executable))
    os.chmod(path, stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
    with open(os.path.join(new, "bin", "start.py"), "w", encoding="utf-8") as file:
        file.write(_START)


def _check_start(package: Package, new: str) -> None:
    """Refuse a version that cannot even tell its number, or tells another one."""
    path = program(os.path.dirname(new), os.path.basename(new))
    told = _run([path, "--version"], package).split()
    if package.version not in told:
        raise UserError(
            "%s: its program says %.60r and not %s"
            % (package.path, " ".join(told), package.version)
        )


def _run(command: List[str], package: Package) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        universal_newlines=True,
    )
    try:
        told, _ = process.communicate(timeout=_START_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise UserError(
            "%s: %s took longer than %d s" % (package.path, command[0], _START_SECONDS)
        ) from None
    if process.returncode != 0:
        last = told.strip().splitlines()[-1:] or ["exit status %d" % process.returncode]
        raise UserError("%s: it cannot be installed (%.200s)" % (package.path, last[0]))
    return told
