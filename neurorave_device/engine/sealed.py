"""Files of the cache, each believed only where all of it is as it was written: TensorRT plans.

A file is a magic word of eight bytes, the length and the sha256 of a JSON header, the header, and the payload. The
header holds the key (what the payload was made of and for), facts about it, and the payload's own sha256. It is written
under another name, synced, and renamed, so it is there whole or not at all.
"""

import hashlib
import json
import os
import struct
from typing import IO, Any, Dict, List, Optional

from neurorave_device.engine.digest import sha256_hex

UNFINISHED = ".unfinished-"

_HEAD = struct.Struct("<8sI32s")
# No header is longer; a damaged length shall not make us read gigabytes.
_LARGEST_HEADER = 1 << 20


class Damaged(Exception):
    """A file is not what was written; the text says what it is, as in 'its plan is ...'."""


def write_sealed(
    path: str, magic: bytes, key: Dict[str, Any], payload: bytes, facts: Dict[str, Any]
) -> None:
    """Write a file; OSError where that fails, and then nothing has changed."""
    header = {
        "key": key,
        "facts": facts,
        "bytes": len(payload),
        "sha256": sha256_hex(payload),
    }
    text = json.dumps(header, sort_keys=True).encode("utf-8")
    folder = os.path.dirname(path)
    os.makedirs(folder, exist_ok=True)
    unfinished = path + UNFINISHED + str(os.getpid())
    try:
        with open(unfinished, "wb") as handle:
            handle.write(_HEAD.pack(magic, len(text), hashlib.sha256(text).digest()))
            handle.write(text)
            handle.write(payload)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(unfinished, path)
    except BaseException:
        remove(unfinished)
        raise
    _sync_folder(folder)


def read_header(handle: IO[bytes], magic: bytes) -> Dict[str, Any]:
    """Return the header of a file opened at its start; raises Damaged, OSError."""
    head = handle.read(_HEAD.size)
    if len(head) != _HEAD.size:
        raise Damaged("cut off")
    found, length, digest = _HEAD.unpack(head)
    if found != magic or length > _LARGEST_HEADER:
        raise Damaged("no file of this kind")
    text = handle.read(length)
    if hashlib.sha256(text).digest() != digest:
        raise Damaged("damaged")
    header: Dict[str, Any] = json.loads(text.decode("utf-8"))
    return header


def read_payload(handle: IO[bytes], header: Dict[str, Any]) -> bytes:
    """Return what follows the header; raises Damaged, OSError."""
    payload = handle.read()
    if len(payload) != header["bytes"]:
        raise Damaged("cut off or too long")
    if sha256_hex(payload) != header["sha256"]:
        raise Damaged("damaged")
    return payload


def tidy(folder: str) -> None:
    """Remove what was cut off while it was being written. Only where nobody else writes there now."""
    for name in names(folder):
        if UNFINISHED in name:
            remove(os.path.join(folder, name))


def remove(path: str) -> None:
    """Remove a file if it is there and may be removed."""
    try:
        os.unlink(path)
    except OSError:
        pass


def names(folder: str) -> List[str]:
    """Return what is in a folder, by name; nothing where it cannot be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _sync_folder(folder: str) -> None:
    """Make the renaming itself outlive a power cut."""
    descriptor: Optional[int] = None
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        os.fsync(descriptor)
    finally:
        if descriptor is not None:
            os.close(descriptor)
