"""Presets: patches with names, one file each; what belongs to the module and not to the patch is no part of them."""

import hashlib
import os
import re
import unicodedata
from typing import Dict, List, Mapping, NamedTuple, Sequence, Tuple

from neurorave_device.errors import UserError
from neurorave_device.parameters import CV_COUNT, DESCRIPTORS, PATCH_PARAMETERS, by_id
from neurorave_device.storage.patch import SCHEMA, Patch, from_payload, to_payload
from neurorave_device.storage.safe_file import PREVIOUS, Kind, Payload, SafeFile, reason

FOLDER = "presets"
VERSION = 1
LONGEST_NAME = 60
MOST = 500
_SUFFIX = ".json"
Stamp = Tuple[Tuple[str, int, float], ...]
_STEM = 32
KIND = Kind(
    "preset",
    VERSION,
    {
        "type": "object",
        "required": ["name", "patch"],
        "additionalProperties": False,
        "properties": {"name": {"type": "string", "minLength": 1}, "patch": SCHEMA},
    },
)


class Shelf(NamedTuple):
    """The `names` of the presets, sorted as people sort, and a sentence for each file that is damaged."""

    names: Tuple[str, ...]
    faults: Tuple[str, ...]


def clean_name(text: str) -> str:
    """Return a preset's name as it is kept: one line, without what cannot be seen; UserError where nothing is left."""
    visible = "".join(" " if char.isspace() else char for char in text)
    visible = "".join(char for char in visible if not unicodedata.category(char).startswith("C"))
    name = unicodedata.normalize("NFC", " ".join(visible.split()))
    if not name:
        raise UserError("the name of a preset is empty, allowed is any text")
    if len(name) > LONGEST_NAME:
        raise UserError(
            "the preset's name %r is %d characters long, allowed are %d"
            % (name[:20] + "...", len(name), LONGEST_NAME)
        )
    return name


def file_name(name: str) -> str:
    """Return the file name for a clean name: readable, legal on every file system, never that of another name."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii").lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_STEM].rstrip("-")
    mark = hashlib.sha256(name.encode("utf-8")).hexdigest()[:12]
    return "%s-%s%s" % (stem or "preset", mark, _SUFFIX)


class Presets:
    """The presets in a state folder. One thread; not a real-time one. Names are cleaned first.

    UserError, in one sentence, for a name that is not there or not allowed and for a disk that refuses.
    """

    def __init__(self, folder: str) -> None:
        """`folder` is the state folder."""
        self._folder = os.path.join(folder, FOLDER)

    def shelf(self) -> Shelf:
        """Return what there is; raises nothing."""
        found: Dict[str, str] = {}
        faults: List[str] = []
        try:
            files = sorted(os.listdir(self._folder))
        except OSError:
            files = []
        for base in _newest(files):
            loaded = self._file(base).load()
            if loaded.payload is None:
                faults.append(loaded.sentence)
                continue
            if loaded.sentence:
                faults.append(loaded.sentence)
            if file_name(loaded.payload["name"]) == base:
                found[loaded.payload["name"]] = base
            else:
                faults.append("%s: its name was changed by hand" % os.path.join(self._folder, base))
        return Shelf(tuple(sorted(found, key=_order)), tuple(faults))

    def stamp(self) -> Stamp:
        """Return what changes when a file does; raises nothing. FAT has times of two seconds only, so sizes count."""
        try:
            with os.scandir(self._folder) as entries:
                found = [(entry.name, entry.stat()) for entry in entries]
        except OSError:
            return ()
        return tuple(sorted((name, status.st_size, status.st_mtime) for name, status in found))

    def save(self, name: str, patch: Patch) -> str:
        """Keep a patch under a name, in place of one that has it; return a sentence for the player."""
        name = clean_name(name)
        names = self.shelf().names
        if name not in names and len(names) >= MOST:
            raise UserError("there are %d presets, that is all that fit: delete one" % MOST)
        return self._write(name, {"name": name, "patch": to_payload(patch, PATCH_PARAMETERS)})

    def load(self, name: str) -> Tuple[Patch, str]:
        """Return the patch and a sentence about what of it could not be kept, '' where all was."""
        _, payload = self._found(name)
        return from_payload(payload["patch"], PATCH_PARAMETERS)

    def rename(self, name: str, new: str) -> None:
        """Give a preset another name, which must be free."""
        name, payload = self._found(name)
        new = clean_name(new)
        if new == name:
            return
        if os.path.exists(self._path(new)):
            raise UserError("the preset %r exists already: delete it first" % new)
        # Until the second step is done there are two of it, never none.
        self._write(new, dict(payload, name=new))
        self._remove(name)

    def delete(self, name: str) -> None:
        """Remove a preset for good."""
        name, _ = self._found(name)
        self._remove(name)

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, file_name(name))

    def _file(self, base: str) -> SafeFile:
        return SafeFile(os.path.join(self._folder, base), KIND)

    def _found(self, name: str) -> Tuple[str, Payload]:
        """Return a preset's clean name and what its file holds."""
        name = clean_name(name)
        loaded = self._file(file_name(name)).load()
        if loaded.payload is None:
            raise UserError(loaded.sentence or "there is no preset %r" % name)
        return name, loaded.payload

    def _write(self, name: str, payload: Payload) -> str:
        try:
            return self._file(file_name(name)).save(payload)
        except OSError as error:
            raise UserError("the preset %r cannot be kept (%s)" % (name, reason(error))) from error

    def _remove(self, name: str) -> None:
        try:
            self._file(file_name(name)).remove()
        except OSError as error:
            raise UserError(
                "the preset %r cannot be removed (%s)" % (name, reason(error))
            ) from error


def fit(
    values: Mapping[str, float], descriptors: Sequence[str]
) -> Tuple[Dict[str, float], List[str]]:
    """Return the values that make sense for a model with these descriptors, and the names of those it lacks.

    A CV that would move what the model lacks moves nothing; what is asked of it is free.
    """
    fitting = dict(values)
    lacking = []
    for name in DESCRIPTORS:
        if name in descriptors:
            continue
        row = by_id(name + ".mode")
        used = fitting[row.id] != float(row.choices.index("free"))
        fitting[row.id] = float(row.choices.index("free"))
        for number in range(1, CV_COUNT + 1):
            row = by_id("cv%d.destination" % number)
            if row.format(fitting[row.id]) == name:
                fitting[row.id] = float(row.choices.index("none"))
                used = True
        if used:
            lacking.append(name)
    return fitting, lacking


def _newest(files: Sequence[str]) -> List[str]:
    """Return the names of the presets' files; where only the previous generation is left it counts too."""
    found = set()
    for base in files:
        if base.endswith(PREVIOUS):
            base = base[: -len(PREVIOUS)]
        if base.endswith(_SUFFIX):
            found.add(base)
    return sorted(found)


def _order(name: str) -> Tuple[str, str]:
    return name.casefold(), name
