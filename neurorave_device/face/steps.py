"""How far one detent moves a value: whole entries for choices, round amounts for numbers."""

import math

from neurorave_device.parameter import Parameter

from .encoder import Gesture

_DETENTS = 100.0


def round_step(span: float) -> float:
    """Return the largest of 1, 2, 5, 10 ... (any power of ten) that is not above ``span``."""
    power = math.pow(10.0, math.floor(math.log10(span)))
    for factor in (5.0, 2.0):
        # The margin keeps 0.05 from counting as 0.0499999.
        if span / power >= factor * (1.0 - 1e-9):
            return factor * power
    return power


def stepped(parameter: Parameter, value: float, gesture: Gesture) -> float:
    """Return the value after a turn; accelerated only where the parameter is a number."""
    if not parameter.measured:
        return parameter.clamp(value + gesture.steps)
    smallest = math.pow(10.0, -parameter.digits)
    if parameter.digits == 0:
        return parameter.clamp(value + gesture.accelerated)
    if parameter.curve != "linear":
        return _stepped_along(parameter, value, gesture, smallest)
    coarse = max(round_step((parameter.high - parameter.low) / _DETENTS), smallest)
    step = max(coarse / 10.0, smallest) if gesture.fine else coarse
    # On to the next multiple of the step, so that a coarse turn after a fine one lands on round numbers again.
    ticks = value / step
    near = round(ticks)
    if abs(ticks - near) > 1e-6:
        near = math.floor(ticks) if gesture.accelerated > 0 else math.ceil(ticks)
    return parameter.clamp(round((near + gesture.accelerated) * step, parameter.digits))


def _stepped_along(parameter: Parameter, value: float, gesture: Gesture, smallest: float) -> float:
    """Step along the curve, but at least by the smallest amount that the display shows."""
    share = gesture.accelerated / (_DETENTS * (10.0 if gesture.fine else 1.0))
    target = round(parameter.from_unit(parameter.to_unit(value) + share), parameter.digits)
    if abs(target - value) < smallest * 0.5:
        target = round(value + math.copysign(smallest, gesture.accelerated), parameter.digits)
    return parameter.clamp(target)
