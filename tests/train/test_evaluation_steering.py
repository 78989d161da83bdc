"""Models that follow few descriptors or none, and models that cannot leave any free."""

import json
from pathlib import Path
from typing import Any, List, Sequence, Tuple

import numpy as np
import pytest
import yaml

from neurorave_device.engine.info import GuardInfo
from neurorave_train.evaluation.cli import main
from neurorave_train.evaluation.metrics import Floats
from neurorave_train.evaluation.page import write_page
from neurorave_train.evaluation.protocol import Extras, evaluate_codec
from neurorave_train.evaluation.subject import DESCRIPTORS
from neurorave_train.evaluation.text import lines

from .fake_codec import FRAMES, HOP, NAMES, FakeCodec, make_clips

TOY = Path(__file__).parents[1] / "data" / "toy_bundle"
GUARD = GuardInfo((0.5,) * 5, tuple(tuple(row) for row in np.eye(5).tolist()), 3.0, (0.1,) * 5)


class Player(FakeCodec):
    """A perfect codec that keeps what it was asked."""

    def __init__(self, follows: Sequence[str] = NAMES, frees: bool = True) -> None:
        super().__init__(follows=follows, frees=frees)
        self.asked: List[Tuple[Floats, Floats]] = []

    def decode(self, z: Floats, q: Floats, mask: Floats, seed: int) -> Floats:
        self.asked.append((q, mask))
        return super().decode(z, q, mask, seed)


def own(clips: Sequence[Floats]) -> Floats:
    return np.stack(clips).reshape(len(clips), FRAMES, HOP)[..., :5]


def whole(codec: FakeCodec, clips: Sequence[Floats]) -> Any:
    """Everything that can be measured, as the command would keep it."""
    extras = Extras(None, GUARD, {"others": make_clips(2, seed=9)})
    steps: List[Tuple[int, int]] = []
    result = evaluate_codec(
        codec,
        clips,
        full=True,
        extras=extras,
        progress=lambda done, of, _: steps.append((done, of)),
    )
    assert steps[-1][0] == steps[-1][1]
    return json.loads(json.dumps({"bundle": "it", **result}, allow_nan=False))


def test_what_cannot_be_free_stays_what_it_is_in_the_clip() -> None:
    clips = make_clips(3)
    player = Player(frees=False)
    result = whole(player, clips)
    q = own(clips)
    assert list(result["guard"]) == ["one_kept", "all"]
    assert all(mask.all() for _, mask in player.asked)
    for d in range(5):
        kept, free = player.asked[3 + d][0], player.asked[8 + d][0]
        assert np.array_equal(kept, free)
        same = [e for e in range(5) if np.array_equal(free[..., e], q[..., e])]
        assert same == [e for e in range(5) if e != d]
        for modulated, _ in player.asked[13 + 4 * d : 17 + 4 * d]:
            same = [e for e in range(5) if np.array_equal(modulated[..., e], q[..., e])]
            assert same == [e for e in range(1, 5) if e != d]
            assert np.allclose(modulated[..., 0], 0.6) == (d != 0)
    assert result["steering"]["frees"] is False
    assert result["steering"]["what_is_free"] == "the clip's own"
    # The perfect codec does as it is told, so nothing was lost on the way.
    assert result["control"]["one_free"]["mean_rho"] == pytest.approx(1.0)


def test_what_a_model_does_not_follow_is_neither_asked_nor_scored() -> None:
    clips = make_clips(3)
    player = Player(("centroid", "booming"))
    result = whole(player, clips)
    q = own(clips)
    for asked, mask in player.asked[: 2 + 1 + 2 + 2 + 8]:
        assert mask[..., [0, 2, 3]].all()
        assert all(np.array_equal(asked[..., d], q[..., d]) for d in (0, 2, 3))
    for block in result["control"].values():
        assert {name for name in DESCRIPTORS if name in block} <= {"centroid", "booming"}
        assert block["worst_rho"] == pytest.approx(1.0)
    assert {"sets_2", "sets_2_free"} <= set(result["control"])
    assert "sets_3" not in result["control"]
    assert result["steering"]["not_steered"] == ["rms", "bandwidth", "sharpness"]
    assert result["guard"]["all"]["off"]["rho"] == pytest.approx(1.0)
    assert "Not steered, and not asked: rms, bandwidth, sharpness." in lines(result)


def test_a_set_counts_only_what_is_followed() -> None:
    result = whole(Player(("centroid",)), make_clips(3))
    assert not any(condition.startswith("sets") for condition in result["control"])
    assert result["control"]["pool_all"]["mean_rho"] == pytest.approx(1.0)
    assert "rms" not in result["transfer"]["others"]


def test_a_plain_autoencoder_is_measured_without_control(tmp_path: Path) -> None:
    clips = make_clips(4)
    codec = FakeCodec(follows=())
    result = whole(codec, clips)
    assert result["control"] == {} and "guard" not in result
    assert result["excluded_descriptors"] == {"count": 0, "names": {}}
    assert result["reconstruction"]["latent_use"] > 0.1
    assert list(result["transfer"]["others"]["all"]["descriptors_kept"]) == list(DESCRIPTORS)
    # Nothing changes its sound, so the cycle goes through its reconstruction.
    assert result["cycle"]["mstft"] == pytest.approx(result["reconstruction"]["mstft"], rel=0.1)
    assert any("Not steered" in line for line in lines(result))
    seen: List[Tuple[int, int]] = []
    write_page(tmp_path, codec, clips, result, GUARD, None, lambda n, of, _: seen.append((n, of)))
    page = (tmp_path / "index.html").read_text("utf-8")
    assert "not steered" in page and "One descriptor modulated" not in page
    assert seen[-1][0] == seen[-1][1]


def test_per_clip_figures_give_the_pooled_rho_again() -> None:
    result = evaluate_codec(FakeCodec(), make_clips(5), quick=True)
    block = result["control"]["one_kept"]["centroid"]
    count, x, y, xx, yy, xy = (sum(values) for values in block["per_clip"].values())
    assert count == block["frames"]
    rho = (xy - x * y / count) / np.sqrt((xx - x * x / count) * (yy - y * y / count))
    assert rho == pytest.approx(block["rho"], abs=1e-4)
    mstft = result["reconstruction"]["per_clip"]["mstft"]
    assert np.mean(mstft) == pytest.approx(result["reconstruction"]["mstft"], rel=1e-5)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("follows", ["rms", "pitch"], "it must be a list of some of rms, centroid"),
        ("follows", "rms", "it must be a list"),
        ("follows", ["rms", "rms"], "each once"),
        ("frees", "sometimes", "it must be true or false"),
    ],
)
def test_a_bundle_that_says_it_wrongly(
    key: str, value: Any, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in TOY.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    described = yaml.safe_load((TOY / "bundle.yaml").read_text())
    described[key] = value
    (tmp_path / "bundle.yaml").write_text(yaml.safe_dump(described))
    assert main([str(tmp_path), "--data", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert f"bundle.yaml: {key} is {value!r}" in said and words in said
