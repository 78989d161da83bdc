"""`neurorave calibrate`: the procedure in a terminal over the board's own converter, and how it can end."""

from pathlib import Path
from typing import Any, Callable, List

import numpy as np
import pytest

from neurorave_device import cli
from neurorave_device.clock import VirtualClock
from neurorave_device.config import Config
from neurorave_device.errors import UserError
from neurorave_device.inputs.base import Panel, Volts
from neurorave_device.inputs.calibration import Calibration
from neurorave_device.inputs.cv_stage import CvInputs, volts
from neurorave_device.inputs.jetson import JetsonPanel
from neurorave_device.inputs.mcp3208 import HIGHEST_COUNT, Mcp3208
from neurorave_device.machine.board import Board
from neurorave_device.storage.calibration import CalibrationFile, board_name
from neurorave_device.storage.place import lock
from neurorave_device.tools import calibrate
from tests.device.fake_spi import FakeSpi

BOARD = Board()
GAIN, OFFSET = 1.04, 0.12
OLD = Calibration((1.01, 0.99, 1.0, 1.02), (0.05, -0.1, 0.0, 0.2))


class Noisy(Panel):
    """A board whose amplifiers are off by GAIN and OFFSET, with a count of noise."""

    def __init__(self) -> None:
        self._noise = np.random.RandomState(3).standard_normal((997, 4)).tolist()
        self._at = 0
        self.jacks = [0.0] * 4

    def read(self, now: float) -> Volts:
        self._at = (self._at + 1) % len(self._noise)
        counts = [count_of(true, off) for true, off in zip(self.jacks, self._noise[self._at])]
        return volts(BOARD, counts)

    def take_edges(self, until: float) -> Any:
        return ()


def count_of(true: float, noise: float = 0.0) -> int:
    converter = BOARD.cv_zero + BOARD.cv_slope * (GAIN * true + OFFSET)
    count = round(HIGHEST_COUNT * converter / BOARD.adc_reference + noise)
    return min(max(count, 0), HIGHEST_COUNT)


class Player:
    """Answers the questions: patches what the sentence before them asks for."""

    def __init__(self, panel: Noisy, answers: Callable[["Player", str], str]) -> None:
        self.panel = panel
        self.said: List[str] = []
        self._answers = answers
        self.bar: List[float] = []

    def ask(self, question: str) -> str:
        last = self.said[-1] if self.said else ""
        self.panel.jacks = [0.0] * 4
        if last.startswith("Patch"):
            words = last.rstrip(".").split()
            self.panel.jacks[int(words[-1]) - 1] = float(words[1])
        return self._answers(self, question)


def first(player: Player, question: str) -> str:
    return ""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(panel="jetson", state=str(tmp_path))


def run(config: Config, player: Player, monkeypatch: Any) -> int:
    clock = VirtualClock(50.0)
    monkeypatch.setattr(calibrate, "make_panel", lambda *_: player.panel)
    return calibrate.run(config, player.ask, player.said.append, player.bar.append, clock)


def kept(config: Config) -> Any:
    return CalibrationFile(str(config.state), board_name()).load()


def test_the_first_answer_to_everything_calibrates_all_four(
    config: Config, monkeypatch: Any
) -> None:
    player = Player(Noisy(), first)
    assert run(config, player, monkeypatch) == 0
    loaded = kept(config)
    assert loaded.kept
    for true in np.linspace(-4.5, 4.5, 19):
        read = loaded.calibration.apply(volts(BOARD, [count_of(true)] * 4))
        # Beside what calibrating leaves, half a count of the converter.
        assert np.abs(np.array(read) - true).max() < 0.01
    assert sum("good" in line for line in player.said) >= 4
    assert max(player.bar) <= 1.0 and len(player.bar) > 20
    # The folder can be had again.
    held = lock(str(config.state))
    assert held is not None
    held.release()


def test_a_converter_that_says_zeros_is_said_as_such(
    config: Config, monkeypatch: Any, capsys: Any
) -> None:
    spi = FakeSpi()
    spi.stuck = 0
    clock = VirtualClock(50.0)
    cvs = CvInputs(BOARD, lambda: Mcp3208(0, 0, 1000000, spi))
    monkeypatch.setattr(calibrate, "make_panel", lambda *_: JetsonPanel(BOARD, clock, cvs))
    player = Player(Noisy(), first)
    assert calibrate.run(config, player.ask, player.said.append, print, clock) == 1
    assert "read all zeros" in capsys.readouterr().err
    assert not kept(config).kept


def test_a_running_module_is_named(config: Config, monkeypatch: Any, capsys: Any) -> None:
    held = lock(str(config.state))
    assert held is not None
    try:
        assert run(config, Player(Noisy(), first), monkeypatch) == 1
    finally:
        held.release()
    assert "a neurorave is running" in capsys.readouterr().err


def test_leaving_keeps_the_old_one(config: Config, monkeypatch: Any) -> None:
    CalibrationFile(str(config.state), board_name()).save(OLD)

    def leave_late(player: Player, question: str) -> str:
        places = question.strip("[] ").split(", ")
        # As soon as something has been measured.
        return next(row.split()[0] for row in places if "Leave" in row) if player.bar else ""

    player = Player(Noisy(), leave_late)
    assert run(config, player, monkeypatch) == 1
    assert kept(config).calibration == OLD
    assert "old calibration stays" in player.said[-1]


@pytest.mark.parametrize("error, status", [(KeyboardInterrupt, None), (EOFError, None)])
def test_an_end_in_the_middle_keeps_the_old_one(
    config: Config, monkeypatch: Any, error: Any, status: Any
) -> None:
    CalibrationFile(str(config.state), board_name()).save(OLD)

    def end(player: Player, question: str) -> str:
        if player.bar:
            raise error
        return ""

    with pytest.raises(KeyboardInterrupt if error is KeyboardInterrupt else UserError):
        run(config, Player(Noisy(), end), monkeypatch)
    assert kept(config).calibration == OLD
    held = lock(str(config.state))
    assert held is not None
    held.release()


def test_a_wrong_answer_is_asked_again(config: Config, monkeypatch: Any) -> None:
    answers = ["nine", "42", "2"]
    player = Player(Noisy(), lambda player, question: answers.pop(0) if answers else "")
    assert run(config, player, monkeypatch) == 0
    assert player.said[1] == "Allowed are the numbers 1 to 8."
    found = kept(config).calibration
    assert found.gain[0] != 1.0
    assert found.gain[1:] == (1.0, 1.0, 1.0)


def test_what_is_kept_can_be_exported_imported_and_forgotten(
    config: Config, tmp_path: Path, capsys: Any
) -> None:
    state = ["--state", str(config.state)]
    copy = str(tmp_path / "copy.json")
    file = CalibrationFile(str(config.state), board_name())
    assert cli.main(["calibrate", "--export", copy] + state) == 2
    file.save(OLD)
    assert cli.main(["calibrate", "--export", copy] + state) == 0
    assert cli.main(["calibrate", "--reset"] + state) == 0
    assert not file.load().kept
    assert cli.main(["calibrate", "--import", copy] + state) == 0
    assert file.load().calibration == OLD
    assert file.path in capsys.readouterr().out


def test_without_a_converter_it_ends_with_a_sentence(tmp_path: Path, capsys: Any) -> None:
    # No such bus has been made.
    config = tmp_path / "board.yaml"
    config.write_text("panel: jetson\nstate: {}\nboard: {{adc_bus: 13}}\n".format(tmp_path))
    assert cli.main(["calibrate", "--config", str(config)]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("neurorave: The CV inputs on /dev/spidev13.0: ")
    assert len(captured.err.splitlines()) == 1
