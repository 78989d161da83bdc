"""What the face may see of the sound process: telemetry, parameters, jacks, and a copy of the sound.

The face imports no engine and no driver. Whoever runs it hands it a ``FaceLink``; the module's own one
works over shared memory, tests use one that makes its own tone.
"""

import abc
import math
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

import numpy as np

from neurorave_device.inputs.calibration import Calibration
from neurorave_device.link.events import Event
from neurorave_device.storage.morph import Morph

STARTING = "starting"
PLAYING = "playing"
FAULT = "fault"
STATES = (STARTING, PLAYING, FAULT)

# At factory level; what is left in the model's own floor between two hits has peaks of -78 dB.
SILENT_PEAK = 2e-4

CV_COUNT = 4
GATE_COUNT = 2
SOURCES = ("none", "manual", "sine", "ramp up", "ramp down", "saw", "square", "random")


class Telemetry(NamedTuple):
    """The newest report of the sound process; immutable, so any thread may keep it.

    time: seconds on the link's clock. state: 'starting', 'playing' or 'fault'.
    level, peak: output RMS and peak of the last block, linear, 1.0 = full scale.
    load: share of the frame deadline used, 0..1 (above 1 = late). late, underruns: counts since start.
    asked, heard: one value per descriptor, quantile units 0..1. mask: True where the descriptor is asked,
    False where it is free. measured: False where ``heard`` says nothing, because the meter rests or there is
    none. eased: how much the module does without for now, the governor's level 0..3. volts: calibrated volts
    of CV 1-4. gates: True while high.
    message: one sentence for the player, or ''. raw, spread: mean and standard deviation of what CV 1-4 read before
    calibration, in volts, over a tenth of a second. fault: one sentence where a part of the inputs does not work.
    patched: which of CV 1-4 count as patched. frozen: a gate lets the sound stand still. macro: its height, -1..1.
    morph: where between its two presets the morph is, 0..1. midi_garbage: how much came over MIDI that is none.
    """

    time: float
    state: str
    level: float
    peak: float
    load: float
    late: int
    underruns: int
    asked: Tuple[float, ...]
    heard: Tuple[float, ...]
    measured: bool
    eased: int
    mask: Tuple[bool, ...]
    volts: Tuple[float, float, float, float]
    gates: Tuple[bool, bool]
    message: str
    raw: Tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    spread: Tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    fault: str = ""
    patched: Tuple[bool, bool, bool, bool] = (False, False, False, False)
    frozen: bool = False
    macro: float = 0.0
    morph: float = 0.0
    midi_garbage: int = 0


class FaceLink(abc.ABC):
    """The face's only way to the sound process.

    Every method returns at once (it never waits for the sound process) and may be called from the face's
    one thread; none is called from the audio callback. Jacks and gates count from 1, as on the panel.
    """

    @abc.abstractmethod
    def info(self) -> Dict[str, Any]:
        """Say what plays; changes only when a bundle is loaded.

        Keys: name, author, licence, description (str), sample_rate (int, Hz), hop (int, samples),
        latents (int), pitched (bool: the first latent is a pitch), latency_ms (float, gate to sound),
        knob_ms (float, voltage to sound at most), descriptors (list of
        {name: str, unit: str, quantiles: list of 25 float, the bundle's own table in physical units}),
        virtual (bool: the jacks of this panel are wired to the sound).
        """

    @abc.abstractmethod
    def telemetry(self) -> Telemetry:
        """Return the newest telemetry; before the first report a 'starting' one."""

    @abc.abstractmethod
    def bundles(self) -> List[Dict[str, Any]]:
        """Return the bundles that can be chosen, by name.

        Keys: name (str, its folder's), title (str), fault (str, '' where it can be played), playing (bool);
        author (str), size (int, bytes), mac_per_second (float, multiplications a second that it takes) and latency_ms
        (float, gate to sound), empty or 0 where it has a fault.
        """

    @abc.abstractmethod
    def play_bundle(self, name: str) -> None:
        """Let another bundle play as soon as it is loaded; UserError where it is not there or has a fault."""

    @abc.abstractmethod
    def get(self, parameter_id: str) -> float:
        """Return a parameter's value (choices and toggles: the index); UserError for an unknown id.

        While a morph plays it is the value that plays.
        """

    @abc.abstractmethod
    def set(self, parameter_id: str, value: float) -> None:
        """Set a parameter; UserError names an unknown id or a value outside the table's range.

        While a morph plays the parameter is taken out of it, and stays as it is set.
        """

    @abc.abstractmethod
    def morph(self) -> Optional[Morph]:
        """Return the morph that plays, None where none does."""

    @abc.abstractmethod
    def set_morph(
        self,
        first: Mapping[str, float],
        second: Mapping[str, float],
        names: Tuple[str, str] = ("", ""),
    ) -> None:
        """Play between two presets' values, where the parameter 'morph' and CVs say; `names` are the presets'."""

    @abc.abstractmethod
    def clear_morph(self) -> None:
        """End the morph; what plays at this moment is what is set from then on."""

    @abc.abstractmethod
    def calibration(self) -> Calibration:
        """Return the calibration that the CVs are read with."""

    @abc.abstractmethod
    def set_calibration(self, calibration: Calibration) -> None:
        """Let the CVs be read with another calibration from now on; whoever wants it kept stores it."""

    @abc.abstractmethod
    def take_events(self) -> List[Event]:
        """Return what has happened in the sound process since the last call, oldest first; each event only once."""

    @abc.abstractmethod
    def jacks(self) -> Dict[str, Any]:
        """Return what is patched into the virtual jacks.

        {"cv": [{"source": str, "volts", "rate", "depth", "gain", "offset", "noise": float} x 4],
        "gates": [{"down": bool, "clock": bool, "rate": float} x 2]}; volts is the knob (manual value, and the
        centre of the moving sources), -10..10 V; depth is the half swing in volts, 0..10; rates in Hz,
        0.01..50; the source 'none' means that nothing is patched. gain (0.5..1.5), offset (-2..2 V) and noise (0..1 V,
        standard deviation) are the errors of the jack's electronics, exact at first: something to be calibrated.
        """

    @abc.abstractmethod
    def set_jack(self, index: int, **changes: Any) -> None:
        """Change keys of CV jack 1..4 as in ``jacks``; UserError names a bad key or value."""

    @abc.abstractmethod
    def set_gate(self, index: int, down: bool) -> None:
        """Press or release gate button 1 or 2; UserError for another index."""

    @abc.abstractmethod
    def set_clock(self, index: int, on: bool, rate: float) -> None:
        """Start or stop the clock of gate 1 or 2 at rate Hz; UserError for a bad index or rate."""

    @abc.abstractmethod
    def read_audio(self, position: int) -> Tuple[int, np.ndarray]:
        """Return (new_position, samples): the mono float32 output from sample ``position`` on.

        Positions count samples since the sound process started. A negative position means "from now". The
        samples returned are those that end at new_position, so they begin at new_position - len(samples):
        later than asked where the reader was too slow and the ring has moved on. Empty when nothing is new.
        """


def sounding(link: FaceLink) -> bool:
    """Say whether anything sounds now; in silence nothing is asked for, and what is measured says nothing.

    However far the level is turned down, a sound counts. The face's thread.
    """
    # The peak is taken behind the level.
    quietest = SILENT_PEAK * math.pow(10.0, link.get("level") / 20.0)
    return link.telemetry().peak > quietest
