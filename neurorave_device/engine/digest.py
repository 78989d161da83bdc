"""The sha256 of files and of what is in memory, made without holding up the threads that play."""

import hashlib

from neurorave_device.errors import UserError

# Small, since a Python with a sha256 of its own keeps the interpreter's lock while it hashes one piece.
_PIECE = 1 << 14


def sha256_hex(data: bytes) -> str:
    """Return the sha256 of some megabytes as hexadecimal text, without holding up other threads."""
    digest = hashlib.sha256()
    view = memoryview(data)
    for start in range(0, len(view), _PIECE):
        digest.update(view[start : start + _PIECE])
    return digest.hexdigest()


def sha256_of(path: str) -> str:
    """Returns the sha256 of a file as hexadecimal text; raises UserError where it cannot be read."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as handle:
            for chunk in iter(lambda: handle.read(_PIECE), b""):
                digest.update(chunk)
    except OSError as error:
        raise UserError(
            "{}: named in bundle.yaml but cannot be read ({})".format(path, error.strerror)
        ) from None
    return digest.hexdigest()
