"""Calibrating: nothing plugged in, then one known voltage, perhaps a negative one too; a pure procedure.

Time and readings are handed to it. It writes nothing: what is to be kept stands in `wanted`, whether the old one is to
be exported in `exporting`, and whoever does it says with `kept` what became of that. Until then the old calibration is
untouched.
"""

from typing import Dict, List, Optional, Sequence, Tuple

from neurorave_device.dialog import Choice, Dialog, View
from neurorave_device.inputs.base import SILENT_VOLTS
from neurorave_device.inputs.calibration import Calibration
from neurorave_device.inputs.calibration_fit import (
    GAIN_LIMITS,
    OFFSET_LIMIT,
    Fit,
    fit,
    wanted_error,
)
from neurorave_device.inputs.measuring import Measurement, Point, Reading

CHANNELS, VOLTAGE, UNPLUG, ZERO = "channels", "voltage", "unplug", "zero"
PATCH, KNOWN = "patch", "known"
NEGATIVE, RESULT, SURE, SAVING, SAVED = "negative", "result", "sure", "saving", "saved"
EXPORTING, EXPORTED, LEFT = "exporting", "exported", "left"
VOLTAGES = (5, 3, 1, 10)
# A cable is in when the jack has moved by so much of what was promised.
_MOVED = 0.3
# So near to the end of what the converter can say, it says nothing more.
_AT_THE_END = 0.99
_LEAVE = Choice("leave", "Leave")
_AGAIN = Choice("again", "Begin anew")
_GO = Choice("go", "Measure")
# The worst input that can be calibrated reads so much of a voltage.
_WORST_GAIN, _WORST_OFFSET = 1.1, 0.3


class Calibrating(Dialog):
    """One run of the procedure. `present` is the calibration until now, `reach` the volts that the inputs can read."""

    def __init__(self, present: Calibration, reach: float = float("inf")) -> None:
        self._present = present
        self._reach = reach
        self._step = CHANNELS
        self._problem = ""
        self._channels: Tuple[int, ...] = ()
        self._volts = 0
        self._turn = 0
        self._measurement: Optional[Measurement] = None
        self._now = 0.0
        self._rest = SILENT_VOLTS
        self._points: Dict[int, List[Tuple[float, Point]]] = {}
        self._fits: Dict[int, Fit] = {}
        self._note = ""
        self.wanted: Optional[Calibration] = None

    @property
    def step(self) -> str:
        """Which of the steps it is at."""
        return self._step

    @property
    def exporting(self) -> bool:
        """Whether the calibration that is kept is to be written to another file now."""
        return self._step == EXPORTING

    @property
    def fits(self) -> Dict[int, Fit]:
        """What was found of each channel (0-3), before it is saved."""
        return dict(self._fits)

    def view(self) -> View:
        running = self._measurement
        return View(
            self._step,
            "Calibrate",
            self._sentence(),
            self._problem,
            running.progress if running is not None else -1.0,
            self._choices(),
            self._rows() if self._step in (NEGATIVE, RESULT) else (),
            self._step in (SAVED, EXPORTED, LEFT),
        )

    def choose(self, choice: str) -> None:
        if choice not in [offered.id for offered in self._choices()]:
            return
        self._problem = ""
        if choice == "leave":
            self.leave()
        elif self._step == CHANNELS and choice == "reset":
            self._step = SURE
        elif self._step == CHANNELS and choice == "export":
            self._step = EXPORTING
        elif self._step == CHANNELS:
            self._channels = (0, 1, 2, 3) if choice == "all" else (int(choice) - 1,)
            self._step = VOLTAGE
        elif self._step == VOLTAGE:
            self._volts = int(choice)
            self._step = UNPLUG
        elif choice == "again":
            self._again()
        elif self._step in (UNPLUG, PATCH):
            self._measure()
        elif self._step == NEGATIVE and choice != "finish":
            self._volts = int(choice)
            self._turn = 0
            self._step = PATCH
        elif self._step == NEGATIVE:
            self._step = RESULT
        elif self._step == SURE:
            self._keep(Calibration())
        else:
            self._keep(self._proposal())

    def leave(self) -> None:
        self._measurement = None
        self.wanted = None
        if self._step not in (SAVED, EXPORTED):
            self._step = LEFT

    def follow(self, reading: Reading, now: float) -> None:
        """Take the newest reading; called again and again, whether it is new or not."""
        self._now = now
        running = self._measurement
        if running is None:
            return
        problem = running.take(reading, now)
        if not problem and not running.done:
            return
        self._measurement = None
        problem = problem or self._judge(running)
        if problem:
            self._problem = problem
            self._step = UNPLUG if self._step == ZERO else PATCH

    def kept(self, problem: str = "", note: str = "") -> None:
        """Tell that it is done, or why it could not be; `note` is what the player should know besides."""
        if self._step not in (SAVING, EXPORTING):
            return
        self.wanted = None
        self._problem, self._note = problem, note
        if self._step == EXPORTING:
            self._step = CHANNELS if problem else EXPORTED
            return
        self._step = SAVED if not problem else RESULT if self._fits else SURE

    def _measure(self) -> None:
        at_rest = self._step == UNPLUG
        self._step = ZERO if at_rest else KNOWN
        channels = self._channels if at_rest else (self._channels[self._turn],)
        self._measurement = Measurement(channels, wanted_error(self._volts), self._now)

    def _judge(self, done: Measurement) -> str:
        """Take over what was measured and go on; or return why it cannot be."""
        if self._step == ZERO:
            return self._judge_rest(done)
        channel, point = self._channels[self._turn], done.points()[0]
        problem = self._wrong(channel, point.raw, done.everywhere())
        if problem:
            return problem
        self._points[channel].append((float(self._volts), point))
        self._turn += 1
        if self._turn < len(self._channels):
            self._step = PATCH
            return ""
        for place in self._channels:
            self._fits[place] = fit(self._points[place])
        self._step = RESULT if self._volts < 0 else NEGATIVE
        return ""

    def _judge_rest(self, done: Measurement) -> str:
        for channel, point in zip(self._channels, done.points()):
            name = "CV %d" % (channel + 1)
            if abs(point.raw) >= _AT_THE_END * self._reach:
                end = "%s stays at the end of what it can read (%.2f V)" % (name, point.raw)
                return end + " with nothing in it; its circuit or the converter is broken."
            if abs(point.raw) > OFFSET_LIMIT:
                return "%s reads %.2f V; pull its cable. Without one its jack must give 0 V." % (
                    name,
                    point.raw,
                )
        self._rest = done.everywhere()
        self._points = {
            channel: [(0.0, point)] for channel, point in zip(self._channels, done.points())
        }
        self._turn = 0
        self._step = PATCH
        return ""

    def _wrong(self, channel: int, raw: float, everywhere: Sequence[float]) -> str:
        """Return why a channel cannot be calibrated with what it reads now."""
        name, volts = "CV %d" % (channel + 1), float(self._volts)
        moved = [(now - rest) / volts for now, rest in zip(everywhere, self._rest)]
        if abs(raw) >= _AT_THE_END * self._reach:
            return "%s is at the end of what it can read (%.2f V); take a lower voltage." % (
                name,
                raw,
            )
        if abs(moved[channel]) < _MOVED:
            if max(moved) >= _MOVED:
                there = moved.index(max(moved)) + 1
                return "The voltage is in CV %d; patch it into %s." % (there, name)
            return "%s still reads %.2f V; patch %d V into it." % (name, raw, self._volts)
        if moved[channel] < 0.0:
            return "%s reads %.2f V: the voltage has the wrong sign." % (name, raw)
        if not GAIN_LIMITS[0] <= 1.0 / moved[channel] <= GAIN_LIMITS[1]:
            return "%s reads %.2f V where %d V are said to be; check the voltage." % (
                name,
                raw,
                self._volts,
            )
        return ""

    def _again(self) -> None:
        self._points, self._fits = {}, {}
        self._volts = 0
        self._step = CHANNELS

    def _keep(self, wanted: Calibration) -> None:
        self.wanted = wanted
        self._step = SAVING

    def _proposal(self) -> Calibration:
        gain, offset = list(self._present.gain), list(self._present.offset)
        for channel, found in self._fits.items():
            gain[channel], offset[channel] = found.gain, found.offset
        return Calibration(
            (gain[0], gain[1], gain[2], gain[3]), (offset[0], offset[1], offset[2], offset[3])
        )

    def _names(self) -> str:
        if len(self._channels) > 1:
            return "CV 1-4"
        return "CV %d" % (self._channels[0] + 1)

    def _sentence(self) -> str:
        step = self._step
        if step == UNPLUG:
            return "Pull the cables out of %s." % self._names()
        if step == ZERO:
            return "Measuring 0 V."
        if step in (PATCH, KNOWN):
            text = "Patch %d V into CV %d." if step == PATCH else "Measuring %d V in CV %d."
            return text % (self._volts, self._channels[self._turn] + 1)
        if step == SAVED:
            return "The calibration is saved." + (" " + self._note if self._note else "")
        if step == EXPORTED:
            return self._note
        return _SENTENCES[step]

    def _choices(self) -> Tuple[Choice, ...]:
        step = self._step
        if step == CHANNELS:
            ones = tuple(Choice(str(number), "CV %d" % number) for number in range(1, 5))
            more = (Choice("export", "Export"), Choice("reset", "No calibration"), _LEAVE)
            return (Choice("all", "All four"),) + ones + more
        if step == VOLTAGE:
            return self._voltages(1) + (_LEAVE,)
        if step in (UNPLUG, PATCH):
            return (_GO, _AGAIN, _LEAVE)
        if step == NEGATIVE:
            return (Choice("finish", "Finish"),) + self._voltages(-1) + (_LEAVE,)
        if step == RESULT:
            return (Choice("save", "Save"), _AGAIN, _LEAVE)
        if step == SURE:
            return (_LEAVE, Choice("reset", "Take it away"))
        if step in (ZERO, KNOWN):
            return (_LEAVE,)
        return ()

    def _voltages(self, sign: int) -> Tuple[Choice, ...]:
        """Return the voltages that can be read; those first that even the worst input can."""
        reachable = [volts for volts in VOLTAGES if volts < _AT_THE_END * self._reach]
        reachable.sort(key=lambda volts: _WORST_GAIN * volts + _WORST_OFFSET > self._reach)
        return tuple(Choice(str(sign * volts), "%d V" % (sign * volts)) for volts in reachable)

    def _rows(self) -> Tuple[str, ...]:
        # Short enough for a line of the screen.
        return tuple(
            "CV %d %s: \u00b1%.0f mV" % (channel + 1, found.word, 1000.0 * found.error)
            for channel, found in sorted(self._fits.items())
        )


# Those that have results above them are short enough for a line of the screen.
_SENTENCES = {
    CHANNELS: "Which inputs?",
    VOLTAGE: "Which steady voltage do you have?",
    NEGATIVE: "A negative voltage too?",
    RESULT: "The old one stays till Save.",
    SURE: "Play without any calibration?",
    SAVING: "Saving.",
    EXPORTING: "Exporting.",
    LEFT: "Left; the old calibration stays.",
}
