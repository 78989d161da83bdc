"""Small models and prepared data for the tests of networks, training and export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

from neurorave_train.cli import main as train_command
from neurorave_train.nets.model import PlayableModel

RATE, HOP = 44100, 512
SMALL_TRUNK = {
    "width": 24,
    "fine_width": 16,
    "dilations": [1, 2],
    "fine_dilations": [1, 3],
    "bands": 12,
}
SMALL_CARRIERS = {**SMALL_TRUNK, "carriers": 16}
SMALL_HARMONICS = {**SMALL_TRUNK, "harmonics": 16}
SMALL_PQMF = {"widths": [24, 16, 12, 8], "dilations": [1, 3], "noise_bands": 12}
OPTIONS = {"carriers": SMALL_CARRIERS, "harmonics": SMALL_HARMONICS, "pqmf": SMALL_PQMF}


def knots() -> Tensor:
    """Plausible quantile tables [5, 25]."""
    ends = [(-88.0, -14.0), (290.0, 4000.0), (1100.0, 6400.0), (0.2, 1.7), (5.0, 57.0)]
    return torch.stack([torch.linspace(a, b, 25) for a, b in ends])


def small_model(decoder: str, seed: int = 0) -> PlayableModel:
    """An untrained small model in evaluation mode, with latent statistics that are not trivial."""
    torch.manual_seed(seed)
    model = PlayableModel(
        knots(),
        None,
        RATE,
        HOP,
        encoder_width=16,
        decoder=decoder,
        decoder_options=OPTIONS[decoder],
    )
    norm = model.encoder.bound.norm
    assert norm.running_mean is not None and norm.running_var is not None
    norm.running_mean.uniform_(-0.2, 0.2)
    norm.running_var.uniform_(0.02, 0.1)
    return model.eval()


def hits(folder: Path, count: int = 6, seconds: float = 0.5) -> Path:
    """A folder of decaying tones with some noise, each file its own."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    t = np.arange(int(seconds * RATE)) / RATE
    for i in range(count):
        tone = np.sin(2 * np.pi * (120 + 70 * i) * t) + 0.3 * rng.standard_normal(len(t))
        sound = 0.4 * tone * np.exp(-t * (6 + i)) / np.abs(tone).max()
        soundfile.write(folder / f"drum{i}.wav", sound.astype(np.float32), RATE)
    return folder


def prepared(tmp: Path) -> Path:
    """A prepared folder of such hits."""
    out = tmp / "prepared"
    assert train_command(["prepare", "--data", str(hits(tmp / "hits")), "--out", str(out)]) == 0
    return out


SMALL_RECIPE = """
model:
  encoder_width: 16
  decoder_options: {width: 24, fine_width: 16, dilations: [1, 2], fine_dilations: [1, 3],
                    carriers: 16, bands: 12}
data: {segment_frames: 24, batch: 2}
objective: {swap_items: 2}
steps: 4
validate_every: 2
prior: {width: 16, components: 2, frames: 30, batch: 4, steps: 4, validate_every: 2}
"""


def small_recipe(tmp: Path) -> Path:
    """A recipe file for models that train in seconds."""
    path = tmp / "small.yaml"
    path.write_text(SMALL_RECIPE)
    return path
