"""Stands in for the sounddevice module: cards that come and go, and play only at some rates."""

from typing import Any, Dict, List, Optional, Sequence

import numpy as np


class Ramp:
    """Gives 0, 1, 2 ... over 65536, block after block."""

    def __init__(self) -> None:
        self.at = 0

    def __call__(self, out: np.ndarray) -> None:
        out[:] = (np.arange(self.at, self.at + out.size) % 65536) / 65536.0
        self.at += out.size


class PortAudioError(Exception):
    pass


class _Default:
    def __init__(self) -> None:
        self.device = [-1, -1]


class _Status:
    def __init__(self, underflow: bool) -> None:
        self.output_underflow = underflow


class FakeStream:
    """One opened stream; `play` is what PortAudio does."""

    def __init__(self, cards: "FakeCards", options: Dict[str, Any]) -> None:
        self._cards = cards
        self.options = options
        self.name = cards.seen[options["device"]]["name"]
        self.latency = 0.01
        self.calls: List[str] = []
        self.active = False

    def start(self) -> None:
        if self._cards.fail_start:
            raise PortAudioError("Unanticipated host error [PaErrorCode -9999]")
        self.calls.append("start")
        self.active = True

    def stop(self) -> None:
        self.calls.append("stop")
        self.active = False

    def close(self) -> None:
        self.calls.append("close")
        self.active = False

    def play(self, frames: int, underflow: bool = False) -> np.ndarray:
        """Calls back for one block and returns what is played, float32 [frames, 2]."""
        out = np.full((frames, 2), np.nan, dtype=np.float32)
        self.options["callback"](out, frames, None, _Status(underflow))
        return out


class FakeCards:
    """The module; a microphone is there too.  As in PortAudio, cards are looked for once, at the start."""

    PortAudioError = PortAudioError

    def __init__(
        self, names: Sequence[str], refuse: bool = False, rates: Optional[Dict[str, int]] = None
    ) -> None:
        self.default = _Default()
        self.plugged = list(names)
        # The only rate at which a card plays; it is also its default.
        self.rates = rates or {}
        self.refuse = refuse
        self.fail_start = False
        self.streams: List[FakeStream] = []
        self.seen: List[Dict[str, Any]] = []
        self.scans = 0
        self._initialize()

    @property
    def stream(self) -> FakeStream:
        """The stream opened last."""
        return self.streams[-1]

    def unplug(self, name: str) -> None:
        """Takes a card away; its streams end by themselves."""
        self.plugged.remove(name)
        for stream in self.streams:
            if stream.name == name:
                stream.active = False

    def query_devices(self) -> List[Dict[str, Any]]:
        return self.seen

    def check_output_settings(self, device: int, samplerate: int, **more: Any) -> None:
        only = self.rates.get(self.seen[device]["name"])
        if only is not None and samplerate != only:
            raise PortAudioError("Invalid sample rate [PaErrorCode -9997]")

    def OutputStream(self, **options: Any) -> FakeStream:
        name = self.seen[options["device"]]["name"]
        if self.refuse or name not in self.plugged:
            raise PortAudioError("Device unavailable [PaErrorCode -9985]")
        self.streams.append(FakeStream(self, options))
        return self.stream

    def _terminate(self) -> None:
        assert not any(stream.active for stream in self.streams), "a stream is open"
        self.seen = []

    def _initialize(self) -> None:
        self.scans += 1
        self.seen = [
            {"name": "Microphone", "max_output_channels": 0, "default_samplerate": 16000.0}
        ]
        for name in self.plugged:
            rate = float(self.rates.get(name, 48000))
            self.seen.append({"name": name, "max_output_channels": 2, "default_samplerate": rate})
        self.default.device = [0, len(self.plugged)]
