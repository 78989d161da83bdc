"""What the player has set, as the face writes it into shared memory and the sound process reads it.

Three records, each newest wins: the values of all parameters, what is patched into the virtual jacks, and the
calibration.
They outlive both processes, so a restarted one goes on with what was set.
"""

import json
import struct
from typing import Any, Dict, Mapping, Optional

from neurorave_device.inputs.calibration import Calibration
from neurorave_device.inputs.virtual import VirtualPanel
from neurorave_device.parameters import PARAMETERS

_VALUES = struct.Struct("=%dd" % len(PARAMETERS))
_VALUE = struct.Struct("=d")
_PLACES = {row.id: _VALUE.size * place for place, row in enumerate(PARAMETERS)}
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
