"""The bundle that ships: the same sound under the oldest and the newest ONNX Runtime, gates that never wander."""

import os
from typing import Any, Dict

import numpy as np
import pytest
import soundfile

from neurorave_device.engine.bundle import load_bundle
from neurorave_device.tools import render as module
from neurorave_device.tools.render import render

from .. import make_shipped_reference as shipped

TOLERANCE = 1e-4
GATES = 200
AUDIBLE = 1e-4
CV_RATE = 48000


@pytest.fixture(scope="module")
def reference() -> Dict[str, np.ndarray]:
    with np.load(shipped.REFERENCE) as stored:
        found = {name: stored[name] for name in stored.files}
    if found.pop("sha256").tolist() != shipped.digests():
        pytest.fail(
            "models/hand_percussion is not the bundle that tests/data/shipped_reference.npz was made from; "
            "run `{}` and commit the file".format(shipped.COMMAND)
        )
    return found


def test_all_runtimes_give_the_same_result(reference: Dict[str, np.ndarray]) -> None:
    found = shipped.answers()
    assert sorted(found) == sorted(reference)
    for name, wanted in reference.items():
        away = np.abs(found[name] - wanted) / (1.0 + np.abs(wanted))
        assert away.max() <= TOLERANCE, "{}: off by {:.2g}".format(name, away.max())


def test_the_reference_is_of_sound_and_small(reference: Dict[str, np.ndarray]) -> None:
    loudness = reference["decoder.audio"].std()
    assert 0.001 < loudness < 10.0
    assert reference["prior.latents"].std() > 0.1
    assert os.path.getsize(shipped.REFERENCE) < 200000


def test_200_gates_all_wait_the_same_time_for_their_sound(tmp_path: Any, monkeypatch: Any) -> None:
    bundle = load_bundle(shipped.BUNDLE, roles=("prior", "decoder"))
    monkeypatch.setattr(module, "load_bundle", lambda folder, engine: bundle)
    # What follows the recording tells nothing about its gate.
    monkeypatch.setattr(module, "TAIL_SECONDS", 0.02)
    random = np.random.RandomState(11)
    cv, out = str(tmp_path / "cv.wav"), str(tmp_path / "out.wav")
    delays = []
    for _ in range(GATES):
        volts = np.zeros((int(0.06 * CV_RATE), 6))
        start = int(random.randint(1, 0.04 * CV_RATE))
        volts[start : start + CV_RATE // 500, 4] = 5.0
        soundfile.write(cv, volts / 10.0, CV_RATE, subtype="FLOAT")
        render(shipped.BUNDLE, cv, out)
        sound, rate = soundfile.read(out)
        heard = np.flatnonzero(np.abs(sound) > AUDIBLE)
        assert heard.size, "the gate at {} s makes no sound".format(start / float(CV_RATE))
        delays.append(heard[0] / float(rate) - start / float(CV_RATE))
    # A gate between two samples acts on the nearest one: half a sample to either side.
    assert np.ptp(delays) <= 1.0 / rate + 1e-9
    assert min(delays) >= -0.5 / rate - 1e-9
