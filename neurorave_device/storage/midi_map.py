"""Which MIDI controller moves which parameter: kept apart from patches, for it belongs to what stands on the table."""

import os
from typing import Any, Dict, List, Mapping, Tuple

from neurorave_device.parameters import PATCH_PARAMETERS
from neurorave_device.storage.safe_file import Kind, SafeFile

FILE_NAME = "midi-map.json"
VERSION = 1
CONTROLLERS = 120
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["controllers"],
    "additionalProperties": False,
    "properties": {
        "controllers": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "propertyNames": {"pattern": "^[0-9]{1,3}$"},
        }
    },
}
KIND = Kind("midi map", VERSION, SCHEMA)
# What a controller may move: what a preset holds.
MOVABLE = tuple(row.id for row in PATCH_PARAMETERS)


class MidiMapFile:
    """The map in a state folder. One thread; not a real-time one."""

    def __init__(self, folder: str) -> None:
        self._file = SafeFile(os.path.join(folder, FILE_NAME), KIND)

    @property
    def path(self) -> str:
        """Where it is kept."""
        return self._file.path

    def load(self) -> Tuple[Dict[int, str], str]:
        """Return controller -> parameter, and what the player should know of it, '' for nothing; raises nothing."""
        loaded = self._file.load()
        if loaded.payload is None:
            return {}, loaded.sentence
        found: Dict[int, str] = {}
        unknown: List[str] = []
        for key, name in sorted(loaded.payload["controllers"].items()):
            if name in MOVABLE and int(key) < CONTROLLERS and name not in found.values():
                found[int(key)] = name
            else:
                unknown.append("controller %s (%.40s)" % (key, name))
        sentences = [loaded.sentence] if loaded.sentence else []
        if unknown:
            told = "%s: this version cannot use %s" % (self.path, ", ".join(unknown[:3]))
            sentences.append(told)
        return found, "; ".join(sentences)

    def save(self, controllers: Mapping[int, str]) -> str:
        """Keep a map; the sentence of SafeFile.save. OSError where that fails."""
        return self._file.save({"controllers": {str(key): controllers[key] for key in controllers}})
