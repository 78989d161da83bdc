"""What the guest has brought back: what was done when, the recording, and what the chips on I2C were told."""

import json
import struct
from pathlib import Path
from typing import Any, List, NamedTuple, Tuple

import numpy as np

from neurorave_device.storage.patch import Patch, load_patch, patch_file
from tests.device.fake_smbus import FakeBreakout, FakeOled
from tests.vm.guest.recorder import RATE

SCREEN, ENCODER = 0x3C, 0x0F
_HEAD = struct.Struct("<QHH")
# A hit begins where the level rises so far within three steps.
STEP = RATE // 500
RISE_DB = 5.0
FLOOR_DB = -60.0
PAUSE_SECONDS = 0.06


class Row(NamedTuple):
    """One note: the guest's time, what it is about, and a value."""

    time: float
    what: str
    value: Any


class Records:
    """The contents of the folder that the scenario has filled."""

    def __init__(self, folder: Path) -> None:
        self.rows = [Row(*row) for row in json.loads((folder / "notes.json").read_text())]
        page = json.loads((folder / "page.json").read_text())
        self.heard: List[Tuple[float, Any]] = page["heard"]
        self.offered: List[Tuple[float, Any]] = page["offered"]
        self.pictures = [(when, bytes.fromhex(picture)) for when, picture in page["pictures"]]
        self.sound = np.fromfile(folder / "sound.raw", np.int16).reshape(-1, 2)[:, 0] / 32768.0
        self.pieces = np.loadtxt(folder / "sound.raw.times")
        self._folder = folder
        self._log = (folder / "i2c.log").read_bytes()

    def times(self, what: str, value: Any = None) -> List[float]:
        """Return when something was noted."""
        return [row.time for row in self.rows if row.what == what and value in (None, row.value)]

    def value(self, what: str) -> Any:
        """Return what was noted once."""
        (found,) = [row.value for row in self.rows if row.what == what]
        return found

    def step(self, text: str) -> float:
        """Return when the step began whose name has `text` in it."""
        (found,) = [row.time for row in self.rows if row.what == "step" and text in row.value]
        return found

    def seen_after(self, time: float) -> float:
        """Return the first moment after `time` at which all should have been drawn."""
        return min(row.time for row in self.rows if row.what == "seen" and row.time > time)

    def said(self) -> str:
        """Return the lines of the daemon's terminal."""
        return "\n".join(str(row.value) for row in self.rows if row.what == "said")

    def messages(self, begin: float, end: float) -> str:
        """Return what the panel was told meanwhile to show."""
        messages = {told["message"] for when, told in self.heard if begin < when < end}
        return "\n".join(sorted(messages))

    def kept(self) -> Patch:
        """Return what the card remembers of the last settings."""
        patch, _ = load_patch(patch_file(str(self._folder / "settings")))
        assert patch is not None
        return patch

    def card_log(self) -> str:
        """Return the log on the card."""
        return (self._folder / "logs/neurorave.log").read_text("utf-8")

    def card_image(self) -> Path:
        """Return the card itself, as the guest has left it."""
        return self._folder.parent / "card"

    def written(self) -> List[Tuple[float, int, bytes]]:
        """Return (time, address, bytes) of each write on the I2C bus."""
        found, place = [], 0
        while place < len(self._log):
            nanoseconds, address, count = _HEAD.unpack_from(self._log, place)
            place += _HEAD.size
            found.append((nanoseconds * 1e-9, address, self._log[place : place + count]))
            place += count
        return found

    def screen(self) -> List[Tuple[float, bytes]]:
        """Return what could be seen on the screen from which time on, as 1024 bytes; a new one after it was away."""
        chip, back, found = FakeOled(), self.step("back: screen"), []
        for time, address, sent in self.written():
            if address != SCREEN:
                continue
            if time > back:
                chip, back = FakeOled(), float("inf")
            chip.block(sent[0], list(sent[1:]))
            found.append((time, np.packbits(np.array(chip.picture(), np.uint8)).tobytes()))
        return found

    def light(self) -> List[Tuple[float, Tuple[int, int, int]]]:
        """Return the colours of the light, from which time on each; fresh out of power-on after it was away."""
        chip, back, found = FakeBreakout(), self.step("back: encoder"), []
        for time, address, sent in self.written():
            if address != ENCODER or len(sent) < 2:
                # A single byte says which register is read next.
                continue
            if time > back:
                chip, back = FakeBreakout(), float("inf")
            chip.write(sent[0], sent[1])
            if not found or found[-1][1] != chip.shown:
                found.append((time, chip.shown))
        return found

    def hits(self) -> np.ndarray:
        """Return when each hit in the recording begins."""
        steps = self.sound[: self.sound.size // STEP * STEP].reshape(-1, STEP)
        level = 10.0 * np.log10(np.maximum(np.mean(steps**2, axis=1), 10.0 ** (FLOOR_DB / 10.0)))
        rises = level[3:] - np.maximum.reduce([level[:-3], level[1:-2]])
        found: List[float] = []
        for place in np.flatnonzero(rises > RISE_DB):
            time = self.time_of(int(place + 2) * STEP)
            if not found or time - found[-1] > PAUSE_SECONDS:
                found.append(time)
        return np.array(found)

    def time_of(self, sample: int) -> float:
        """Return when a sample came out of the card: a piece cannot come before its last sample, only later."""
        near = self.pieces[np.abs(self.pieces[:, 0] - sample) < RATE / 2]
        return float(np.percentile(near[:, 1] - near[:, 0] / RATE, 5.0) + sample / RATE)

    def part(self, begin: float, seconds: float) -> np.ndarray:
        """Return the sound from a moment on."""
        place = int(np.searchsorted(self.pieces[:, 1], begin))
        first = int(
            self.pieces[place, 0] + (begin - self.time_of(int(self.pieces[place, 0]))) * RATE
        )
        return np.asarray(self.sound[first : first + int(seconds * RATE)])


def shown_at(rows: List[Tuple[float, Any]], time: float) -> Any:
    """Return the last of rows (time, value) at a moment."""
    return [value for when, value in rows if when <= time][-1]
