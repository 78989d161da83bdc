"""One thing that can be set: its range, its curve, how it is written and read."""

import math
from typing import NamedTuple, Tuple

from neurorave_device.errors import UserError


class Parameter(NamedTuple):
    """One thing that can be set.

    Values are always floats: the number itself, the index into `choices`, or 0 and 1 for a toggle.
    A number whose unit is '%' is a share: 1.0 is shown as 100 %. `curve` is 'linear', 'log', 'cubic' (fine
    near `low`, which may be 0), 'choice' or 'toggle'; `smoothing` is a time constant in seconds with which a
    change reaches the sound; `digits` are the decimals of the value (0: whole numbers only). `page` is the
    page of the menu it stands on, `help` one sentence for the player. What has `setup` belongs to the module
    and not to the patch: presets leave it alone.
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
    page: str
    help: str
    setup: bool = False

    @property
    def measured(self) -> bool:
        """Whether it is a number that may lie anywhere between its ends, not one of a few choices."""
        return self.curve not in ("choice", "toggle")

    @property
    def blends(self) -> bool:
        """Whether there is something between two of its values; what only names or counts has nothing there."""
        return self.measured and (self.digits > 0 or bool(self.unit))

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
        share = (value - self.low) / (self.high - self.low)
        return math.pow(share, 1.0 / 3.0) if self.curve == "cubic" else share

    def from_unit(self, unit: float) -> float:
        """Return the value at `unit` (0..1) of the way, the inverse of `to_unit`."""
        unit = min(max(float(unit), 0.0), 1.0)
        if self.curve == "log":
            return self.clamp(self.low * math.pow(self.high / self.low, unit))
        if self.curve == "cubic":
            unit = math.pow(unit, 3.0)
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
        if unit == "%":
            value, digits = value * 100.0, max(self.digits - 2, 0)
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
        if self.unit == "%":
            ends = self.low, self.high, 100.0 * self.low, 100.0 * self.high
            return "a number from {:g} to {:g} ({:g} % to {:g} %)".format(*ends)
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


def number(
    id: str,
    name: str,
    unit: str,
    low: float,
    high: float,
    default: float,
    page: str,
    help: str,
    curve: str = "linear",
    smoothing: float = 0.0,
    digits: int = 2,
    setup: bool = False,
) -> Parameter:
    """Return the row of a number."""
    return Parameter(
        id, name, unit, low, high, default, curve, (), smoothing, digits, page, help, setup
    )


def choice(
    id: str,
    name: str,
    choices: Tuple[str, ...],
    default: str,
    page: str,
    help: str,
    setup: bool = False,
) -> Parameter:
    """Return the row of a choice."""
    index, last = float(choices.index(default)), float(len(choices) - 1)
    return Parameter(id, name, "", 0.0, last, index, "choice", choices, 0.0, 0, page, help, setup)


def toggle(
    id: str, name: str, default: bool, page: str, help: str, setup: bool = False
) -> Parameter:
    """Return the row of what is on or off."""
    return Parameter(
        id, name, "", 0.0, 1.0, float(default), "toggle", (), 0.0, 0, page, help, setup
    )
