"""Starts the version that is to play; the system's service runs this and nothing else.

A new package on the card is handed to the version that plays, which checks it and installs it beside itself. A version
on trial that has not confirmed itself (30 s of sound) is left again, and the settings are put back as they were.
Whatever goes wrong here, something is started. Standard library only, see versions.py.

    launcher.py --factory DIR --versions DIR --settings DIR [--updates DIR] -- ARGUMENTS OF neurorave
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
from typing import List, Optional

if __package__:
    from neurorave_device.update import versions
else:
    # The installer's copy: a script beside its only companion.
    import versions  # type: ignore[import-not-found,no-redef]

# systemd waits 120 s for the first sound.
INSTALL_SECONDS = 80.0
_KEPT = "settings-before"


def newest_package(updates: str, state: versions.Versions, present: str) -> Optional[str]:
    """Return the path of the newest package on the card that is worth a look, None where there is none.

    That is one newer than what plays (``present``), not refused, whose installation was not begun twice in vain.
    """
    try:
        names = os.listdir(updates)
    except OSError:
        return None
    found = []
    for name in names:
        version = versions.package_version(name)
        numbers = versions.parsed(version) if version else None
        if version is None or numbers is None or numbers <= (versions.parsed(present) or (0, 0, 0)):
            continue
        path = os.path.join(updates, name)
        mark = mark_of(path)
        if version == state.trial or version in state.refused:
            continue
        if state.attempts.get(mark, 0) < versions.TRIES:
            found.append((numbers, path))
    return max(found)[1] if found else None


def mark_of(path: str) -> str:
    """Return what a package is remembered by: a file copied anew with another size is another package."""
    try:
        size = os.stat(path).st_size
    except OSError:
        size = -1
    return "%s, %d bytes" % (os.path.basename(path), size)


def install_newest(factory: str, folder: str, updates: str) -> None:
    """Let the version that plays install the newest package, if there is one; it says and keeps what came of it."""
    state = versions.read_versions(folder)
    _, after = versions.decide(state, versions.installed(folder))
    chosen = after.chosen
    package = newest_package(updates, state, chosen)
    if package is None:
        return
    attempts = dict(state.attempts)
    mark = mark_of(package)
    attempts[mark] = attempts.get(mark, 0) + 1
    versions.write_versions(folder, state._replace(attempts=attempts))
    command = [
        _program(factory, folder, chosen),
        "update",
        "install",
        package,
        "--versions",
        folder,
    ]
    # With all that it starts it is one group, so that none of it goes on beside the sound.
    process = subprocess.Popen(command, start_new_session=True)
    try:
        process.wait(INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        _say("%s: not installed within %d s" % (package, INSTALL_SECONDS))


def keep_settings(settings: str, folder: str) -> None:
    """Copy what the player has set, before a version on trial may bring it into a form that the old one cannot read."""
    kept = os.path.join(folder, _KEPT)
    new = kept + ".new"
    shutil.rmtree(new, ignore_errors=True)
    os.mkdir(new)
    for name in os.listdir(settings):
        path = os.path.join(settings, name)
        if os.path.realpath(path) == os.path.realpath(folder):
            continue
        if os.path.isdir(path):
            shutil.copytree(path, os.path.join(new, name))
        elif os.path.isfile(path):
            shutil.copy2(path, os.path.join(new, name))
    versions.sync_tree(new)
    shutil.rmtree(kept, ignore_errors=True)
    os.rename(new, kept)
    versions.sync_folder(folder)


def restore_settings(settings: str, folder: str) -> None:
    """Put the settings back as they were before the trial; what the trial has changed is overwritten file by file."""
    kept = os.path.join(folder, _KEPT)
    for place, _, names in os.walk(kept):
        target = os.path.normpath(os.path.join(settings, os.path.relpath(place, kept)))
        os.makedirs(target, exist_ok=True)
        for name in names:
            new = os.path.join(target, name + ".restored")
            shutil.copy2(os.path.join(place, name), new)
            with open(new, "rb") as file:
                os.fsync(file.fileno())
            os.replace(new, os.path.join(target, name))
        versions.sync_folder(target)


def choose(factory: str, folder: str, settings: str) -> str:
    """Return the version to start, all that has to be kept being kept; the factory's where the disk refuses."""
    state = versions.read_versions(folder)
    version, after = versions.decide(state, versions.installed(folder))
    if after == state:
        return version
    ended = state.trial and not after.trial
    if ended:
        _say("version %s is left: %s" % (state.trial, after.refused[state.trial]))
        if state.tries:
            restore_settings(settings, folder)
    elif after.trial and after.tries == 1:
        keep_settings(settings, folder)
    versions.write_versions(folder, after)
    return version


def main(arguments: List[str]) -> int:
    """Start the version that is to play; returns only where nothing can be started."""
    parser = argparse.ArgumentParser(description="Start the version of neurorave that is to play.")
    parser.add_argument("--factory", metavar="DIR", required=True, help="what the installer made")
    parser.add_argument("--versions", metavar="DIR", required=True, help="what updates made")
    parser.add_argument("--settings", metavar="DIR", required=True, help="what the player has set")
    parser.add_argument("--updates", metavar="DIR", help="where packages are looked for")
    parser.add_argument("arguments", nargs="*", help="for neurorave, after --")
    options = parser.parse_args(arguments)
    version = versions.FACTORY
    try:
        os.makedirs(options.versions, exist_ok=True)
        if options.updates:
            install_newest(options.factory, options.versions, options.updates)
        version = choose(options.factory, options.versions, options.settings)
    except (OSError, shutil.Error, subprocess.SubprocessError) as error:
        # A card or a disk that fails must not keep the module from playing.
        _say("%s; no update is tried now" % error)
        version = _settled(options.versions)
    os.environ[versions.FOLDER_VARIABLE] = options.versions
    started = _program(options.factory, options.versions, version)
    try:
        os.execv(started, [started] + options.arguments)
    except OSError as error:
        _say("%s: cannot be started (%s)" % (started, error.strerror))
    if version != versions.FACTORY:
        started = _program(options.factory, options.versions, versions.FACTORY)
        os.execv(started, [started] + options.arguments)
    return 1


def _settled(folder: str) -> str:
    chosen = versions.read_versions(folder).chosen
    return chosen if chosen in versions.installed(folder) else versions.FACTORY


def _program(factory: str, folder: str, version: str) -> str:
    return (
        versions.program(folder, version) if version else os.path.join(factory, "bin", "neurorave")
    )


def _say(text: str) -> None:
    print("neurorave: " + text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
