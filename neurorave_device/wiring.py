"""Which input, output and calibration belong to a configuration: each backend is chosen by its name."""

import re
from typing import Optional

from neurorave_device.audio.base import AudioOut
from neurorave_device.clock import Clock
from neurorave_device.config import Config
from neurorave_device.errors import UserError
from neurorave_device.inputs.base import Panel
from neurorave_device.inputs.calibration import Calibration
from neurorave_device.inputs.cv_file import CvRecording
from neurorave_device.inputs.cv_stage import reach as widest
from neurorave_device.inputs.jetson import JetsonPanel
from neurorave_device.inputs.replay import ReplayPanel
from neurorave_device.inputs.virtual import VirtualPanel
from neurorave_device.link.shared import AudioRing
from neurorave_device.machine.audio_jacks import jacks_from
from neurorave_device.machine.board import board_from
from neurorave_device.storage.calibration import CalibrationFile, LoadedCalibration, board_name
from neurorave_device.storage.place import state_folder

_LONGEST_NAME = 64


def make_out(config: Config, rate: int, clock: Clock, ring: AudioRing) -> AudioOut:
    """Return the output that the configuration names; UserError where it cannot be."""
    if config.audio == "browser":
        from neurorave_device.audio.browser import BrowserOut

        return BrowserOut(rate, config.block, clock, ring.write)
    if config.audio == "soundcard":
        from neurorave_device.audio.soundcard import SoundCardOut

        return SoundCardOut(rate, config.block, config.device, clock=clock)
    if config.audio == "file":
        from neurorave_device.audio.file import FileOut

        if config.out is None:
            raise UserError("audio: file needs a file to write to, give one with --out FILE.wav")
        return FileOut(config.out, rate, config.block, clock)
    from neurorave_device.audio.null import NullOut

    return NullOut(rate, config.block, clock)


def make_panel(config: Config, stream: Clock) -> Panel:
    """Return the source of voltages and gates that the configuration names; UserError where it cannot be."""
    if config.panel == "replay":
        if config.cv_file is None:
            raise UserError("panel: replay needs a CV recording, give one with --cv FILE.wav")
        return ReplayPanel(CvRecording(config.cv_file))
    if config.panel == "jetson":
        return JetsonPanel(board_from(config.board), stream)
    if config.panel == "audio":
        from neurorave_device.inputs.audio_panel import AudioPanel

        return AudioPanel(jacks_from(config.audio_panel), stream)
    return VirtualPanel(stream)


def calibration(config: Config) -> LoadedCalibration:
    """Return what is kept for the jacks of this configuration; recordings give volts already."""
    file = calibration_file(config)
    return LoadedCalibration(Calibration(), False, "") if file is None else file.load()


def calibration_file(config: Config) -> Optional[CalibrationFile]:
    """Return where the calibration of these jacks is kept, None for jacks that need none."""
    if config.panel == "replay":
        return None
    if config.panel == "audio":
        # Another card is off in another way.
        device = jacks_from(config.audio_panel).device or ""
        name = re.sub(r"[^A-Za-z0-9]+", "-", "audio-" + device)[:_LONGEST_NAME].strip("-")
    else:
        name = "virtual" if config.panel == "virtual" else board_name()
    return CalibrationFile(state_folder(config.state), name)


def reach(config: Config) -> float:
    """Return how many volts both ways the jacks of a configuration can read at least."""
    if config.panel == "jetson":
        return widest(board_from(config.board))
    if config.panel == "audio":
        return jacks_from(config.audio_panel).volts
    return float("inf")


def length_of(config: Config, panel: Panel, delay: float) -> Optional[float]:
    """Return after how many seconds the sound ends, None for never; ``delay`` is that of a gate."""
    if config.seconds is not None:
        return config.seconds
    # The delay is the output's; without it the last moments of a recording would be cut off.
    return panel.end + delay if isinstance(panel, ReplayPanel) else None
