"""What the launcher notes when the sound process dies, so that what killed it is not loaded again by itself."""

import os
from typing import Any, Mapping, NamedTuple, Optional

from neurorave_device.storage.patch import SCHEMA, Patch, from_payload, to_payload, with_jack_errors
from neurorave_device.storage.safe_file import Kind, Payload, SafeFile

FILE_NAME = "crash.json"
VERSION = 2
# So many deaths in a row, with the same bundle and no steady playing in between, are no accident.
DEATHS = 2
_LONGEST_REASON = 500
_RECORD: Mapping[str, Any] = {
    "type": "object",
    "required": ["deaths", "bundle", "reason", "patch"],
    "additionalProperties": False,
    "properties": {
        "deaths": {"type": "integer", "minimum": 1},
        "bundle": {"type": "string"},
        "reason": {"type": "string"},
        "patch": SCHEMA,
    },
}


def _with_jack_errors(payload: Payload) -> Payload:
    return dict(payload, patch=with_jack_errors(payload["patch"]))


KIND = Kind("crash", VERSION, _RECORD, {1: _with_jack_errors})


class Crash(NamedTuple):
    """`deaths` in a row of the `bundle` (its folder's path), the last one's `reason` and the `patch` it played."""

    deaths: int
    bundle: str
    reason: str
    patch: Patch


class CrashRecord:
    """The note in a state folder. The launcher alone writes it; raises OSError where the disk refuses."""

    def __init__(self, folder: str) -> None:
        self._file = SafeFile(os.path.join(folder, FILE_NAME), KIND)
        self._noted = self._file.load().payload is not None

    def read(self) -> Optional[Crash]:
        """Return what was noted; None where nothing was, or the note is damaged."""
        found = self._file.load().payload
        if found is None:
            return None
        patch, _ = from_payload(found["patch"])
        return Crash(found["deaths"], found["bundle"], found["reason"], patch)

    def died(self, bundle: str, reason: str, patch: Patch) -> None:
        """Note one death more; with another bundle than the last one's it is the first."""
        last = self.read()
        deaths = 1 if last is None or last.bundle != bundle else last.deaths + 1
        payload = {
            "deaths": deaths,
            "bundle": bundle,
            "reason": reason[:_LONGEST_REASON],
            "patch": to_payload(patch),
        }
        self._noted = True
        self._file.save(payload)

    def clear(self) -> None:
        """Forget all deaths, because it has played steadily or they were dealt with."""
        if self._noted:
            self._file.remove()
            self._noted = False
