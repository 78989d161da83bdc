"""What is made is committed as it is made."""

import re
from pathlib import Path
from typing import Any

from hardware import make, power, simulate
from hardware.design import Design


def test_every_made_file_is_current(module: Design) -> None:
    assert list(make.stale(make.texts(module))) == [], "run `make hardware`"


def test_a_file_that_is_old_or_missing_is_told(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(make, "ROOT", tmp_path)
    (tmp_path / "old").write_text("before", "utf-8")
    (tmp_path / "new").write_text("now", "utf-8")
    made = {"old": "now", "new": "now", "missing": "now"}
    assert set(make.stale(made)) == {"old", "missing"}


def test_the_documents_figures_are_the_programs() -> None:
    readme = (make.ROOT / "hardware" / "README.md").read_text("utf-8")
    asserts = [name for deck in simulate.decks() for name in simulate.asserts(deck)]
    assert len(simulate.decks()) == 7 and f"the seven decks ({len(asserts)})" in readme
    assert f"counter-decks ({len(simulate.counters())})" in readme
    guide = (make.ROOT / "docs" / "build.md").read_text("utf-8")
    sums, declared = power.sums(), power.rails()
    for rail, words in (
        ("P12", "+12 V of the rack"),
        ("N12", "-12 V of the rack"),
        ("P5", "5 V to the kit"),
        ("J3V3", "3.3 V from the kit"),
    ):
        line = f"| {words} | {sums[rail].largest:.0f} mA | {declared[rail].declared:.0f} mA |"
        assert line in guide, line


def test_pictures_and_links_of_the_documents_exist() -> None:
    for name in ("hardware/README.md", "docs/build.md", "docs/pinout.md"):
        path = make.ROOT / name
        for link in re.findall(r"\]\(([^)#]+)", path.read_text("utf-8")):
            assert (path.parent / link).exists(), (name, link)
