"""`neurorave calibrate`: the procedure of the face in a terminal, with inputs of its own, where no module runs."""

import sys
from typing import Callable, Optional, Tuple

from neurorave_device.clock import Clock
from neurorave_device.config import Config
from neurorave_device.dialog import View
from neurorave_device.errors import UserError
from neurorave_device.inputs.base import Panel
from neurorave_device.inputs.calibrating import LEFT, SAVED, Calibrating
from neurorave_device.inputs.calibration import Calibration
from neurorave_device.inputs.measuring import Reading
from neurorave_device.inputs.raw_volts import RawVolts
from neurorave_device.launch.memory import unwritable
from neurorave_device.storage.calibration import CalibrationFile
from neurorave_device.storage.place import lock, state_folder
from neurorave_device.storage.safe_file import reason
from neurorave_device.wiring import calibration_file, make_panel, reach

SCAN_SECONDS = 0.001
SCANS = 50
# A converter that says nothing has been noticed by then.
LOOK_SECONDS = 1.0
FAILED = 1

Ask = Callable[[str], str]
Say = Callable[[str], None]


class OwnInputs:
    """The jacks, read by whoever asks; one thread."""

    def __init__(self, panel: Panel, clock: Clock) -> None:
        self._panel = panel
        self._clock = clock
        self._raw = RawVolts()

    def scan(self) -> Reading:
        """Read the jacks for a twentieth of a second and return what they say."""
        for _ in range(SCANS):
            self._clock.sleep(SCAN_SECONDS)
            self._raw.put(self._panel.read(self._clock.now()))
        found = self._raw.summary()
        return Reading(self._clock.now(), found.mean, found.spread, self._panel.fault)

    def fault(self) -> str:
        """Look at the jacks for a while; return one sentence where they cannot be read, otherwise ''."""
        end = self._clock.now() + LOOK_SECONDS
        reading = self.scan()
        while self._clock.now() < end:
            reading = self.scan()
        return reading.fault


class Terminal:
    """Leads through the procedure with questions and a bar; `ask` raises EOFError where nobody answers."""

    def __init__(self, ask: Ask, say: Say, draw: Callable[[float], None], clock: Clock) -> None:
        self._ask = ask
        self._say = say
        self._draw = draw
        self._clock = clock

    def run(self, dialog: Calibrating, inputs: OwnInputs, file: CalibrationFile) -> int:
        """Go through the dialog to its end and return the exit status."""
        dialog.follow(Reading(0.0), self._clock.now())
        while not dialog.view().ended:
            view = dialog.view()
            if view.progress >= 0.0:
                dialog.follow(inputs.scan(), self._clock.now())
                self._draw(dialog.view().progress)
            elif dialog.wanted is not None:
                dialog.kept(*_keep(file, dialog.wanted))
            elif dialog.exporting:
                path = self._answer("Write it to which file? ")
                dialog.kept(*_export(file, path))
            else:
                dialog.choose(self._chosen(view))
                # The moment of the choice is when a measurement begins.
                dialog.follow(Reading(self._clock.now()), self._clock.now())
        self._say(dialog.view().sentence)
        return FAILED if dialog.step == LEFT else 0

    def _chosen(self, view: View) -> str:
        if view.problem:
            self._say(view.problem)
        for row in view.rows:
            self._say(row)
        self._say(view.sentence)
        labels = ["%d %s" % (number, row.label) for number, row in enumerate(view.choices, 1)]
        answer = self._answer("[%s] " % ", ".join(labels))
        # The first one is what comes next.
        place = 1 if not answer else int(answer) if answer.isdigit() else 0
        if 1 <= place <= len(view.choices):
            return view.choices[place - 1].id
        self._say("Allowed are the numbers 1 to %d." % len(view.choices))
        return ""

    def _answer(self, question: str) -> str:
        try:
            return self._ask(question).strip()
        except EOFError:
            raise UserError("calibrate: nobody answers; the old calibration stays") from None


def run(config: Config, ask: Ask, say: Say, draw: Callable[[float], None], clock: Clock) -> int:
    """Calibrate the jacks of a configuration; return the exit status. UserError for what cannot be calibrated."""
    file = file_of(config)
    folder = state_folder(config.state)
    try:
        held = lock(folder)
    except OSError as error:
        return _failed(unwritable(folder, error))
    if held is None:
        return _failed(
            "a neurorave is running with %s: calibrate on its face or in its panel, or end it first"
            % folder
        )
    panel = make_panel(config, clock)
    try:
        inputs = OwnInputs(panel, clock)
        fault = inputs.fault()
        if fault:
            return _failed(fault.rstrip("."))
        loaded = file.load()
        if loaded.sentence:
            say(loaded.sentence + ".")
        dialog = Calibrating(loaded.calibration, reach(config))
        status = Terminal(ask, say, draw, clock).run(dialog, inputs, file)
        if dialog.step == SAVED:
            say("It is in %s." % file.path)
        return status
    finally:
        panel.close()
        held.release()


def replace(config: Config, path: Optional[str]) -> str:
    """Keep the calibration in an exported file, None: forget the one that is kept; return what was done.

    UserError where that cannot be; a module that is running takes no notice until it is started again.
    """
    file = file_of(config)
    if path is None:
        file.reset()
        return "The calibration is forgotten: the inputs are read as their circuit should be."
    _, sentence = file.import_(path)
    return "The calibration is in %s%s." % (file.path, "; " + sentence if sentence else "")


def file_of(config: Config) -> CalibrationFile:
    """Return where the calibration is kept; UserError for jacks that are not calibrated in a terminal."""
    file: Optional[CalibrationFile] = calibration_file(config)
    if config.panel == "virtual" or file is None:
        raise UserError(
            "panel: %s has no jacks of its own to be calibrated here, allowed are jetson and audio; "
            "virtual jacks are calibrated in the panel" % config.panel
        )
    return file


def _keep(file: CalibrationFile, wanted: Calibration) -> Tuple[str, str]:
    try:
        if wanted == Calibration():
            file.reset()
            return "", ""
        return "", file.save(wanted)
    except OSError as error:
        return "%s: cannot be written (%s); the old one stays." % (file.path, reason(error)), ""


def _export(file: CalibrationFile, path: str) -> Tuple[str, str]:
    try:
        file.export(path)
    except UserError as error:
        return str(error), ""
    return "", "The calibration is in %s." % path


def _failed(sentence: str) -> int:
    print("neurorave: " + sentence, file=sys.stderr)
    return FAILED
