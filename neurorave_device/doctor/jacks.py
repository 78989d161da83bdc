"""Checks of what comes in: MIDI ports, the inputs of a sound card, and whether they are calibrated."""

from typing import List

from neurorave_device.config import Config
from neurorave_device.doctor.machine import Machine
from neurorave_device.doctor.results import OK, WARN, Result, one_line
from neurorave_device.machine.audio_jacks import jacks_from

_PORTS = "/dev/snd/midiC*D*"


def jacks(machine: Machine, config: Config) -> List[Result]:
    """Check what the configuration's panel needs, and MIDI."""
    results = [_midi(machine)]
    if config.panel == "audio":
        results.append(_inputs(machine, config))
    if config.panel in ("audio", "jetson"):
        results.append(_calibration(machine, config))
    return results


def _midi(machine: Machine) -> Result:
    try:
        machine.version("mido")
    except Exception as error:
        text = "no MIDI (%s): `.venv/bin/pip install -e '.[midi]'`; all else works without."
        return Result("midi", WARN, text % one_line(error))
    ports = machine.nodes(_PORTS)
    barred = [port for port in ports if not machine.may_use(port)]
    if barred:
        text = "%s may not be read: `sudo usermod -aG audio $USER`, then log in again."
        return Result("midi", WARN, text % ", ".join(barred))
    return Result("midi", OK, ", ".join(ports) or "no port now; one that is plugged in is heard")


def _inputs(machine: Machine, config: Config) -> Result:
    wanted = jacks_from(config.audio_panel)
    try:
        found = machine.reading_cards()
    except Exception as error:
        return Result("inputs", WARN, "no card can be read (%s)." % one_line(error))
    name = wanted.device or ""
    fitting = [row for row in found if name.lower() in row[0].lower()]
    needed = max(wanted.channels)
    if any(count >= needed for _, count in fitting):
        row = next(row for row in fitting if row[1] >= needed)
        return Result("inputs", OK, "%s has %d" % row)
    told = ", ".join("%s has %d" % row for row in fitting or found) or "no card has any"
    text = "audio_panel needs a card%s with %d inputs: %s."
    return Result("inputs", WARN, text % (" " + name if name else "", needed, told))


def _calibration(machine: Machine, config: Config) -> Result:
    kept, sentence = machine.calibration(config)
    if sentence:
        return Result("calibration", WARN, sentence + ".")
    if not kept:
        text = "none yet, CVs are as exact as their circuit: Calibrate on the face, or `neurorave calibrate`."
        return Result("calibration", WARN, text)
    return Result("calibration", OK, "there is one for these inputs")
