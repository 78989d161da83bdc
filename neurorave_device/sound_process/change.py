"""Another bundle beside the playing one: loaded, checked and warmed on a thread that the sound does not wait for."""

import os
import queue
import threading
from typing import Callable, NamedTuple, Optional, Union

from neurorave_device.engine.base import Engine
from neurorave_device.engine.voice import Voice
from neurorave_device.errors import UserError
from neurorave_device.processes.child import describe
from neurorave_device.processes.polite import polite
from neurorave_device.processes.realtime import BACKGROUND_PRIORITY, raise_priority


class Loaded(NamedTuple):
    """A voice, and the engine that runs its graphs."""

    voice: Voice
    engine: Engine


class Outcome(NamedTuple):
    """What became of a request: what was ``loaded`` of the bundle in ``folder``, or None and the ``fault``."""

    folder: str
    loaded: Optional[Loaded]
    fault: str


class BundleChange:
    """Loads the bundles that are asked for, one after the other; of several that wait only the newest.

    ``load`` makes a voice that can play at once; it raises UserError where the bundle cannot be used.
    """

    def __init__(self, load: Callable[[str], Loaded]) -> None:
        self._load = load
        self._wanted: "queue.Queue[Union[str, Engine]]" = queue.Queue()
        self._outcomes: "queue.Queue[Outcome]" = queue.Queue()
        threading.Thread(target=self._run, name="bundles", daemon=True).start()

    def request(self, folder: str) -> None:
        """Ask for a bundle. Any thread."""
        self._wanted.put(folder)

    def discard(self, engine: Engine) -> None:
        """Have an engine closed that plays no more. Any thread."""
        self._wanted.put(engine)

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
            folder = self._newest()
            if folder:
                with polite():
                    self._outcomes.put(self._outcome(folder))

    def _newest(self) -> str:
        """Wait for something to do, close what is to be closed, and return the newest bundle asked for, if any."""
        folder = ""
        while True:
            wanted = self._wanted.get()
            if isinstance(wanted, Engine):
                wanted.close()
            else:
                folder = wanted
            if self._wanted.empty():
                return folder

    def _outcome(self, folder: str) -> Outcome:
        try:
            return Outcome(folder, self._load(folder), "")
        except UserError as error:
            return Outcome(folder, None, str(error))
        except Exception as error:
            name = os.path.basename(os.path.normpath(folder))
            return Outcome(folder, None, "%s cannot be played: %s" % (name, describe(error)))
