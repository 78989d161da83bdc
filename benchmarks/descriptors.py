"""How fast and how far off our descriptors are, against the packages that people know.

One run, one core, one set of recordings. timbral_models (booming and sharpness) and MoSQITo
(sharpness) measure one value per 4096 samples, librosa (rms, centroid, bandwidth) and ours (all
five) one per 512; costs are processor time per second of sound. The same run gives the rank
correlation with timbral_models, on the same frames and, with its own framing, on recordings.
"""

import argparse
import contextlib
import io
import json
import platform
import sys
import time
import warnings
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence

import librosa
import numpy as np
import numpy.typing as npt
import soundfile
import timbral_models
import torch
from mosqito.sq_metrics import sharpness_din_perseg
from scipy.stats import spearmanr
from timbral_models import timbral_util
from timbral_models.Timbral_Booming import boominess_calculate
from timbral_models.Timbral_Sharpness import sharpness_Fastl

from neurorave_train.descriptors import Descriptors

HOP, WINDOW, THEIR_WINDOW = 512, 2048, 4096
DEFAULT = Path(__file__).parents[1] / "tests" / "data" / "hits"
LEAST_RATIO = 50.0
FRAME_STEP = 8
AUDIBLE_DB = -60.0
PASCAL = 2.0

Array = npt.NDArray[np.float64]
Report = Dict[str, Any]


class Recording:
    """A mono recording: name, audio [T] in float64, rate in Hz."""

    def __init__(self, path: Path) -> None:
        audio, self.rate = soundfile.read(str(path), dtype="float64", always_2d=True)
        self.name, self.audio = path.stem, audio.mean(axis=1)
        self.seconds = len(self.audio) / self.rate


class Ours:
    """Our module, as the training uses it, one for each rate."""

    def __init__(self, rates: Sequence[int]) -> None:
        self.modules = {rate: Descriptors(rate, HOP, WINDOW) for rate in set(rates)}

    def values(self, recording: Recording, audio: Optional[Array] = None) -> Array:
        """Return the descriptors [F, 5] of a recording, or of other audio at its rate."""
        heard = recording.audio if audio is None else audio
        with torch.no_grad():
            batch = torch.as_tensor(heard, dtype=torch.float32)[None]
            found: Array = self.modules[recording.rate](batch)[0].double().numpy()
        return found

    def step(self, recording: Recording) -> None:
        """Measure and go back to the audio, as in a step of training."""
        audio = torch.as_tensor(recording.audio, dtype=torch.float32)[None].requires_grad_()
        total: Any = self.modules[recording.rate](audio).mean()
        total.backward()


def timbral(recording: Recording) -> Array:
    """Return booming and sharpness of a recording, before the package's final regression."""
    boom = timbral_models.timbral_booming(recording.audio, fs=recording.rate, dev_output=True)
    sharp = timbral_models.timbral_sharpness(recording.audio, fs=recording.rate, dev_output=True)
    return np.array([boom[0], sharp[0]])


def mosqito(recording: Recording) -> Array:
    """Return the sharpness of each window."""
    audio = PASCAL * recording.audio
    # It says on the screen that it resamples to 48 kHz.
    with contextlib.redirect_stdout(io.StringIO()):
        sharpness: Array = sharpness_din_perseg(
            audio, recording.rate, weighting="din", nperseg=THEIR_WINDOW, noverlap=0
        )[0]
    return sharpness


def from_librosa(recording: Recording) -> Array:
    """Return rms, centroid and bandwidth [3, F]."""
    magnitude = np.abs(librosa.stft(recording.audio, n_fft=WINDOW, hop_length=HOP))
    parts = [
        librosa.feature.rms(S=magnitude, frame_length=WINDOW),
        librosa.feature.spectral_centroid(S=magnitude, sr=recording.rate),
        librosa.feature.spectral_bandwidth(S=magnitude, sr=recording.rate),
    ]
    return np.concatenate(parts)


def cost(work: Callable[[Recording], object], recordings: List[Recording], repeats: int) -> float:
    """Return processor seconds per second of sound: for each recording the best of repeats."""
    spent = 0.0
    for recording in recordings:
        times = []
        for _ in range(repeats):
            start = time.process_time()
            work(recording)
            times.append(time.process_time() - start)
        spent += min(times)
    seconds: float = sum(recording.seconds for recording in recordings)
    return spent / seconds


def together_cost(ours: Ours, recordings: List[Recording], repeats: int) -> float:
    """Return processor seconds per second of sound where it comes in batches of 16 x 100 frames."""
    spent = seconds = 0.0
    for rate, module in ours.modules.items():
        joined = np.concatenate([r.audio for r in recordings if r.rate == rate])
        batch = torch.as_tensor(np.resize(joined, 16 * 100 * HOP)).float().view(16, -1)
        times = []
        for _ in range(repeats):
            start = time.process_time()
            with torch.no_grad():
                module(batch)
            times.append(time.process_time() - start)
        spent += min(times)
        seconds += batch.numel() / rate
    return spent / seconds


def batch_cost(module: Descriptors, repeats: int) -> float:
    """Return milliseconds of processor time to measure 16 x 100 frames and go back."""
    audio = 0.1 * torch.randn(16, 100 * HOP, generator=torch.Generator().manual_seed(0))
    times = []
    for _ in range(repeats):
        leaf = audio.clone().requires_grad_()
        start = time.process_time()
        total: Any = module(leaf).mean()
        total.backward()
        times.append(time.process_time() - start)
    return 1000.0 * min(times)


def same_frames(ours: Ours, recordings: List[Recording]) -> List[Array]:
    """Return booming and sharpness, theirs and ours [n, 4], of the very same windowed frames.

    Silence follows each frame, in which the filters of timbral_models ring out.
    """
    window = np.sin(np.pi * np.arange(WINDOW) / WINDOW) ** 2
    # Twice the length halves the mean square.
    window *= np.sqrt(2.0 / np.mean(window**2))
    rows = []
    for recording in recordings:
        values = ours.values(recording)
        padded = np.pad(recording.audio, ((WINDOW - HOP) // 2, WINDOW))
        for t in range(0, len(values), FRAME_STEP):
            if values[t, 0] < AUDIBLE_DB:
                continue
            frame = padded[t * HOP : t * HOP + WINDOW] * window
            total, curve = timbral_util.specific_loudness(
                np.pad(frame, (0, WINDOW)), Pref=100.0, fs=recording.rate, Mod=0
            )
            if total > 0:
                theirs = [boominess_calculate(curve), sharpness_Fastl(curve)]
                rows.append(np.array(theirs + [values[t, 4], values[t, 3]]))
    return rows


def whole_recordings(ours: Ours, recordings: List[Recording]) -> List[Array]:
    """Return booming and sharpness, theirs and ours [n, 4], as energy-weighted means.

    timbral_models brings every recording to the same loudness first; ours gets what comes out.
    """
    rows = []
    for recording in recordings:
        audio, _ = timbral_util.file_read(recording.audio, recording.rate)
        values = ours.values(recording, audio)
        power = 10.0 ** (values[:, 0] / 10.0)
        boom = 10.0 ** (values[:, 4] / 43.674) - 1.0
        own = [np.average(boom, weights=power), np.average(values[:, 3], weights=power)]
        rows.append(np.concatenate([timbral(recording), own]))
    return rows


def agreement(rows: List[Array]) -> Report:
    """Return the rank correlations of rows [n, 4]."""
    table = np.array(rows)
    return {
        "number": len(table),
        "booming": round(float(spearmanr(table[:, 0], table[:, 2])[0]), 4),
        "sharpness": round(float(spearmanr(table[:, 1], table[:, 3])[0]), 4),
    }


def run(recordings: List[Recording], repeats: int) -> Report:
    """Return all figures of one run."""
    ours = Ours([recording.rate for recording in recordings])
    works: Dict[str, Callable[[Recording], object]] = {
        "ours, all five": ours.values,
        "ours, with gradient": ours.step,
        "timbral_models, booming + sharpness": timbral,
        "MoSQITo, sharpness": mosqito,
        "librosa, rms + centroid + bandwidth": from_librosa,
    }
    for work in works.values():
        work(recordings[0])
    costs = {}
    for number, (name, work) in enumerate(works.items()):
        print(f"\r{number + 1}/{len(works)} {name:40}", end="", file=sys.stderr, flush=True)
        costs[name] = cost(work, recordings, repeats)
    costs["ours, all five, in a batch"] = together_cost(ours, recordings, repeats)
    print(f"\r{'':50}\r", end="", file=sys.stderr)
    base = costs["ours, all five"]
    module = next(iter(ours.modules.values()))
    return {
        "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "seconds_of_sound": round(sum(recording.seconds for recording in recordings), 2),
        "milliseconds_per_second_of_sound": {k: round(1000 * v, 3) for k, v in costs.items()},
        "times_ours": {k: round(v / base, 2) for k, v in costs.items()},
        "batch_of_1600_frames_with_gradient_ms": round(batch_cost(module, 3 * repeats), 1),
        "rank_correlation_with_timbral_models": {
            "same frames": agreement(same_frames(ours, recordings)),
            "whole recordings": agreement(whole_recordings(ours, recordings)),
        },
    }


def table(report: Report) -> str:
    """Return the report as text."""
    lines = [f"{'':40}{'ms per second':>15}{'times ours':>12}"]
    for name, milliseconds in report["milliseconds_per_second_of_sound"].items():
        lines.append(f"{name:40}{milliseconds:15.2f}{report['times_ours'][name]:12.1f}")
    lines += [
        "",
        f"1600 frames with gradient: {report['batch_of_1600_frames_with_gradient_ms']} ms",
        "",
        f"{'rank correlation with timbral_models':40}{'booming':>15}{'sharpness':>12}",
    ]
    for name, found in report["rank_correlation_with_timbral_models"].items():
        label = f"{name} ({found['number']})"
        lines.append(f"{label:40}{found['booming']:15.4f}{found['sharpness']:12.4f}")
    return "\n".join(lines)


def main() -> int:
    """Run the benchmark; exit 1 if ours is not 50 times faster than timbral_models."""
    parser = argparse.ArgumentParser(
        description="Descriptors: speed and agreement with timbral_models, MoSQITo and librosa.",
        epilog="example: python -m benchmarks.descriptors --limit 12 --json descriptors.json",
    )
    parser.add_argument("--recordings", type=Path, default=DEFAULT, help="folder (%(default)s)")
    parser.add_argument("--limit", type=int, default=0, help="so many recordings at most (all)")
    parser.add_argument("--repeats", type=int, default=3, help="best of so many (%(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    given = parser.parse_args()
    paths = sorted(p for p in given.recordings.glob("*") if p.suffix in (".flac", ".wav"))
    if given.repeats < 1 or given.limit < 0:
        parser.error("--repeats must be 1 or more and --limit 0 or more")
    if not paths:
        parser.error(f"{given.recordings}: no .flac or .wav file in it")
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    report = run([Recording(path) for path in paths[: given.limit or None]], given.repeats)
    print(table(report))
    if given.json:
        given.json.write_text(json.dumps(report, indent=1) + "\n")
    ratio = report["times_ours"]["timbral_models, booming + sharpness"]
    return 0 if ratio >= LEAST_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
