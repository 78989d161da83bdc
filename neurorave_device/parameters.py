"""THE table of what can be set: menu, presets, MIDI, browser panel, config and docs derive from it."""

import difflib
from typing import Dict, List, Tuple

from neurorave_device.errors import UserError
from neurorave_device.parameter import Parameter, choice, number, toggle
from neurorave_device.setup_parameters import setup_rows

DESCRIPTORS = ("rms", "centroid", "bandwidth", "sharpness", "booming")
MOVED = ("latent_0",) + DESCRIPTORS
CV_COUNT = 4
GATE_COUNT = 2
# Beyond the sound's own qualities a CV may move a few settings, for which 0 V leaves what is set.
CV_SETTINGS = ("macro", "morph", "temperature", "vary", "level")
DESTINATIONS = MOVED + CV_SETTINGS + ("none",)
CV_MODES = ("add", "replace")
CV_RANGES = ("+-5 V", "0..5 V", "0..8 V", "0..10 V")
CV_CURVES = ("linear", "exponential", "logarithmic", "s-shaped")
GATE_ROLES = (
    "trigger",
    "hold",
    "toggle",
    "sample",
    "reset",
    "freeze",
    "macro",
    "next preset",
    "next model",
    "off",
)
DESCRIPTOR_MODES = ("free", "asked")
MOTIONS = ("off", "sine", "triangle", "ramp up", "ramp down", "square", "random", "drift")

# Which way the macro takes each descriptor unless the player says otherwise: louder, brighter, less boomy.
_MACRO_DIRECTION = {"booming": -1.0}
_MOST_STEPS = 24.0


def _sound() -> List[Parameter]:
    page = "sound"
    return [
        number(
            "level",
            "Level",
            "dB",
            -60.0,
            6.0,
            0.0,
            page,
            "How loud the output is; 0 dB is the level that the sound was recorded at.",
            smoothing=0.02,
            digits=1,
        ),
        number(
            "limiter",
            "Limiter",
            "dB",
            -24.0,
            0.0,
            0.0,
            page,
            "How far below its usual place the limiter holds the sound back; nothing comes out louder.",
            smoothing=0.02,
            digits=1,
        ),
        number(
            "seed",
            "Seed",
            "",
            0.0,
            9999.0,
            1.0,
            page,
            "Which of the endless variants of the sound is played: the same seed gives the same hits again.",
            digits=0,
        ),
        number(
            "vary",
            "Vary",
            "%",
            0.0,
            1.0,
            1.0,
            page,
            "How often a hit is a new variant: at 100 % each one, at 0 % always the same one.",
        ),
        number(
            "temperature",
            "Temperature",
            "",
            0.0,
            2.0,
            0.5,
            page,
            "How far the model strays from its most likely course; 0 is the plainest sound.",
        ),
        toggle(
            "guard",
            "Guard",
            True,
            page,
            "Keeps what is asked within what the model has learnt; off, it may break up.",
        ),
        number(
            "crossfade",
            "Crossfade",
            "ms",
            1.0,
            50.0,
            4.0,
            page,
            "How long the old sound takes to make room for a new hit.",
            "log",
            digits=1,
        ),
        number(
            "release",
            "Release",
            "s",
            0.005,
            5.0,
            0.05,
            page,
            "How long a sound takes to die away when a gate that holds it falls.",
            "log",
            digits=3,
        ),
    ]


def _cv(jack: int, destination: str, mode: str) -> List[Parameter]:
    page = "cv{}".format(jack)
    prefix, name = page + ".", "CV {} ".format(jack)
    return [
        choice(
            prefix + "destination",
            name + "moves",
            DESTINATIONS,
            destination,
            page,
            "What the voltage moves.",
        ),
        choice(
            prefix + "mode",
            name + "mode",
            CV_MODES,
            mode,
            page,
            "Whether the voltage is added to the sound's own course or takes its place; a setting is always added to.",
        ),
        number(
            prefix + "amount",
            name + "amount",
            "%",
            -2.0,
            2.0,
            1.0,
            page,
            "How strongly the voltage acts; negative values turn it around.",
            smoothing=0.01,
        ),
        number(
            prefix + "offset",
            name + "offset",
            "%",
            -1.0,
            1.0,
            0.0,
            page,
            "What is added to the voltage, as a share of its range.",
            smoothing=0.01,
        ),
        choice(
            prefix + "range",
            name + "range",
            CV_RANGES,
            "+-5 V",
            page,
            "Which voltages make a full sweep.",
        ),
        choice(
            prefix + "curve",
            name + "curve",
            CV_CURVES,
            "linear",
            page,
            "How the sweep is spread over the voltages.",
        ),
        number(
            prefix + "quantise",
            name + "quantise",
            "steps",
            0.0,
            _MOST_STEPS,
            0.0,
            page,
            "Into how many equal steps the way from 0 V to the end of the range is cut; 0 leaves it smooth.",
            digits=0,
        ),
        number(
            prefix + "slew",
            name + "slew",
            "s",
            0.0,
            2.0,
            0.005,
            page,
            "How long the sound takes to follow the voltage.",
            "cubic",
            digits=3,
        ),
    ]


def _descriptor(name: str) -> List[Parameter]:
    page = "descriptors"
    return [
        choice(
            name + ".mode",
            name + " mode",
            DESCRIPTOR_MODES,
            "free",
            page,
            "Free: the model chooses what fits. Asked: the value below is asked of it.",
        ),
        number(
            name + ".value",
            name + " value",
            "%",
            0.0,
            1.0,
            0.5,
            page,
            "What is asked, from the least (0 %) to the most (100 %) that the model knows.",
            smoothing=0.02,
        ),
    ]


def _gates() -> List[Parameter]:
    return [
        choice("gate1.role", "Gate 1", GATE_ROLES, "trigger", "gates", "What the first gate does."),
        choice("gate2.role", "Gate 2", GATE_ROLES, "macro", "gates", "What the second gate does."),
    ]


def _macro() -> List[Parameter]:
    page = "macro"
    rows = [
        number(
            "macro.amount",
            "Macro amount",
            "%",
            -1.0,
            1.0,
            0.3,
            page,
            "How far the macro moves the sound at its height, when its gate is high.",
            smoothing=0.01,
        ),
        number(
            "macro.time",
            "Macro time",
            "s",
            0.001,
            5.0,
            0.1,
            page,
            "How long the macro takes to come and to go.",
            "log",
            digits=3,
        ),
    ]
    for name in DESCRIPTORS:
        rows.append(
            number(
                "macro." + name,
                "Macro " + name,
                "%",
                -1.0,
                1.0,
                _MACRO_DIRECTION.get(name, 1.0),
                page,
                "The macro's share for this quality; negative values turn it around.",
                smoothing=0.01,
            )
        )
    return rows


def _motion(name: str) -> List[Parameter]:
    page = "motion." + name
    return [
        choice(
            page + ".shape",
            "Motion " + name + " shape",
            MOTIONS,
            "off",
            page,
            "How the module moves this quality by itself while no cable does.",
        ),
        number(
            page + ".rate",
            "Motion " + name + " rate",
            "Hz",
            0.01,
            20.0,
            0.5,
            page,
            "How fast it moves.",
            "log",
        ),
        number(
            page + ".depth",
            "Motion " + name + " depth",
            "%",
            0.0,
            1.0,
            0.5,
            page,
            "How far it moves.",
            smoothing=0.02,
        ),
    ]


def _table() -> Tuple[Parameter, ...]:
    rows = _sound()
    rows += _cv(1, "latent_0", "replace")
    rows += _cv(2, "rms", "add")
    rows += _cv(3, "centroid", "add")
    rows += _cv(4, "booming", "add")
    for name in DESCRIPTORS:
        rows += _descriptor(name)
    rows += _gates() + _macro()
    for name in MOVED:
        rows += _motion(name)
    rows.append(
        number(
            "morph",
            "Morph",
            "%",
            0.0,
            1.0,
            0.0,
            "morph",
            "Where between the presets A and B the module plays.",
            smoothing=0.02,
        )
    )
    return tuple(rows + setup_rows())


PARAMETERS: Tuple[Parameter, ...] = _table()
# What a preset holds: all but what belongs to the module.
PATCH_PARAMETERS: Tuple[Parameter, ...] = tuple(row for row in PARAMETERS if not row.setup)
_BY_ID: Dict[str, Parameter] = {row.id: row for row in PARAMETERS}


def by_id(id: str) -> Parameter:
    """Return the parameter called `id`; UserError where there is none."""
    try:
        return _BY_ID[id]
    except KeyError:
        near = difflib.get_close_matches(id, _BY_ID, n=4, cutoff=0.5)
        meant = ", ".join(near) or "those of docs/parameters.md"
        raise UserError("unknown parameter {!r}, allowed are {}".format(id[:80], meant)) from None


def default_values() -> Dict[str, float]:
    """Return a fresh patch: every parameter's id with its default."""
    return {row.id: row.default for row in PARAMETERS}
