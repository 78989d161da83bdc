"""Making a package of an update, and the pair of keys for it; on the workstation."""

import binascii
import hashlib
import json
import os
import zipfile
from typing import Any, Dict, List, Sequence

from neurorave_device.errors import UserError
from neurorave_device.update.package import MANIFEST, SCHEMA, SIGNATURE, Package, open_package
from neurorave_device.update.versions import parsed

# One date for all: the same wheels give the same package.
_DATE = (1980, 1, 1, 0, 0, 0)


def make_keys(secret: str, public: str) -> None:
    """Write a new pair of keys; the secret one for its owner's eyes only. UserError where a file is there already."""
    from nacl.signing import SigningKey

    key = SigningKey.generate()
    for path, content, mode in (
        (secret, bytes(key), 0o600),
        (public, bytes(key.verify_key), 0o644),
    ):
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError:
            raise UserError("%s: is there already; a key is never overwritten" % path) from None
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(binascii.hexlify(content).decode("ascii") + "\n")


def build(
    version: str, wheels: Sequence[str], install: Sequence[str], secret: str, out: str
) -> Package:
    """Write the package of a version from wheel files, signed with the secret key in a file; return what it says.

    ``install`` is what pip is asked for, such as ``neurorave==1.2.0``. UserError where something does not fit.
    """
    from nacl.signing import SigningKey

    if parsed(version) is None:
        raise UserError("version is %r, allowed are three numbers such as 1.2.0" % version)
    expected = "neurorave-update-%s.zip" % version
    if os.path.basename(out) != expected:
        raise UserError("%s: the package of version %s is called %s" % (out, version, expected))
    try:
        with open(secret, encoding="ascii") as file:
            key = SigningKey(binascii.unhexlify(file.read(1024).strip()))
    except OSError as error:
        raise UserError("%s: cannot be read (%s)" % (secret, error.strerror)) from None
    except (ValueError, TypeError):
        raise UserError("%s: no secret key, `neurorave update keys` makes one" % secret) from None
    contents: Dict[str, bytes] = {}
    for path in wheels:
        with open(path, "rb") as wheel:
            contents[os.path.basename(path)] = wheel.read()
    manifest = _manifest(version, list(install), contents)
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in [
            (MANIFEST, manifest),
            (SIGNATURE, key.sign(manifest).signature),
            *sorted(contents.items()),
        ]:
            # Wheels are compressed already.
            archive.writestr(zipfile.ZipInfo(name, _DATE), content)
    return open_package(out, bytes(key.verify_key))


def _manifest(version: str, install: List[str], contents: Dict[str, bytes]) -> bytes:
    files: Dict[str, Any] = {
        name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in contents.items()
    }
    document = {"schema": SCHEMA, "version": version, "install": install, "files": files}
    return json.dumps(document, indent=1, sort_keys=True).encode("utf-8")
