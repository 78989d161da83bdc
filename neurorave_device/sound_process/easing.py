"""Easing: lets the governor's steps happen in the sound process, and remembers what the player chose against them."""

import os
from typing import Callable, List, Optional, Set

from neurorave_device.clock import Clock
from neurorave_device.machine.thermal import Heat
from neurorave_device.sound_process.change import Outcome
from neurorave_device.sound_process.governor import FACE, LIGHTER, METER, Governor
from neurorave_device.sound_process.synthesis import Synthesis


class Easing:
    """Watches load, late frames and heat; all methods belong to the synthesis thread.

    ``heat`` gives the newest reading at once, ``request`` asks for another bundle. ``folder`` and ``lighter`` are
    those of the bundle that plays.
    """

    def __init__(
        self,
        synthesis: Synthesis,
        heat: Callable[[], Optional[Heat]],
        request: Callable[[str], None],
        folder: str,
        lighter: str,
        clock: Clock,
        governor: Governor,
    ) -> None:
        self._synthesis = synthesis
        self._heat = heat
        self._request = request
        self._folder = os.path.abspath(folder)
        self._lighter = lighter
        self._clock = clock
        self._governor = governor
        self._asked = ""
        self._left = ""
        self._reason = ""
        # Bundles whose lighter variant was tried and could not be played, or was not wanted.
        self._kept: Set[str] = set()

    def follow(self) -> str:
        """Take or give back a step where it is time, and return the sentence about it, or ''."""
        before = self._governor.level
        ease = self._governor.follow(
            self._clock.now(),
            self._synthesis.busy,
            self._synthesis.late,
            self._heat(),
            self._offered(),
        )
        if ease.level != before:
            self._synthesis.ease(ease.level)
        if ease.level == LIGHTER and before < LIGHTER:
            self._asked = self._variant()
            self._left = self._folder
            self._reason = ease.sentence
            self._request(self._asked)
        return ease.sentence

    def changed(self, outcome: Outcome) -> str:
        """Take note of what became of a request for a bundle; return a sentence where it was the governor's."""
        folder = os.path.abspath(outcome.folder)
        ours = folder == self._asked
        if ours:
            self._asked = ""
        if outcome.loaded is None:
            if ours:
                self._kept.add(self._folder)
                self._withdraw()
            return ""
        if not ours and folder != self._folder:
            # The player has chosen; who goes back to the heavier one keeps it.
            if folder == self._left:
                self._kept.add(folder)
            self._withdraw()
        self._folder, self._lighter = folder, outcome.loaded.voice.info.lighter
        return self._reason if ours else ""

    def _offered(self) -> List[int]:
        steps = [METER] if self._synthesis.has_meter else []
        steps.append(FACE)
        if self._lighter and self._folder not in self._kept:
            steps.append(LIGHTER)
        return steps

    def _variant(self) -> str:
        return os.path.join(os.path.dirname(self._folder), self._lighter)

    def _withdraw(self) -> None:
        self._governor.withdraw(self._clock.now())
        self._synthesis.ease(self._governor.level)
