"""Small sets of made-up strokes for the tests of preparing."""

from pathlib import Path
from typing import List, Optional, Sequence

import numpy as np
import numpy.typing as npt
import soundfile

from neurorave_train.cli import main

RATE = 16000


def stroke(seed: int, seconds: float = 0.4, rate: int = RATE) -> npt.NDArray[np.float32]:
    """A decaying mixture of a tone and noise, peak 0.5."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate)) / rate
    tone = np.sin(2 * np.pi * rng.uniform(80, 800) * time)
    sound = (tone + 0.3 * rng.standard_normal(len(time))) * np.exp(-time * rng.uniform(3, 12))
    return np.asarray(0.5 * sound / np.abs(sound).max(), dtype=np.float32)


def write(path: Path, audio: npt.NDArray[np.float32], rate: int = RATE) -> None:
    """Write a 16-bit file, or a float one where the name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    subtype = "FLOAT" if "float" in path.name else "PCM_16"
    soundfile.write(str(path), audio, rate, subtype=subtype)


def strokes(folder: Path, count: int, prefix: str = "drum", first: int = 0) -> List[Path]:
    """Write `count` strokes named <prefix>_00.wav and so on."""
    paths = [folder / f"{prefix}_{number:02d}.wav" for number in range(first, first + count)]
    for number, path in enumerate(paths, start=first):
        write(path, stroke(number))
    return paths


def prepare(
    data: "Path | Sequence[Path]", out: Path, *more: str, rate: Optional[int] = RATE
) -> int:
    """Run the command as a user does, and return its exit status."""
    folders = [data] if isinstance(data, Path) else list(data)
    named = [part for folder in folders for part in ("--data", str(folder))]
    rates = [] if rate is None else ["--sample-rate", str(rate)]
    return main(["prepare", *named, "--out", str(out), *rates, *more])
