"""The calibration on the face: fed by the telemetry, kept before it counts, and nothing lost where the disk refuses."""

import os
from pathlib import Path
from typing import Any, Callable, List, Optional

import pytest

from neurorave_device.clock import VirtualClock
from neurorave_device.dialog import Dialog
from neurorave_device.errors import UserError
from neurorave_device.face_process.calibration_desk import EXPORTS, CalibrationDesk
from neurorave_device.inputs.calibration import Calibration
from neurorave_device.storage.calibration import CalibrationFile
from tests.device.fake_link import FakeLink

OLD = Calibration((1.0, 1.0, 1.0, 1.0), (0.1, 0.1, 0.1, 0.1))


class Bench:
    """A desk over a link whose jacks read 5 % too much and 0.2 V too high."""

    def __init__(self, folder: Path, writes: bool = True) -> None:
        self.clock = VirtualClock(10.0)
        self.link = FakeLink(self.clock)
        self.link.present = OLD
        self.file = CalibrationFile(str(folder), "board")
        self.jobs: List[Callable[[], None]] = []
        do: Optional[Callable[[Callable[[], None]], None]] = self.jobs.append if writes else None
        self.desk = CalibrationDesk(self.link, self.file, 10.2, do)

    def patch(self, volts: float) -> None:
        for jack in self.link.cv:
            jack["volts"] = 1.05 * volts + 0.2

    def follow(self, seconds: float = 0.2) -> None:
        for _ in range(round(seconds / 0.05)):
            self.clock.advance(0.05)
            self.desk.follow(self.clock.now())

    def write(self) -> None:
        """Let the writing thread work."""
        while self.jobs:
            self.jobs.pop(0)()

    def result(self) -> Dialog:
        """Calibrate CV 2 up to the result."""
        dialog = self.desk.begin()
        for choice in ("2", "5"):
            dialog.choose(choice)
        for volts in (0.0, 5.0):
            self.patch(volts)
            self.follow()
            dialog.choose("go")
            self.follow(3.0)
        dialog.choose("finish")
        assert dialog.view().step == "result", dialog.view()
        return dialog


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_it_counts_once_it_is_kept(bench: Bench) -> None:
    dialog = bench.result()
    assert bench.link.present == OLD
    dialog.choose("save")
    bench.follow()
    assert dialog.view().step == "saving"
    # The writing thread has not come to it yet.
    assert bench.link.present == OLD
    bench.write()
    bench.follow()
    assert dialog.view().step == "saved"
    found = bench.link.present
    assert found.gain == pytest.approx((1.0, 1.0 / 1.05, 1.0, 1.0), abs=1e-6)
    assert found.offset == pytest.approx((0.1, -0.2 / 1.05, 0.1, 0.1), abs=1e-6)
    loaded = bench.file.load()
    assert (loaded.calibration, loaded.kept) == (found, True)


def test_a_disk_that_refuses_leaves_the_old_one(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.file.save(OLD)
    dialog = bench.result()

    def full(*_: Any) -> Any:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        dialog.choose("save")
        bench.follow()
        bench.write()
        bench.follow()
    view = dialog.view()
    assert view.step == "result"
    assert "No space left on device" in view.problem
    assert "old calibration stays" in view.problem
    assert bench.link.present == OLD
    assert bench.file.load().calibration == OLD
    # There is room again.
    dialog.choose("save")
    bench.follow()
    bench.write()
    bench.follow()
    assert dialog.view().step == "saved"


def test_where_another_module_remembers_it_counts_until_the_end(tmp_path: Path) -> None:
    bench = Bench(tmp_path, writes=False)
    dialog = bench.result()
    dialog.choose("save")
    bench.follow()
    assert "not remembered" in dialog.view().sentence
    assert bench.link.present != OLD
    assert not os.listdir(str(tmp_path))


def test_it_can_be_taken_away(bench: Bench) -> None:
    bench.file.save(OLD)
    dialog = bench.desk.begin()
    dialog.choose("reset")
    dialog.choose("reset")
    bench.follow()
    bench.write()
    bench.follow()
    assert dialog.view().step == "saved"
    assert bench.link.present == Calibration()
    assert not bench.file.load().kept


def test_it_is_exported_and_imported(bench: Bench, tmp_path: Path) -> None:
    dialog = bench.desk.begin()
    dialog.choose("export")
    bench.follow()
    bench.write()
    bench.follow()
    assert "no calibration to export" in dialog.view().problem
    bench.file.save(OLD)
    dialog.choose("export")
    bench.follow()
    bench.write()
    bench.follow()
    path = tmp_path / EXPORTS / "calibration-board.json"
    assert str(path) in dialog.view().sentence
    other = CalibrationFile(str(tmp_path / "other"), "another")
    assert other.import_(str(path)) == (OLD, "it was made on board board")
    assert other.load().calibration == OLD
    assert bench.file.import_(str(path)) == (OLD, "")


@pytest.mark.parametrize("content", [None, "", "{}", '{"kind": "patch", "version": 1}'])
def test_what_is_no_calibration_is_not_imported(
    bench: Bench, tmp_path: Path, content: Optional[str]
) -> None:
    bench.file.save(OLD)
    path = tmp_path / "other.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=r"other\.json"):
        bench.file.import_(str(path))
    assert bench.file.load().calibration == OLD


def test_a_new_one_leaves_the_one_before(bench: Bench) -> None:
    first = bench.desk.begin()
    second = bench.desk.begin()
    assert first.view().ended
    assert not second.view().ended


def test_the_face_goes_on_where_nothing_is_calibrated(bench: Bench) -> None:
    bench.follow()
    dialog = bench.desk.begin()
    dialog.leave()
    bench.follow()
    assert dialog.view().ended
