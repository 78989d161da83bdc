"""Real strokes for the tests: six CC0 recordings that come with the repository."""

from pathlib import Path
from typing import Dict

import numpy as np
import numpy.typing as npt
import soundfile

RATE = 44100
FOLDER = Path(__file__).parents[1] / "data" / "hits"

Floats = npt.NDArray[np.float32]


def load_hits() -> Dict[str, Floats]:
    """Audio [T] of each stroke at 44.1 kHz by the file's name."""
    found: Dict[str, Floats] = {}
    for path in sorted(FOLDER.glob("*.flac")):
        audio, rate = soundfile.read(str(path), dtype="float32")
        assert rate == RATE, f"{path} has a rate of {rate} Hz, expected {RATE}"
        found[path.stem] = audio
    assert len(found) == 6, f"{FOLDER} holds {len(found)} recordings, expected 6"
    return found
