"""The patch: what the player has set, as a document and back; nothing in it can keep the module from starting."""

import os
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from neurorave_device.errors import UserError
from neurorave_device.parameter import Parameter
from neurorave_device.parameters import PARAMETERS, by_id, default_values
from neurorave_device.storage.safe_file import Kind, Payload, SafeFile

FILE_NAME = "patch.json"
VERSION = 2

_LONGEST_NAME = 255
_JACK = {
    "type": "object",
    "required": ["source", "value", "rate", "depth", "gain", "offset", "noise"],
    "properties": {
        "source": {"type": "string"},
        "value": {"type": "number"},
        "rate": {"type": "number"},
        "depth": {"type": "number"},
        "gain": {"type": "number"},
        "offset": {"type": "number"},
        "noise": {"type": "number"},
    },
}
_GATE = {
    "type": "object",
    "required": ["clock", "rate", "width"],
    "properties": {
        "clock": {"type": "boolean"},
        "rate": {"type": "number"},
        "width": {"type": "number"},
    },
}
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["values", "bundle", "jacks"],
    "additionalProperties": False,
    "properties": {
        "values": {"type": "object"},
        # A name, not a path: the folder that holds the bundles may move.
        "bundle": {"type": "string", "maxLength": _LONGEST_NAME, "pattern": "^[^/]*$"},
        "jacks": {
            "type": ["object", "null"],
            "required": ["jacks", "gates"],
            "properties": {
                "jacks": {"type": "array", "items": _JACK},
                "gates": {"type": "array", "items": _GATE},
            },
        },
    },
}


def with_jack_errors(payload: Payload) -> Payload:
    """Bring a patch over from version 1, whose virtual jacks were always exact."""
    state = payload["jacks"]
    if state is None:
        return payload
    exact = {"gain": 1.0, "offset": 0.0, "noise": 0.0}
    jacks = [dict(exact, **jack) for jack in state["jacks"]]
    return dict(payload, jacks=dict(state, jacks=jacks))


KIND = Kind("patch", VERSION, SCHEMA, {1: with_jack_errors})


class Patch(NamedTuple):
    """`values` of all parameters by id, `bundle` its folder's name ('': the one that ships), the virtual `jacks`.

    `jacks` is what settings.pack_panel writes, parsed; None where they were never touched.
    """

    values: Mapping[str, float]
    bundle: str = ""
    jacks: Optional[Dict[str, Any]] = None


def default_patch() -> Patch:
    """Return the patch of a module that nobody has touched."""
    return Patch(default_values())


def fresh_patch(last: Patch) -> Patch:
    """Return the patch that nobody has touched, with what belongs to the module as it was in the last one."""
    setup = {row.id: last.values[row.id] for row in PARAMETERS if row.setup}
    return Patch(dict(default_values(), **setup))


def to_payload(patch: Patch, rows: Sequence[Parameter] = PARAMETERS) -> Payload:
    """Return a patch as the payload of a document, with the values of `rows` alone.

    Choices are stored by name, so that lists may change their order.
    """
    values = {row.id: _stored(row, patch.values[row.id]) for row in rows}
    return {"values": values, "bundle": patch.bundle, "jacks": patch.jacks}


def from_payload(payload: Payload, rows: Sequence[Parameter] = PARAMETERS) -> Tuple[Patch, str]:
    """Return the patch in a payload that fits SCHEMA, and what of it could not be kept ('' where all was).

    It has the values of `rows` alone. What is missing has its default, what is out of range is brought into it, what is
    unknown is dropped.
    """
    values = {row.id: row.default for row in rows}
    dropped: List[str] = []
    moved: List[str] = []
    for key, raw in sorted(payload["values"].items()):
        row = _row(key)
        if row is None:
            dropped.append(key)
            continue
        if key not in values:
            # The table knows it, but it is not asked for.
            continue
        found = _restored(row, raw)
        if found is None:
            moved.append("%s %.40r is now %s" % (key, raw, row.format(row.default)))
            continue
        values[key] = found
        if isinstance(raw, (int, float)) and found != raw:
            moved.append("%s %.40r is now %s" % (key, raw, row.format(found)))
    told = []
    if dropped:
        told.append("this version does not know %s" % _few(dropped))
    if moved:
        told.append(_few(moved))
    return Patch(values, payload["bundle"], payload["jacks"]), "; ".join(told)


def patch_file(folder: str, kind: Kind = KIND) -> SafeFile:
    """Return the file in a state folder that the patch is kept in."""
    return SafeFile(os.path.join(folder, FILE_NAME), kind)


def load_patch(file: SafeFile) -> Tuple[Optional[Patch], List[str]]:
    """Return the patch that a file keeps, None where there is none, and what the player should know of it."""
    loaded = file.load()
    sentences = [loaded.sentence] if loaded.sentence else []
    if loaded.payload is None:
        return None, sentences
    patch, sentence = from_payload(loaded.payload)
    if sentence:
        sentences.append("%s: %s" % (file.path, sentence))
    return patch, sentences


def _row(key: str) -> Optional[Parameter]:
    try:
        return by_id(key)
    except UserError:
        return None


def _stored(row: Parameter, value: float) -> Any:
    if not row.measured:
        return row.format(value)
    return value


def _restored(row: Parameter, raw: object) -> Optional[float]:
    """Return the value that `raw` stands for, the nearest one that is allowed; None where it stands for none."""
    try:
        return row.parse(raw)
    except OverflowError:
        # A whole number that is larger than any float.
        return None
    except UserError:
        number = isinstance(raw, (int, float)) and not isinstance(raw, bool)
        return row.clamp(float(raw)) if number else None  # type: ignore[arg-type]


def _few(texts: List[str]) -> str:
    """Return at most three of the texts and how many there are more: a sentence, not a page."""
    shown = ", ".join(texts[:3])
    return shown if len(texts) <= 3 else "%s and %d more" % (shown, len(texts) - 3)
