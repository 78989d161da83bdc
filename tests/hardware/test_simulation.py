"""Every deck holds in all its runs, and each of its asserts notices a fault."""

import csv
import shutil
from collections import Counter as Count
from pathlib import Path
from typing import Dict

import pytest

from hardware import simulate
from tests.hardware.tools import needs

DECKS = simulate.decks()
SPICE = simulate.SPICE


@pytest.fixture(scope="module", autouse=True)
def _ngspice() -> None:
    needs("ngspice")


def test_no_deck_has_a_part_of_its_own() -> None:
    """Decks have sources, loads and what they stand for; parts of the module come from the netlist."""
    sources = "VIR"
    for deck in DECKS:
        for line in (
            (SPICE / f"{deck}.cir").read_text("utf-8").split(".control")[0].splitlines()[1:]
        ):
            if line and line[0] not in "*.":
                assert line[0] in sources or line.startswith(("CWIRE", "CCOUPLED")), line


@pytest.mark.parametrize("deck", DECKS)
def test_every_assert_holds_in_every_run(deck: str) -> None:
    assert simulate.RUNS == 201
    seen = simulate.run(deck)
    counts = {name: (one.passed, one.failed) for name, one in seen.items()}
    assert counts == dict.fromkeys(simulate.asserts(deck), (simulate.RUNS, 0))
    _compare_with_what_is_committed(deck, seen)


def _compare_with_what_is_committed(deck: str, seen: Dict[str, simulate.Seen]) -> None:
    """Another ngspice may draw other parts, so a twentieth of what is allowed may be between them."""
    with open(SPICE / "results.csv", encoding="utf-8", newline="") as file:
        rows = {row["assert"]: row for row in csv.DictReader(file) if row["deck"] == deck}
    allowed = simulate.bounds(deck)
    assert list(rows) == list(seen)
    for name, one in seen.items():
        row = rows[name]
        assert (row["allowed from"], row["allowed to"]) == allowed[name]
        low, high = (number(text) for text in allowed[name])
        for text, value in ((row["lowest seen"], one.low), (row["highest seen"], one.high)):
            assert abs(float(text) - value) <= (high - low) / 20, name


def number(text: str) -> float:
    """Return a number as SPICE writes it."""
    return (
        float(text[:-1]) * {"n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3}[text[-1]]
        if text[-1].isalpha()
        else float(text)
    )


@pytest.mark.parametrize("deck", ["cv_5v", "gate", "output"])
def test_runs_differ(deck: str) -> None:
    seen = simulate.run(deck, 4)
    assert sum(one.high > one.low for one in seen.values()) > len(seen) / 2


@pytest.mark.parametrize("deck", DECKS)
def test_each_assert_has_a_counter_deck_that_fails_it(deck: str) -> None:
    counters = [counter for counter in simulate.counters() if counter.deck == deck]
    assert Count(counter.name for counter in counters) == Count(simulate.asserts(deck))
    passing = [counter for counter in counters if simulate.run_counter(counter).failed != 1]
    assert passing == []


def test_a_fault_that_changes_nothing_is_refused(tmp_path: Path) -> None:
    stages = tmp_path / "stages"
    shutil.copytree(SPICE / "stages", stages)
    for change in ("R999=10k", "remove D99", "R11 nowhere>0"):
        with pytest.raises(ValueError, match="changes nothing"):
            simulate.damage(stages, simulate.Counter("cv_5v", "slope", change, ""))


def test_changes_do_what_they_say(tmp_path: Path) -> None:
    stages = tmp_path / "stages"
    shutil.copytree(SPICE / "stages", stages)
    expected: Dict[str, str] = {
        "R11=10k": "R11 cv1_tip cv1_sum {tolerance(10k,0.01)}",
        "remove D12": "* D12 0 cv1_sum d1n4148",
        "short D101": "RD101 p12_fused p12 1m",
        "R12 cv1_amp>0": "R12 cv1_sum 0 {tolerance(30k,0.01)}",
    }
    for change, line in expected.items():
        assert simulate.damage(stages, simulate.Counter("", "", change, "")) == [line]


def test_a_deck_that_does_not_run_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "spice"
    shutil.copytree(SPICE, folder)
    (folder / "models.inc").write_text("* nothing\n", "utf-8")
    with pytest.raises(RuntimeError, match="cv_5v: ngspice ended"):
        simulate.run("cv_5v", 1, folder)


def test_a_measurement_that_finds_nothing_fails(tmp_path: Path) -> None:
    folder = tmp_path / "spice"
    shutil.copytree(SPICE, folder)
    deck = folder / "cv_5v.cir"
    deck.write_text(deck.read_text("utf-8").replace("when level=0.70795", "when level=7"), "utf-8")
    assert simulate.run("cv_5v", 1, folder)["corner"] == (0, 1, 1e30, 1e30)
