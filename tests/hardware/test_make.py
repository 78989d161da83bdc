"""What is made is committed as it is made."""

from pathlib import Path
from typing import Any

from hardware import make
from hardware.design import Design


def test_every_made_file_is_current(module: Design) -> None:
    assert list(make.stale(make.texts(module))) == [], "run `make hardware`"


def test_a_file_that_is_old_or_missing_is_told(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(make, "ROOT", tmp_path)
    (tmp_path / "old").write_text("before", "utf-8")
    (tmp_path / "new").write_text("now", "utf-8")
    made = {"old": "now", "new": "now", "missing": "now"}
    assert set(make.stale(made)) == {"old", "missing"}
