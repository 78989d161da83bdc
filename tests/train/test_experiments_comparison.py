"""The page of a table: differences with intervals, what is not steered, what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurorave_train.evaluation.protocol import evaluate_codec
from neurorave_train.experiments.comparison import difference
from neurorave_train.experiments.readings import COMPARED, FREE_WORST, MSTFT, SWAPPED_MEAN
from neurorave_train.experiments.summary import markdown
from neurorave_train.experiments.table import Table, load_table

from .fake_codec import Answer, FakeCodec, Floats, absent, make_clips, perfect

TABLE = """
purpose: Three of four.
seconds: 5
seeds: [0, 1]
sets: {drums: {}}
systems: {frave: {}, crave: {}, rave: {}}
quick: true
compare: [[frave, rave], [crave, frave]]
published_order: [frave, crave]
"""
CLIPS = 8


def half(asked: Floats, mask: Floats, rng: np.random.Generator) -> Floats:
    """Follows what is asked somewhat."""
    return (0.5 * asked + 0.5 * rng.random(asked.shape)).astype(np.float32)


def run(system: str, answer: Answer, seed: int = 0, follows: Any = None) -> dict[str, Any]:
    """A result as the driver keeps it."""
    codec = FakeCodec(answer) if follows is None else FakeCodec(answer, follows=follows)
    figures = evaluate_codec(codec, make_clips(CLIPS), quick=True, seed=seed)
    figures["clip_list"] = {"clips": [[str(i)] for i in range(CLIPS)]}
    return {
        "set": "drums",
        "system": system,
        "seed": seed,
        "commit": "0123456789abcdef",
        "steps": 7,
        "cost": {"mac_per_second": 250e6},
        "figures": figures,
    }


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    path: Path = tmp_path_factory.mktemp("table") / "mine.yaml"
    path.write_text(TABLE)
    return load_table(str(path))


@pytest.fixture(scope="module")
def good() -> list[dict[str, Any]]:
    return [run("frave", perfect, seed) for seed in (0, 1)]


@pytest.fixture(scope="module")
def poor() -> list[dict[str, Any]]:
    return [run("crave", half, 0)]


def test_a_difference_has_the_sign_and_an_interval_that_holds_it(good: Any, poor: Any) -> None:
    for figure in (SWAPPED_MEAN, FREE_WORST):
        found = difference(good, poor, figure)
        assert found is not None
        assert 0.0 < found.low < found.value < found.high < 1.0
        assert found.value == pytest.approx(
            np.mean([figure.read(r) for r in good]) - figure.read(poor[0])
        )
        assert found.verdict(figure) == "better"
        turned = difference(poor, good, figure)
        assert turned is not None and turned.verdict(figure) == "worse"
    # Of a distance less is better: silence where sound should be is further away.
    broken = [run("crave", absent, 0)]
    found = difference(good, broken, MSTFT)
    assert found is not None and found.value < 0.0 and found.verdict(MSTFT) == "better"


def test_a_run_is_not_told_apart_from_itself(good: Any) -> None:
    for figure in COMPARED:
        found = difference(good[:1], good[:1], figure)
        if found is not None:
            assert found == (0.0, 0.0, 0.0) and found.verdict(figure) == "undecided"


def test_other_seeds_widen_the_interval(good: Any, poor: Any) -> None:
    again = [*good, run("frave", half, 2)]
    narrow, wide = (difference(runs, poor, SWAPPED_MEAN) for runs in (good, again))
    assert narrow is not None and wide is not None
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_runs_on_other_clips_are_not_compared(good: Any, poor: Any) -> None:
    other = {**poor[0], "figures": {**poor[0]["figures"], "clip_list": {"clips": []}}}
    assert difference(good, [other], SWAPPED_MEAN) is None


def test_the_page_says_what_is_reproduced_missing_and_not_steered(
    table: Table, good: Any, poor: Any
) -> None:
    still = run("rave", absent, 0, follows=())
    page = markdown(table, [*good, *poor, still])
    rows = {line.split(" | ")[0].lstrip("| "): line for line in page.splitlines() if "| " in line}
    assert "| 2 of 2 |" in rows["frave"] and "| 1 of 2 |" in rows["crave"]
    assert rows["rave"].count("not steered") == 7
    assert "- drums, crave: missing seeds 1\n" in page and "- drums, frave: missing" not in page
    assert rows["frave - crave"].endswith("reproduced |")
    assert (
        rows["crave - frave"].endswith("|  |") and "**" not in rows["crave - frave"].split("|")[5]
    )
    # Nothing steers the second: only the reconstruction is compared.
    assert "| - |" in rows["frave - rave"]
    refuted = [{**r, "system": "crave"} for r in good] + [{**r, "system": "frave"} for r in poor]
    assert "refuted" in markdown(table, refuted) and "reproduced" not in markdown(table, refuted)


def test_a_set_without_a_single_run_is_all_missing(table: Table) -> None:
    page = markdown(table, [])
    assert page.count("| 0 of 2 | missing") == 3
    assert page.count("missing seeds 0, 1") == 3
