"""Which bundles a folder holds. Only their descriptions are read, so the face may use it too."""

import os
from typing import List, NamedTuple, Tuple

from neurorave_device.engine.description import DESCRIPTION, Description, read_description
from neurorave_device.errors import UserError


class Listed(NamedTuple):
    """One bundle of a folder; `fault` is empty where its description can be read and its files are there."""

    folder: str
    name: str
    version: str
    author: str
    licence: str
    description: str
    size_bytes: int
    fault: str


def bundle_folders(folder: str) -> List[str]:
    """Returns the bundles directly in `folder`, by name; raises OSError where it cannot be read."""
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    return [path for path in paths if os.path.isfile(os.path.join(path, DESCRIPTION))]


def strays(folder: str) -> List[Tuple[str, str]]:
    """Returns (path, what is wrong) of what was meant to be a bundle in `folder` and is none."""
    found = []
    try:
        names = sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError:
        return []
    for name in names:
        path = os.path.join(folder, name)
        if name.lower().endswith(".zip"):
            found.append((path, "{}: a zip file; unpack it, a bundle is a folder".format(path)))
        elif os.path.isdir(path) and not os.path.isfile(os.path.join(path, DESCRIPTION)):
            try:
                inner = sorted(os.listdir(path))
            except OSError:
                continue
            fault = _stray(path, inner)
            if fault:
                found.append((path, fault))
    return found


def _stray(path: str, inner: List[str]) -> str:
    """Returns what is wrong with a folder without a description, '' where it was hardly meant to be a bundle."""
    for name in inner:
        if os.path.isfile(os.path.join(path, name, DESCRIPTION)):
            return "{}: the bundle lies one folder deeper, in {}; move that one up".format(
                path, name
            )
    if any(name.endswith(".onnx") for name in inner):
        return "{}: {} is missing; was it copied wholly?".format(path, DESCRIPTION)
    return ""


def missing_file(description: Description) -> str:
    """Returns a sentence about a file of a bundle that is not there, or empty; '' where all are there."""
    folder = os.path.dirname(description.path)
    for role, entry in sorted(description.document["files"].items()):
        path = os.path.join(folder, entry["path"])
        try:
            if os.path.getsize(path) == 0:
                return "{}: the {} is empty; was it copied wholly?".format(path, role)
        except OSError:
            return "{}: the {} is missing; was it copied wholly?".format(path, role)
    return ""


def list_bundles(folder: str) -> List[Listed]:
    """Returns what the bundles directly in `folder` say of themselves; raises UserError where it is no folder.

    A bundle that is listed can still have damaged files.
    """
    if not os.path.isdir(folder):
        raise UserError("{}: there is no such folder".format(folder))
    return [read_listed(path) for path in bundle_folders(folder)]


def read_listed(folder: str) -> Listed:
    """Returns what the bundle in `folder` says of itself, with its fault where it cannot be played."""
    try:
        description = read_description(folder)
    except UserError as error:
        return Listed(folder, os.path.basename(folder), "", "", "", "", _size(folder), str(error))
    info = description.info
    return Listed(
        folder,
        info.name,
        info.version,
        info.author,
        info.licence,
        info.description,
        _size(folder),
        missing_file(description),
    )


def _size(folder: str) -> int:
    """Returns the bytes of the files in a folder, which may be on its way out while they are counted."""
    try:
        paths = [os.path.join(folder, name) for name in os.listdir(folder)]
        return sum(os.path.getsize(path) for path in paths if os.path.isfile(path))
    except OSError:
        return 0
