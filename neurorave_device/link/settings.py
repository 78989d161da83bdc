"""What the player has set, as the face writes it into shared memory and the sound process reads it.

Four records, each newest wins: the values of all parameters, what is patched into the virtual jacks, the
calibration, and the morph that plays.
They outlive both processes, so a restarted one goes on with what was set.
"""

import json
import struct
from typing import Any, Dict, Mapping, Optional

from neurorave_device.inputs.calibration import Calibration
from neurorave_device.inputs.virtual import VirtualPanel
from neurorave_device.parameters import PARAMETERS, PATCH_PARAMETERS
from neurorave_device.storage.morph import Morph

_VALUES = struct.Struct("=%dd" % len(PARAMETERS))
_VALUE = struct.Struct("=d")
_PLACES = {row.id: _VALUE.size * place for place, row in enumerate(PARAMETERS)}
_MORPH = struct.Struct("=%dd%dd%d?" % ((len(PATCH_PARAMETERS),) * 3))
_CALIBRATION = struct.Struct("=8d")
_JACK_KEYS = ("source", "value", "rate", "depth", "gain", "offset", "noise")
_GATE_KEYS = ("clock", "rate", "width")


def pack_values(values: Mapping[str, float]) -> bytes:
    """Turn the values of all parameters (id -> value) into a record."""
    return _VALUES.pack(*[values[row.id] for row in PARAMETERS])


def unpack_values(record: bytes) -> Dict[str, float]:
    """Turn a record back into the values of all parameters."""
    return {row.id: value for row, value in zip(PARAMETERS, _VALUES.unpack(record))}


def setting(record: bytes, id: str) -> float:
    """Return one value of a record, without taking the others out."""
    value: float = _VALUE.unpack_from(record, _PLACES[id])[0]
    return value


def pack_morph(morph: Optional[Morph]) -> bytes:
    """Turn a morph into a record; None, for no morph, is the empty one."""
    if morph is None:
        return b""
    ends = [
        values.get(row.id, row.default)
        for values in (morph.first, morph.second)
        for row in PATCH_PARAMETERS
    ]
    kept = [row.id in morph.kept for row in PATCH_PARAMETERS]
    names = json.dumps(morph.names, ensure_ascii=False).encode("utf-8")
    return _MORPH.pack(*ends, *kept) + names


def unpack_morph(record: Optional[bytes]) -> Optional[Morph]:
    """Turn a record back into a morph; None where none plays."""
    if not record:
        return None
    fields = _MORPH.unpack_from(record)
    ids = [row.id for row in PATCH_PARAMETERS]
    count = len(ids)
    first, second = json.loads(record[_MORPH.size :].decode("utf-8"))
    return Morph(
        dict(zip(ids, fields[:count])),
        dict(zip(ids, fields[count : 2 * count])),
        frozenset(key for key, kept in zip(ids, fields[2 * count :]) if kept),
        (first, second),
    )


def pack_calibration(calibration: Calibration) -> bytes:
    """Turn a calibration into a record."""
    return _CALIBRATION.pack(*(calibration.gain + calibration.offset))


def unpack_calibration(record: Optional[bytes]) -> Calibration:
    """Turn a record back into a calibration; None gives one that changes nothing."""
    if record is None:
        return Calibration()
    one, two, three, four, first, second, third, fourth = _CALIBRATION.unpack(record)
    return Calibration((one, two, three, four), (first, second, third, fourth))


def pack_panel(panel: VirtualPanel) -> bytes:
    """Turn what is patched into a virtual panel into a record; pressed buttons are no part of it."""
    state = panel.describe()
    record = {
        "jacks": [{key: jack[key] for key in _JACK_KEYS} for jack in state["jacks"]],
        "gates": [{key: gate[key] for key in _GATE_KEYS} for gate in state["gates"]],
    }
    return json.dumps(record, sort_keys=True).encode("utf-8")


def apply_panel(record: Optional[bytes], panel: VirtualPanel) -> None:
    """Patch a virtual panel as the record says, leaving alone what is so already; None changes nothing.

    The oscillators and clocks whose settings are not changed go on undisturbed.
    """
    if record is None:
        return
    wanted = json.loads(record.decode("utf-8"))
    present = panel.describe()
    for number, (new, old) in enumerate(zip(wanted["jacks"], present["jacks"])):
        changes = _changes(new, old)
        if changes:
            panel.set_jack(number + 1, **changes)
    for number, (new, old) in enumerate(zip(wanted["gates"], present["gates"])):
        changes = _changes(new, old)
        if changes:
            changes["on"] = changes.pop("clock", old["clock"])
            panel.set_clock(number + 1, **changes)


def _changes(new: Mapping[str, Any], old: Mapping[str, Any]) -> Dict[str, Any]:
    return {key: value for key, value in new.items() if old[key] != value}
