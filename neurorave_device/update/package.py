"""A package of an update: one zip file with a signed list of what is in it.

`manifest.json` names the version, what pip is to install, and each file with its size and sha256. `manifest.sig` is the
Ed25519 signature (RFC 8032) of the manifest's bytes, so that whoever holds the key answers for all of it. Nothing in
a package is looked at before its signature has been checked.
"""

import binascii
import hashlib
import json
import os
import re
import zipfile
from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple

import jsonschema

from neurorave_device.errors import UserError
from neurorave_device.update.versions import parsed

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
SCHEMA = 1
# The module's own wheel has one megabyte; packages that bring ONNX Runtime anew stay far below this.
LARGEST = 512 << 20
_LARGEST_MANIFEST = 1 << 20
_SIGNATURE_BYTES = 64
_CHUNK = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}\.whl")
_MANIFEST_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["schema", "version", "install", "files"],
    "additionalProperties": False,
    "properties": {
        "schema": {"type": "integer"},
        "version": {"type": "string"},
        "install": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "string",
                "pattern": r"^[A-Za-z0-9._-]+(\[[a-z,]+\])?==[A-Za-z0-9._+!-]+$",
            },
        },
        "files": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {
                "type": "object",
                "required": ["size", "sha256"],
                "additionalProperties": False,
                "properties": {
                    "size": {"type": "integer", "minimum": 0},
                    "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                },
            },
        },
    },
}


class Package(NamedTuple):
    """What a signed package says: its `version`, what pip is to `install`, its `files` (size, sha256)."""

    path: str
    version: str
    install: Tuple[str, ...]
    files: Mapping[str, Tuple[int, str]]

    @property
    def size(self) -> int:
        """All files together, bytes."""
        return sum(size for size, _ in self.files.values())


def read_key(path: str) -> bytes:
    """Return the public key in a file, 64 hexadecimal digits; UserError where there is none."""
    try:
        with open(path, encoding="ascii") as file:
            text = file.read(1024).strip()
        key = binascii.unhexlify(text)
    except OSError as error:
        raise UserError(
            "%s: the key that updates are signed with cannot be read (%s)" % (path, error.strerror)
        ) from None
    except (ValueError, UnicodeDecodeError):
        key = b""
    if len(key) != 32:
        raise UserError("%s: no Ed25519 key, allowed are 64 hexadecimal digits" % path)
    return key


def open_package(path: str, key: bytes) -> Package:
    """Return what a package says, checked with the public ``key``; UserError where it is not to be used."""
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = _member(path, archive, MANIFEST, _LARGEST_MANIFEST)
            signature = _member(path, archive, SIGNATURE, _SIGNATURE_BYTES)
            _check_signature(path, manifest, signature, key)
            package = _read_manifest(path, manifest)
            _check_names(package, archive)
    except OSError as error:
        raise UserError("%s: cannot be read (%s)" % (path, error.strerror or error)) from None
    except _DAMAGED as error:
        raise UserError("%s: damaged, or no zip file (%s)" % (path, error)) from None
    return package


# What zipfile raises for bytes that are no zip file, in its various versions.
_DAMAGED = (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, RuntimeError)


def extract(package: Package, folder: str) -> None:
    """Write a package's files into a folder; UserError where one is not what the manifest says. OSError: the disk."""
    try:
        with zipfile.ZipFile(package.path) as archive:
            for name, (size, digest) in sorted(package.files.items()):
                found = hashlib.sha256()
                count = 0
                with archive.open(name) as source, open(os.path.join(folder, name), "wb") as target:
                    while count <= size:
                        part = source.read(min(_CHUNK, size - count + 1))
                        if not part:
                            break
                        count += len(part)
                        found.update(part)
                        target.write(part)
                if count != size or found.hexdigest() != digest:
                    raise UserError("%s: %s is not what the manifest says" % (package.path, name))
    except _DAMAGED + (KeyError,) as error:
        raise UserError("%s: damaged (%s)" % (package.path, error)) from None


def _member(path: str, archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise UserError("%s: no %s in it, so it is no update of neurorave" % (path, name)) from None
    if info.file_size > most:
        raise UserError(
            "%s: %s has %d bytes, at most %d are allowed" % (path, name, info.file_size, most)
        )
    with archive.open(info) as file:
        return file.read(most)


def _check_signature(path: str, manifest: bytes, signature: bytes, key: bytes) -> None:
    from nacl.exceptions import BadSignatureError
    from nacl.signing import VerifyKey

    try:
        VerifyKey(key).verify(manifest, signature)
    except (BadSignatureError, ValueError):
        raise UserError("%s: not signed with the key of this module" % path) from None


def _read_manifest(path: str, manifest: bytes) -> Package:
    try:
        found: Dict[str, Any] = json.loads(manifest.decode("utf-8"))
    except ValueError:
        raise UserError("%s: %s is no JSON" % (path, MANIFEST)) from None
    schema: Optional[object] = found.get("schema") if isinstance(found, dict) else None
    if schema != SCHEMA:
        raise UserError(
            "%s: %s has schema %r, this neurorave knows %d" % (path, MANIFEST, schema, SCHEMA)
        )
    for error in jsonschema.Draft7Validator(_MANIFEST_SCHEMA).iter_errors(found):
        place = ".".join(str(step) for step in error.path) or "its content"
        raise UserError("%s: %s: %s is not as it should be" % (path, MANIFEST, place))
    if parsed(found["version"]) is None:
        raise UserError(
            "%s: version is %.40r, allowed are three numbers such as 1.2.0"
            % (path, found["version"])
        )
    files = {name: (row["size"], row["sha256"]) for name, row in found["files"].items()}
    package = Package(path, found["version"], tuple(found["install"]), files)
    for name in files:
        if not _NAME.fullmatch(name):
            raise UserError("%s: file name %.60r, allowed are names of wheels" % (path, name))
    if package.size > LARGEST:
        raise UserError("%s: %d bytes, at most %d are allowed" % (path, package.size, LARGEST))
    return package


def _check_names(package: Package, archive: zipfile.ZipFile) -> None:
    """Refuse a package in which there is more or less than its manifest says."""
    names = sorted(archive.namelist())
    wanted = sorted([*package.files, MANIFEST, SIGNATURE])
    if names != wanted:
        odd = sorted(set(names).symmetric_difference(wanted)) or ["a name twice"]
        raise UserError(
            "%s: its files are not those of its manifest: %.60s" % (package.path, odd[0])
        )
