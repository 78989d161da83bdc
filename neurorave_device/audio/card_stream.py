"""One stream on one sound card, from opening to closing, with a callback in Python."""

import os
import re
from typing import Any, Optional

import numpy as np

from neurorave_device.audio.base import Pull
from neurorave_device.audio.cards import CHANNELS, ELSEWHERE, closed, name_of, opened
from neurorave_device.errors import UserError
from neurorave_device.processes.realtime import OUTPUT_PRIORITY, priority

# PortAudio's largest blocks where it may choose.
_LONGEST = 8192
# ALSA's own devices, which PortAudio names by card and device.
_PLACE = re.compile(r"\(hw:(\d+),(\d+)\)$")
_NODE = "/dev/snd/pcmC%sD%sp"


class CardStream:
    """Plays what `pull` gives on both channels of the card `index`.

    Opened when it is made: raises UserError where the card refuses.  `block` 0 lets PortAudio choose; `latency` is
    what is asked of the card, in seconds or "low".  `pull` is called from PortAudio's thread, which gets the
    priority of an output where that is permitted.
    """

    def __init__(
        self, backend: Any, index: int, rate: int, block: int, latency: Any, pull: Pull
    ) -> None:
        self.name = name_of(backend, index)
        self.rate = rate
        self.blocks = 0
        self.underruns = 0
        self.fault: Optional[str] = None
        self._node = _node_of(self.name)
        self._backend = backend
        self._block = block
        self._pull = pull
        self._mono = np.zeros(block or _LONGEST, np.float32)
        # Both channels get the same samples, by broadcasting.
        self._column = self._mono[:, None]
        try:
            with priority(OUTPUT_PRIORITY):
                self._stream: Any = backend.OutputStream(
                    samplerate=rate,
                    blocksize=block,
                    device=index,
                    channels=CHANNELS,
                    dtype="float32",
                    latency=latency,
                    callback=self._callback,
                )
        except (backend.PortAudioError, ValueError) as error:
            raise self._refused(error) from None
        opened(backend, self)

    @property
    def latency(self) -> float:
        """Seconds from the callback to the card's output, as PortAudio says.  Any thread."""
        return float(self._stream.latency)

    @property
    def running(self) -> bool:
        """Whether PortAudio still calls back; not when the card is gone.  Any thread.

        The thread of a stream whose ALSA device is pulled out may go round without end instead of ending.
        """
        if self._node is not None and not os.path.exists(self._node):
            return False
        try:
            return bool(self._stream.active)
        except self._backend.PortAudioError:
            return False

    def start(self) -> None:
        """Begins to pull; raises UserError where the card refuses after all."""
        try:
            with priority(OUTPUT_PRIORITY):
                self._stream.start()
        except self._backend.PortAudioError as error:
            self.close()
            raise self._refused(error) from None

    def finish(self) -> None:
        """Lets the card play out what it has, then closes it."""
        try:
            self._stream.stop()
        except self._backend.PortAudioError:
            # It is gone; nothing is left to be played.
            pass
        self.close()

    def close(self) -> None:
        """Closes the stream at once."""
        closed(self._backend, self)
        try:
            self._stream.close()
        except self._backend.PortAudioError:
            # What is gone counts as closed.
            pass

    def _callback(self, out: np.ndarray, frames: int, time: Any, status: Any) -> None:
        """PortAudio's callback: copies and counts, nothing else."""
        mono, column = self._mono, self._column
        if frames != mono.size:
            mono, column = mono[:frames], column[:frames]
        try:
            self._pull(mono)
        except Exception as error:
            mono.fill(0.0)
            if self.fault is None:
                self.fault = "the sound stopped: {}: {}".format(type(error).__name__, error)
        out[...] = column
        self.blocks += 1
        if status.output_underflow:
            self.underruns += 1

    def _refused(self, error: Exception) -> UserError:
        return UserError(
            "device: the sound card {!r} refuses {} Hz in blocks of {} ({}); {}".format(
                self.name, self.rate, self._block, " ".join(str(error).split()), ELSEWHERE
            )
        )


def _node_of(name: str) -> Optional[str]:
    """Return the device file of a card that is ALSA's own, None where it is not known."""
    place = _PLACE.search(name)
    node = None if place is None else _NODE % place.groups()
    return node if node is not None and os.path.exists(node) else None
