"""Sound into a WAV file: a writer that survives a full disk, and the output that uses it."""

import os
import struct
import tempfile
from typing import Any, Optional

import numpy as np

from neurorave_device.audio.base import PacedOut
from neurorave_device.clock import Clock
from neurorave_device.errors import UserError

# Sample formats with their bytes per sample.
SUBTYPES = {"FLOAT": 4, "PCM_24": 3, "PCM_16": 2}


class SoundWriter:
    """Writes mono float32 blocks to a WAV file.

    When nothing more can be written (disk full, card pulled out), `fault` becomes one sentence, what is there is
    closed as a valid file, and later blocks are dropped.  The length in the header is brought up to date once a
    second, so that a power cut costs no more than that.  One thread at a time; not for the audio callback.
    Raises UserError where the file cannot be made.
    """

    def __init__(self, path: str, sample_rate: int, subtype: str = "FLOAT") -> None:
        import soundfile

        if subtype not in SUBTYPES:
            raise UserError(
                "sample format: {} is unknown, allowed are {}".format(subtype, ", ".join(SUBTYPES))
            )
        folder = os.path.dirname(os.path.abspath(path))
        if not os.path.isdir(folder):
            raise UserError("{}: cannot be written, there is no folder {}".format(path, folder))
        self.path = path
        self.samples = 0
        self.fault: Optional[str] = None
        self._rate = sample_rate
        self._size = SUBTYPES[subtype]
        self._noted = 0
        new = not os.path.exists(path)
        try:
            self._file: Any = soundfile.SoundFile(
                path, "w", samplerate=sample_rate, channels=1, subtype=subtype, format="WAV"
            )
        except (RuntimeError, OSError) as error:
            why = _refusal(path) or _reason(error)
            if new:
                _forget(path)
            raise UserError("{}: cannot be written ({})".format(path, why)) from None

    @property
    def seconds(self) -> float:
        """How much has been written."""
        return self.samples / float(self._rate)

    def write(self, block: np.ndarray) -> bool:
        """Writes one block, float32 [n], and says whether it is in the file."""
        if self._file is None:
            return False
        try:
            self._file.write(block)
        except (RuntimeError, OSError, AssertionError) as error:
            # soundfile asserts that all frames were written, which is how a short write shows.
            self._fail(error)
            return False
        self.samples += block.size
        if self.samples - self._noted >= self._rate:
            self._noted = self.samples
            _write_length(self.path, self.samples * self._size)
        return True

    def close(self) -> None:
        """Ends the file; nothing happens the second time."""
        if self._file is None:
            return
        file, self._file = self._file, None
        try:
            file.close()
        except (RuntimeError, OSError) as error:
            self._note(error)

    def _fail(self, error: BaseException) -> None:
        self._note(error)
        file, self._file = self._file, None
        try:
            file.close()
        except (RuntimeError, OSError):
            # The header could not be brought up to date; nothing more can be done for this file.
            pass

    def _note(self, error: BaseException) -> None:
        self.fault = "{}: cannot be written any further ({}), the first {:.1f} s are kept".format(
            self.path, _reason(error), self.seconds
        )


class FileOut(PacedOut):
    """Plays into a WAV file at the pace of the clock; playing goes on when the file cannot."""

    def __init__(
        self, path: str, sample_rate: int, block: int, clock: Clock, subtype: str = "FLOAT"
    ) -> None:
        super().__init__(sample_rate, block, clock)
        self._path = path
        self._rate = sample_rate
        self._subtype = subtype
        self._writer: Optional[SoundWriter] = None

    def _open(self) -> None:
        self._writer = SoundWriter(self._path, self._rate, self._subtype)

    def _consume(self, block: np.ndarray) -> None:
        assert self._writer is not None
        if not self._writer.write(block):
            self._fault = self._writer.fault

    def _close(self) -> None:
        assert self._writer is not None
        self._writer.close()
        self._fault = self._fault or self._writer.fault


def _write_length(path: str, count: int) -> None:
    """Writes a length of `count` bytes into the header of a WAV file that libsndfile has open."""
    try:
        with open(path, "r+b") as handle:
            place = handle.read(4096).find(b"data")
            if place < 0 or count > 0xFFFFFFFF - place - 8:
                return
            handle.seek(4)
            handle.write(struct.pack("<I", place + count))
            handle.seek(place + 4)
            handle.write(struct.pack("<I", count))
    except OSError:
        # The header is written again at the end; what is there now is as good as before.
        pass


def _refusal(path: str) -> str:
    """Returns why the system refuses a file, which libsndfile calls a system error; '' where it takes one."""
    try:
        with open(path, "ab"):
            pass
        with tempfile.TemporaryFile(dir=os.path.dirname(os.path.abspath(path))) as handle:
            handle.write(bytes(4096))
    except OSError as error:
        return error.strerror or ""
    return ""


def _forget(path: str) -> None:
    try:
        os.remove(path)
    except OSError:
        # It was not even begun.
        pass


def _reason(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or " ".join(str(error).split())
    return text.rstrip(".") or "disk full"
