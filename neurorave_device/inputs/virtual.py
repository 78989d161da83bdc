"""The virtual panel: four CV jacks and two gates, set from a browser or a test."""

import math
import threading
from typing import Any, Dict, Optional, Tuple

from neurorave_device.clock import Clock
from neurorave_device.errors import UserError
from neurorave_device.inputs.base import Edge, Panel, Volts
from neurorave_device.inputs.lfo import (
    LEAST_GAIN,
    MAX_NOISE,
    MAX_OFFSET,
    MAX_RATE,
    MAX_VOLTS,
    MOST_GAIN,
    SOURCES,
    VirtualJack,
)
from neurorave_device.inputs.virtual_gate import VirtualGate
from neurorave_device.parameters import CV_COUNT

MIN_RATE = 0.01
MIN_WIDTH = 0.01
MAX_WIDTH = 0.99


class VirtualPanel(Panel):
    """Jacks and gates without hardware.

    Everything is computed from the time that is asked for, so reading more or less often changes
    nothing, and random voltages depend only on `seed`.  Any thread.  Setters take effect at the
    clock's now and raise UserError for values that are not allowed, changing nothing.
    """

    def __init__(self, clock: Clock, seed: int = 0) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._jacks = [VirtualJack(number + 1, seed) for number in range(CV_COUNT)]
        self._gates = [VirtualGate(number + 1, clock.now()) for number in range(2)]

    def set_jack(
        self,
        jack: int,
        source: Optional[str] = None,
        value: Optional[float] = None,
        rate: Optional[float] = None,
        depth: Optional[float] = None,
        gain: Optional[float] = None,
        offset: Optional[float] = None,
        noise: Optional[float] = None,
    ) -> None:
        """Change what is given of CV `jack` (1-4): source, value (V), rate (Hz), depth (V), and its errors.

        Those are gain, offset (V) and noise (V, standard deviation) of what is read.
        """
        key = "CV {}".format(_number("CV", jack, CV_COUNT))
        if source is not None and source not in SOURCES:
            raise UserError(
                "{} source is {!r}, allowed is one of {}".format(key, source, ", ".join(SOURCES))
            )
        value = _checked(key + " value", value, -MAX_VOLTS, MAX_VOLTS, "V")
        rate = _checked(key + " rate", rate, MIN_RATE, MAX_RATE, "Hz")
        depth = _checked(key + " depth", depth, 0.0, MAX_VOLTS, "V")
        gain = _checked(key + " gain", gain, LEAST_GAIN, MOST_GAIN, "times")
        offset = _checked(key + " offset", offset, -MAX_OFFSET, MAX_OFFSET, "V")
        noise = _checked(key + " noise", noise, 0.0, MAX_NOISE, "V")
        with self._lock:
            row = self._jacks[jack - 1]
            if rate is not None:
                row.set_rate(rate, self._clock.now())
            row.source = row.source if source is None else source
            row.value = row.value if value is None else value
            row.depth = row.depth if depth is None else depth
            row.gain = row.gain if gain is None else gain
            row.offset = row.offset if offset is None else offset
            row.noise = row.noise if noise is None else noise

    def press(self, gate: int) -> None:
        """Press the button of `gate` (1 or 2)."""
        self._set_button(gate, True)

    def release(self, gate: int) -> None:
        """Release the button of `gate` (1 or 2)."""
        self._set_button(gate, False)

    def set_clock(
        self,
        gate: int,
        on: Optional[bool] = None,
        rate: Optional[float] = None,
        width: Optional[float] = None,
    ) -> None:
        """Change what is given of the clock of `gate`: on, rate (Hz), width (part of a cycle)."""
        key = "gate {}".format(_number("gate", gate, 2))
        if on is not None and not isinstance(on, bool):
            raise UserError("{} clock is {!r}, allowed is true or false".format(key, on))
        rate = _checked(key + " rate", rate, MIN_RATE, MAX_RATE, "Hz")
        width = _checked(key + " width", width, MIN_WIDTH, MAX_WIDTH, "of a cycle")
        with self._lock:
            row = self._gates[gate - 1]
            row.set_clock(
                row.clock if on is None else on,
                row.rate if rate is None else rate,
                row.width if width is None else width,
                self._clock.now(),
            )

    def read(self, now: float) -> Volts:
        with self._lock:
            first, second, third, fourth = (jack.read_at(now) for jack in self._jacks)
        return first, second, third, fourth

    def take_edges(self, until: float) -> Tuple[Edge, ...]:
        with self._lock:
            edges = [edge for gate in self._gates for edge in gate.take(until)]
        return tuple(sorted(edges, key=lambda edge: (edge.time, edge.gate)))

    def describe(self) -> Dict[str, Any]:
        """Return all settings and present levels for the panel's drawing, fit for JSON."""
        now = self._clock.now()
        with self._lock:
            jacks = [
                {
                    "jack": number + 1,
                    "source": jack.source,
                    "value": jack.value,
                    "rate": jack.rate,
                    "depth": jack.depth,
                    "gain": jack.gain,
                    "offset": jack.offset,
                    "noise": jack.noise,
                    "volts": jack.volts_at(now),
                }
                for number, jack in enumerate(self._jacks)
            ]
            gates = [
                {
                    "gate": gate.number,
                    "pressed": gate.pressed,
                    "clock": gate.clock,
                    "rate": gate.rate,
                    "width": gate.width,
                    "high": gate.high,
                }
                for gate in self._gates
            ]
        return {
            "jacks": jacks,
            "gates": gates,
            "sources": list(SOURCES),
            "limits": {
                "value": [-MAX_VOLTS, MAX_VOLTS],
                "depth": [0.0, MAX_VOLTS],
                "rate": [MIN_RATE, MAX_RATE],
                "gain": [LEAST_GAIN, MOST_GAIN],
                "offset": [-MAX_OFFSET, MAX_OFFSET],
                "noise": [0.0, MAX_NOISE],
                "width": [MIN_WIDTH, MAX_WIDTH],
            },
        }

    def _set_button(self, gate: int, pressed: bool) -> None:
        number = _number("gate", gate, 2)
        with self._lock:
            self._gates[number - 1].set_button(pressed, self._clock.now())


def _number(name: str, number: object, count: int) -> int:
    if isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= count:
        return number
    raise UserError("{} {!r} does not exist, allowed is 1 to {}".format(name, number, count))


def _checked(key: str, value: object, low: float, high: float, unit: str) -> Optional[float]:
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        number = float(value)
        if math.isfinite(number) and low <= number <= high:
            return number
    raise UserError("{} is {!r}, allowed is {:g} to {:g} {}".format(key, value, low, high, unit))
