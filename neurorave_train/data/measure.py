"""Measuring prepared recordings: the floor from the train split, descriptors over that floor."""

import hashlib
from typing import Iterable, List, Sequence, Tuple

import numpy as np
import numpy.typing as npt
import torch

from neurorave_device.errors import UserError

from ..descriptors import DESCRIPTORS, Descriptors, average_floor
from ..descriptors.spectrum import PowerSpectrum, centred_frames

Floats = npt.NDArray[np.float32]

WINDOW = 2048
COUNT = len(DESCRIPTORS)
NAMES_UNITS: List[Tuple[str, str]] = [(spec.name, spec.unit) for spec in DESCRIPTORS]
FLOOR_DB = -80.0
# Readings of the probe sound that differ by more than this share are another descriptor's.
SAME_READING = 1.0e-3


def _whole_frames(audio: Floats, hop: int) -> torch.Tensor:
    """Audio [1, frames * hop], its last frame filled up with silence."""
    padded = np.zeros(-(-len(audio) // hop) * hop, np.float32)
    padded[: len(audio)] = audio
    return torch.from_numpy(padded)[None]


def probe_reading(sample_rate: int, hop: int) -> List[float]:
    """Mean descriptors [D] of a fixed sound: tells whether tables were made by these descriptors."""
    time = torch.arange(32 * hop, dtype=torch.float64) / sample_rate
    tones = torch.sin(time * 2.0 * torch.pi * 90.0) + torch.sin(time * time * sample_rate / 8.0)
    sound = (0.3 * tones * torch.exp(-4.0 * time)).to(torch.float32)
    with torch.no_grad():
        values = Descriptors(sample_rate, hop, window=WINDOW)(sound[None])[0]
    return [float(value) for value in values.mean(0)]


def same_reading(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two readings of the probe sound come from the same descriptors."""
    return len(one) == len(other) and bool(np.allclose(one, other, rtol=SAME_READING))


class Meter:
    """Descriptors over a floor with the train split's mean spectrum at FLOOR_DB.

    `floor` is float32 [WINDOW/2 + 1], power per bin. Thread: any.
    """

    def __init__(self, floor: Floats, sample_rate: int, hop: int) -> None:
        self.floor = floor
        self.hop = hop
        self._descriptors = Descriptors(
            sample_rate, hop, window=WINDOW, floor=torch.from_numpy(floor)
        )
        # Rounded, because another processor's last digits are no other descriptor.
        reading = [f"{value:.3g}" for value in probe_reading(sample_rate, hop)]
        known = floor.tobytes() + repr((sample_rate, hop, WINDOW, reading)).encode()
        self.tag = hashlib.sha256(known).hexdigest()[:12]

    @classmethod
    def trained_on(cls, recordings: Iterable[Floats], sample_rate: int, hop: int) -> "Meter":
        """A meter whose floor is the mean spectrum over all frames of the recordings."""
        power = PowerSpectrum(WINDOW)
        total = torch.zeros(power.bins, dtype=torch.float64)
        count = 0
        with torch.no_grad():
            for audio in recordings:
                frames = centred_frames(_whole_frames(audio, hop), hop, WINDOW)[0]
                total += power(frames).sum(0, dtype=torch.float64)
                count += len(frames)
        if count == 0 or not float(total.sum()) > 0.0:
            raise UserError("the recordings for training are silent: nothing can be learned.")
        floor = average_floor(total / count, FLOOR_DB).to(torch.float32).numpy()
        return cls(floor, sample_rate, hop)

    def measure(self, audio: Floats) -> Floats:
        """Descriptors [ceil(samples / hop), D] of a recording."""
        with torch.no_grad():
            values = self._descriptors(_whole_frames(audio, self.hop))[0]
        found: Floats = values.numpy().astype(np.float32)
        return found
