"""The RGB light: each state has a colour, a rhythm and a word, so that none is told by colour alone."""

from typing import NamedTuple, Optional, Tuple

from .link import FAULT, PLAYING, Telemetry

Colour = Tuple[int, int, int]


class Light(NamedTuple):
    """A colour (0..255 each), the rhythm it shows as (seconds, brightness 0..1) steps in a ring, and its word."""

    colour: Colour
    rhythm: Tuple[Tuple[float, float], ...]
    word: str


# The rhythms differ as well as the colours: slow swell, dim and still, bright and still, even blinking, a long light
# with a short gap, double flash.
STARTING_LIGHT = Light((40, 90, 255), ((0.6, 1.0), (0.6, 0.15)), "starting")
PLAYING_LIGHT = Light((20, 220, 150), ((1.0, 0.35),), "playing")
GATE_LIGHT = Light((255, 220, 160), ((1.0, 1.0),), "gate")
LEARNING_LIGHT = Light((190, 70, 255), ((0.25, 1.0), (0.25, 0.1)), "learning")
WARNING_LIGHT = Light((255, 140, 0), ((1.2, 0.8), (0.2, 0.0)), "warning")
FAULT_LIGHT = Light((255, 40, 20), ((0.15, 1.0), (0.15, 0.0), (0.15, 1.0), (0.75, 0.0)), "fault")
LIGHTS = (STARTING_LIGHT, PLAYING_LIGHT, GATE_LIGHT, LEARNING_LIGHT, WARNING_LIGHT, FAULT_LIGHT)

WARNING_SECONDS = 3.0
"""How long one late frame or one clipped block is warned of."""
CLIPPING = 0.95
"""The output bends sound towards 0.966 of full scale; a peak from here on is bent so much that it is heard."""


class Lamp:
    """Chooses the light for what the module does now; remembers what has to be warned of. The face's thread."""

    def __init__(self) -> None:
        self._missed: Optional[int] = None
        self._warned_at = float("-inf")

    def light(self, telemetry: Telemetry, now: float, learning: bool, missing: bool) -> Light:
        """A fault outranks all; then what waits for the player; then a gate, so that playing is seen; then a warning.

        ``missing``: a device of the front panel does not answer.
        """
        missed = telemetry.late + telemetry.underruns
        if self._missed is not None and missed > self._missed:
            self._warned_at = now
        self._missed = missed
        if telemetry.peak >= CLIPPING:
            self._warned_at = now
        if telemetry.state == FAULT:
            return FAULT_LIGHT
        if telemetry.state != PLAYING:
            return STARTING_LIGHT
        if learning:
            return LEARNING_LIGHT
        if any(telemetry.gates):
            return GATE_LIGHT
        if missing or telemetry.eased > 0 or now - self._warned_at < WARNING_SECONDS:
            return WARNING_LIGHT
        return PLAYING_LIGHT


def brightness(light: Light, now: float) -> float:
    """Return the brightness 0..1 that the light's rhythm asks for at ``now`` seconds."""
    phase = now % sum(seconds for seconds, _ in light.rhythm)
    for seconds, level in light.rhythm:
        if phase < seconds:
            return level
        phase -= seconds
    return light.rhythm[-1][1]


def colour_now(light: Light, now: float, full: float = 1.0) -> Colour:
    """Return the three PWM values 0..255 for ``now``: the colour dimmed by the rhythm; ``full`` is its brightest."""
    level = brightness(light, now) * full
    red, green, blue = light.colour
    return (round(red * level), round(green * level), round(blue * level))
