"""THE table of what can be set: menu, presets, browser panel, config and docs derive from it."""

import math
from typing import Dict, List, NamedTuple, Tuple

from neurorave_device.errors import UserError

DESCRIPTORS = ("rms", "centroid", "bandwidth", "sharpness", "booming")
CV_COUNT = 4
DESTINATIONS = ("latent_0",) + DESCRIPTORS + ("none",)
CV_MODES = ("add", "replace")
CV_RANGES = ("+-5 V", "0..5 V", "0..8 V", "0..10 V")
GATE1_ROLES = ("trigger", "off")
GATE2_ROLES = ("macro", "trigger", "off")
DESCRIPTOR_MODES = ("free", "asked")


class Parameter(NamedTuple):
    """One thing that can be set.

    Values are always floats: the number itself, the index into `choices`, or 0 and 1 for a toggle.
    `curve` is 'linear', 'log', 'choice' or 'toggle'; `smoothing` is a time constant in seconds with
    which a change reaches the sound; `digits` are the decimals that are shown (0: whole numbers
    only).
    """

    id: str
    name: str
    unit: str
    low: float
    high: float
    default: float
    curve: str
    choices: Tuple[str, ...]
    smoothing: float
    digits: int

    def clamp(self, value: float) -> float:
        """Return the nearest value that is allowed; the default for NaN."""
        value = float(value)
        if math.isnan(value):
            return self.default
        value = min(max(value, self.low), self.high)
        return float(round(value)) if self._whole() else value

    def to_unit(self, value: float) -> float:
        """Return the place of `value` on the way from `low` (0) to `high` (1) along the curve."""
        value = self.clamp(value)
        if self.curve == "log":
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def from_unit(self, unit: float) -> float:
        """Return the value at `unit` (0..1) of the way, the inverse of `to_unit`."""
        unit = min(max(float(unit), 0.0), 1.0)
        if self.curve == "log":
            return self.clamp(self.low * math.pow(self.high / self.low, unit))
        return self.clamp(self.low + unit * (self.high - self.low))

    def format(self, value: float) -> str:
        """Return `value` as the player reads it, with its unit."""
        value = self.clamp(value)
        if self.curve == "choice":
            return self.choices[int(value)]
        if self.curve == "toggle":
            return "on" if value else "off"
        unit, digits = self.unit, self.digits
        if unit == "s" and value < 1.0:
            value, unit, digits = value * 1000.0, "ms", max(self.digits - 3, 0)
        text = "{:.{}f}".format(value, digits)
        if text.strip("-0.") == "":
            text = text.lstrip("-")
        return "{} {}".format(text, unit) if unit else text

    def allowed(self) -> str:
        """Return, for an error or a manual, which values are allowed."""
        if self.curve == "choice":
            return "one of " + ", ".join(self.choices)
        if self.curve == "toggle":
            return "on or off"
        kind = "a whole number" if self._whole() else "a number"
        unit = " " + self.unit if self.unit else ""
        return "{} from {:g} to {:g}{}".format(kind, self.low, self.high, unit)

    def parse(self, raw: object) -> float:
        """Return the value of `raw`, which a person wrote: a number, a choice's name, on or off.

        UserError where it is not allowed; it names the parameter, the value and what is allowed.
        """
        if self.curve == "toggle" and isinstance(raw, bool):
            return float(raw)
        if raw is False and "off" in self.choices:
            # YAML reads an unquoted off as false.
            return float(self.choices.index("off"))
        if isinstance(raw, str):
            text = raw.strip()
            if self.curve == "choice" and text in self.choices:
                return float(self.choices.index(text))
            if self.curve == "toggle" and text in ("on", "off"):
                return float(text == "on")
        elif isinstance(raw, (int, float)) and not isinstance(raw, bool):
            number = float(raw)
            whole = not self._whole() or number == math.floor(number)
            if self.low <= number <= self.high and whole:
                return number
        raise UserError("{} is {!r}, allowed is {}".format(self.id, raw, self.allowed()))

    def _whole(self) -> bool:
        return self.digits == 0


def _number(
    id: str,
    name: str,
    unit: str,
    low: float,
    high: float,
    default: float,
    curve: str = "linear",
    smoothing: float = 0.0,
    digits: int = 2,
) -> Parameter:
    return Parameter(id, name, unit, low, high, default, curve, (), smoothing, digits)


def _choice(id: str, name: str, choices: Tuple[str, ...], default: str) -> Parameter:
    index = float(choices.index(default))
    return Parameter(id, name, "", 0.0, float(len(choices) - 1), index, "choice", choices, 0.0, 0)


def _toggle(id: str, name: str, default: bool) -> Parameter:
    return Parameter(id, name, "", 0.0, 1.0, float(default), "toggle", (), 0.0, 0)


def _cv(number: int, destination: str, mode: str) -> List[Parameter]:
    prefix, name = "cv{}.".format(number), "CV {} ".format(number)
    return [
        _choice(prefix + "destination", name + "moves", DESTINATIONS, destination),
        _choice(prefix + "mode", name + "mode", CV_MODES, mode),
        _number(prefix + "amount", name + "amount", "", -2.0, 2.0, 1.0, smoothing=0.01),
        _number(prefix + "offset", name + "offset", "", -1.0, 1.0, 0.0, smoothing=0.01),
        _choice(prefix + "range", name + "range", CV_RANGES, "+-5 V"),
        _number(prefix + "slew", name + "slew", "s", 0.001, 2.0, 0.005, "log", digits=3),
    ]


def _descriptor(name: str) -> List[Parameter]:
    return [
        _choice(name + ".mode", name + " mode", DESCRIPTOR_MODES, "free"),
        _number(name + ".value", name + " value", "", 0.0, 1.0, 0.5, smoothing=0.02),
    ]


def _table() -> Tuple[Parameter, ...]:
    rows = [
        _number("level", "Level", "dB", -60.0, 6.0, 0.0, smoothing=0.02, digits=1),
        _number("seed", "Seed", "", 0.0, 9999.0, 1.0, digits=0),
        _number("temperature", "Variation", "", 0.0, 2.0, 0.5),
        _toggle("guard", "Guard", True),
        _number("crossfade", "Crossfade", "ms", 1.0, 50.0, 4.0, "log", digits=1),
    ]
    rows += _cv(1, "latent_0", "replace")
    rows += _cv(2, "rms", "add")
    rows += _cv(3, "centroid", "add")
    rows += _cv(4, "booming", "add")
    for name in DESCRIPTORS:
        rows += _descriptor(name)
    rows += [
        _choice("gate1.role", "Gate 1", GATE1_ROLES, "trigger"),
        _choice("gate2.role", "Gate 2", GATE2_ROLES, "macro"),
        _number("macro.amount", "Macro amount", "", -1.0, 1.0, 0.3, smoothing=0.01),
        _number("macro.time", "Macro time", "s", 0.001, 5.0, 0.1, "log", digits=3),
    ]
    return tuple(rows)


PARAMETERS: Tuple[Parameter, ...] = _table()
_BY_ID: Dict[str, Parameter] = {row.id: row for row in PARAMETERS}


def by_id(id: str) -> Parameter:
    """Return the parameter called `id`; UserError where there is none."""
    try:
        return _BY_ID[id]
    except KeyError:
        raise UserError(
            "unknown parameter {!r}, allowed are {}".format(id, ", ".join(_BY_ID))
        ) from None


def default_values() -> Dict[str, float]:
    """Return a fresh patch: every parameter's id with its default."""
    return {row.id: row.default for row in PARAMETERS}
