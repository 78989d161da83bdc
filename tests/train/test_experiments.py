"""Tables and the driver: what is done is skipped, what was begun goes on, what fails is written down."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from neurorave_device.errors import UserError
from neurorave_train.cli import main as train_command
from neurorave_train.evaluation.cli import main as evaluate
from neurorave_train.experiments.cli import main as experiments
from neurorave_train.experiments.driver import Driver
from neurorave_train.experiments.summary import markdown
from neurorave_train.experiments.table import FOLDER, Table, load_table, names
from neurorave_train.training.recipe import names as recipes

from .small_models import hits, small_recipe

TABLE = """
purpose: Two of three.
seconds: 5
seeds: [0, 1]
sets: {drums: {exclude: ["body_*"]}}
systems:
  crave: {}
  ours: {recipe: playable, change: [optimiser.average=0.9]}
quick: true
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(TABLE)
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for part in ("train", "valid"):
        (tmp_path / "data" / "drums" / part).mkdir(parents=True)
    return tmp_path / "data"


def figures(worst: float) -> dict[str, Any]:
    one = {"rho": worst}
    means = {"mean_rho": 0.9, "mean_rho_rescaled": 0.95, "worst_rho": worst}
    block = {"rms": {"rho": 0.99}, "booming": one, **means}
    rebuilt = {"mstft": 6.0 + worst, "log_mel_l1": 2.0, "latent_use": 1.0, "buzz_db": 1.5}
    return {"bundle": "/somewhere", "reconstruction": rebuilt, "control": {"all_swapped": block}}


class Fake:
    """Commands that leave what the real ones leave; `fault` decides what goes wrong."""

    def __init__(self) -> None:
        self.lines: list[list[str]] = []
        self.fault: dict[str, int] = {}

    def __call__(self, line: list[str], log: Path) -> int:
        self.lines.append(line)
        command = line[1] if line[0] == "neurorave_train.cli" else "evaluate"
        options = dict(pairwise(line))
        for word, status in self.fault.items():
            if word in " ".join(line):
                log.write_text("training\nneurorave-train: the terms swap are not finite\n")
                return status
        if command == "fit":
            kept = Path(options["--out"]) / "model" / "last.ckpt"
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text("weights")
        if command == "export":
            folder = Path(options["--out"])
            folder.mkdir(parents=True)
            made = {"steps": 7, "hardware": "one core"}
            cost = {"parameters": 10, "mac_per_second": 250e6}
            (folder / "bundle.yaml").write_text(yaml.safe_dump({"training": made, "cost": cost}))
        if command == "evaluate":
            seed = 1 if ".1/" in options["--json"] else 0
            Path(options["--json"]).write_text(json.dumps(figures(0.5 + 0.1 * seed)))
        return 0


def driver(table: Table, data: Path, tmp_path: Path, fake: Fake, keep: bool = False) -> Driver:
    return Driver(table, data, tmp_path / "work", tmp_path / "out", keep, runner=fake)


def test_every_table_that_ships_can_be_run() -> None:
    assert {"systems", "sets", "ablations", "single"} <= set(names())
    known = set(recipes())
    for name in names():
        found = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
        wanted = {entry.get("recipe", key) for key, entry in found["systems"].items()}
        assert wanted <= known
    cells = load_table("sets").cells
    assert len({cell.name for cell in cells}) == len(cells) == 21


def test_a_system_is_trained_on_the_sets_it_is_for(table: Path, tmp_path: Path) -> None:
    table.write_text(
        TABLE.replace("sets: {", "sets: {bells: {}, ").replace(
            "crave: {}", "crave: {sets: [bells]}"
        )
    )
    assert [cell.name for cell in load_table(str(table), seeds=[3]).cells] == [
        "bells.crave.3",
        "bells.ours.3",
        "drums.ours.3",
    ]
    assert [cell.name for cell in load_table(str(table), seeds=[3], sets=["drums"]).cells] == [
        "drums.ours.3"
    ]
    with pytest.raises(UserError, match="nothing is left, crave is for bells only"):
        load_table(str(table), sets=["drums"], systems=["crave"])
    # What is for some sets only is missing in no other.
    page = markdown(load_table(str(table)), [])
    assert "- bells, crave: missing seeds 0, 1" in page and "- drums, crave" not in page


def test_a_table_is_worked_through_once(table: Path, data: Path, tmp_path: Path) -> None:
    fake, said = Fake(), []
    found = load_table(str(table))
    assert driver(found, data, tmp_path, fake).run(said.append) == []
    results = sorted(p.name for p in (tmp_path / "out" / "mine").iterdir())
    assert results == [f"drums.{s}.{n}.json" for s in ("crave", "ours") for n in (0, 1)]
    first = json.loads((tmp_path / "out" / "mine" / "drums.ours.1.json").read_text())
    assert (first["set"], first["system"], first["seed"], first["steps"]) == ("drums", "ours", 1, 7)
    assert first["recipe"]["optimiser"]["average"] == 0.9 and first["recipe"]["seed"] == 1
    assert first["seconds_allowed"] == 5 and first["commit"] and "bundle" not in first["figures"]
    # Seeds are outermost, the budget, the seed and the sets' exclusions reach the commands.
    fits = [line for line in fake.lines if line[1] == "fit"]
    assert [line[3] for line in fits] == ["crave", "playable", "crave", "playable"]
    assert all("--max-seconds" in line and "5" in line for line in fits)
    assert all("body_*" in line for line in fake.lines if line[1] == "prepare")
    assert all("--quick" in line for line in fake.lines if line[0].endswith("evaluation.cli"))
    # Nothing of the runs is left, and a second call does nothing.
    assert list((tmp_path / "work" / "runs" / "mine").iterdir()) == []
    count = len(fake.lines)
    assert driver(found, data, tmp_path, fake).run(said.append) == []
    assert len(fake.lines) == count and said[-1].endswith("done before")
    # With another time it does all of it again.
    longer = load_table(str(table), seconds=6.0)
    assert driver(longer, data, tmp_path, fake).run(said.append) == []
    assert len(fake.lines) == 2 * count


def test_a_run_that_two_tables_share_is_trained_once(
    table: Path, data: Path, tmp_path: Path
) -> None:
    fake, said = Fake(), []
    fake.fault = {"--recipe crave": 2}
    driver(load_table(str(table), seeds=[0]), data, tmp_path, fake).run(said.append)
    other = tmp_path / "other.yaml"
    other.write_text(
        TABLE.replace("ours:", "mine:").replace("playable, c", "playable, sets: [drums], c")
    )
    fake.lines, fake.fault = [], {}
    second = load_table(str(other), seeds=[0])
    assert driver(second, data, tmp_path, fake).run(said.append) == []
    # What failed there is trained.
    assert [line[3] for line in fake.lines if line[1] == "fit"] == ["crave"]
    assert said[-1].endswith("mine, seed 0: done before, mine/drums.ours.0.json")
    found = json.loads((tmp_path / "out" / "other" / "drums.mine.0.json").read_text())
    assert (found["table"], found["system"]) == ("other", "mine")
    page = markdown(second, driver(second, data, tmp_path, fake).results_so_far(second.cells))
    assert "| mine | 1 of 1 |" in page


def test_a_term_that_is_off_is_no_reason_to_run_again(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = load_table(str(table))
    cell = found.cells[0]
    before = found.training_fingerprint(cell), found.fingerprint(cell)
    recipe = found.recipe(cell)

    def with_term(weight: float) -> tuple[str, str]:
        objective = {**recipe["objective"], "new_term": weight}
        monkeypatch.setattr(Table, "recipe", lambda *_: {**recipe, "objective": objective})
        return found.training_fingerprint(cell), found.fingerprint(cell)

    assert with_term(0.0) == before
    on = with_term(0.5)
    assert on[0] != before[0] and on[1] != before[1]


def test_a_failure_is_written_down_and_tried_again(table: Path, data: Path, tmp_path: Path) -> None:
    fake, said = Fake(), []
    fake.fault = {"--recipe crave": 2}
    found = load_table(str(table), seeds=[0])
    assert driver(found, data, tmp_path, fake).run(said.append) == ["drums.crave.0"]
    kept = json.loads((tmp_path / "out" / "mine" / "drums.crave.0.json").read_text())
    assert kept["failed"] == "fit: neurorave-train: the terms swap are not finite"
    page = markdown(found, driver(found, data, tmp_path, fake).results_so_far(found.cells))
    assert "drums, crave, seed 0 failed: fit:" in page and "| ours | 1 of 1 | 6.50 |" in page
    assert "| crave | 0 of 1 | missing |" in page
    fake.fault = {}
    assert driver(found, data, tmp_path, fake).run(said.append) == []
    assert "failed" not in json.loads(
        (tmp_path / "out" / "mine" / "drums.crave.0.json").read_text()
    )


def test_an_interrupted_run_goes_on(table: Path, data: Path, tmp_path: Path) -> None:
    fake = Fake()
    found = load_table(str(table), seeds=[0])
    fake.fault = {"export": 130}
    with pytest.raises(
        KeyboardInterrupt, match=r"interrupted in drums\.crave\.0; the same command"
    ):
        driver(found, data, tmp_path, fake).run(lambda _: None)
    assert not list((tmp_path / "out" / "mine").iterdir())
    fake.fault, fake.lines = {}, []
    assert driver(found, data, tmp_path, fake).run(lambda _: None) == []
    fits = [line for line in fake.lines if line[1] == "fit"]
    assert ["--resume" in line for line in fits] == [True, False]


def commands(fake: Fake) -> list[str]:
    """What was called, the preparation aside."""
    found = [line[1] if line[0] == "neurorave_train.cli" else "evaluate" for line in fake.lines]
    return [word for word in found if word != "prepare"]


def test_kept_bundles_are_measured_again_without_training(
    table: Path, data: Path, tmp_path: Path
) -> None:
    fake, said = Fake(), []
    found = load_table(str(table), seeds=[0])
    driver(found, data, tmp_path, fake, keep=True).run(said.append)
    path = tmp_path / "out" / "mine" / "drums.ours.0.json"
    before = json.loads(path.read_text())
    path.unlink()
    fake.lines = []
    assert driver(found, data, tmp_path, fake).run(said.append, again=True) == []
    assert commands(fake) == ["evaluate", "evaluate"]
    after = json.loads(path.read_text())
    assert after.pop("measured") and before.pop("measured") and after == before
    # A measurement that fails leaves the earlier one.
    fake.fault = {"ours.0/bundle": 1}
    assert driver(found, data, tmp_path, fake).run(said.append, again=True) == ["drums.ours.0"]
    assert json.loads(path.read_text())["figures"] == before["figures"]
    fake.fault = {}
    # A protocol that changed is no reason to train; a recipe that did is one.
    path.parent.parent.joinpath("mine.yaml").write_text(TABLE + "limit: 9\n")
    narrowed = load_table(str(tmp_path / "out" / "mine.yaml"), seeds=[0])
    fake.lines = []
    assert driver(narrowed, data, tmp_path, fake).run(said.append) == []
    assert commands(fake) == ["evaluate", "evaluate"] and "--limit" in fake.lines[-1]
    longer = load_table(str(table), seconds=6.0, seeds=[0])
    fake.lines = []
    assert driver(longer, data, tmp_path, fake).run(said.append, again=True) == []
    assert fake.lines == [] and said[-1].endswith("no bundle of it was kept, nothing is measured")
    assert driver(longer, data, tmp_path, fake).run(said.append) == []
    assert commands(fake) == ["fit", "export", "evaluate"] * 2
    # The kept run had another time: it is none to go on with.
    assert not any("--resume" in line for line in fake.lines)


def test_what_was_not_to_be_kept_is_gone_also_after_an_interrupted_evaluation(
    table: Path, data: Path, tmp_path: Path
) -> None:
    fake = Fake()
    found = load_table(str(table), seeds=[0], systems=["ours"])
    fake.fault = {"evaluation.cli": 130}
    with pytest.raises(KeyboardInterrupt):
        driver(found, data, tmp_path, fake).run(lambda _: None)
    fake.fault, fake.lines = {}, []
    assert driver(found, data, tmp_path, fake).run(lambda _: None) == []
    assert commands(fake) == ["evaluate"]
    assert list((tmp_path / "work" / "runs" / "mine").iterdir()) == []


def test_the_page_has_medians_and_ranges(table: Path, data: Path, tmp_path: Path) -> None:
    fake = Fake()
    found = load_table(str(table))
    one = driver(found, data, tmp_path, fake)
    one.run(lambda _: None)
    row = next(
        line
        for line in markdown(found, one.results_so_far(found.cells)).splitlines()
        if "| ours |" in line
    )
    assert "| 2 of 2 | 6.55 [6.50, 6.60] |" in row and "0.550 [0.500, 0.600]" in row
    # (0.9 + 1) / 2; what was not measured is no number.
    assert "0.950 [0.950, 0.950]" in row and "| - |" in row and "| 250 " in row


@pytest.mark.parametrize(
    "text,word",
    [
        (TABLE + "sead: 3\n", "sead is not a key of tables, allowed: purpose"),
        (
            TABLE.replace("recipe: playable", "recipes: playable"),
            "systems.ours.recipes is not a key",
        ),
        (
            TABLE.replace("optimiser.average", "optimiser.averag"),
            "optimiser.averag is not a key of recipes",
        ),
        (TABLE.replace("crave: {}", "krave: {}"), "recipe 'krave' is neither a file nor one of"),
        (TABLE + "compare: [[ours, theirs]]\n", "compare names 'theirs', allowed: crave, ours"),
        (TABLE + "compare: [ours]\n", "compare must hold pairs of systems"),
        (TABLE + "published_order: [best]\n", "published_order names 'best', allowed:"),
        (TABLE + "published_order: best\n", "published_order must be a list of names: crave, ours"),
        (
            TABLE.replace("crave: {}", "crave: {sets: [drum]}"),
            "crave.sets names 'drum', allowed: drums",
        ),
        (TABLE.replace("crave: {}", "crave: {sets: drums}"), "crave.sets must be a list of names"),
        (TABLE.replace("seconds: 5", "seconds: 0"), "seconds is missing"),
        ("[1, 2", "is not valid YAML"),
        ("- 1", "it must hold keys"),
    ],
)
def test_what_is_wrong_in_a_table_is_named(text: str, word: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        load_table(str(path))
    assert word in str(caught.value) and "\n" not in str(caught.value)


def test_what_is_not_there_is_named(
    table: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = [str(table), "--work", str(tmp_path / "w"), "--out", str(tmp_path / "out")]
    assert experiments([*line, "--data", str(tmp_path)]) == 2
    assert "the set drums has no folder train there" in capsys.readouterr().err
    assert experiments([*line, "--data", str(data), "--system", "theirs"]) == 2
    assert "--system theirs: not in the table, allowed: crave, ours" in capsys.readouterr().err
    assert experiments(["nowhere", "--data", str(data), "--work", str(tmp_path)]) == 2
    assert "neither a file nor one of ablations" in capsys.readouterr().err
    assert experiments([*line, "--data", str(data), "--list"]) == 0
    assert "drums.crave.0: to do" in capsys.readouterr().out


def test_the_page_is_about_the_whole_table_whatever_ran(
    table: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Driver.__init__, "__defaults__", (False, Fake()))
    folders = ["--work", str(tmp_path / "w"), "--out", str(tmp_path / "out")]
    line = [str(table), "--data", str(data), *folders, "--seed", "1"]
    assert experiments([*line, "--system", "ours"]) == 0
    page = (tmp_path / "out" / "mine.md").read_text()
    assert "| ours | 1 of 2 |" in page and "| crave | 0 of 2 | missing" in page
    assert "- drums, ours: missing seeds 0\n" in page
    assert "- drums, crave: missing seeds 0, 1\n" in page
    assert experiments([*line, "--measure-again"]) == 0
    assert (tmp_path / "out" / "mine.md").read_text() == page


def test_from_recordings_to_a_result(tmp_path: Path) -> None:
    """One real run of a second, through all its commands."""
    made = hits(tmp_path / "hits", count=6, seconds=1.4)
    for part, files in (("train", range(4)), ("valid", (4, 5))):
        folder = tmp_path / "data" / "drums" / part
        folder.mkdir(parents=True)
        for i in files:
            shutil.copy(made / f"drum{i}.wav", folder)
    path = tmp_path / "real.yaml"
    system = {"recipe": str(small_recipe(tmp_path)), "change": ["steps=2", "prior.steps=1"]}
    path.write_text(
        yaml.safe_dump(
            {
                "seconds": 0.3,
                "seeds": [4],
                "sets": {"drums": {}},
                "systems": {"tiny": system},
                "quick": True,
                "limit": 2,
            }
        )
    )

    def here(line: list[str], log: Path) -> int:
        return train_command(line[1:]) if line[0] == "neurorave_train.cli" else evaluate(line[1:])

    found = load_table(str(path))
    one = Driver(found, tmp_path / "data", tmp_path / "work", tmp_path / "out", runner=here)
    said: list[str] = []
    assert one.run(said.append) == []
    result = one.results_so_far(found.cells)[0]
    assert result["figures"]["clips"] == 2 and result["steps"] >= 1
    assert "all_swapped worst" in said[-1]
    assert "| tiny | 1 of 1 |" in markdown(found, [result])
