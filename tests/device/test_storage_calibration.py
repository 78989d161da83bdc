"""The calibration of a board: kept, exported, reset, and never taken for another board's."""

import json
from pathlib import Path
from typing import Any

import pytest

from neurorave_device.errors import UserError
from neurorave_device.inputs.calibration import Calibration
from neurorave_device.storage.calibration import CalibrationFile, board_name

GOOD = Calibration((1.05, 0.95, -1.0, 0.005), (0.1, -0.3, 0.0, -10.5))


@pytest.fixture
def file(tmp_path: Path) -> CalibrationFile:
    return CalibrationFile(str(tmp_path / "state"), "1422919")


def test_before_the_first_calibration_nothing_is_changed(file: CalibrationFile) -> None:
    assert file.load() == (Calibration(), False, "")


def test_it_is_kept_to_the_last_bit(file: CalibrationFile) -> None:
    file.save(GOOD)
    assert file.load() == (GOOD, True, "")


def test_a_damaged_one_gives_the_one_before(file: CalibrationFile) -> None:
    file.save(GOOD)
    file.save(Calibration())
    Path(file.path).write_bytes(b"half")
    found = file.load()
    assert found.calibration == GOOD and found.kept
    assert "is used" in found.sentence


def test_reset_forgets_it_with_the_one_before(file: CalibrationFile) -> None:
    file.reset()
    file.save(GOOD)
    file.save(GOOD)
    file.reset()
    assert file.load() == (Calibration(), False, "")


def test_export_writes_what_another_card_can_take(file: CalibrationFile, tmp_path: Path) -> None:
    target = str(tmp_path / "export" / "mine.json")
    with pytest.raises(UserError):
        file.export(target)
    file.save(GOOD)
    file.export(target)
    other = CalibrationFile(str(tmp_path / "card"), "1422919")
    (tmp_path / "card").mkdir()
    Path(other.path).write_bytes(Path(target).read_bytes())
    assert other.load() == (GOOD, True, "")
    with pytest.raises(UserError, match="cannot be written"):
        file.export(str(tmp_path / "export" / "mine.json" / "below"))


def test_boards_do_not_share_one(file: CalibrationFile, tmp_path: Path) -> None:
    file.save(GOOD)
    other = CalibrationFile(str(tmp_path / "state"), "77")
    assert other.load() == (Calibration(), False, "")
    Path(other.path).write_bytes(Path(file.path).read_bytes())
    found = other.load()
    assert not found.kept and "of board 1422919" in found.sentence


@pytest.mark.parametrize("gain", [0.0, float("nan"), float("inf")])
def test_what_no_input_can_have_is_not_kept(file: CalibrationFile, gain: float) -> None:
    file.save(GOOD)
    with pytest.raises(ValueError):
        file.save(Calibration((gain, 1.0, 1.0, 1.0)))
    assert file.load() == (GOOD, True, "")


def test_a_file_that_says_it_is_not_used(file: CalibrationFile) -> None:
    file.save(GOOD)
    document = json.loads(Path(file.path).read_text())
    document["payload"]["gain"] = [1.0, 2.0]
    Path(file.path).write_text(json.dumps(document))
    assert file.load().calibration == Calibration()


@pytest.mark.parametrize(
    "content,name",
    [
        (b"1422919023861\x00", "1422919023861"),
        (b"../x\n", "x"),
        (b"\xff\xff", "board"),
        (None, "board"),
    ],
)
def test_a_board_is_told_by_its_serial_number(tmp_path: Path, content: Any, name: str) -> None:
    path = tmp_path / "serial-number"
    if content is not None:
        path.write_bytes(content)
    assert board_name(str(path)) == name
