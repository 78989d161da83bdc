"""Which version is to play: the state that outlives power cuts, and the decision made at each start.

This file and launcher.py import nothing but the standard library, since they run before any version has shown that it
works: the installer copies both beside the versions, and no update replaces them.
"""

import json
import os
import re
from typing import Any, Dict, FrozenSet, Mapping, NamedTuple, Optional, Tuple

STATE = "versions.json"
# How the launcher tells the module where its versions are; one that was started without it knows of none.
FOLDER_VARIABLE = "NEURORAVE_VERSIONS"
# A version is started so often before it has played long enough; one power cut in its first seconds is forgiven.
TRIES = 2
FACTORY = ""
_VERSION = re.compile(r"(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})")
_PACKAGE = re.compile(r"neurorave-update-(\d+\.\d+\.\d+)\.zip")


class Versions(NamedTuple):
    """What is known of the versions; '' stands for the one that the installer has put there (the factory's).

    `chosen` has played well and plays now, `before` is the one that played before it. `trial` is the one on trial and
    `tries` how often it was started. `refused` has, by version, why it is not taken; `attempts` counts, by package
    (name and size), how often its installation was begun.
    `notice` is a sentence that the player has not been told yet.
    """

    chosen: str = FACTORY
    before: str = FACTORY
    trial: str = ""
    tries: int = 0
    refused: Mapping[str, str] = {}
    attempts: Mapping[str, int] = {}
    notice: str = ""


def parsed(version: str) -> Optional[Tuple[int, ...]]:
    """Return the three numbers of a version X.Y.Z, None where it is none."""
    found = _VERSION.fullmatch(version)
    return tuple(int(part) for part in found.groups()) if found else None


def package_version(name: str) -> Optional[str]:
    """Return the version that a package's file name tells, None where it is no package's name."""
    found = _PACKAGE.fullmatch(name)
    return found.group(1) if found and parsed(found.group(1)) else None


def read_versions(folder: str) -> Versions:
    """Return the state in the folder of the versions; the factory's where there is none or it cannot be used."""
    try:
        with open(os.path.join(folder, STATE), encoding="utf-8") as file:
            found = json.load(file)
        return _checked(found)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Versions()


def _checked(found: Dict[str, Any]) -> Versions:
    versions = Versions(
        chosen=str(found["chosen"]),
        before=str(found["before"]),
        trial=str(found["trial"]),
        tries=int(found["tries"]),
        refused={str(key): str(why) for key, why in found["refused"].items()},
        attempts={str(key): int(count) for key, count in found["attempts"].items()},
        notice=str(found["notice"]),
    )
    for name in (versions.chosen, versions.before, versions.trial):
        # It becomes part of a path.
        if name and parsed(name) is None:
            raise ValueError(name)
    return versions


def write_versions(folder: str, versions: Versions) -> None:
    """Keep the state, whole whenever the power goes; OSError where the disk refuses."""
    path = os.path.join(folder, STATE)
    temporary = path + ".new"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(versions._asdict(), file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    sync_folder(folder)


def sync_folder(folder: str) -> None:
    """Force the names in a folder to the disk, where its file system can."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)


def sync_tree(folder: str) -> None:
    """Force all files below a folder to the disk; OSError where one cannot be read."""
    for place, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(place, name), "rb") as file:
                os.fsync(file.fileno())
        sync_folder(place)


def installed(folder: str) -> FrozenSet[str]:
    """Return the versions that lie whole in the folder."""
    try:
        names = os.listdir(folder)
    except OSError:
        return frozenset()
    return frozenset(
        name for name in names if parsed(name) and os.access(program(folder, name), os.X_OK)
    )


def program(folder: str, version: str) -> str:
    """Return the path of a version's program."""
    return os.path.join(folder, version, "bin", "neurorave")


def decide(versions: Versions, present: FrozenSet[str]) -> Tuple[str, Versions]:
    """Return the version to start, and the state to keep before it is started; ``present`` are those that are there."""
    if versions.trial:
        if versions.trial not in present:
            versions = refuse(versions, versions.trial, "its folder is gone")
        elif versions.tries < TRIES:
            return versions.trial, versions._replace(tries=versions.tries + 1)
        else:
            why = "it was started %d times and never played for 30 s" % versions.tries
            versions = refuse(versions, versions.trial, why)
    if versions.chosen != FACTORY and versions.chosen not in present:
        before = versions.before if versions.before in present else FACTORY
        versions = versions._replace(chosen=before, before=FACTORY)
    return versions.chosen, versions


def refuse(versions: Versions, version: str, why: str) -> Versions:
    """Return the state in which a version is not taken any more, for this reason."""
    refused = dict(versions.refused)
    refused[version] = why
    notice = "version %s is not taken: %s" % (version, why)
    if versions.trial == version:
        versions = versions._replace(trial="", tries=0)
    return versions._replace(refused=refused, notice=notice)


def try_next(versions: Versions, version: str) -> Versions:
    """Return the state in which a version is started on trial the next time."""
    refused = {key: why for key, why in versions.refused.items() if key != version}
    return versions._replace(trial=version, tries=0, refused=refused)


def confirm(versions: Versions, version: str) -> Versions:
    """Return the state after a version on trial has played long enough: it is the one that plays from now on."""
    if versions.trial != version:
        return versions
    return versions._replace(chosen=version, before=versions.chosen, trial="", tries=0)


def go_back(versions: Versions) -> Versions:
    """Return the state in which the version before the present one plays, which is then not tried again by itself."""
    left = (
        refuse(versions, versions.chosen, "you went back from it") if versions.chosen else versions
    )
    return left._replace(chosen=versions.before, before=FACTORY, trial="", tries=0)
