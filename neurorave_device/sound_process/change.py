"""Another bundle beside the playing one: loaded, checked and warmed on a thread that the sound does not wait for."""

import os
import queue
import threading
from typing import Callable, NamedTuple, Optional

from neurorave_device.engine.voice import Voice
from neurorave_device.errors import UserError
from neurorave_device.processes.child import describe
from neurorave_device.processes.polite import polite
from neurorave_device.processes.realtime import BACKGROUND_PRIORITY, raise_priority


class Outcome(NamedTuple):
    """What became of a request: the ``voice`` of the bundle in ``folder``, or None and the ``fault``."""

    folder: str
    voice: Optional[Voice]
    fault: str


def _nobody(loading: bool) -> None:
    """Be told of a load where nobody minds."""


class BundleChange:
    """Loads the bundles that are asked for, one after the other; of several that wait only the newest.

    ``load`` makes a voice that has been played once; it raises UserError where the bundle cannot be used.
    ``loading`` is told, on the thread that loads, when that begins and ends.
    """

    def __init__(
        self, load: Callable[[str], Voice], loading: Callable[[bool], None] = _nobody
    ) -> None:
        self._load = load
        self._loading = loading
        self._wanted: "queue.Queue[str]" = queue.Queue()
        self._outcomes: "queue.Queue[Outcome]" = queue.Queue()
        threading.Thread(target=self._run, name="bundles", daemon=True).start()

    def request(self, folder: str) -> None:
        """Ask for a bundle. Any thread."""
        self._wanted.put(folder)

    def poll(self) -> Optional[Outcome]:
        """Return what has become of a request since the last call, None where nothing has. Synthesis thread."""
        try:
            return self._outcomes.get_nowait()
        except queue.Empty:
            return None

    def _run(self) -> None:
        # Above all other programs, below all that sounds: whoever holds the interpreter's lock must not lose
        # its core to a program, because the sound would wait for both.
        raise_priority(BACKGROUND_PRIORITY)
        while True:
            folder = self._wanted.get()
            while not self._wanted.empty():
                folder = self._wanted.get()
            self._loading(True)
            with polite():
                outcome = self._outcome(folder)
            self._loading(False)
            self._outcomes.put(outcome)

    def _outcome(self, folder: str) -> Outcome:
        try:
            return Outcome(folder, self._load(folder), "")
        except UserError as error:
            return Outcome(folder, None, str(error))
        except Exception as error:
            name = os.path.basename(os.path.normpath(folder))
            return Outcome(folder, None, "%s cannot be played: %s" % (name, describe(error)))
