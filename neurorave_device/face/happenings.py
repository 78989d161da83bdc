"""What gates and MIDI ask of the shelves: the next preset, the next model, the preset of a program's number."""

from typing import Callable, List, Optional

from neurorave_device.errors import UserError
from neurorave_device.link.events import CONTROLLER, NEXT_MODEL, NEXT_PRESET, PROGRAM, Event

from .link import FaceLink
from .memory import Memory

# A model that was asked for and does not play by then is not going to.
_LOADING_SECONDS = 20.0


class Happenings:
    """Acts on the events of the sound process; the face's thread."""

    def __init__(
        self,
        link: FaceLink,
        say: Callable[[str, float], None],
        memory: Optional[Memory] = None,
        controller: Optional[Callable[[Event], None]] = None,
    ) -> None:
        """``controller`` gets the events of MIDI controllers."""
        self._link = link
        self._say = say
        self._memory = memory
        self._controller = controller
        self._asked = ""
        self._asked_at = float("-inf")

    def follow(self, now: float) -> None:
        """Act on what is new; what cannot be done is said."""
        for event in self._link.take_events():
            try:
                self._act(event, now)
            except UserError as error:
                self._say(str(error), now)

    def _act(self, event: Event, now: float) -> None:
        if event.kind == NEXT_PRESET:
            self._next_preset()
        elif event.kind == NEXT_MODEL:
            self._next_model(now)
        elif event.kind == PROGRAM:
            self._program(event.number)
        elif event.kind == CONTROLLER and self._controller is not None:
            self._controller(event)

    def _shelf(self) -> List[str]:
        return [] if self._memory is None else self._memory.presets()

    def _next_preset(self) -> None:
        """Load the one after the last one in the shelf's order, and the first one after the last."""
        names = self._shelf()
        if not names or self._memory is None:
            raise UserError("there is no preset to go on to")
        last = self._memory.present()
        place = names.index(last) + 1 if last in names else 0
        self._memory.load_preset(names[place % len(names)])

    def _program(self, number: int) -> None:
        names = self._shelf()
        if number >= len(names) or self._memory is None:
            told = "program %d loads no preset, there are %d"
            raise UserError(told % (number + 1, len(names)))
        self._memory.load_preset(names[number])

    def _next_model(self, now: float) -> None:
        """Play the next one that can be played; one that is being loaded counts as playing."""
        rows = [row for row in self._link.bundles() if not row["fault"]]
        names = [str(row["name"]) for row in rows]
        playing = [str(row["name"]) for row in rows if row["playing"]]
        loading = self._asked in names and now - self._asked_at < _LOADING_SECONDS
        last = self._asked if loading else playing[0] if playing else ""
        if not names or names == [last]:
            raise UserError("there is no other model to go on to")
        self._asked = names[(names.index(last) + 1 if last in names else 0) % len(names)]
        self._asked_at = now
        self._link.play_bundle(self._asked)
