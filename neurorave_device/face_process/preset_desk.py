"""The presets as the face uses them: what it asks for is checked at once and written by the keeper's thread.

That thread also looks at their folder now and then: files come and go there while the module plays, on the card.
"""

import os
from typing import Callable, Dict, List, Optional, Tuple

from neurorave_device.clock import Clock
from neurorave_device.errors import UserError
from neurorave_device.face.catch_up import CatchUp
from neurorave_device.face.link import FaceLink
from neurorave_device.face.memory import Memory
from neurorave_device.parameters import PARAMETERS
from neurorave_device.storage.patch import Patch
from neurorave_device.storage.presets import Presets, clean_name, fit

# What has come is read once it has stayed as it is from one look to the next: it is known within five seconds.
LOOK_SECONDS = 2.0


class PresetDesk(Memory):
    """Works on one link and one state folder. The face's thread; `do` hands a job to the thread that may write.

    What is under the hand when a preset is loaded is left to `catch_up`. `warn` is told of each damaged file, from the
    thread that finds it, for whoever does not look at the face.
    """

    def __init__(
        self,
        link: FaceLink,
        folder: str,
        do: Callable[[Callable[[], None]], None],
        clock: Clock,
        catch_up: CatchUp,
        warn: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self._link = link
        self._clock = clock
        self._catch_up = catch_up
        self._warn = warn
        self._presets = Presets(folder)
        self._do = do
        self._said: Tuple[int, str] = (0, "")
        self._present = ""
        self._names: Tuple[str, ...] = ()
        self._faults: Tuple[str, ...] = ()
        self._looked_at = clock.now()
        self._looking = False
        self._seen = self._read = self._presets.stamp()
        faults = self._read_shelf()
        if faults:
            self.say("; ".join(faults))

    def say(self, sentence: str) -> None:
        """Let the face show a sentence. Any thread: one assignment, the newest wins."""
        self._said = (self._said[0] + 1, sentence.rstrip(".") + ".")

    def follow(self, now: float) -> None:
        """Have the folder looked at every two seconds; called with each round of the face."""
        # A card that dies answers late: one look at a time.
        if now - self._looked_at >= LOOK_SECONDS and not self._looking:
            self._looked_at, self._looking = now, True
            self._do(self._look)

    def presets(self) -> List[str]:
        return list(self._names)

    def present(self) -> str:
        return self._present

    def save_preset(self, name: str) -> None:
        name = clean_name(name)
        values = {row.id: self._link.get(row.id) for row in PARAMETERS}
        # Cables are no part of a preset: they stay where they are when it is loaded.
        patch = Patch(values, self._playing())

        def write() -> None:
            aside = self._presets.save(name, patch)
            self._present = name
            self._done("Preset %r is saved%s" % (name, "; " + aside if aside else ""))

        self._later(write)

    def load_preset(self, name: str) -> None:
        name = clean_name(name)
        patch, sentence = self._presets.load(name)
        told = ["Preset %r is loaded" % name] + ([sentence] if sentence else [])
        values = dict(patch.values)
        if patch.bundle and patch.bundle != self._playing():
            fault = self._change_bundle(patch.bundle)
            if fault is not None:
                values, lacking = fit(values, self._descriptors())
                told.append("%s, so what fits %s is set" % (fault, self._playing()))
                if lacking:
                    told.append("that has no %s" % ", ".join(lacking))
        # What is loaded is what plays, whatever was played between.
        self._link.clear_morph()
        self._set(values)
        self._present = name
        self.say("; ".join(told))

    def morph_presets(self, first: str, second: str) -> None:
        names = clean_name(first), clean_name(second)
        ends = [self._presets.load(name)[0].values for name in names]
        self._link.set_morph(ends[0], ends[1], names)
        self.say("Morph from %r to %r" % names)

    def rename_preset(self, name: str, new: str) -> None:
        name, new = clean_name(name), clean_name(new)

        def write() -> None:
            self._presets.rename(name, new)
            self._present = new if self._present == name else self._present
            self._done("Preset %r is now %r" % (name, new))

        self._later(write)

    def delete_preset(self, name: str) -> None:
        name = clean_name(name)

        def write() -> None:
            self._presets.delete(name)
            self._done("Preset %r is deleted" % name)

        self._later(write)

    def said(self) -> Tuple[int, str]:
        return self._said

    def _later(self, write: Callable[[], None]) -> None:
        def job() -> None:
            try:
                write()
            except UserError as error:
                self.say(str(error))

        self._do(job)

    def _done(self, sentence: str) -> None:
        self._seen = self._read = self._presets.stamp()
        self.say("; ".join([sentence] + self._read_shelf()))

    def _look(self) -> None:
        """Read what has changed and is not being copied any more; say what of it is damaged."""
        try:
            before, self._seen = self._seen, self._presets.stamp()
            if self._seen == before and self._seen != self._read:
                self._read = self._seen
                faults = self._read_shelf()
                if faults:
                    self.say("; ".join(faults))
        finally:
            self._looking = False

    def _read_shelf(self) -> List[str]:
        """Take over what there is, and return what was not wrong with it the last time."""
        shelf = self._presets.shelf()
        known, self._faults = self._faults, shelf.faults
        self._names = shelf.names
        new = [fault for fault in shelf.faults if fault not in known]
        for fault in new:
            self._warn(fault)
        return new

    def _playing(self) -> str:
        """Return the folder's name of the bundle that plays."""
        names = [str(row["name"]) for row in self._link.bundles() if row["playing"]]
        return names[0] if names else ""

    def _descriptors(self) -> List[str]:
        return [str(row["name"]) for row in self._link.info()["descriptors"]]

    def _change_bundle(self, name: str) -> Optional[str]:
        """Let the preset's bundle play; return why it cannot."""
        try:
            self._link.play_bundle(name)
        except UserError:
            return "its bundle %s is not here or has a fault" % os.path.basename(name)
        return None

    def _set(self, values: Dict[str, float]) -> None:
        for key, value in self._catch_up.loaded(values, self._clock.now()).items():
            self._link.set(key, value)
