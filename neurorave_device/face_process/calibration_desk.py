"""Calibrating as the face uses it: the procedure, fed with what the sound process reads, and what it leads to kept."""

import os
from typing import Callable, Optional, Tuple

from neurorave_device.dialog import Dialog
from neurorave_device.errors import UserError
from neurorave_device.face.link import FaceLink
from neurorave_device.inputs.calibrating import Calibrating
from neurorave_device.inputs.calibration import Calibration
from neurorave_device.inputs.measuring import Reading
from neurorave_device.storage.calibration import CalibrationFile
from neurorave_device.storage.safe_file import make_folder, reason

EXPORTS = "exports"
_PASSING = "It is not remembered: another neurorave has the folder."


class CalibrationDesk:
    """Works on one link. The face's thread; `do` hands a job to the thread that may write, None: nothing is written.

    `file` is where the calibration of these jacks is kept, `reach` how many volts they can read.
    """

    def __init__(
        self,
        link: FaceLink,
        file: CalibrationFile,
        reach: float,
        do: Optional[Callable[[Callable[[], None]], None]],
    ) -> None:
        self._link = link
        self._file = file
        self._reach = reach
        self._do = do
        self._dialog: Optional[Calibrating] = None
        self._busy = False
        self._wanted: Optional[Calibration] = None
        # What the writing thread hands back: (problem, note).
        self._outcome: Optional[Tuple[str, str]] = None

    def begin(self) -> Dialog:
        """Start the procedure anew; one that was not finished is left."""
        if self._dialog is not None:
            self._dialog.leave()
        self._dialog = Calibrating(self._link.calibration(), self._reach)
        return self._dialog

    def follow(self, now: float) -> None:
        """Let the procedure go on; called with each round of the face."""
        dialog = self._dialog
        if self._busy:
            self._finish(dialog)
        if dialog is None or self._busy:
            return
        seen = self._link.telemetry()
        dialog.follow(Reading(seen.time, seen.raw, seen.spread, seen.fault), now)
        if dialog.wanted is not None:
            self._keep(dialog.wanted)
        elif dialog.exporting:
            self._later(self._export)
        elif dialog.view().ended:
            self._dialog = None

    def _keep(self, wanted: Calibration) -> None:
        self._wanted = wanted
        if self._do is None:
            self._busy, self._outcome = True, ("", _PASSING)
            return
        resets = wanted == Calibration()

        def write() -> str:
            if resets:
                self._file.reset()
                return ""
            return self._file.save(wanted)

        self._later(write)

    def _later(self, write: Callable[[], str]) -> None:
        """Let the writing thread do it."""
        self._busy = True

        def job() -> None:
            try:
                note = write()
            except UserError as error:
                self._outcome = (str(error).rstrip(".") + ".", "")
                return
            except OSError as error:
                told = "%s: cannot be written (%s); the old calibration stays."
                self._outcome = (told % (self._file.path, reason(error)), "")
                return
            self._outcome = ("", note)

        if self._do is None:
            job()
        else:
            self._do(job)

    def _export(self) -> str:
        folder = os.path.join(os.path.dirname(self._file.path), EXPORTS)
        make_folder(folder)
        path = os.path.join(folder, os.path.basename(self._file.path))
        self._file.export(path)
        return "The calibration is in %s." % path

    def _finish(self, dialog: Optional[Calibrating]) -> None:
        outcome = self._outcome
        if outcome is None:
            return
        self._busy, self._outcome = False, None
        wanted, self._wanted = self._wanted, None
        if wanted is not None and not outcome[0]:
            # It counts as soon as it is kept, also where the player has left meanwhile.
            self._link.set_calibration(wanted)
        if dialog is not None:
            dialog.kept(*outcome)
