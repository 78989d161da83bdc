"""What belongs to a configuration: the board's inputs get its own calibration, nothing else does."""

from pathlib import Path

from neurorave_device.config import Config
from neurorave_device.inputs.calibration import Calibration
from neurorave_device.storage.calibration import CalibrationFile, board_name
from neurorave_device.wiring import calibration

KEPT = Calibration((1.01, 0.99, 1.0, 1.02), (0.05, -0.1, 0.0, 0.2))


def test_the_board_is_played_with_what_was_calibrated_on_it(tmp_path: Path) -> None:
    CalibrationFile(str(tmp_path), board_name()).save(KEPT)
    found = calibration(Config(panel="jetson", state=str(tmp_path)))
    assert (found.calibration, found.sentence) == (KEPT, "")


def test_virtual_jacks_and_recordings_give_volts_already(tmp_path: Path) -> None:
    CalibrationFile(str(tmp_path), board_name()).save(KEPT)
    for panel in ("virtual", "replay"):
        assert calibration(Config(panel=panel, state=str(tmp_path))).calibration == Calibration()


def test_virtual_jacks_have_a_calibration_of_their_own(tmp_path: Path) -> None:
    CalibrationFile(str(tmp_path), "virtual").save(KEPT)
    assert calibration(Config(state=str(tmp_path))).calibration == KEPT
    for panel in ("replay", "jetson"):
        assert calibration(Config(panel=panel, state=str(tmp_path))).calibration == Calibration()


def test_another_boards_calibration_is_left_out_and_said(tmp_path: Path) -> None:
    other = CalibrationFile(str(tmp_path), "another")
    other.save(KEPT)
    Path(other.path).rename(CalibrationFile(str(tmp_path), board_name()).path)
    found = calibration(Config(panel="jetson", state=str(tmp_path)))
    assert found.calibration == Calibration()
    assert "another" in found.sentence


def test_without_one_nothing_is_said(tmp_path: Path) -> None:
    found = calibration(Config(panel="jetson", state=str(tmp_path / "none")))
    assert (found.calibration, found.sentence) == (Calibration(), "")
