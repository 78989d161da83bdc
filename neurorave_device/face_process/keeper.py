"""The face's side of the memory: a thread that saves what the player has set, and carries out what presets need.

It looks at the shared memory and not at the face, so that neither waits for the other or for the disk.
"""

import json
import os
import queue
import threading
from typing import Any, Callable, Dict, Mapping

from neurorave_device.clock import Clock
from neurorave_device.config import Config
from neurorave_device.launch.memory import unwritable
from neurorave_device.link.settings import unpack_morph, unpack_values
from neurorave_device.link.shared import SharedMemory
from neurorave_device.link.telemetry import unpack
from neurorave_device.processes.child import describe
from neurorave_device.storage.autosave import AutoSave
from neurorave_device.storage.morph_file import MorphFile
from neurorave_device.storage.patch import Patch, from_payload, load_patch, patch_file, to_payload

LOOK_SECONDS = 0.25
Job = Callable[[], None]


class Keeper:
    """Saves the patch; `step` belongs to one thread, not the face's.

    What the configuration gave for this start only is not saved, until the player has changed it.
    """

    def __init__(
        self,
        folder: str,
        stored: Mapping[str, Any],
        shared: SharedMemory,
        config: Config,
        clock: Clock,
        jobs: "queue.Queue[Job]",
        say: Callable[[str], None],
    ) -> None:
        """`folder` is the state folder, `stored` the payload of the patch that the module began with.

        `jobs` are what touches the disk for others; `say` is told what the player should know.
        """
        self._folder = folder
        self._file = patch_file(folder)
        self._shared = shared
        self._config = config
        self._clock = clock
        self._say = say
        self._given: Dict[str, float] = dict(config.patch)
        self._begun, _ = from_payload(dict(stored))
        # After a restart of the face the disk may be further, or what was set may not have reached it.
        on_disk, _ = load_patch(self._file)
        self._seen = self._begun if on_disk is None else on_disk
        self._morph_file = MorphFile(folder)
        self._morph, _ = self._morph_file.load()
        self._auto = AutoSave()
        self._jobs = jobs
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self._refused = ""

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """End the thread and save what is not saved yet. Blocks for as long as the disk does."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._look()
        self._work()
        if self._auto.unsaved:
            self._save()

    def step(self) -> None:
        """Look once for changes and save where it is time."""
        self._work()
        self._look()
        if self._auto.due(self._clock.now()):
            self._save()

    def _run(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            try:
                self.step()
            except Exception as error:
                # Without this thread nothing would be remembered from here on, and nobody would know.
                self._tell("the memory stumbled: %s" % describe(error))

    def _look(self) -> None:
        present = self._present()
        if present != self._seen:
            self._seen = present
            self._auto.changed(self._clock.now())
        morph = unpack_morph(self._shared.morph.read())
        if morph != self._morph:
            self._morph = morph
            self._auto.changed(self._clock.now())

    def _work(self) -> None:
        while not self._jobs.empty():
            self._jobs.get()()

    def _present(self) -> Patch:
        record = self._shared.parameters.read()
        values = dict(self._begun.values) if record is None else unpack_values(record)
        for key, given in list(self._given.items()):
            if values[key] == given:
                values[key] = self._begun.values[key]
            else:
                # From now on it is the player's.
                del self._given[key]
        folder = unpack(self._shared.telemetry.read()).folder or self._config.bundle
        bundle = os.path.basename(os.path.abspath(folder))
        if folder == self._config.bundle:
            bundle = self._begun.bundle
        panel = self._shared.panel.read()
        jacks = self._begun.jacks if panel is None else json.loads(panel.decode("utf-8"))
        return Patch(values, bundle, jacks)

    def _save(self) -> None:
        try:
            sentence = self._file.save(to_payload(self._seen))
            self._morph_file.save(self._morph)
        except OSError as error:
            self._auto.failed(self._clock.now())
            self._tell(unwritable(self._folder, error))
            return
        self._auto.saved(self._clock.now())
        if self._refused:
            sentence = "%s: can be written again, all is remembered" % self._folder
            self._refused = ""
        if sentence:
            self._say(sentence)

    def _tell(self, sentence: str) -> None:
        """Say what is wrong, once for as long as it is the same."""
        if sentence != self._refused:
            self._refused = sentence
            self._say(sentence)
