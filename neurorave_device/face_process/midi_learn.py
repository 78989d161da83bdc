"""Learning: choose a parameter, move a controller, done. A dialog; it changes the map that it is given."""

from typing import Callable, Dict, Optional, Tuple

from neurorave_device.dialog import Choice, Dialog, View
from neurorave_device.face.groups import Entry, Group, alone, groups
from neurorave_device.parameters import PATCH_PARAMETERS, by_id

OFF, PAGE, PARAMETER, MOVE, LEARNT, LEFT = "off", "page", "parameter", "move", "learnt", "left"
_LEAVE = Choice("leave", "Leave")
_GROUPS: Tuple[Group, ...] = groups(PATCH_PARAMETERS)


class MidiLearn(Dialog):
    """One run. `controllers` (controller -> parameter) is what is changed; `changed` says that it has been.

    `parameter` is what the player has chosen already, '' where nothing is chosen yet; `garbage` says how much has come
    that is no MIDI, for whom no controller is heard from; `pitched` whether the model that plays has a pitch.
    """

    def __init__(
        self,
        controllers: Dict[int, str],
        on: bool,
        parameter: str = "",
        garbage: Callable[[], int] = lambda: 0,
        pitched: bool = False,
    ) -> None:
        self._controllers = controllers
        self._garbage = garbage
        self._pitched = pitched
        self._page: Optional[Group] = None
        self._parameter = parameter
        self._step = MOVE if parameter else PAGE
        self._then = self._step
        if not on:
            self._step = OFF
        self._note = ""
        self.changed = False
        self.switch_on = False

    @property
    def step(self) -> str:
        """Which of the steps it is at."""
        return self._step

    def view(self) -> View:
        return View(
            self._step,
            "MIDI learn",
            self._sentence(),
            choices=self._choices(),
            rows=self._rows(),
            ended=self._step == LEFT,
        )

    def choose(self, choice: str) -> None:
        if choice not in [offered.id for offered in self._choices()]:
            return
        if choice == "leave":
            self.leave()
        elif self._step == OFF:
            self.switch_on = True
            self._step = self._then
        elif self._step == PAGE and choice == "forget all":
            self._controllers.clear()
            self.changed = True
        elif self._step == PAGE:
            self._page = next(group for group in _GROUPS if group.key == choice)
            self._step = PARAMETER
        elif (self._step == PARAMETER and choice == "back") or self._step == LEARNT:
            self._step = PAGE
        elif self._step == PARAMETER:
            self._parameter = choice
            self._step = MOVE
        elif choice == "forget":
            self._forget(self._parameter)
            self._note = "Nothing moves %s any more." % self._name()
            self._step = LEARNT
        else:
            self._step = PAGE

    def leave(self) -> None:
        self._step = LEFT

    def moved(self, controller: int) -> bool:
        """Take the controller that the player moves; return whether that was what it was waiting for."""
        if self._step != MOVE:
            return False
        before = self._controllers.get(controller)
        self._forget(self._parameter)
        self._controllers[controller] = self._parameter
        self.changed = True
        self._note = "Controller %d moves %s." % (controller, self._name())
        if before is not None and before != self._parameter:
            self._note += " It does not move %s any more." % by_id(before).name
        self._step = LEARNT
        return True

    def _forget(self, parameter: str) -> None:
        for controller in [key for key, name in self._controllers.items() if name == parameter]:
            del self._controllers[controller]
            self.changed = True

    def _controller(self, parameter: str) -> Optional[int]:
        found = [key for key, name in self._controllers.items() if name == parameter]
        return found[0] if found else None

    def _name(self) -> str:
        return by_id(self._parameter).name

    def _sentence(self) -> str:
        if self._step == MOVE:
            return "Move the controller for %s." % self._name()
        return {
            OFF: "MIDI is off.",
            PAGE: "What shall a controller move?",
            PARAMETER: "What of %s?" % ("" if self._page is None else self._page.title),
            LEARNT: self._note,
            LEFT: "Left.",
        }[self._step]

    def _choices(self) -> Tuple[Choice, ...]:
        if self._step == OFF:
            return (Choice("on", "Switch on"), _LEAVE)
        if self._step == PAGE:
            pages = tuple(Choice(group.key, group.title) for group in _GROUPS)
            forget = (Choice("forget all", "Forget all"),) if self._controllers else ()
            return (_LEAVE,) + pages + forget
        if self._step == PARAMETER and self._page is not None:
            entries = tuple(self._offered(entry) for entry in self._page.entries)
            return (Choice("back", "Back"),) + entries
        if self._step == MOVE:
            known = self._controller(self._parameter) is not None
            forget = (Choice("forget", "Forget"),) if known else ()
            return (_LEAVE, Choice("other", "Another")) + forget
        if self._step == LEARNT:
            return (Choice("more", "One more"), _LEAVE)
        return ()

    def _offered(self, entry: Entry) -> Choice:
        controller = self._controller(entry.parameter.id)
        known = "" if controller is None else " (%d)" % controller
        return Choice(entry.parameter.id, alone(entry, self._pitched) + known)

    def _rows(self) -> Tuple[str, ...]:
        garbage = self._garbage()
        if self._step == MOVE and garbage:
            return ("%d bytes were no MIDI" % garbage,)
        if self._step != PAGE:
            return ()
        return tuple(
            "%d moves %s" % (controller, by_id(name).name)
            for controller, name in sorted(self._controllers.items())
        )
