"""The morph that plays, as a document: both presets' values, their names, and what the player took out of it."""

import os
from typing import Any, Dict, List, Mapping, Optional, Tuple

from neurorave_device.parameters import PATCH_PARAMETERS
from neurorave_device.storage.morph import Morph
from neurorave_device.storage.patch import Patch, from_payload, to_payload
from neurorave_device.storage.safe_file import Kind, Payload, SafeFile

FILE_NAME = "morph.json"
VERSION = 1
_END = {
    "type": "object",
    "required": ["name", "values"],
    "additionalProperties": False,
    "properties": {"name": {"type": "string"}, "values": {"type": "object"}},
}
KIND = Kind(
    "morph",
    VERSION,
    {
        "type": "object",
        "required": ["first", "second", "kept"],
        "additionalProperties": False,
        "properties": {
            "first": _END,
            "second": _END,
            "kept": {"type": "array", "items": {"type": "string"}},
        },
    },
)


class MorphFile:
    """The file in a state folder; it is there only while a morph plays. One writer at a time; OSError from the disk."""

    def __init__(self, folder: str) -> None:
        self._file = SafeFile(os.path.join(folder, FILE_NAME), KIND)

    def load(self) -> Tuple[Optional[Morph], List[str]]:
        """Return the morph, None where there is none, and what the player should know; raises nothing."""
        loaded = self._file.load()
        sentences = [loaded.sentence] if loaded.sentence else []
        if loaded.payload is None:
            return None, sentences
        ends = [loaded.payload["first"], loaded.payload["second"]]
        first, second = [_values(end) for end in ends]
        kept = frozenset(row.id for row in PATCH_PARAMETERS if row.id in loaded.payload["kept"])
        return Morph(first, second, kept, (ends[0]["name"], ends[1]["name"])), sentences

    def save(self, morph: Optional[Morph]) -> None:
        """Keep a morph; without one there is no file."""
        if morph is None:
            self._file.remove()
            return
        first, second = [
            {"name": name, "values": to_payload(Patch(values), PATCH_PARAMETERS)["values"]}
            for name, values in zip(morph.names, (morph.first, morph.second))
        ]
        self._file.save({"first": first, "second": second, "kept": sorted(morph.kept)})


def _values(end: Dict[str, Any]) -> Mapping[str, float]:
    payload: Payload = {"values": end["values"], "bundle": "", "jacks": None}
    return from_payload(payload, PATCH_PARAMETERS)[0].values
