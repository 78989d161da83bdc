"""Budgets, precision, sharing a step, beginning with other weights, and what may not go on."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from neurorave_device.errors import UserError
from neurorave_train.cli import main as train_command
from neurorave_train.data.prepared import PreparedData
from neurorave_train.data.segments import SegmentDataset
from neurorave_train.training.budget import Budget
from neurorave_train.training.families import build_training, load_training
from neurorave_train.training.recipe import load_recipe
from neurorave_train.training.restore import begin_from
from neurorave_train.training.trainer import checkpoint_of

from .small_models import hits, prepared, small_recipe


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_recipe(tmp_path_factory.mktemp("recipe"))


@pytest.fixture(scope="module")
def trained(data: Path, recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with its prior."""
    run = tmp_path_factory.mktemp("trained") / "run"
    assert fit(data, run, recipe, "--set", "steps=2", "--set", "prior.steps=1") == 0
    return run


def fit(data: Path, run: Path, recipe: Path, *more: str) -> int:
    line = ["fit", "--recipe", str(recipe), "--data", str(data), "--out", str(run)]
    return train_command([*line, *more])


def weights(run: Path) -> dict[str, torch.Tensor]:
    loaded = torch.load(checkpoint_of(run, "model"), weights_only=False)
    found: dict[str, torch.Tensor] = loaded["current_model_state"]
    return found


def test_two_processes_are_one_with_the_same_batch(
    data: Path, recipe: Path, tmp_path: Path
) -> None:
    """Two steps of two processes end in the weights of one process with all their items."""
    # The second step is the first whose gradients depend on what was learnt in the first.
    changes = ["optimiser.warm_up=1", "optimiser.decay_from=1.0", "optimiser.average=0.5"]
    changes.append("objective.balance=1.0")
    settings = [word for change in changes for word in ("--set", change)]
    model = ["--stage", "model", "--max-steps", "2", *settings]
    one = [*model, "--set", "data.batch=4", "--set", "objective.swap_items=2"]
    assert fit(data, tmp_path / "one", recipe, *one) == 0
    line = [sys.executable, "-m", "neurorave_train.cli", "fit", "--recipe", str(recipe)]
    line += ["--data", str(data), "--out", str(tmp_path / "two"), "--devices", "2", *model]
    line += ["--set", "data.batch=2", "--set", "objective.swap_items=1"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    a, b = (
        torch.load(checkpoint_of(tmp_path / name, "model"), weights_only=False)
        for name in ("one", "two")
    )
    began = build_training(load_recipe(str(recipe)), PreparedData(data)).state_dict()
    # Mean gradients of all weights, and where they led. Before the latent's normalisation a bias has none,
    # and Adam makes steps of the rounding; the decoder shows the weights.
    means = [c["optimizer_states"][0]["state"] for c in (a, b)]
    assert len(means[0]) > 20
    for i, state in means[0].items():
        torch.testing.assert_close(means[1][i]["exp_avg"], state["exp_avg"], atol=2e-5, rtol=1e-3)
    moved = 0.0
    for name, value in a["current_model_state"].items():
        if name.startswith("model.decoder"):
            there = b["current_model_state"][name]
            torch.testing.assert_close(there, value, atol=1e-4, rtol=1e-4, msg=name)
            moved = max(moved, float((value - began[name]).abs().max()))
    assert moved > 3e-3
    errors = [c["current_model_state"]["balance.error"] for c in (a, b)]
    assert float(errors[0].max()) > 0.0
    torch.testing.assert_close(errors[1], errors[0], atol=1e-4, rtol=1e-3)


class _Module(SimpleNamespace):
    pass


def test_a_budget_counts_steps_only_and_survives_a_resume() -> None:
    now = [0.0]
    budget = Budget(10.0, clock=lambda: now[0])
    trainer: Any = SimpleNamespace(should_stop=False)
    module: Any = _Module()
    budget.on_train_start(trainer, module)

    def step(seconds: float, index: int, callback: Budget) -> None:
        callback.on_train_batch_start(trainer, module, None, index)
        now[0] += seconds
        callback.on_train_batch_end(trainer, module, None, None, index)

    step(3.0, 0, budget)
    # A validation of any length is free.
    now[0] += 500.0
    step(3.0, 0, budget)
    assert budget.spent == 6.0 and not trainer.should_stop
    after = Budget(10.0, clock=lambda: now[0])
    after.load_state_dict(budget.state_dict())
    now[0] += 100.0
    after.on_train_start(trainer, module)
    step(3.0, 0, after)
    assert not trainer.should_stop
    step(3.0, 1, after)
    assert after.spent == 12.0 and trainer.should_stop


def test_time_ends_a_training(data: Path, recipe: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert fit(data, run, recipe, "--stage", "model", "--max-seconds", "0.2") == 0
    found = torch.load(checkpoint_of(run, "model"), weights_only=False)
    spent = next(v["spent"] for k, v in found["callbacks"].items() if k.startswith("Budget"))
    assert spent >= 0.2 and found["global_step"] >= 1


def test_the_rate_follows_the_time(data: Path, recipe: Path) -> None:
    module = build_training(load_recipe(str(recipe), ["optimiser.warm_up=1"]), PreparedData(data))
    # By steps this run would be over after four.
    for share, wanted in ((0.3, 1.0), (0.55, 1.0), (1.0, 0.03)):
        module.time_share = share
        assert module.rate_share(400) == pytest.approx(wanted)
        assert module.progress() == share
    module.time_share = 0.8
    assert 0.03 < module.rate_share(400) < 1.0


@pytest.mark.parametrize("value", ["0", "-3", "inf", "soon"])
def test_a_budget_is_a_time(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["fit", "--recipe", "x", "--data", "y", "--out", "z", f"--max-seconds={value}"]
    with pytest.raises(SystemExit) as caught:
        train_command(line)
    assert caught.value.code == 2
    assert f"{value!r} is not a number of seconds above 0" in capsys.readouterr().err


def test_half_precision_keeps_sound_and_spectra_whole(
    data: Path, recipe: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    more = [
        "--stage",
        "model",
        "--max-steps",
        "2",
        "--set",
        "precision=half",
        "--set",
        "compile=true",
    ]
    more += ["--set", "objective.adversarial=0.1", "--set", "objective.adversarial_from=0.0"]
    assert fit(data, run, recipe, *more, "--set", "objective.buzz=0.1") == 0
    assert all(v.isfinite().all() for v in weights(run).values() if v.is_floating_point())
    # Rounding reaches the networks: the weights are not those of whole precision, but near them.
    same = tmp_path / "same"
    more[more.index("precision=half")] = "precision=full"
    assert fit(data, same, recipe, *more, "--set", "objective.buzz=0.1") == 0
    a, b = weights(run), weights(same)
    key = "model.decoder.head.weight"
    assert not torch.equal(a[key], b[key])
    torch.testing.assert_close(a[key], b[key], atol=1e-3, rtol=0.0)


def test_an_unknown_precision_is_named(
    data: Path, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit(data, tmp_path / "run", recipe, "--set", "precision=double") == 2
    assert "precision is 'double', allowed: auto, full, half" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_an_unknown_decoder_option_is_named_with_those_there_are(data: Path, recipe: Path) -> None:
    wrong = load_recipe(str(recipe), ["model.decoder_options.widht=3"])
    with pytest.raises(
        UserError, match=r"decoder_options\.widht is not an option .* allowed: width,"
    ):
        build_training(wrong, PreparedData(data))
    wrong = load_recipe(str(recipe), ["model.decoder=vocoder"])
    with pytest.raises(
        UserError, match=r"model\.decoder is 'vocoder', allowed: carriers, harmonics, pqmf"
    ):
        build_training(wrong, PreparedData(data))


def test_a_run_of_other_recordings_does_not_go_on(
    data: Path, recipe: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    line = ["prepare", "--data", str(hits(tmp_path / "hits", count=4)), "--out", str(other)]
    assert train_command(line) == 0
    before = (trained / "data.json").read_text()
    capsys.readouterr()
    assert fit(other, trained, recipe, "--stage", "model", "--resume", "--max-steps", "9") == 2
    said = capsys.readouterr().err
    assert "the recordings changed since" in said and "--from" in said and "\n" not in said.strip()
    assert (trained / "data.json").read_text() == before
    more = ["--stage", "model", "--resume", "--set", "model.latents=4"]
    assert fit(data, trained, recipe, *more) == 2
    assert "model.latents was 8 when" in capsys.readouterr().err


def test_weights_come_back_from_a_run_and_from_its_bundle(
    data: Path, recipe: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = tmp_path / "bundle"
    line = ["export", "--run", str(trained), "--out", str(bundle), "--licence", "CC0-1.0"]
    assert train_command([*line, "--name", "tiny"]) == 0
    prepared_data = PreparedData(data)
    wanted = load_training(checkpoint_of(trained, "model"), prepared_data).model
    for source in (trained, bundle):
        torch.manual_seed(99)
        module = build_training(load_recipe(str(recipe)), prepared_data)
        begin_from(source, module, prepared_data)
        found = module.model.state_dict()
        for name, value in wanted.named_parameters():
            if not name.startswith("critic"):
                torch.testing.assert_close(found[name], value, atol=1e-6, rtol=1e-5, msg=name)
    # By the command, and with a recipe of another network.
    run = tmp_path / "run"
    begin = ["--stage", "model", "--max-steps", "1", "--from", str(bundle)]
    assert fit(data, run, recipe, *begin) == 0
    assert "beginning with the weights of" in capsys.readouterr().out
    again = tmp_path / "again"
    assert fit(data, again, recipe, *begin, "--set", "model.decoder_options.dilations=[1]") == 2
    assert "is of another network than this recipe's" in capsys.readouterr().err
    assert not again.exists()
    begin[-1] = str(tmp_path)
    assert fit(data, again, recipe, *begin) == 2
    assert "neither a run with a trained model nor a bundle" in capsys.readouterr().err


def test_a_run_older_than_a_key_has_its_default(trained: Path, data: Path, tmp_path: Path) -> None:
    path = checkpoint_of(trained, "model")
    facts = torch.load(path, weights_only=False)
    del facts["hyper_parameters"]["recipe"]["objective"]["balance"]
    del facts["hyper_parameters"]["recipe"]["family"]
    older = tmp_path / "older.ckpt"
    torch.save(facts, older)
    found = load_training(older, PreparedData(data))
    assert found.recipe.objective.balance == 0.0 and found.recipe.family == "playable"
    wanted = load_training(path, PreparedData(data)).state_dict()
    assert all(torch.equal(value, wanted[name]) for name, value in found.state_dict().items())


def test_a_set_larger_than_its_memory_is_read_from_disk(data: Path) -> None:
    """The very same segments, and never more in memory than a few of them."""

    def segments(held: int) -> tuple[list[torch.Tensor], int]:
        found = PreparedData(data, held).split("train")
        dataset = SegmentDataset(found.hits, 8 * 512, length=20, seed=3)
        tracemalloc.start()
        drawn = [dataset[i] for i in range(20)]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return drawn, peak

    (a, held), (b, streamed) = segments(1 << 30), segments(0)
    assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))
    size = 4 * PreparedData(data).split("train").samples
    assert held > size and streamed < 0.9 * held
    assert isinstance(PreparedData(data, 0).split("train").audio, np.memmap)


def test_a_set_of_one_file_trains(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["prepare", "--data", str(hits(tmp_path / "one", count=1)), "--out", str(tmp_path / "p")]
    assert train_command(line) == 0
    assert "Nothing is left for validation" in capsys.readouterr().out
    assert (
        fit(tmp_path / "p", tmp_path / "run", recipe, "--stage", "model", "--max-steps", "1") == 0
    )


def test_facts_of_a_run_name_its_recordings(trained: Path, data: Path) -> None:
    facts = json.loads((trained / "data.json").read_text())
    assert facts["contents"] == PreparedData(data).contents()
