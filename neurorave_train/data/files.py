"""Writing files so that an interruption or a full disk leaves the old one or the new one, whole."""

import contextlib
import errno
import json
import os
import re
from pathlib import Path
from typing import Any, BinaryIO, Iterator

import numpy as np
import numpy.typing as npt

from neurorave_device.errors import UserError

from ..errors import RunFailure

WRITE_ITEMS = 1 << 20
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST}


@contextlib.contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn what a disk may refuse while `folder` is written into one sentence.

    A full disk raises RunFailure, a folder that cannot be written raises UserError.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise RunFailure(
                f"{folder}: the disk is full; what is done is kept: make room and run the same "
                "command again to go on."
            ) from error
        if error.errno in _CLOSED:
            raise UserError(f"--out {folder}: cannot be written ({error.strerror}).") from error
        raise


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A binary stream whose content becomes `path` at the end, or nothing does."""
    part = path.with_name(path.name + ".part")
    try:
        with open(part, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def write_array(stream: BinaryIO, array: npt.NDArray[Any]) -> None:
    """Write an array as .npy; a full disk is told by errno, which numpy's own writing loses."""
    held = np.ascontiguousarray(array)
    np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(held))
    flat = held.reshape(-1)
    for at in range(0, flat.size, WRITE_ITEMS):
        stream.write(flat[at : at + WRITE_ITEMS].tobytes())


def sync(path: Path) -> None:
    """Wait until a file is on the disk."""
    with open(path, "rb") as stream:
        os.fsync(stream.fileno())


def readable(value: Any) -> str:
    """Indented JSON for people, with every list of numbers on one line; NaN is refused."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    # A line break never stands inside a string.
    return re.sub(r"\[\n[\d\s.,eE+-]*\]", lambda found: _one_line(found[0]), text) + "\n"


def _one_line(numbers: str) -> str:
    return "[" + " ".join(numbers[1:-1].split()) + "]"


def write_json(path: Path, value: Any) -> None:
    """Write UTF-8 JSON, whole or not at all."""
    with replacing(path) as stream:
        stream.write(json.dumps(value, ensure_ascii=False).encode())
