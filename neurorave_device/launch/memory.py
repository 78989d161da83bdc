"""The launcher's side of the memory: what the module begins with, and a note of what killed the sound process."""

import json
import os
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from neurorave_device.clock import VirtualClock
from neurorave_device.config import Config, Given
from neurorave_device.engine.description import read_description
from neurorave_device.errors import UserError
from neurorave_device.inputs.virtual import VirtualPanel
from neurorave_device.link.settings import apply_panel, pack_panel, unpack_values
from neurorave_device.link.shared import SharedMemory
from neurorave_device.link.telemetry import unpack
from neurorave_device.parameters import CV_COUNT
from neurorave_device.storage.card import MODELS, home
from neurorave_device.storage.crash import DEATHS, Crash, CrashRecord
from neurorave_device.storage.morph import Morph
from neurorave_device.storage.morph_file import MorphFile
from neurorave_device.storage.patch import (
    Patch,
    default_patch,
    fresh_patch,
    load_patch,
    patch_file,
    to_payload,
)
from neurorave_device.storage.place import Lock, lock, state_folder
from neurorave_device.storage.presets import Presets
from neurorave_device.storage.safe_file import reason

# Where the player finds what was set when the sound process died.
CRASHED_PRESET = "before the crash"


class Beginning(NamedTuple):
    """What the module begins with.

    `config` names the bundle; `values` has all parameters, `jacks` is the record of the virtual panel, None where
    nothing was patched. `stored` is what is remembered without what the configuration gives for this start only.
    `recalled` says that the bundle was remembered. `sentences` are for the player. `morph` is
    the one that played.
    """

    config: Config
    values: Dict[str, float]
    jacks: Optional[bytes]
    stored: Patch
    recalled: bool
    sentences: List[str]
    morph: Optional[Morph] = None


class Memory:
    """Belongs to the launcher's main thread. Nothing that the disk does keeps the module from playing."""

    def __init__(self, given: Given) -> None:
        state, self._sentences = home(given.config.card, given.config.state)
        self.folder = state_folder(state)
        self._given = given
        self._record = CrashRecord(self.folder)
        self._crash = self._record.read()
        self._lock: Optional[Lock] = None

    def begin(self) -> Beginning:
        """Return what to begin with; changes nothing on the disk, raises nothing."""
        config = self._given.config
        morph: Optional[Morph] = None
        if self._barred is None:
            found, sentences = load_patch(patch_file(self.folder))
            patch = default_patch() if found is None else found
            morph, sentence = MorphFile(self.folder).load()
            sentences += sentence
        else:
            patch = fresh_patch(self._barred.patch)
            sentences = [_crash_sentence(self._barred, self._chosen)]
        sentences = self._sentences + sentences
        bundle = config.bundle
        if patch.bundle and not self._chosen:
            bundle, sentence = _recalled_bundle(patch.bundle, config.bundle, config.card)
            sentences += sentence
        record: Optional[bytes] = None
        if patch.jacks is not None and config.panel == "virtual":
            record, sentence = _jacks(patch.jacks)
            sentences += sentence
            jacks = None if record is None else json.loads(record.decode("utf-8"))
            patch = patch._replace(jacks=jacks)
        values = dict(patch.values)
        values.update(config.patch)
        recalled = bundle != config.bundle
        config = config._replace(bundle=bundle)
        return Beginning(config, values, record, patch, recalled, sentences, morph)

    def open(self) -> Tuple[bool, List[str]]:
        """Take the folder and deal with what crashed; say whether to write there, and what the player should know."""
        try:
            self._lock = lock(self.folder)
            if self._lock is None:
                sentence = "%s: another neurorave remembers there, so this one remembers nothing; give it --state DIR"
                return False, [sentence % self.folder]
            if self._barred is not None:
                Presets(self.folder).save(CRASHED_PRESET, self._barred.patch)
                # From here on it is not loaded by itself; only then may the note go.
                MorphFile(self.folder).save(None)
                patch_file(self.folder).save(to_payload(fresh_patch(self._barred.patch)))
                self._record.clear()
        except (OSError, UserError) as error:
            return True, [unwritable(self.folder, error)]
        return True, []

    def died(self, shared: SharedMemory, config: Config, why: str) -> Optional[str]:
        """Note a death of the sound process; a sentence where that is not possible."""
        folder = os.path.abspath(unpack(shared.telemetry.read()).folder or config.bundle)
        parameters, panel = shared.parameters.read(), shared.panel.read()
        values = default_patch().values if parameters is None else unpack_values(parameters)
        jacks = None if panel is None else json.loads(panel.decode("utf-8"))
        patch = Patch(values, os.path.basename(folder), jacks)
        return self._noting(lambda: self._record.died(folder, why, patch))

    def steady(self) -> Optional[str]:
        """Forget deaths, because the sound process has played long enough; a sentence where that is not possible."""
        return self._noting(self._record.clear)

    def keep(self, patch: Patch) -> Optional[str]:
        """Remember a patch while no face runs that would; a sentence where that is not possible."""

        def write() -> None:
            patch_file(self.folder).save(to_payload(patch))

        return self._noting(write)

    def close(self) -> None:
        """Let go of the folder."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    @property
    def _chosen(self) -> bool:
        return "bundle" in self._given.keys

    @property
    def _barred(self) -> Optional[Crash]:
        """What is not loaded by itself."""
        crash = self._crash
        return crash if crash is not None and crash.deaths >= DEATHS else None

    def _noting(self, write: Callable[[], None]) -> Optional[str]:
        if self._lock is None:
            return None
        try:
            write()
        except OSError as error:
            return unwritable(self.folder, error)
        return None


def unwritable(folder: str, error: Exception) -> str:
    """Return the sentence for a folder that cannot be written."""
    why = reason(error) if isinstance(error, OSError) else str(error)
    return "%s: cannot be written (%s), so what is set now is not remembered; playing goes on" % (
        folder,
        why,
    )


def face_settings(memory: Memory, beginning: Beginning, writes: bool) -> Dict[str, Any]:
    """Return what the face process needs to go on from here, fit for JSON."""
    return {
        "folder": memory.folder,
        "writes": writes,
        "stored": to_payload(beginning.stored),
        "sentences": list(beginning.sentences),
    }


def _crash_sentence(crash: Crash, chosen: bool) -> str:
    return (
        "The sound process died twice with %s (%s), so neurorave starts with %s its first settings; "
        "what was set is kept as the preset %r"
        % (
            os.path.basename(crash.bundle),
            crash.reason,
            "" if chosen else "the bundle that ships and",
            CRASHED_PRESET,
        )
    ).replace("  ", " ")


def _recalled_bundle(name: str, shipped: str, card: Optional[str]) -> Tuple[str, List[str]]:
    """Return the folder of the bundle of the last time, or of the one that ships where that has a fault.

    One on the card comes before one of the same name beside the one that ships.
    """
    folder = os.path.join(os.path.dirname(shipped), name)
    if card is not None and os.path.isdir(os.path.join(card, MODELS, name)):
        folder = os.path.join(card, MODELS, name)
    if os.path.abspath(folder) == os.path.abspath(shipped):
        return shipped, []
    try:
        read_description(folder)
    except UserError as error:
        return shipped, ["%s; %s plays instead" % (error, os.path.basename(shipped))]
    return folder, []


def _jacks(jacks: Dict[str, Any]) -> Tuple[Optional[bytes], List[str]]:
    """Return the record of what was patched into the virtual jacks, None and a sentence where they refuse it."""
    panel = VirtualPanel(VirtualClock())
    for jack in range(1, CV_COUNT + 1):
        panel.set_jack(jack, source="manual")
    try:
        apply_panel(json.dumps(jacks).encode("utf-8"), panel)
    except UserError as error:
        return None, ["the jacks as they were left: %s; they are unpatched" % error]
    return pack_panel(panel), []
