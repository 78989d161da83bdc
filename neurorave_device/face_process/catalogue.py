"""The bundles that can be chosen while the module plays: those beside the one that it began with, and the card's."""

import os
from typing import Dict, List, NamedTuple, Optional, Tuple

from neurorave_device.clock import Clock
from neurorave_device.engine.description import DESCRIPTION, read_description
from neurorave_device.engine.info import BundleInfo
from neurorave_device.engine.listing import bundle_folders, read_listed, strays
from neurorave_device.errors import UserError
from neurorave_device.storage.card import MODELS

# What is dropped in is there five seconds later.
LOOK_SECONDS = 2.0
# The path of what plays must fit its place in the telemetry.
LONGEST_NAME = 200
Stamp = Tuple[float, Tuple[Tuple[str, int], ...]]


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
    """Reads descriptions, each once as long as its files stay the same; one thread, not a real-time one.

    With a clock it looks at the disk every two seconds at most, since whoever draws asks it far more often.
    """

    def __init__(
        self, bundle: str, card: Optional[str] = None, clock: Optional[Clock] = None
    ) -> None:
        """``bundle`` is the folder of the bundle that plays first, ``card`` that of the card."""
        self._roots = [os.path.dirname(os.path.abspath(bundle))]
        self._card = None if card is None else os.path.join(os.path.abspath(card), MODELS)
        if self._card is not None and self._card not in self._roots:
            self._roots.append(self._card)
        self._clock = clock
        self._looked_at = float("-inf")
        self._known: Dict[str, Tuple[Stamp, Row]] = {}
        self._found: Dict[str, Tuple[str, Row]] = {}

    def folder(self, name: str) -> str:
        """Return where the bundle of this name lies, or would."""
        if name in self._found:
            return self._found[name][0]
        return os.path.join(self._roots[0], name)

    def path(self, name: str) -> str:
        """Return the folder of a bundle by its name; UserError where it is not among them or has a fault."""
        self._looked_at = float("-inf")
        for row in self.rows():
            if row.name == name:
                if row.fault:
                    raise UserError(row.fault)
                return self.folder(name)
        raise UserError(
            "bundle %r is not in %s, which has %s"
            % (
                name[:80],
                " or ".join(self._roots),
                ", ".join(row.name for row in self.rows()) or "none",
            )
        )

    def rows(self) -> List[Row]:
        """Return what there is now, by name; what cannot be played is there with its fault.

        A bundle on the card comes before one of the same name beside the one that played first.
        """
        now = None if self._clock is None else self._clock.now()
        if now is None or now - self._looked_at >= LOOK_SECONDS:
            if now is not None:
                self._looked_at = now
            self._found = self._look()
        return [self._found[name][1] for name in sorted(self._found)]

    def _look(self) -> Dict[str, Tuple[str, Row]]:
        found = {}
        for root in self._roots:
            for folder in _folders(root):
                name = os.path.basename(folder)
                stamp = _stamp(folder)
                if stamp is None:
                    continue
                known = self._known.get(folder)
                if known is None or known[0] != stamp:
                    self._known[folder] = (stamp, _row(name, folder))
                found[name] = (folder, self._known[folder][1])
            if root == self._card:
                for path, fault in strays(root):
                    name = os.path.basename(path)
                    found.setdefault(name, (path, Row(name, name, fault, 0, None)))
        return found


def _folders(root: str) -> List[str]:
    try:
        return bundle_folders(root)
    except OSError:
        return []


def _stamp(folder: str) -> Optional[Stamp]:
    """Return what changes when a bundle's files do. FAT has times of two seconds only, so sizes count too."""
    try:
        status = os.stat(os.path.join(folder, DESCRIPTION))
        sizes = sorted(
            (name, os.path.getsize(os.path.join(folder, name))) for name in os.listdir(folder)
        )
    except OSError:
        return None
    return status.st_mtime, tuple(sizes)


def _row(name: str, folder: str) -> Row:
    listed = read_listed(folder)
    info = None
    if len(os.fsencode(name)) > LONGEST_NAME:
        fault = "%s...: the folder's name has %d bytes, allowed are %d"
        listed = listed._replace(fault=fault % (name[:40], len(os.fsencode(name)), LONGEST_NAME))
    if not listed.fault:
        try:
            info = read_description(folder).info
        except UserError as error:
            # It has changed in between.
            listed = listed._replace(fault=str(error))
    return Row(name, listed.name, listed.fault, listed.size_bytes, info)
