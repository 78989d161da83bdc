"""The calibration of a board: kept apart from patches and programs, so that no update and no preset touches it."""

import math
import os
import re
from typing import Any, Mapping, NamedTuple, Tuple

from neurorave_device.errors import UserError
from neurorave_device.inputs.calibration import Calibration
from neurorave_device.storage.safe_file import Kind, Payload, SafeFile, reason

VERSION = 1
_SERIAL = "/proc/device-tree/serial-number"
_LONGEST_NAME = 64
_FOUR = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["board", "gain", "offset"],
    "additionalProperties": False,
    "properties": {"board": {"type": "string"}, "gain": _FOUR, "offset": _FOUR},
}
KIND = Kind("calibration", VERSION, SCHEMA)


class LoadedCalibration(NamedTuple):
    """`calibration` changes nothing where none is kept; `sentence` says what was wrong, '' where nothing was."""

    calibration: Calibration
    kept: bool
    sentence: str


def board_name(serial: str = _SERIAL) -> str:
    """Return what tells this board from others: its serial number, 'board' where it tells none.

    A card that is put into another board then does not bring the wrong calibration along.
    """
    try:
        with open(serial, "rb") as handle:
            text = handle.read(256).decode("ascii", "ignore")
    except OSError:
        text = ""
    return re.sub(r"[^A-Za-z0-9-]", "", text)[:_LONGEST_NAME] or "board"


class CalibrationFile:
    """Keeps one board's calibration in a state folder. One thread; not a real-time one."""

    def __init__(self, folder: str, board: str) -> None:
        """`board` as `board_name` gives it."""
        self._board = board
        self._file = SafeFile(os.path.join(folder, "calibration-%s.json" % board), KIND)

    @property
    def path(self) -> str:
        """Where it is kept."""
        return self._file.path

    def load(self) -> LoadedCalibration:
        """Return what is kept; raises nothing."""
        loaded = self._file.load()
        payload = loaded.payload
        if payload is None:
            return LoadedCalibration(Calibration(), False, loaded.sentence)
        if payload["board"] != self._board:
            sentence = "%s: it is that of board %s; it is left out" % (self.path, payload["board"])
            return LoadedCalibration(Calibration(), False, sentence)
        calibration = Calibration(_four(payload["gain"]), _four(payload["offset"]))
        if not _usable(calibration):
            sentence = "%s: a gain is zero; it is left out" % self.path
            return LoadedCalibration(Calibration(), False, sentence)
        return LoadedCalibration(calibration, True, loaded.sentence)

    def save(self, calibration: Calibration) -> str:
        """Keep a calibration, the old one beside it; the sentence of SafeFile.save. OSError where that fails.

        ValueError for one that no input can have: a gain of zero, a number that is none.
        """
        if not _usable(calibration):
            raise ValueError("gains must be other than zero, all numbers finite")
        return self._file.save(self._payload(calibration))

    def reset(self) -> None:
        """Forget it, its previous generation too; OSError where that fails."""
        try:
            self._file.remove()
        except FileNotFoundError:
            # There is no folder, so there was none.
            pass

    def export(self, path: str) -> None:
        """Write what is kept to another file, for another card or a report of a fault.

        UserError where nothing is kept or the file cannot be written.
        """
        loaded = self.load()
        if not loaded.kept:
            raise UserError("%s: there is no calibration to export" % self.path)
        try:
            SafeFile(os.path.abspath(path), KIND).save(self._payload(loaded.calibration))
        except OSError as error:
            raise UserError("%s: cannot be written (%s)" % (path, reason(error))) from error

    def import_(self, path: str) -> Tuple[Calibration, str]:
        """Keep what was exported to a file and return it, with a sentence on where it comes from, '' from this board.

        UserError where the file holds no calibration or it cannot be kept.
        """
        loaded = SafeFile(os.path.abspath(path), KIND).load()
        if loaded.payload is None:
            raise UserError(loaded.sentence or "%s: no such file" % path)
        calibration = Calibration(_four(loaded.payload["gain"]), _four(loaded.payload["offset"]))
        if not _usable(calibration):
            raise UserError("%s: a gain is zero, allowed is any other number" % path)
        try:
            self.save(calibration)
        except OSError as error:
            raise UserError("%s: cannot be written (%s)" % (self.path, reason(error))) from error
        board = loaded.payload["board"]
        other = "" if board == self._board else "it was made on board %s" % board
        return calibration, other

    def _payload(self, calibration: Calibration) -> Payload:
        gain, offset = list(calibration.gain), list(calibration.offset)
        return {"board": self._board, "gain": gain, "offset": offset}


def _four(numbers: Any) -> Tuple[float, float, float, float]:
    first, second, third, fourth = (float(number) for number in numbers)
    return first, second, third, fourth


def _usable(calibration: Calibration) -> bool:
    finite = all(math.isfinite(number) for number in calibration.gain + calibration.offset)
    return finite and all(gain != 0.0 for gain in calibration.gain)
