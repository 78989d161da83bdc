"""The self-test in short, and the support bundle: what is in it, what is not, and what a full disk does."""

import json
import zipfile
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping

import pytest

from neurorave_device.clock import VirtualClock
from neurorave_device.thermal import Heat, Zones
from neurorave_device.workbench import SUPPORT_FILE, Workbench, look, verdict

WELL = {"ok": True, "checks": [{"name": "numpy", "state": "ok", "text": "1.19"}]}
ILL = {
    "ok": False,
    "checks": [
        {"name": "real time", "state": "warn", "text": "is not permitted."},
        {"name": "aiohttp", "state": "fail", "text": "cannot be imported."},
    ],
}


class Oven(Zones):
    def __init__(self) -> None:
        self.celsius = 50.0
        self.reads = 0

    def read(self) -> Heat:
        self.reads += 1
        return Heat("cpu", self.celsius, 90.0, True)


class Bench:
    """A workbench whose jobs wait until `work` is called."""

    def __init__(self, folder: Path, found: Any = WELL, facts: Mapping[str, Any] = {}) -> None:
        self.jobs: List[Callable[[], None]] = []
        self.clock = VirtualClock(5.0)
        self.oven = Oven()
        self.found = found
        self.bench = Workbench(
            str(folder), lambda: facts, self.clock, self.oven, self.look, self.jobs.append
        )

    def look(self) -> Dict[str, Any]:
        if isinstance(self.found, Exception):
            raise self.found
        return dict(self.found)

    def work(self) -> None:
        while self.jobs:
            self.jobs.pop(0)()


def test_a_test_runs_once_at_a_time_and_can_be_run_again(tmp_path: Path) -> None:
    rig = Bench(tmp_path)
    assert rig.bench.tested() == ("", "")
    rig.bench.test()
    rig.bench.test()
    assert len(rig.jobs) == 1 and rig.bench.tested() == ("at work", "")
    rig.work()
    assert rig.bench.tested()[0] == "ok"
    rig.found = ILL
    rig.bench.test()
    rig.work()
    assert rig.bench.tested() == (
        "1 fault",
        "aiohttp: cannot be imported; real time: is not permitted",
    )
    rig.found = OSError("no such program")
    rig.bench.test()
    rig.work()
    assert rig.bench.tested()[0] == "failed" and "no such program" in rig.bench.tested()[1]


def test_hints_are_told_apart_from_faults() -> None:
    hints = {"checks": [row for row in ILL["checks"] if row["state"] == "warn"] * 2}  # type: ignore[index,attr-defined]
    assert verdict(hints)[0] == "2 hints"


def test_the_support_bundle_has_the_facts_and_not_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    facts = {"config": {"bundle": "/home/ada/models/kicks"}, "patch": {"level": -3.0}}
    rig = Bench(tmp_path / "state", ILL, facts)
    rig.bench.pack()
    assert rig.bench.packed() == ("at work", "")
    rig.work()
    path = tmp_path / "state" / SUPPORT_FILE
    assert rig.bench.packed() == ("written", "the support bundle is %s" % path)
    with zipfile.ZipFile(str(path)) as archive:
        parts = {name: json.loads(archive.read(name).decode()) for name in archive.namelist()}
        assert archive.testzip() is None
    assert sorted(parts) == ["config.json", "doctor.json", "patch.json", "versions.json"]
    assert parts["config.json"] == {"bundle": "~/models/kicks"}
    assert parts["doctor.json"] == ILL
    assert {"neurorave", "python", "system"} <= set(parts["versions.json"])
    # A second one takes its place, and nothing else is left.
    rig.found = OSError("no such program")
    rig.bench.pack()
    rig.work()
    assert [entry.name for entry in (tmp_path / "state").iterdir()] == [SUPPORT_FILE]


def test_a_disk_that_refuses_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    rig = Bench(tmp_path / "file" / "state")
    rig.bench.pack()
    rig.work()
    word, sentence = rig.bench.packed()
    assert word == "failed" and "cannot be written" in sentence and str(tmp_path) in sentence


def test_heat_is_read_beside_the_face_and_not_too_often(tmp_path: Path) -> None:
    rig = Bench(tmp_path)
    assert rig.bench.celsius() is None
    assert len(rig.jobs) == 1
    # A sensor that hangs is not asked again.
    rig.clock.advance(100.0)
    assert rig.bench.celsius() is None and len(rig.jobs) == 1
    rig.work()
    assert rig.bench.celsius() == 50.0
    rig.oven.celsius = 60.0
    rig.work()
    assert rig.bench.celsius() == 60.0
    rig.clock.advance(1.0)
    rig.bench.celsius()
    assert rig.jobs == [] and rig.oven.reads == 2


def test_the_look_is_the_real_doctors() -> None:
    found = look()
    assert {"python", "numpy"} <= {row["name"] for row in found["checks"]}
