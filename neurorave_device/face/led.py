"""The RGB light: each state has a colour, a rhythm and a word, so that none is told by colour alone."""

from typing import NamedTuple, Tuple

from .link import FAULT, PLAYING, Telemetry

Colour = Tuple[int, int, int]


class Light(NamedTuple):
    """A colour (0..255 each), the rhythm it shows as (seconds, brightness 0..1) steps in a ring, and its word."""

    colour: Colour
    rhythm: Tuple[Tuple[float, float], ...]
    word: str


# The rhythms differ as well as the colours: slow swell, dim and still, bright and still, double flash.
STARTING_LIGHT = Light((40, 90, 255), ((0.6, 1.0), (0.6, 0.15)), "starting")
PLAYING_LIGHT = Light((20, 220, 150), ((1.0, 0.35),), "playing")
GATE_LIGHT = Light((255, 220, 160), ((1.0, 1.0),), "gate")
FAULT_LIGHT = Light((255, 40, 20), ((0.15, 1.0), (0.15, 0.0), (0.15, 1.0), (0.75, 0.0)), "fault")


def light_for(telemetry: Telemetry) -> Light:
    """Choose the light for what the module does now; a fault outranks a gate, a gate outranks playing."""
    if telemetry.state == FAULT:
        return FAULT_LIGHT
    if telemetry.state != PLAYING:
        return STARTING_LIGHT
    return GATE_LIGHT if any(telemetry.gates) else PLAYING_LIGHT


def brightness(light: Light, now: float) -> float:
    """Return the brightness 0..1 that the light's rhythm asks for at ``now`` seconds."""
    phase = now % sum(seconds for seconds, _ in light.rhythm)
    for seconds, level in light.rhythm:
        if phase < seconds:
            return level
        phase -= seconds
    return light.rhythm[-1][1]


def colour_now(light: Light, now: float) -> Colour:
    """Return the three PWM values 0..255 for ``now``: the colour dimmed by the rhythm."""
    level = brightness(light, now)
    red, green, blue = light.colour
    return (round(red * level), round(green * level), round(blue * level))
