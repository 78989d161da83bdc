"""What the player is told of the card while the module plays: that it is gone, full, read-only, or well again."""

import threading
from typing import Callable

from neurorave_device.storage.card import CardState, look

LOOK_SECONDS = 5.0


class CardWatch:
    """Looks at the card in a thread of its own, since one that dies answers late; the sound needs none of it."""

    def __init__(
        self, card: str, say: Callable[[str], None], look_at: Callable[[str], CardState] = look
    ) -> None:
        """``say`` is told a sentence without its full stop. What was wrong at the start was said by the launcher."""
        self._card = card
        self._say = say
        self._look = look_at
        self._said = look_at(card).sentence

    def start(self, stop: threading.Event) -> None:
        """Look every five seconds until ``stop`` is set."""
        threading.Thread(target=self._run, args=(stop,), name="card", daemon=True).start()

    def step(self) -> None:
        """Look once, and say what has changed."""
        sentence = self._look(self._card).sentence
        if _kind(sentence) == _kind(self._said):
            return
        self._said = sentence
        self._say(sentence.rstrip(".") or "The card at %s is well again" % self._card)

    def _run(self, stop: threading.Event) -> None:
        while not stop.wait(LOOK_SECONDS):
            self.step()


def _kind(sentence: str) -> str:
    """Return a sentence without its numbers: the same warning with a megabyte less is no news."""
    return "".join(char for char in sentence if not char.isdigit())
