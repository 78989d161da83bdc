"""Bundles as codecs: frames lie on the audio, batches do not matter, oracles agree."""

from pathlib import Path

import numpy as np
import pytest

from neurorave_device.errors import UserError
from neurorave_train.evaluation.codec import BundleCodec
from neurorave_train.evaluation.metrics import Floats

TOY = Path(__file__).parents[1] / "data" / "toy_bundle"
FRAMES = 20


@pytest.fixture(scope="module")
def codec() -> BundleCodec:
    return BundleCodec(str(TOY))


def noise(clips: int, frames: int = FRAMES) -> Floats:
    rng = np.random.default_rng(0)
    return (0.1 * rng.standard_normal((clips, frames * 512))).astype(np.float32)


def test_measured_frames_are_centred_on_their_samples(codec: BundleCodec) -> None:
    # Two samples in the middle of frame 9: every window that holds them hears the same.
    audio = np.zeros((1, FRAMES * 512), np.float32)
    audio[0, 9 * 512 + 255 : 9 * 512 + 257] = 0.5
    level = codec.measure(audio)[0][0, :, 0]
    assert level.shape == (FRAMES,)
    # The windows of frames 7 and 11 end and begin between the two, those in between hold both.
    assert np.flatnonzero(level > level.min() + 1.0).tolist() == [7, 8, 9, 10, 11]
    assert level[8:11] == pytest.approx([level[9]] * 3, abs=1e-3)
    assert level[[7, 11]] == pytest.approx([level[9] - 10.0 * np.log10(2.0)] * 2, abs=0.01)


def test_both_scales_of_the_meter_agree_with_the_tables(codec: BundleCodec) -> None:
    values, q = codec.measure(noise(1))
    inside = (q > 0.01) & (q < 0.99)
    assert inside.any()
    for d in range(5):
        expected = np.interp(values[..., d], codec.quantiles[d], np.linspace(0.01, 0.99, 25))
        assert np.allclose(q[..., d][inside[..., d]], expected[inside[..., d]], atol=1e-3)


def test_clips_start_fresh_and_batches_do_not_matter(codec: BundleCodec) -> None:
    audio = noise(3)
    z, q = codec.encode(audio), codec.measure(audio)[1]
    mask = np.ones_like(q)
    together = codec.decode(z, q, mask, seed=5)
    assert together.shape == audio.shape
    for i in range(3):
        one = slice(i, i + 1)
        assert np.array_equal(codec.encode(audio[one]), z[one])
        assert np.array_equal(codec.decode(z[one], q[one], mask[one], seed=5 + i), together[one])
    assert not np.array_equal(codec.decode(z, q, mask, seed=6), together)


def test_a_folder_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="bundle"):
        BundleCodec(str(tmp_path / "nothing"))


def test_a_bundle_without_an_encoder_is_refused(tmp_path: Path) -> None:
    import shutil

    import yaml

    folder = tmp_path / "toy"
    shutil.copytree(TOY, folder)
    document = yaml.safe_load((folder / "bundle.yaml").read_text("utf-8"))
    del document["files"]["encoder"]
    (folder / "bundle.yaml").write_text(yaml.safe_dump(document), "utf-8")
    with pytest.raises(UserError, match="encoder"):
        BundleCodec(str(folder))


# The first call compiles parts of librosa, which takes a minute alone and many on a busy machine.
@pytest.mark.timeout(1800)
def test_oracles_hear_what_our_descriptors_hear() -> None:
    pytest.importorskip("librosa")
    pytest.importorskip("mosqito")
    torch = pytest.importorskip("torch")
    from neurorave_train.descriptors import Descriptors
    from neurorave_train.evaluation.oracle import OracleEars

    rng = np.random.default_rng(0)
    audio = np.zeros((2, 16 * 512), np.float32)
    for i, clip in enumerate(audio):
        for t in range(16):
            tone = np.sin(2 * np.pi * rng.uniform(60, 4000) / 44100 * np.arange(512))
            clip[t * 512 : (t + 1) * 512] = rng.uniform(0.02, 0.5) * tone
        clip += (0.01 * (i + 1)) * rng.standard_normal(len(clip)).astype(np.float32)
    own = Descriptors(44100, 512)(torch.from_numpy(audio)).numpy()
    ears = OracleEars(44100, 512, np.tile(np.linspace(0.0, 1.0, 25), (5, 1)))
    heard = ears.values(audio, range(5))
    for d in range(5):
        if np.isfinite(heard[..., d]).all():
            assert np.corrcoef(own[..., d].ravel(), heard[..., d].ravel())[0, 1] > 0.995
            assert np.median(heard[..., d] / own[..., d]) == pytest.approx(1.0, abs=0.05)
        else:
            assert "booming" in ears.skipped
            assert d == 4
    only = ears(audio, [1])
    assert np.isfinite(only[..., 1]).all()
    assert np.isnan(only[..., [0, 2, 3, 4]]).all()
