"""A document that survives a power cut: checksummed, and written beside the old one, which is kept.

A new one is written to a temporary file and forced to the disk; then the present one is renamed to the
previous one and the new one takes its place. Whenever the power goes, the old or the new one is whole.
"""

import errno
import hashlib
import json
import os
import stat
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional

import jsonschema

Payload = Dict[str, Any]

PREVIOUS = ".previous"
_NEW = ".new"
_DAMAGED = ".damaged"
# Ours have a few kilobytes; what is larger is none of them, and reading it whole could take all the memory.
LARGEST = 1 << 20
_ENVELOPE = ("kind", "payload", "sha256", "version")
_NOT_SUPPORTED = (errno.EINVAL, errno.ENOTSUP)


class Kind(NamedTuple):
    """What a document is: its name, its present version, the JSON schema of its payload.

    `migrations` has, for each older version, a function from its payload to that of the version after it.
    """

    name: str
    version: int
    schema: Mapping[str, Any]
    migrations: Mapping[int, Callable[[Payload], Payload]] = {}


class Loaded(NamedTuple):
    """`payload` is None where there is nothing to be used; `sentence` says what was wrong, '' where nothing was."""

    payload: Optional[Payload]
    sentence: str


class _Reading(NamedTuple):
    """What one file holds; `newer` is its version where that is above ours."""

    payload: Optional[Payload] = None
    fault: str = ""
    newer: Optional[int] = None
    missing: bool = False


class SafeFile:
    """One document at one path. One writer at a time, any thread; not a real-time one."""

    def __init__(self, path: str, kind: Kind) -> None:
        self.path = path
        self._kind = kind
        self._previous = path + PREVIOUS

    def load(self) -> Loaded:
        """Return the payload in the present version, of the previous generation where the newest is damaged.

        Reading changes nothing on the disk and raises nothing.
        """
        newest = self._read(self.path)
        if newest.payload is not None:
            return Loaded(newest.payload, "")
        before = self._read(self._previous)
        if newest.missing and before.missing:
            return Loaded(None, "")
        sentence = "%s: %s" % (self.path, newest.fault)
        if before.payload is not None:
            name = os.path.basename(self._previous)
            return Loaded(before.payload, "%s; the one before it, %s, is used" % (sentence, name))
        if not before.missing:
            sentence += "; the one before it: %s" % before.fault
        return Loaded(None, sentence + "; it is left out")

    def save(self, payload: Payload) -> str:
        """Make this payload the newest generation and return a sentence where something was put aside, else ''.

        OSError where the disk is full, read-only or gone: the generations that were there are still there.
        ValueError where the payload does not fit its schema.
        """
        data = _encode(self._kind, payload)
        # What could not be read again must not take the place of what can.
        self._decode(data)
        make_folder(os.path.dirname(self.path))
        temporary = self.path + _NEW
        try:
            _write(temporary, data)
            aside = self._make_room()
            os.replace(temporary, self.path)
        except OSError:
            _remove(temporary)
            raise
        sync_folder(os.path.dirname(self.path))
        return aside

    def remove(self) -> None:
        """Remove both generations; OSError where that cannot be done."""
        # The older one first: between the two it must not seem to be the newest.
        for path in (self._previous, self.path):
            _remove(path)
        sync_folder(os.path.dirname(self.path))

    def _make_room(self) -> str:
        """Move what lies at our two paths: a good one becomes the previous one, a strange one is put aside."""
        newest = self._read(self.path)
        if newest.missing:
            return ""
        if newest.payload is None:
            return _put_aside(self.path, newest)
        before = self._read(self._previous)
        # One that is merely damaged is of no more use: a good one takes its place.
        sentence = _put_aside(self._previous, before) if before.newer is not None else ""
        os.replace(self.path, self._previous)
        return sentence

    def _read(self, path: str) -> _Reading:
        try:
            data = _content(path)
        except FileNotFoundError:
            return _Reading(fault="missing", missing=True)
        except OSError as error:
            return _Reading(fault="cannot be read (%s)" % reason(error))
        try:
            return self._decode(data)
        except ValueError as error:
            return _Reading(fault="damaged (%s)" % error)

    def _decode(self, data: bytes) -> _Reading:
        """Return what the bytes mean; ValueError says in a few words what is wrong with them."""
        document = _parsed(data)
        version, kind = document["version"], document["kind"]
        if kind != self._kind.name:
            raise ValueError("it is a %.40s, not a %s" % (kind, self._kind.name))
        if version > self._kind.version:
            # Its checksum may be made in another way: nothing more is known about it.
            fault = "of a newer neurorave (version %d, this one knows up to %d)"
            return _Reading(fault=fault % (version, self._kind.version), newer=version)
        payload = document.get("payload")
        if tuple(sorted(document)) != _ENVELOPE or not isinstance(payload, dict):
            raise ValueError("it is another document")
        if document["sha256"] != checksum(kind, version, payload):
            raise ValueError("its checksum does not fit")
        while version < self._kind.version:
            if version not in self._kind.migrations:
                raise ValueError("version %d is too old" % version)
            payload = self._migrated(version, payload)
            version += 1
        wrong = jsonschema.Draft7Validator(self._kind.schema).iter_errors(payload)
        for error in wrong:
            place = ".".join(str(step) for step in error.path)
            raise ValueError("%s is not as it should be" % (place or "its content"))
        return _Reading(payload)

    def _migrated(self, version: int, payload: Payload) -> Payload:
        try:
            return self._kind.migrations[version](payload)
        except (ArithmeticError, AttributeError, LookupError, TypeError) as error:
            # One that never was what its version says; the program goes on without it.
            raise ValueError("it cannot be brought over from version %d" % version) from error


def checksum(kind: str, version: int, payload: Payload) -> str:
    """Return the sha256 (hexadecimal) of a payload with what it is said to be."""
    text = json.dumps([kind, version, payload], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def reason(error: OSError) -> str:
    """Return why the system refused, in its own words."""
    return error.strerror or type(error).__name__


def make_folder(folder: str) -> None:
    """Make a folder, and those above it, so that they outlast a power cut; OSError where that fails."""
    if not os.path.isdir(folder):
        above = os.path.dirname(folder)
        if above != folder:
            make_folder(above)
        try:
            os.mkdir(folder)
        except FileExistsError:
            if not os.path.isdir(folder):
                raise
        sync_folder(above)


def sync_folder(folder: str) -> None:
    """Force the names in a folder to the disk; where its file system cannot do so there is nothing to be done."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_SUPPORTED:
            raise
    finally:
        os.close(descriptor)


def _encode(kind: Kind, payload: Payload) -> bytes:
    document = {
        "kind": kind.name,
        "version": kind.version,
        "sha256": checksum(kind.name, kind.version, payload),
        "payload": payload,
    }
    return (json.dumps(document, indent=1, sort_keys=True, allow_nan=False) + "\n").encode("ascii")


def _write(path: str, data: bytes) -> None:
    # A leftover of a write that was cut off, or whatever else has this name, is not written through.
    _remove(path)
    with open(path, "xb") as handle:
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())


def _content(path: str) -> bytes:
    # A pipe with this name would be waited for for ever.
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(errno.EINVAL, "it is no file")
    with open(path, "rb") as handle:
        return handle.read(LARGEST + 1)


def _parsed(data: bytes) -> Dict[str, Any]:
    """Return the document in the bytes; ValueError where there is none."""
    if len(data) > LARGEST:
        raise ValueError("it is larger than any of ours")
    try:
        document = json.loads(data.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ValueError("it is empty" if not data else "it is cut off or no JSON") from None
    if not isinstance(document, dict) or not isinstance(document.get("kind"), str):
        raise ValueError("it is another document")
    version = document.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 0:
        raise ValueError("it has no version")
    return document


def _refuse(constant: str) -> None:
    raise ValueError("%s is no number" % constant)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _put_aside(path: str, reading: _Reading) -> str:
    """Give a file that cannot be used another name, and say so; one of a newer neurorave replaces nothing."""
    if reading.newer is None:
        kept = path + _DAMAGED
    else:
        kept = path + ".version-%d" % reading.newer
        number = 1
        while os.path.lexists(kept):
            number += 1
            kept = path + ".version-%d-%d" % (reading.newer, number)
    os.replace(path, kept)
    return "%s: %s; it is kept as %s" % (path, reading.fault, os.path.basename(kept))
