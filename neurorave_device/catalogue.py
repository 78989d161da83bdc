"""The bundles that can be chosen while the module plays: those that lie beside the one that it began with."""

import os
from typing import Dict, List, NamedTuple, Optional, Tuple

from neurorave_device.engine.description import DESCRIPTION, read_description
from neurorave_device.engine.info import BundleInfo
from neurorave_device.engine.listing import bundle_folders, read_listed
from neurorave_device.errors import UserError


class Row(NamedTuple):
    """One bundle: ``name`` of its folder, ``title`` for people, ``fault`` where it cannot be played.

    ``size`` in bytes; ``info`` is None where it has a fault.
    """

    name: str
    title: str
    fault: str
    size: int
    info: Optional[BundleInfo]


class Catalogue:
    """Reads descriptions, each once as long as its file stays the same; one thread, not a real-time one."""

    def __init__(self, bundle: str) -> None:
        """``bundle`` is the folder of the bundle that plays first."""
        self._root = os.path.dirname(os.path.abspath(bundle))
        self._rows: Dict[str, Tuple[float, Row]] = {}

    def folder(self, name: str) -> str:
        """Return where the bundle of this name lies, or would."""
        return os.path.join(self._root, name)

    def path(self, name: str) -> str:
        """Return the folder of a bundle by its name; UserError where it is not among them or has a fault."""
        for row in self.rows():
            if row.name == name:
                if row.fault:
                    raise UserError(row.fault)
                return self.folder(name)
        raise UserError(
            "bundle %r is not in %s, which has %s"
            % (name[:80], self._root, ", ".join(row.name for row in self.rows()) or "none")
        )

    def rows(self) -> List[Row]:
        """Return what there is now, by name; what cannot be read is there with its fault."""
        found = []
        try:
            folders = bundle_folders(self._root)
        except OSError:
            folders = []
        for folder in folders:
            name = os.path.basename(folder)
            try:
                changed = os.stat(os.path.join(folder, DESCRIPTION)).st_mtime
            except OSError:
                continue
            known = self._rows.get(name)
            if known is None or known[0] != changed:
                self._rows[name] = (changed, _row(name, folder))
            found.append(self._rows[name][1])
        return found


def _row(name: str, folder: str) -> Row:
    listed = read_listed(folder)
    info = None
    if not listed.fault:
        try:
            info = read_description(folder).info
        except UserError as error:
            # It has changed in between.
            listed = listed._replace(fault=str(error))
    return Row(name, listed.name, listed.fault, listed.size_bytes, info)
