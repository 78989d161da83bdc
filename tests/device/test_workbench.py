"""The self-test in short, the support bundle, and how hot it is: all of it beside the face, one at a time."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional

import pytest

from neurorave_device.clock import VirtualClock
from neurorave_device.config import Config
from neurorave_device.doctor import Result, checkup
from neurorave_device.doctor.checkup import check_up
from neurorave_device.errors import UserError
from neurorave_device.face_process.workbench import SUPPORT_FILE, Workbench, verdict
from neurorave_device.link.telemetry import Report
from neurorave_device.machine.thermal import Heat, Zones
from neurorave_device.update.trial import Standing

from .toy import TOY

WELL = {"ok": True, "checks": [{"name": "numpy", "state": "ok", "text": "1.19"}]}
HINT = {"name": "real time", "state": "warning", "text": "is not permitted."}
FAULT = {"name": "aiohttp", "state": "fault", "text": "cannot be imported."}


class Oven(Zones):
    def __init__(self) -> None:
        self.celsius = 50.0
        self.reads = 0

    def read(self) -> Heat:
        self.reads += 1
        return Heat("cpu", self.celsius, 90.0, True)


class Bench:
    """A workbench whose jobs wait until `work` is called."""

    def __init__(self, folder: Path) -> None:
        self.jobs: List[Callable[[], None]] = []
        self.clock = VirtualClock(5.0)
        self.oven = Oven()
        self.found: Any = WELL
        self.wanted: List[Optional[str]] = []
        self.versions = Standing("1.0.0", on_trial=True)
        self.bench = Workbench(
            str(folder),
            self.check_up,
            self.clock,
            self.oven,
            self.jobs.append,
            lambda: self.versions,
        )

    def check_up(self, path: Optional[str]) -> Mapping[str, Any]:
        self.wanted.append(path)
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
    assert rig.bench.tested()[0] == "ok" and rig.wanted == [None]
    rig.found = {"checks": [HINT, FAULT]}
    rig.bench.test()
    rig.work()
    told = "aiohttp: cannot be imported; real time: is not permitted"
    assert rig.bench.tested() == ("1 fault", told)
    rig.found = OSError("no such program")
    rig.bench.test()
    rig.work()
    assert rig.bench.tested()[0] == "failed" and "no such program" in rig.bench.tested()[1]


def test_warnings_are_told_apart_from_faults() -> None:
    assert verdict({"checks": [HINT, HINT]})[0] == "2 warnings"


def test_a_support_bundle_goes_into_the_state_folder(tmp_path: Path) -> None:
    rig = Bench(tmp_path / "state")
    rig.bench.pack()
    rig.bench.pack()
    assert rig.bench.packed() == ("at work", "")
    rig.work()
    path = str(tmp_path / "state" / SUPPORT_FILE)
    assert rig.wanted == [path]
    assert rig.bench.packed() == ("written", "the support bundle is %s" % path)


@pytest.mark.parametrize(
    "error,told", [(UserError("x.zip: no room"), "x.zip: no room"), (ValueError("odd"), "odd")]
)
def test_a_support_bundle_that_fails_is_said(tmp_path: Path, error: Any, told: str) -> None:
    rig = Bench(tmp_path)
    rig.found = error
    rig.bench.pack()
    rig.work()
    assert rig.bench.packed()[0] == "failed" and told in rig.bench.packed()[1]


def test_a_disk_that_refuses_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    rig = Bench(tmp_path / "file" / "state")
    rig.bench.pack()
    rig.work()
    word, sentence = rig.bench.packed()
    assert word == "failed" and "cannot be written" in sentence and rig.wanted == []


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


def test_the_versions_are_known_at_once_and_looked_at_again(tmp_path: Path) -> None:
    rig = Bench(tmp_path)
    assert rig.bench.standing() == Standing("1.0.0", on_trial=True)
    rig.work()
    rig.versions = Standing("1.0.0")
    rig.clock.advance(1.0)
    assert rig.bench.standing().on_trial and rig.jobs == []
    rig.clock.advance(5.0)
    assert rig.bench.standing().on_trial and len(rig.jobs) == 1
    rig.work()
    assert not rig.bench.standing().on_trial


def test_the_real_check_up_finds_the_packages_and_writes_the_bundle(tmp_path: Path) -> None:
    path = tmp_path / SUPPORT_FILE
    config = Config(bundle=TOY, panel="jetson")
    found: Dict[str, Any] = check_up(config, Report(late=7), str(tmp_path), str(path))
    names = {row["name"] for row in found["checks"]}
    assert {"python", "numpy"} <= names
    # The chips are in use, so they are not read a second time.
    assert "adc" not in names and "encoder" not in names
    with zipfile.ZipFile(str(path)) as archive:
        assert json.loads(archive.read("telemetry.json").decode())["late"] == 7
        assert json.loads(archive.read("config.json").decode())["panel"] == "jetson"
        assert "doctor.json" in archive.namelist() and "versions.json" in archive.namelist()


def test_a_bundle_that_cannot_be_written_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    order = {"config": Config(bundle=TOY)._asdict(), "report": Report()._asdict(), "state": "/x"}
    order["bundle"] = "/nowhere/x.zip"
    monkeypatch.setattr(checkup, "step_back", lambda: None)
    monkeypatch.setattr(checkup, "examine", lambda machine, config: [Result("python", "ok", "3")])
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(order)))
    said: List[str] = []
    monkeypatch.setattr("builtins.print", said.append)
    assert checkup.main() == 0
    assert "cannot be written" in json.loads(said[0])["refused"]
