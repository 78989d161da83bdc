"""The procedures as the face begins them: which inputs are calibrated, and what goes on while one is open."""

from typing import Optional

from neurorave_device.dialog import Dialog
from neurorave_device.errors import UserError
from neurorave_device.face.procedures import Procedures
from neurorave_device.face_process.calibration_desk import CalibrationDesk
from neurorave_device.face_process.midi_desk import MidiDesk


class ProcedureDesk(Procedures):
    """Of one module; the face's thread. `calibration` is None where the jacks need none."""

    def __init__(self, calibration: Optional[CalibrationDesk], midi: MidiDesk) -> None:
        self._calibration = calibration
        self._midi = midi

    def calibrate(self) -> Dialog:
        if self._calibration is None:
            raise UserError(
                "a recording plays in the place of the jacks, so there is nothing to calibrate"
            )
        return self._calibration.begin()

    def learn(self) -> Dialog:
        return self._midi.learn()

    def follow(self, now: float) -> None:
        """Let what is open go on."""
        if self._calibration is not None:
            self._calibration.follow(now)
        self._midi.follow()
