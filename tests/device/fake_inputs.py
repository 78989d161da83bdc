"""Stands in for the sounddevice module where a sound card with inputs is read: a card that counts its own samples."""

from typing import Any, Dict, List, Optional

import numpy as np

from tests.device.fake_cards import PortAudioError


class _Status:
    def __init__(self, overflow: bool) -> None:
        self.input_overflow = overflow


class FakeInput:
    """One opened stream; `give` is what PortAudio does."""

    def __init__(self, cards: "FakeInputs", options: Dict[str, Any]) -> None:
        self._cards = cards
        self.options = options
        self.name = cards.rows[options["device"]]["name"]
        self.active = False
        self.closed = False

    def start(self) -> None:
        self.active = True

    def close(self) -> None:
        self.active = False
        self.closed = True

    def give(self, samples: np.ndarray, overflow: bool = False) -> None:
        """Call back with one block, [n, channels]."""
        data = np.ascontiguousarray(samples, np.float32)
        self.options["callback"](data, len(data), None, _Status(overflow))


class FakeInputs:
    """The module; `plugged` has the inputs of each card by its name."""

    PortAudioError = PortAudioError

    def __init__(self, plugged: Optional[Dict[str, int]] = None, rate: float = 48000.0) -> None:
        self.plugged = {"Built-in": 2, "ES-8": 8} if plugged is None else plugged
        self.rate = rate
        self.refuse = False
        self.streams: List[FakeInput] = []
        self.rows: List[Dict[str, Any]] = []
        self.scans = 0
        self._initialize()

    @property
    def stream(self) -> FakeInput:
        return self.streams[-1]

    def unplug(self, name: str) -> int:
        for stream in self.streams:
            if stream.name == name:
                stream.active = False
        return self.plugged.pop(name)

    def query_devices(self) -> List[Dict[str, Any]]:
        return self.rows

    def InputStream(self, **options: Any) -> FakeInput:
        if self.refuse or self.rows[options["device"]]["name"] not in self.plugged:
            raise PortAudioError("Device unavailable [PaErrorCode -9985]")
        self.streams.append(FakeInput(self, options))
        return self.stream

    def _terminate(self) -> None:
        assert not any(stream.active for stream in self.streams), "a stream is open"

    def _initialize(self) -> None:
        self.scans += 1
        self.rows = [
            {"name": name, "max_input_channels": count, "default_samplerate": self.rate}
            for name, count in self.plugged.items()
        ]
        self.rows.append({"name": "HDMI", "max_input_channels": 0, "default_samplerate": 48000.0})

    class default:
        device = (0, 0)
