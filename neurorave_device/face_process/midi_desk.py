"""MIDI controllers as the face uses them: they move parameters by a map that is learnt and kept."""

from typing import Callable, Dict, Optional

from neurorave_device.dialog import Dialog
from neurorave_device.face.link import FaceLink
from neurorave_device.face_process.midi_learn import MidiLearn
from neurorave_device.face_process.takeover import TakeOver
from neurorave_device.launch.memory import unwritable
from neurorave_device.link.events import Event
from neurorave_device.parameters import by_id
from neurorave_device.storage.midi_map import MidiMapFile


class MidiDesk:
    """Works on one link and one state folder. The face's thread.

    `do` hands a job to the thread that may write, None: nothing is written; `say` is told what the player should know,
    from any thread.
    """

    def __init__(
        self,
        link: FaceLink,
        folder: str,
        do: Optional[Callable[[Callable[[], None]], None]],
        say: Callable[[str], None],
    ) -> None:
        self._link = link
        self._folder = folder
        self._file = MidiMapFile(folder)
        self._do = do
        self._say = say
        self._take_over = TakeOver()
        self._dialog: Optional[MidiLearn] = None
        self._controllers, sentence = self._file.load()
        if sentence:
            say(sentence)

    @property
    def controllers(self) -> Dict[int, str]:
        """Which controller moves which parameter."""
        return dict(self._controllers)

    def learn(self, parameter: str = "") -> Dialog:
        """Begin to learn, for a parameter that is chosen already or for any; one that was not finished is left."""
        if self._dialog is not None:
            self._dialog.leave()
        on = bool(self._link.get("midi.on"))
        pitched = bool(self._link.info()["pitched"])
        self._dialog = MidiLearn(self._controllers, on, parameter, self._garbage, pitched)
        return self._dialog

    def controller(self, event: Event) -> None:
        """Take a controller that has moved."""
        if self._dialog is not None and self._dialog.moved(event.number):
            self._take_over.forget(event.number)
            return
        name = self._controllers.get(event.number)
        if name is None:
            return
        row = by_id(name)
        present = row.to_unit(self._link.get(name))
        step = 0.0 if row.measured else 1.0 / (row.high - row.low)
        if self._take_over.moved(event.number, event.value, present, step):
            self._link.set(name, row.from_unit(event.value))
            self._take_over.holds(event.number, row.to_unit(self._link.get(name)))

    def follow(self) -> None:
        """Let what is open go on; called with each round of the face."""
        dialog = self._dialog
        if dialog is None:
            return
        if dialog.switch_on:
            dialog.switch_on = False
            self._link.set("midi.on", 1.0)
        if dialog.changed:
            dialog.changed = False
            self._keep(dict(self._controllers))
        if dialog.view().ended:
            self._dialog = None

    def _garbage(self) -> int:
        return self._link.telemetry().midi_garbage

    def _keep(self, controllers: Dict[int, str]) -> None:
        def job() -> None:
            try:
                sentence = self._file.save(controllers)
            except OSError as error:
                sentence = unwritable(self._folder, error)
            if sentence:
                self._say(sentence)

        if self._do is not None:
            self._do(job)
