"""The face's link to the sound process, over shared memory and the command pipe."""

import os
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

import numpy as np

from neurorave_device.clock import Clock
from neurorave_device.engine.description import read_description
from neurorave_device.engine.info import BundleInfo, DescriptorInfo, GuardInfo
from neurorave_device.errors import UserError
from neurorave_device.face.link import FAULT, PLAYING, STARTING, FaceLink, Telemetry
from neurorave_device.face_process.catalogue import Catalogue
from neurorave_device.face_process.morph import FaceMorph
from neurorave_device.inputs.calibration import Calibration
from neurorave_device.inputs.virtual import VirtualPanel
from neurorave_device.link.commands import CommandSender, GatePress, PlayBundle
from neurorave_device.link.events import Event, EventReader
from neurorave_device.link.settings import (
    apply_panel,
    pack_calibration,
    pack_panel,
    pack_values,
    unpack_calibration,
    unpack_values,
)
from neurorave_device.link.shared import SharedMemory
from neurorave_device.link.telemetry import STOPPING, Report, unpack
from neurorave_device.parameters import CV_COUNT, DESCRIPTORS, by_id
from neurorave_device.sound_process.timing import Timing
from neurorave_device.storage.morph import Morph

# A sound process that has said nothing for this long is gone; its reports come once per frame.
SILENCE = 1.0
_STATES = {STOPPING: PLAYING}
_GATES = 2
_JACK_KEYS = ("source", "volts", "rate", "depth", "gain", "offset", "noise")
# Where the knots of a descriptor's quantiles lie: those of one that is its own quantile.
_PROBABILITIES = tuple(float(value) for value in np.linspace(0.01, 0.99, 25))


class SharedLink(FaceLink):
    """What the face sees of the module; all methods belong to the face's one thread.

    ``bundle`` is the folder of the bundle that plays first, ``timing_of`` says how long gates and knobs take with
    a bundle; ``virtual`` says whether the jacks of this panel are wired to the sound, ``card`` where the
    card is mounted.
    """

    def __init__(
        self,
        shared: SharedMemory,
        commands: CommandSender,
        bundle: str,
        timing_of: Callable[[BundleInfo], Timing],
        virtual: bool,
        clock: Clock,
        card: Optional[str] = None,
    ) -> None:
        self._shared = shared
        self._commands = commands
        self._events = EventReader(shared.events)
        self._catalogue = Catalogue(bundle, card, clock)
        self._folder = bundle
        self._lost = False
        self._info = self._described(bundle, unpack(shared.telemetry.read()))
        self._timing_of = timing_of
        self._virtual = virtual
        self._clock = clock
        record = shared.parameters.read()
        if record is None:
            raise ValueError("the parameters must be written before the face starts")
        self._values = unpack_values(record)
        self._morph = FaceMorph(shared.morph)
        # The same panel as in the sound process, here only to check and to keep what is set.
        self._panel = VirtualPanel(clock)
        for jack in range(1, CV_COUNT + 1):
            self._panel.set_jack(jack, source="manual")
        apply_panel(shared.panel.read(), self._panel)
        self._down = [False] * _GATES
        self._report = Report()
        self._sequence = 0
        self._heard_at = clock.now()

    def info(self) -> Dict[str, Any]:
        """Say what plays; see ``FaceLink``."""
        info = self._info
        plan = self._timing_of(info)
        return {
            "name": info.name,
            "author": info.author,
            "licence": info.licence,
            "description": info.description,
            "sample_rate": info.sample_rate,
            "hop": info.hop,
            "latents": info.latents,
            "pitched": info.pitched,
            "latency_ms": 1000.0 * plan.gate,
            "knob_ms": 1000.0 * plan.knob,
            "descriptors": [
                {"name": row.name, "unit": row.unit, "quantiles": list(row.quantiles)}
                for row in info.descriptors
            ],
            "virtual": self._virtual,
        }

    def telemetry(self) -> Telemetry:
        """Return the newest telemetry; 'fault' where the sound process has fallen silent."""
        now = self._clock.now()
        sequence = self._shared.telemetry.sequence
        if sequence != self._sequence:
            self._report = unpack(self._shared.telemetry.read())
            self._sequence = sequence
            self._heard_at = now
            if self._report.folder and self._report.folder != self._folder:
                self._folder = self._report.folder
                self._info = self._described(self._folder, self._report)
        report = self._report
        state, message = _STATES.get(report.state, report.state), report.message
        if self._sequence and state != FAULT and now - self._heard_at > SILENCE:
            state, message = FAULT, "The sound has stopped; it is being started again."
        if len(report.mask) != len(self._info.descriptors):
            # Nothing measured yet.
            count = len(self._info.descriptors)
            nothing = (0.0,) * count
            report = report._replace(
                asked=nothing, heard=nothing, measured=False, mask=(False,) * count
            )
            state = STARTING if state == PLAYING else state
        if self._lost and state == PLAYING and not message:
            message = "%s cannot be read any more; it plays on." % self._folder
        return Telemetry(
            time=report.time,
            state=state,
            level=report.level,
            peak=report.peak,
            load=report.load,
            late=report.late,
            underruns=report.underruns,
            asked=report.asked,
            heard=report.heard,
            measured=report.measured,
            eased=report.eased,
            mask=report.mask,
            volts=report.volts,
            gates=report.gates,
            message=message,
            raw=report.raw,
            spread=report.spread,
            fault=" ".join(text for text in report.faults if text),
            midi_garbage=report.midi_garbage,
            patched=report.patched,
            frozen=report.frozen,
            macro=report.macro,
            morph=report.morph,
        )

    def _described(self, folder: str, report: Report) -> BundleInfo:
        """Return what the bundle says of itself; where it is gone and plays all the same, what the sound says of it.

        UserError where neither is known.
        """
        try:
            info = read_description(folder).info
        except UserError:
            if not report.samples:
                raise
            self._lost = True
            return stand_in(report)
        self._lost = False
        return info

    def bundles(self) -> List[Dict[str, Any]]:
        """Return the bundles that can be chosen; see ``FaceLink``."""
        playing = os.path.abspath(self._folder)
        return [
            {
                "name": row.name,
                "title": row.title,
                "fault": row.fault,
                "playing": self._catalogue.folder(row.name) == playing,
                "author": "" if row.info is None else row.info.author,
                "size": row.size,
                "mac_per_second": 0.0 if row.info is None else row.info.mac_per_second,
                "latency_ms": 0.0 if row.info is None else 1000.0 * self._timing_of(row.info).gate,
            }
            for row in self._catalogue.rows()
        ]

    def play_bundle(self, name: str) -> None:
        """Let another bundle play; UserError where it is not there or cannot be played."""
        self._commands.send(PlayBundle(self._catalogue.path(name)))

    def get(self, parameter_id: str) -> float:
        """Return a parameter's value; UserError for an unknown id."""
        parameter = by_id(parameter_id)
        return self._morph.value(parameter.id, self._values, self._report.morph)

    def set(self, parameter_id: str, value: float) -> None:
        """Set a parameter; UserError for an unknown id or a value that is not allowed."""
        parameter = by_id(parameter_id)
        number = parameter.parse(value)
        if number != self.get(parameter.id):
            self._values[parameter.id] = number
            self._shared.parameters.write(pack_values(self._values))
            self._morph.take_out(parameter.id)

    def morph(self) -> Optional[Morph]:
        """Return the morph that plays; see ``FaceLink``."""
        return self._morph.present

    def set_morph(
        self,
        first: Mapping[str, float],
        second: Mapping[str, float],
        names: Tuple[str, str] = ("", ""),
    ) -> None:
        """Play between two presets' values; see ``FaceLink``."""
        self._morph.put(Morph(dict(first), dict(second), frozenset(), names))

    def clear_morph(self) -> None:
        """End the morph; what plays is what is set from now on."""
        if self._morph.present is not None:
            self._values = self._morph.over(self._values, self.telemetry().morph)
            self._shared.parameters.write(pack_values(self._values))
            self._morph.put(None)

    def calibration(self) -> Calibration:
        """Return the calibration that the CVs are read with."""
        return unpack_calibration(self._shared.calibration.read())

    def set_calibration(self, calibration: Calibration) -> None:
        """Let the CVs be read with another calibration from now on."""
        self._shared.calibration.write(pack_calibration(calibration))

    def take_events(self) -> List[Event]:
        """Return what has happened in the sound process since the last call."""
        return self._events.take()

    def jacks(self) -> Dict[str, Any]:
        """Return what is patched into the virtual jacks; see ``FaceLink``."""
        state = self._panel.describe()
        return {
            "cv": [
                {
                    "source": jack["source"],
                    "volts": jack["value"],
                    "rate": jack["rate"],
                    "depth": jack["depth"],
                    "gain": jack["gain"],
                    "offset": jack["offset"],
                    "noise": jack["noise"],
                }
                for jack in state["jacks"]
            ],
            "gates": [
                {"down": down, "clock": gate["clock"], "rate": gate["rate"]}
                for gate, down in zip(state["gates"], self._down)
            ],
        }

    def set_jack(self, index: int, **changes: Any) -> None:
        """Change what is patched into CV jack 1..4, or its errors; UserError names a bad key or value."""
        for key in changes:
            if key not in _JACK_KEYS:
                raise UserError(
                    "CV %s: unknown key %r, allowed are %s" % (index, key, ", ".join(_JACK_KEYS))
                )
        if "volts" in changes:
            changes["value"] = changes.pop("volts")
        self._panel.set_jack(index, **changes)
        self._shared.panel.write(pack_panel(self._panel))

    def set_gate(self, index: int, down: bool) -> None:
        """Press or release gate button 1 or 2; UserError for another index."""
        _check_gate(index)
        down = bool(down)
        if down != self._down[index - 1]:
            self._down[index - 1] = down
            self._commands.send(GatePress(index, down))

    def set_clock(self, index: int, on: bool, rate: float) -> None:
        """Start or stop the clock of gate 1 or 2 at rate Hz; UserError for a bad index or rate."""
        self._panel.set_clock(index, on=on, rate=rate)
        self._shared.panel.write(pack_panel(self._panel))

    def read_audio(self, position: int) -> Tuple[int, np.ndarray]:
        """Return (new position, the sound from ``position`` on); see ``FaceLink``."""
        return self._shared.ring.read(position)


def stand_in(report: Report) -> BundleInfo:
    """Return what can be told of a bundle that plays and whose folder is gone: descriptors in quantile units."""
    count = len(report.mask)
    names = (DESCRIPTORS + ("",) * count)[:count]
    return BundleInfo(
        name=report.bundle,
        author="",
        version="",
        licence="",
        description="",
        sample_rate=round(report.samples / report.time) if report.time else 0,
        hop=1,
        latents=0,
        descriptors=tuple(DescriptorInfo(name, "", _PROBABILITIES) for name in names),
        latent_quantiles=(),
        guard=GuardInfo((), (), 0.0, ()),
        latency_samples=0,
        parameters=0,
        mac_per_second=0.0,
    )


def _check_gate(index: object) -> None:
    if not isinstance(index, int) or isinstance(index, bool) or not 1 <= index <= _GATES:
        raise UserError("gate %r does not exist, allowed is 1 or 2" % (index,))
