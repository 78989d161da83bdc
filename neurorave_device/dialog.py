"""A procedure that the player is led through, one sentence and a few choices at a time; whoever draws it knows no more.

Calibrating and learning a MIDI controller are dialogs. The same one is drawn on the screen, in the browser and in a
terminal.
"""

import abc
from typing import NamedTuple, Tuple


class Choice(NamedTuple):
    """One thing that the player can do now: `id` for the dialog, `label` for the player."""

    id: str
    label: str


class View(NamedTuple):
    """What is to be drawn now.

    step: a word that names the state. title: a few words. sentence: what the player is to do, or what has become of
    it. problem: one sentence on what went wrong with the last try, or ''. progress: 0..1 while something is measured,
    otherwise below 0. choices: in the order to be shown, the one to begin with first. rows: results, a line each.
    ended: whether the dialog is over, so that it need not be drawn again.
    """

    step: str
    title: str
    sentence: str
    problem: str = ""
    progress: float = -1.0
    choices: Tuple[Choice, ...] = ()
    rows: Tuple[str, ...] = ()
    ended: bool = False


class Dialog(abc.ABC):
    """One run of a procedure; one thread, every method returns at once."""

    @abc.abstractmethod
    def view(self) -> View:
        """Return what is to be drawn."""

    @abc.abstractmethod
    def choose(self, choice: str) -> None:
        """Do what the choice with this id says; one that is not offered now does nothing."""

    @abc.abstractmethod
    def leave(self) -> None:
        """End it at once, whatever it is doing; nothing is changed by what was not finished."""
