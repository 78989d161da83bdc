"""What the reconstruction figures are for outputs whose quality is known, on the same clips.

Run it as `python -m neurorave_train.evaluation.anchors --data DIR`; docs/evaluation.md quotes it.
"""

import argparse
import sys
from typing import Dict, List, Optional

import numpy as np
from scipy.signal import istft, stft

from neurorave_device.errors import UserError

from .clips import load_clips
from .metrics import Floats, buzz_excess, log_mel_l1, loudness_l1, mstft
from .subject import clip_samples, donors

DITHER_DB = -90.0
HOP = 512


def random_phase(clips: Floats, n: int, rng: np.random.Generator) -> Floats:
    """The clips with the magnitudes of their STFT (window n, hop n/4) and the phases of noise."""
    options = {"nperseg": n, "noverlap": n - n // 4}
    other = stft(rng.standard_normal(clips.shape), **options)[2]
    phases = other / np.maximum(np.abs(other), 1e-12)
    audio = istft(np.abs(stft(clips, **options)[2]) * phases, **options)[1]
    return np.asarray(audio[:, : clips.shape[1]], dtype=np.float32)


def outputs(clips: Floats, seed: int = 1) -> Dict[str, Floats]:
    """Known outputs [N, T] by name, the same for the same seed."""
    rng = np.random.default_rng(seed)
    level = 10.0 ** (DITHER_DB / 20.0)
    dither = (level * rng.standard_normal(clips.shape)).astype(np.float32)
    return {
        "original + another -90 dB dither": clips + dither,
        "original, -1 dB": clips * np.float32(10.0 ** (-1.0 / 20.0)),
        "true magnitudes, random phase, n=256": random_phase(clips, 256, rng),
        "true magnitudes, random phase, n=1024": random_phase(clips, 1024, rng),
        "silence (dither)": dither,
        "another clip": clips[donors(len(clips), 0)],
    }


def main(argv: Optional[List[str]] = None) -> int:
    """Print a table of the anchors; exit status 0, or 2 on bad input."""
    parser = argparse.ArgumentParser(
        prog="python -m neurorave_train.evaluation.anchors",
        description="Print the reconstruction figures of outputs whose quality is known.",
        epilog="example: python -m neurorave_train.evaluation.anchors --data recordings/valid",
    )
    parser.add_argument("--data", required=True, metavar="DIR", help="folder of audio files")
    parser.add_argument("--exclude", action="append", default=[], metavar="GLOB")
    parser.add_argument("--limit", type=int, metavar="N", help="use the first N clips")
    parser.add_argument("--sample-rate", type=int, default=44100, metavar="HZ")
    args = parser.parse_args(argv)
    rate = args.sample_rate
    try:
        found = load_clips(args.data, rate, clip_samples(rate, HOP), args.exclude, args.limit)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    clips = np.stack(found.audio)
    print(f"| output ({len(clips)} clips) | mSTFT | log-mel dB | loudness dB | buzz dB |")
    print("|---|---|---|---|---|")
    for name, audio in outputs(clips).items():
        figures = (
            mstft(clips, audio).mean(),
            log_mel_l1(clips, audio, rate).mean(),
            loudness_l1(clips, audio, rate).mean(),
            buzz_excess(clips, audio, rate, HOP),
        )
        print(f"| {name} | " + " | ".join(f"{figure:.2f}" for figure in figures) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
