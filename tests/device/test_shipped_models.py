"""Every bundle that ships: it is whole and small, has its card, and where it has a pitch it is in tune."""

import math
import os
from typing import Any, List

import numpy as np
import pytest
import soundfile

from neurorave_device.engine.bundle import load_bundle
from neurorave_device.engine.checks import check_bundle
from neurorave_device.mapping.first_latent import ZERO_VOLTS_HZ
from neurorave_device.tools.render import render

MODELS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "models")
LARGEST_BYTES = 12e6
CV_RATE = 1000
NOTE_SECONDS = 0.6


def shipped() -> List[str]:
    """Return the names of the bundles that ship."""
    return sorted(name for name in os.listdir(MODELS) if os.path.isdir(os.path.join(MODELS, name)))


def loudest(sound: np.ndarray, rate: int, near: float) -> float:
    """Return the frequency of the highest peak within a semitone of `near`, Hz."""
    size = 1 << 18
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(sound.size), size))
    frequency = np.arange(spectrum.size) * rate / float(size)
    inside = np.abs(12.0 * np.log2(np.maximum(frequency, 1.0) / near)) < 1.0
    return float(frequency[inside][np.argmax(spectrum[inside])])


@pytest.mark.parametrize("name", shipped())
def test_it_is_whole_small_and_has_its_card(name: str) -> None:
    folder = os.path.join(MODELS, name)
    assert list(check_bundle(folder)) == []
    files = [os.path.join(folder, file) for file in os.listdir(folder)]
    assert sum(os.path.getsize(file) for file in files) < LARGEST_BYTES
    with open(os.path.join(folder, "README.md"), encoding="utf-8") as file:
        card = file.read()
    for part in (
        "licence of the data",
        "licence of this model",
        "## Figures",
        "## What it does badly",
    ):
        assert part in card, part


@pytest.mark.parametrize("name", shipped())
def test_a_pitched_one_plays_one_volt_an_octave(name: str, tmp_path: Any) -> None:
    folder = os.path.join(MODELS, name)
    info = load_bundle(folder).info
    if not info.pitched:
        assert info.latent_quantiles[0][0] < 0.0 < info.latent_quantiles[0][-1]
        return
    volts = (-0.5, 0.0, 7.0 / 12.0)
    cv = np.zeros((int(len(volts) * NOTE_SECONDS * CV_RATE), 6))
    for number, value in enumerate(volts):
        start = int(number * NOTE_SECONDS * CV_RATE)
        cv[start:, 0] = value
        cv[start + 20 : start + 100, 4] = 5.0
    paths = str(tmp_path / "cv.wav"), str(tmp_path / "out.wav")
    soundfile.write(paths[0], cv / 10.0, CV_RATE, subtype="FLOAT")
    render(folder, paths[0], paths[1], seed=3)
    sound, rate = soundfile.read(paths[1])
    for number, value in enumerate(volts):
        start = int((number * NOTE_SECONDS + 0.15) * rate)
        piece = sound[start : start + int(0.4 * rate)]
        wanted = ZERO_VOLTS_HZ * 2.0**value
        cents = 1200.0 * math.log2(loudest(piece, rate, wanted) / wanted)
        # A twelfth of a second's window tells tones apart to a few cents.
        assert abs(cents) < 5.0, "{} V: {:.1f} cents".format(value, cents)
