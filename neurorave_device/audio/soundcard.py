"""Sound through a sound card, by PortAudio."""

from typing import Any, List, Optional

import numpy as np

from neurorave_device.audio.base import AudioOut, AudioStats, Pull
from neurorave_device.errors import UserError

CHANNELS = 2
ELSEWHERE = "--audio browser plays in the browser, --audio file writes a file"


class SoundCardOut(AudioOut):
    """Plays mono blocks on both channels of a sound card.

    `device` is a part of the card's name, None the system's default; `block` 0 lets PortAudio choose;
    `latency_ms` is what is asked of the card, None its own low latency.  `pull` is called from PortAudio's callback
    thread: it must not wait.  `backend` stands in for the sounddevice module in tests.
    """

    def __init__(
        self,
        sample_rate: int,
        block: int,
        device: Optional[str] = None,
        latency_ms: Optional[float] = None,
        backend: Any = None,
    ) -> None:
        self._rate = sample_rate
        self._block = block
        self._device = device
        self._latency = "low" if latency_ms is None else latency_ms * 1e-3
        self._backend = backend
        self._stream: Any = None
        self._pull: Optional[Pull] = None
        self._mono = np.zeros(0, dtype=np.float32)
        self._underruns = 0
        self._blocks = 0
        self._fault: Optional[str] = None

    @property
    def fault(self) -> Optional[str]:
        """One sentence for the player where something went wrong since `start`, otherwise None."""
        return self._fault

    def start(self, pull: Pull) -> None:
        """Opens the card and begins to pull; raises UserError where there is none or it refuses."""
        backend = self._backend or _import_backend()
        index = _choose(backend, self._device)
        self._pull = pull
        self._underruns = self._blocks = 0
        self._fault = None
        self._mono = np.zeros(max(self._block, 8192), dtype=np.float32)
        try:
            self._stream = backend.OutputStream(
                samplerate=self._rate,
                blocksize=self._block,
                device=index,
                channels=CHANNELS,
                dtype="float32",
                latency=self._latency,
                callback=self._callback,
            )
            self._stream.start()
        except (backend.PortAudioError, ValueError) as error:
            self._stream = None
            raise UserError(
                "device: the sound card {!r} refuses {} Hz in blocks of {} ({}); {}".format(
                    backend.query_devices()[index]["name"],
                    self._rate,
                    self._block,
                    " ".join(str(error).split()),
                    ELSEWHERE,
                )
            ) from None

    def stop(self) -> None:
        """Lets the card play out what it has, then closes it."""
        if self._stream is not None:
            stream, self._stream = self._stream, None
            stream.stop()
            stream.close()

    def stats(self) -> AudioStats:
        """Returns the counts since `start`; `underruns` are those that PortAudio reported."""
        return AudioStats(self._underruns, 0, self._blocks)

    def _callback(self, out: np.ndarray, frames: int, time: Any, status: Any) -> None:
        """PortAudio's callback: copies and counts, nothing else."""
        mono = self._mono[:frames]
        try:
            self._pull(mono)  # type: ignore[misc]
        except Exception as error:
            mono.fill(0.0)
            if self._fault is None:
                self._fault = "the sound stopped: {}: {}".format(type(error).__name__, error)
        out[:] = mono[:, None]
        self._blocks += 1
        if status.output_underflow:
            self._underruns += 1


def output_names(backend: Any = None) -> List[str]:
    """Returns the names of the sound cards that can play; raises UserError where PortAudio is missing."""
    backend = backend or _import_backend()
    return [
        row["name"] for row in backend.query_devices() if row["max_output_channels"] >= CHANNELS
    ]


def _import_backend() -> Any:
    try:
        import sounddevice
    except OSError:
        raise UserError(
            "audio: soundcard needs the library PortAudio, which is missing (Debian: libportaudio2); "
            + ELSEWHERE
        ) from None
    return sounddevice


def _choose(backend: Any, wanted: Optional[str]) -> int:
    """Returns the index of the card to play on; raises UserError and names what there is."""
    rows = list(backend.query_devices())
    playing = [n for n, row in enumerate(rows) if row["max_output_channels"] >= CHANNELS]
    if not playing:
        raise UserError("audio: soundcard finds no sound card; " + ELSEWHERE)
    if wanted is None:
        default = backend.default.device[1]
        return default if default in playing else playing[0]
    matching = [n for n in playing if wanted.lower() in rows[n]["name"].lower()]
    if not matching:
        raise UserError(
            "device: there is no sound card {!r}, there are {}".format(
                wanted, ", ".join(rows[n]["name"] for n in playing)
            )
        )
    return matching[0]
