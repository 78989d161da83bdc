"""One stream from the inputs of one sound card: its callback copies six channels into a ring, nothing else."""

from typing import Any, Optional, Sequence, Tuple

import numpy as np

from neurorave_device.audio.cards import closed, name_of, opened
from neurorave_device.clock import Clock
from neurorave_device.drivers.device import DeviceError
from neurorave_device.processes.realtime import INPUTS_PRIORITY, priority

RING_SECONDS = 0.5


def choose_input(backend: Any, wanted: Optional[str]) -> int:
    """Return the index of the card to read; DeviceError where there is none.

    `wanted` is a part of its name, None the default.
    """
    rows = list(backend.query_devices())
    reading = [n for n, row in enumerate(rows) if row["max_input_channels"] > 0]
    matching = [n for n in reading if wanted is None or wanted.lower() in rows[n]["name"].lower()]
    if not matching:
        names = ", ".join(str(rows[n]["name"]) for n in reading) or "none"
        raise DeviceError("not there; with inputs there are: " + names)
    default = backend.default.device[0]
    return int(default) if wanted is None and default in matching else matching[0]


class CardInput:
    """Reads the `channels` (counted from 1) of the card `index`, float32, full scale is 1.

    Opened and started when it is made; DeviceError says in a few words why that is not possible.  The callback's
    thread writes, one other reads.
    """

    def __init__(
        self,
        backend: Any,
        index: int,
        channels: Sequence[int],
        rate: Optional[int],
        block: int,
        latency: Any,
        stream: Clock,
    ) -> None:
        row = backend.query_devices()[index]
        self.name = name_of(backend, index)
        there = int(row["max_input_channels"])
        if there < max(channels):
            raise DeviceError("has %d inputs, audio_panel needs number %d" % (there, max(channels)))
        self.rate = rate or round(row["default_samplerate"])
        self.block = block
        # How many samples there are, and when the last of them came, on the `stream`'s clock; always both at once.
        self.arrival: Tuple[int, float] = (0, 0.0)
        self.overruns = 0
        self._backend = backend
        self._now = stream.now
        self._columns = np.array(channels) - 1
        self._size = max(4 * block, int(RING_SECONDS * self.rate))
        self._ring = np.zeros((self._size, len(channels)), np.float32)
        self._stream: Any = None
        try:
            with priority(INPUTS_PRIORITY):
                self._stream = backend.InputStream(
                    samplerate=self.rate,
                    blocksize=block,
                    device=index,
                    channels=max(channels),
                    dtype="float32",
                    latency=latency,
                    callback=self._callback,
                )
                opened(backend, self)
                self._stream.start()
        except (backend.PortAudioError, ValueError) as error:
            self.close()
            raise DeviceError(
                "refuses %d Hz in blocks of %d (%s)"
                % (self.rate, block, " ".join(str(error).split()))
            ) from None

    @property
    def written(self) -> int:
        """How many samples have come so far."""
        return self.arrival[0]

    @property
    def running(self) -> bool:
        """Whether PortAudio still calls back; not when the card is gone."""
        try:
            return bool(self._stream.active)
        except self._backend.PortAudioError:
            return False

    def rows(self, start: int, end: int) -> np.ndarray:
        """Return samples start..end, float32 [n, channels], of what is still kept; to be used at once."""
        start = max(start, end - self._size + self.block, 0)
        if start >= end:
            return self._ring[:0]
        first, last = start % self._size, end % self._size
        if first < last:
            return self._ring[first:last]
        return np.concatenate((self._ring[first:], self._ring[:last]))

    def close(self) -> None:
        """Close the stream at once."""
        closed(self._backend, self)
        try:
            if self._stream is not None:
                self._stream.close()
        except self._backend.PortAudioError:
            # What is gone counts as closed.
            pass

    def _callback(self, data: np.ndarray, frames: int, time: Any, status: Any) -> None:
        """PortAudio's callback: copies, counts and looks at the clock."""
        written, done = self.arrival[0], 0
        while done < frames:
            place = (written + done) % self._size
            count = min(frames - done, self._size - place)
            piece = self._ring[place : place + count]
            np.take(data[done : done + count], self._columns, axis=1, out=piece, mode="clip")
            done += count
        if status.input_overflow:
            self.overruns += 1
        self.arrival = written + frames, self._now()
