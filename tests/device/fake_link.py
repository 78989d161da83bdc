"""A FaceLink without a sound process: gates ring a decaying tone, CVs move what is asked and heard."""

import math
from typing import Any, Dict, List, Mapping, Optional, Tuple

import numpy as np

from neurorave_device.clock import Clock
from neurorave_device.errors import UserError
from neurorave_device.face.link import (
    CV_COUNT,
    GATE_COUNT,
    PLAYING,
    SOURCES,
    FaceLink,
    Telemetry,
)
from neurorave_device.inputs.calibration import Calibration
from neurorave_device.link.events import Event
from neurorave_device.parameters import by_id, default_values
from neurorave_device.storage.morph import Morph

NAMES = ("rms", "centroid", "bandwidth", "sharpness", "booming")
UNITS = ("dB", "Hz", "Hz", "acum", "")
LOWS = (-60.0, 200.0, 300.0, 0.4, 5.0)
HIGHS = (-10.0, 6000.0, 5000.0, 3.1, 70.0)
QUANTILES = tuple(np.linspace(low, high, 25).tolist() for low, high in zip(LOWS, HIGHS))


class FakeLink(FaceLink):
    """A tone of 220 Hz that a gate strikes; its time is the injected clock's."""

    def __init__(self, clock: Clock, sample_rate: int = 44100, ring_seconds: float = 1.5) -> None:
        self.clock = clock
        self.sample_rate = sample_rate
        self.ring = int(ring_seconds * sample_rate)
        self.state = PLAYING
        self.message = ""
        self.name = "hand_percussion"
        self.author = "neurorave"
        self.virtual = True
        # Name and fault of each bundle that can be chosen.
        self.shelf = [("hand_percussion", ""), ("notes", "")]
        self.asked_for: List[str] = []
        self.values = default_values()
        self.cv: List[Dict[str, Any]] = [
            {
                "source": "manual",
                "volts": 0.0,
                "rate": 1.0,
                "depth": 5.0,
                "gain": 1.0,
                "offset": 0.0,
                "noise": 0.0,
            }
            for _ in range(CV_COUNT)
        ]
        self.gates: List[Dict[str, Any]] = [
            {"down": False, "clock": False, "rate": 2.0} for _ in range(GATE_COUNT)
        ]
        self.events: List[Event] = []
        self.present = Calibration()
        self.fault = ""
        self.struck = -1e9
        self.pitched = False
        self.load = 0.38
        self.late = 0
        self.peak = 0.0
        self.measured = True
        self.eased = 0
        self.zero = clock.now()
        self.morphing: Optional[Morph] = None
        # What the telemetry says besides, as a test wants it.
        self.extra: Dict[str, Any] = {}

    def info(self) -> Dict[str, Any]:
        return {
            "name": self.name,
            "author": self.author,
            "licence": "CC0-1.0",
            "description": "Struck hand drums and small percussion.",
            "sample_rate": self.sample_rate,
            "hop": 512,
            "latents": 8,
            "pitched": self.pitched,
            "latency_ms": 9.0,
            "knob_ms": 33.0,
            "descriptors": [
                {"name": n, "unit": u, "quantiles": list(q)}
                for n, u, q in zip(NAMES, UNITS, QUANTILES)
            ],
            "virtual": self.virtual,
        }

    def raw(self) -> Tuple[float, float, float, float]:
        """Return what the jacks read, with the errors of their electronics."""
        now = self.clock.now()
        found = []
        for jack in self.cv:
            value = 0.0 if jack["source"] == "none" else jack["volts"]
            if jack["source"] not in ("none", "manual"):
                value += jack["depth"] * math.sin(2 * math.pi * jack["rate"] * now)
            found.append(jack["gain"] * max(-10.0, min(10.0, value)) + jack["offset"])
        return found[0], found[1], found[2], found[3]

    def telemetry(self) -> Telemetry:
        raw = self.raw()
        gain, offset = self.present.gain, self.present.offset
        volts = (
            gain[0] * raw[0] + offset[0],
            gain[1] * raw[1] + offset[1],
            gain[2] * raw[2] + offset[2],
            gain[3] * raw[3] + offset[3],
        )
        asked = [0.5] * len(NAMES)
        mask = [False] * len(NAMES)
        mask[0] = True
        for index in range(CV_COUNT):
            name = "cv%d.destination" % (index + 1)
            destination = by_id(name).format(self.values[name])
            if destination in NAMES:
                place = NAMES.index(destination)
                asked[place] = max(0.0, min(1.0, 0.5 + volts[index] / 10.0))
                mask[place] = True
        decay = math.exp(-4.0 * max(0.0, self.clock.now() - self.struck))
        heard = [0.9 * value * (decay if i == 0 else 1.0) + 0.02 for i, value in enumerate(asked)]
        return Telemetry(
            time=self.clock.now(),
            state=self.state,
            level=0.2 * decay,
            peak=max(self.peak, 0.3 * decay),
            load=self.load,
            late=self.late,
            underruns=0,
            asked=tuple(asked),
            heard=tuple(heard),
            measured=self.measured,
            eased=self.eased,
            mask=tuple(mask),
            volts=volts,
            gates=(bool(self.gates[0]["down"]), bool(self.gates[1]["down"])),
            message=self.message,
            raw=raw,
            fault=self.fault,
        )._replace(**self.extra)

    def bundles(self) -> List[Dict[str, Any]]:
        return [
            {
                "name": name,
                "title": name,
                "fault": fault,
                "playing": name == self.name,
                "author": "" if fault else self.author,
                "size": 3400000,
                "mac_per_second": 0.0 if fault else 310e6,
                "latency_ms": 0.0 if fault else 9.0,
            }
            for name, fault in self.shelf
        ]

    def play_bundle(self, name: str) -> None:
        self.asked_for.append(name)

    def get(self, parameter_id: str) -> float:
        by_id(parameter_id)
        return self.values[parameter_id]

    def set(self, parameter_id: str, value: float) -> None:
        self.values[parameter_id] = by_id(parameter_id).parse(value)

    def calibration(self) -> Calibration:
        return self.present

    def set_calibration(self, calibration: Calibration) -> None:
        self.present = calibration

    def take_events(self) -> List[Event]:
        taken, self.events = self.events, []
        return taken

    def morph(self) -> Optional[Morph]:
        return self.morphing

    def set_morph(
        self,
        first: Mapping[str, float],
        second: Mapping[str, float],
        names: Tuple[str, str] = ("", ""),
    ) -> None:
        self.morphing = Morph(dict(first), dict(second), frozenset(), names)

    def clear_morph(self) -> None:
        self.morphing = None

    def jacks(self) -> Dict[str, Any]:
        return {"cv": [dict(jack) for jack in self.cv], "gates": [dict(g) for g in self.gates]}

    def set_jack(self, index: int, **changes: Any) -> None:
        if not 1 <= index <= CV_COUNT:
            raise UserError("CV jack %r, allowed are 1 to 4" % (index,))
        if changes.get("source", "manual") not in SOURCES:
            raise UserError("source %r, allowed are %s" % (changes["source"], ", ".join(SOURCES)))
        self.cv[index - 1].update(changes)

    def set_gate(self, index: int, down: bool) -> None:
        if not 1 <= index <= GATE_COUNT:
            raise UserError("gate %r, allowed are 1 and 2" % (index,))
        if down and not self.gates[index - 1]["down"] and index == 1:
            self.struck = self.clock.now()
        self.gates[index - 1]["down"] = down

    def set_clock(self, index: int, on: bool, rate: float) -> None:
        if not 1 <= index <= GATE_COUNT:
            raise UserError("gate %r, allowed are 1 and 2" % (index,))
        self.gates[index - 1].update(clock=on, rate=rate)

    def read_audio(self, position: int) -> Tuple[int, np.ndarray]:
        written = int((self.clock.now() - self.zero) * self.sample_rate)
        if position < 0 or position > written:
            return written, np.zeros(0, np.float32)
        start = max(position, written - self.ring)
        times = np.arange(start, written) / float(self.sample_rate) + self.zero
        gain = 10.0 ** (self.values["level"] / 20.0)
        ringing = np.exp(-4.0 * np.maximum(times - self.struck, 0.0)) * (times >= self.struck)
        tone = 0.5 * gain * ringing * np.sin(2 * np.pi * 220.0 * (times - self.struck))
        return written, tone.astype(np.float32)
