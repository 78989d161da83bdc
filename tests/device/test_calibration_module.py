"""Calibrating virtual jacks with errors, through all that lies between the face and the jacks; in virtual time."""

import json
from pathlib import Path
from typing import Any, Callable, Iterator, List

import numpy as np
import pytest

from neurorave_device.clock import VirtualClock
from neurorave_device.config import Config
from neurorave_device.face_process.calibration_desk import CalibrationDesk
from neurorave_device.face_process.link import SharedLink
from neurorave_device.inputs.virtual import VirtualPanel
from neurorave_device.link import telemetry
from neurorave_device.link.commands import CommandReceiver, CommandSender, make_pipe
from neurorave_device.link.settings import pack_values
from neurorave_device.link.shared import SharedMemory
from neurorave_device.link.telemetry import Report
from neurorave_device.parameters import default_values
from neurorave_device.sound_process.scan import SCAN_PERIOD, InputScan
from neurorave_device.sound_process.stream import StreamClock, VoltHistory
from neurorave_device.sound_process.timing import timing
from neurorave_device.wiring import calibration, calibration_file, reach
from tests.device.toy import TOY

FRAME = 0.0116
PICTURE = 1.0 / 15.0
ERRORS = ((1.1, 0.3), (0.9, -0.3), (1.04, 0.12), (0.97, 0.0))


class Module:
    """The inputs thread, the reports of the sound process, and the face's link, on one virtual clock."""

    def __init__(self, folder: Path) -> None:
        self.config = Config(bundle=TOY, state=str(folder))
        self.clock = VirtualClock(20.0)
        self.shared = SharedMemory.create(ring_samples=64)
        self.shared.parameters.write(pack_values(default_values()))
        self.ends = make_pipe()
        self.history = VoltHistory()
        self.stream = StreamClock(self.clock, 44100, 128)
        self.scan = InputScan(
            VirtualPanel(self.stream, seed=11),
            self.shared.calibration,
            self.stream,
            self.history,
            lambda edge: None,
            CommandReceiver(self.ends[0]),
            self.shared.panel,
            lambda folder: None,
        )
        self.link = SharedLink(
            self.shared,
            CommandSender(self.ends[1]),
            TOY,
            lambda info: timing(20.0, 128, info.sample_rate, info.hop),
            True,
            self.clock,
        )
        self.jobs: List[Callable[[], None]] = []
        file = calibration_file(self.config)
        assert file is not None
        self.desk = CalibrationDesk(self.link, file, reach(self.config), self.jobs.append)
        self._began = self.clock.now()
        self._report_due = self._picture_due = 0.0

    def run(self, seconds: float) -> None:
        end = self.clock.now() + seconds
        while self.clock.now() < end:
            self.clock.advance(SCAN_PERIOD)
            now = self.clock.now()
            self.stream.anchor(round((now - self._began) * 44100))
            self.scan.step()
            if now >= self._report_due:
                self._report_due = now + FRAME
                raw = self.history.raw.summary()
                report = Report(state="playing", time=now, raw=raw.mean, spread=raw.spread)
                self.shared.telemetry.write(telemetry.pack(report))
            if now >= self._picture_due:
                self._picture_due = now + PICTURE
                self.desk.follow(now)
                while self.jobs:
                    self.jobs.pop(0)()

    def patch(self, volts: float, *places: int) -> None:
        for place in range(4):
            self.link.set_jack(place + 1, volts=volts if place in places else 0.0)

    def read(self, seconds: float = 0.5) -> Any:
        """Return the mean of the calibrated volts over some time."""
        rows = []
        for _ in range(int(seconds / SCAN_PERIOD)):
            self.run(SCAN_PERIOD)
            rows.append(self.history.newest)
        return np.mean(rows, axis=0)

    def close(self) -> None:
        self.shared.close()
        for end in self.ends:
            end.close()


@pytest.fixture
def module(tmp_path: Path) -> Iterator[Module]:
    made = Module(tmp_path)
    yield made
    made.close()


def test_jacks_with_errors_read_true_volts_after_calibrating(module: Module) -> None:
    for jack, (gain, offset) in enumerate(ERRORS, 1):
        module.link.set_jack(jack, gain=gain, offset=offset, noise=0.02)
    module.patch(5.0, 0)
    assert module.read()[0] == pytest.approx(5.8, abs=0.01)
    began = module.clock.now()
    dialog = module.desk.begin()
    for choice in ("all", "5"):
        dialog.choose(choice)
    for places in ((), (0,), (1,), (2,), (3,)):
        module.patch(5.0, *places)
        # A player needs five seconds for each cable.
        module.run(5.0)
        dialog.choose("go")
        while dialog.view().progress >= 0.0:
            module.run(PICTURE)
        assert not dialog.view().problem
    dialog.choose("finish")
    assert [row[:9] for row in dialog.view().rows] == ["CV %d good" % cv for cv in (1, 2, 3, 4)]
    # Nothing has changed yet.
    module.patch(5.0, 0)
    assert module.read()[0] == pytest.approx(5.8, abs=0.01)
    dialog.choose("save")
    module.run(0.2)
    assert dialog.view().step == "saved"
    assert module.clock.now() - began < 120.0
    for volts in (-5.0, -2.0, 0.0, 2.0, 5.0):
        module.patch(volts, 0, 1, 2, 3)
        assert np.abs(module.read() - volts).max() < 0.01
    # The next start reads with it, too.
    assert calibration(module.config).calibration == module.link.calibration()
    # The errors of the jacks are what is patched, and no part of the calibration.
    record = module.shared.panel.read()
    assert record is not None and json.loads(record.decode())["jacks"][0]["gain"] == 1.1
