"""Which bundles a folder holds. Only their descriptions are read, so the face may use it too."""

import os
from typing import List, NamedTuple

from neurorave_device.engine.description import DESCRIPTION, read_description
from neurorave_device.errors import UserError


class Listed(NamedTuple):
    """One bundle of a folder; `fault` is empty where its description can be read."""

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


def list_bundles(folder: str) -> List[Listed]:
    """Returns what the bundles directly in `folder` say of themselves; raises UserError where it is no folder.

    A bundle that is listed can still have damaged files.
    """
    if not os.path.isdir(folder):
        raise UserError("{}: there is no such folder".format(folder))
    return [read_listed(path) for path in bundle_folders(folder)]


def read_listed(folder: str) -> Listed:
    """Returns what the bundle in `folder` says of itself, with its fault where it cannot be read."""
    try:
        info = read_description(folder).info
    except UserError as error:
        return Listed(folder, os.path.basename(folder), "", "", "", "", _size(folder), str(error))
    return Listed(
        folder,
        info.name,
        info.version,
        info.author,
        info.licence,
        info.description,
        _size(folder),
        "",
    )


def _size(folder: str) -> int:
    """Returns the bytes of the files in a folder, which may be on its way out while they are counted."""
    try:
        paths = [os.path.join(folder, name) for name in os.listdir(folder)]
        return sum(os.path.getsize(path) for path in paths if os.path.isfile(path))
    except OSError:
        return 0
