"""CV recordings: six-channel WAV files of CV 1-4 and gate 1-2, where 1.0 is 10 V."""

import os
import threading
from typing import List, Optional

import numpy as np
import soundfile

from neurorave_device.errors import UserError
from neurorave_device.inputs.base import Edge, Volts
from neurorave_device.inputs.schmitt import SchmittTrigger

CHANNELS = 6
FULL_SCALE_VOLTS = 10.0
CHANNEL_NAMES = ("CV 1", "CV 2", "CV 3", "CV 4", "gate 1", "gate 2")
_FORMATS = ("WAV", "WAVEX", "RF64")
_SUBTYPES = ("PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")
# Read in pieces, so that a recording of hours takes no more memory than one of seconds.
_PIECE = 1 << 15


class CvRecording:
    """An opened CV recording, checked from end to end.

    Any sample rate.  Opening reads the whole file once; UserError says in one sentence why a file
    is refused.  Any thread; `close` it, or use it in a with statement.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._piece: Optional[np.ndarray] = None
        self._piece_start = 0
        self._file = self._open(path)
        try:
            self.sample_rate = int(self._file.samplerate)
            self._check_format()
            self._edges: List[Edge] = []
            self.frames = self._scan()
        except Exception:
            self._file.close()
            raise

    @property
    def seconds(self) -> float:
        """The length of the recording."""
        return self.frames / float(self.sample_rate)

    def volts_at(self, seconds: float) -> Volts:
        """Return the volts of CV 1-4 at `seconds` from the start, between samples in straight lines.

        Before the start and after the end the nearest sample holds.
        """
        place = min(max(seconds * self.sample_rate, 0.0), self.frames - 1.0)
        index = min(int(place), max(self.frames - 2, 0))
        part = place - index
        with self._lock:
            piece = self._load(index)
            row = index - self._piece_start
            left = piece[row]
            right = piece[min(row + 1, len(piece) - 1)]
        first, second, third, fourth = (left + part * (right - left)).tolist()
        return first, second, third, fourth

    def edges(self) -> List[Edge]:
        """Return all edges of both gates in order of time, each at the time of its sample."""
        return list(self._edges)

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._file.close()

    def __enter__(self) -> "CvRecording":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @staticmethod
    def _open(path: str) -> soundfile.SoundFile:
        if not os.path.exists(path):
            raise UserError("{}: no such file; a CV recording is a six-channel WAV".format(path))
        if os.path.isdir(path):
            raise UserError("{}: a folder, a CV recording is a six-channel WAV file".format(path))
        try:
            return soundfile.SoundFile(path)
        except (RuntimeError, TypeError, ValueError, OSError):
            raise UserError(
                "{}: not a readable sound file, a CV recording is a six-channel WAV".format(path)
            ) from None

    def _check_format(self) -> None:
        kind, subtype, channels = self._file.format, self._file.subtype, self._file.channels
        if kind not in _FORMATS:
            raise UserError("{}: format is {}, a CV recording is a WAV".format(self.path, kind))
        if channels != CHANNELS:
            raise UserError(
                "{}: channels are {}, a CV recording has {} (CV 1-4, gate 1-2)".format(
                    self.path, channels, CHANNELS
                )
            )
        if subtype not in _SUBTYPES:
            raise UserError(
                "{}: sample format is {}, allowed are {} (8 bits are too coarse for CV)".format(
                    self.path, subtype, ", ".join(_SUBTYPES)
                )
            )

    def _scan(self) -> int:
        """Check every sample, find the edges, return the count of frames."""
        triggers = [SchmittTrigger(), SchmittTrigger()]
        start = 0
        while True:
            samples = self._read(_PIECE)
            if not len(samples):
                break
            self._check_finite(samples, start)
            for number, trigger in enumerate(triggers):
                volts = samples[:, 4 + number]
                for index, rising in trigger.feed(volts):
                    time = (start + index) / float(self.sample_rate)
                    self._edges.append(Edge(number + 1, rising, time))
            start += len(samples)
        if not start:
            raise UserError("{}: empty, a CV recording has at least one sample".format(self.path))
        self._edges.sort(key=lambda edge: (edge.time, edge.gate))
        return start

    def _check_finite(self, samples: np.ndarray, start: int) -> None:
        bad = np.argwhere(~np.isfinite(samples))
        if len(bad):
            row, channel = bad[0].tolist()
            raise UserError(
                "{}: {} is {} at sample {}, allowed are finite numbers".format(
                    self.path, CHANNEL_NAMES[channel], samples[row, channel], start + row
                )
            )

    def _read(self, frames: int) -> np.ndarray:
        try:
            samples = self._file.read(frames, dtype="float64", always_2d=True)
        except RuntimeError:
            raise UserError(
                "{}: cannot be read to its end, the file is damaged".format(self.path)
            ) from None
        return np.asarray(samples) * FULL_SCALE_VOLTS

    def _load(self, index: int) -> np.ndarray:
        """Return the piece that holds rows `index` and `index` + 1."""
        piece = self._piece
        last = self.frames - 1
        if piece is not None and self._piece_start <= index:
            if min(index + 1, last) < self._piece_start + len(piece):
                return piece
        # A little before the wanted row too: reading goes forwards, but not strictly.
        self._piece_start = max(index - 256, 0)
        self._file.seek(self._piece_start)
        self._piece = piece = self._read(_PIECE)[:, :4]
        return piece
