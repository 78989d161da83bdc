"""How different two sounds are to a listener: Zwicker's specific loudness, and CDPAM where it is installed."""

import functools
import importlib.util
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soxr
import torch

from neurorave_device.errors import UserError

from ..descriptors import Descriptors
from .metrics import Array, Floats

HOP = 512
BARK_STEP = 0.1
# Quieter reference clips are compared as if they had this mean loudness (sone).
LEAST_SONE = 0.1

JND_RATE = 22050
JND_FULL_SCALE = 32768.0
JND_WEIGHTS = Path("CDPAM_trained") / "scratchJNDdefault_best_model.pth"
HOW_TO_INSTALL = (
    "--jnd: the package cdpam is not installed; `pip install cdpam==0.0.6` (98 MB) brings it; "
    "without --jnd everything else is measured."
)


class LoudnessDistance(NamedTuple):
    """Of each clip [N]: mean sone that differ in a frame, and that over the reference's loudness."""

    sone: Array
    relative: Array


@functools.lru_cache(maxsize=2)
def loudness_meter(sample_rate: int) -> Descriptors:
    """Our descriptors at a rate, without a model's floor; frames of 2048, hop 512."""
    return Descriptors(sample_rate, HOP)


def specific_loudness(clips: Floats, sample_rate: int) -> Array:
    """Zwicker's N'(z) [N, frames, 240] in sone/Bark (ISO 532-1, frames of 2048, hop 512)."""
    meter = loudness_meter(sample_rate)
    found = []
    with torch.no_grad():
        for clip in clips:
            power = meter.power_spectra(torch.from_numpy(np.ascontiguousarray(clip))[None])[0]
            found.append(meter.loudness(power @ meter.bands).t().numpy())
    return np.stack(found)


def loudness_distance(reference: Floats, clips: Floats, sample_rate: int) -> LoudnessDistance:
    """How much specific loudness differs, summed over the Bark scale, averaged over the frames.

    1 sone is a 1 kHz tone of 40 dB; full scale is 100 dB SPL. Unlike a spectrogram's distance it
    knows what masks what and how loud things are.
    """
    before, after = (specific_loudness(part, sample_rate) for part in (reference, clips))
    sone = np.abs(before - after).sum(axis=2).mean(axis=1) * BARK_STEP
    loudness = before.sum(axis=2).mean(axis=1) * BARK_STEP
    return LoudnessDistance(sone, sone / np.maximum(loudness, LEAST_SONE))


class Jnd:
    """The CDPAM distance (Manocha et al. 2021), for the publication's JND column and nothing else.

    Raises UserError where the package is not installed. It carries its own trained weights as a
    pickle, which is read with all that a pickle may do: the package is code that was installed on
    purpose. Its own loading code is not run; it asks for libraries and numpy names that are gone.
    """

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        spec = importlib.util.find_spec("cdpam")
        if spec is None or not spec.submodule_search_locations:
            raise UserError(HOW_TO_INSTALL)
        folder = Path(next(iter(spec.submodule_search_locations)))
        try:
            networks = _module(folder / "models.py")
            state = torch.load(folder / JND_WEIGHTS, map_location="cpu", weights_only=False)
        except OSError as error:
            raise UserError(
                f"--jnd: the package cdpam in {folder} is incomplete ({error.strerror})."
            ) from error
        # The sizes of the published weights.
        self._net = networks.FINnet(
            dev=torch.device("cpu"),
            encoder_layers=16,
            encoder_filters=64,
            ndim=[16, 6],
            classif_dp=0.05,
            classif_BN=0,
            classif_act="no",
            input_size=512,
        )
        self._net.load_state_dict(state["state"])
        self._net.eval()

    def __call__(self, reference: Floats, clips: Floats) -> Array:
        """The distance of each clip [N]."""
        found = []
        with torch.no_grad():
            for pair in zip(reference, clips):
                first, second = (self._embedded(clip) for clip in pair)
                found.append(float(self._net.model_dist.forward(first, second)))
        return np.array(found)

    def _embedded(self, clip: Floats) -> torch.Tensor:
        audio = soxr.resample(clip, self.sample_rate, JND_RATE) * JND_FULL_SCALE
        batch = torch.from_numpy(np.round(audio).astype(np.float32))[None, None]
        acoustics: torch.Tensor = self._net.base_encoder.forward(batch)[1]
        return torch.nn.functional.normalize(acoustics, dim=1)


def _module(path: Path) -> Any:
    """A module by its file, without the package around it."""
    spec = importlib.util.spec_from_file_location("cdpam_models", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
