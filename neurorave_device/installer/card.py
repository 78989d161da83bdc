"""The step that makes a card: one FAT partition with the module's label. It is taken only when it is asked for."""

import os

from neurorave_device.installer.steps import Step
from neurorave_device.installer.system import Refused, System
from neurorave_device.machine.places import LABEL


class Card(Step):
    """Formats a partition. There is no way back, so what is not empty is refused."""

    title = "The card"

    def __init__(self, device: str) -> None:
        self._device = device

    def check(self, system: System) -> None:
        """Refused where the partition is none, is in use or holds something."""
        base = os.path.basename(self._device)
        if not os.path.exists(system.path("/sys/class/block/%s/partition" % base)):
            raise Refused("--card is %s, allowed is a partition such as /dev/sda1" % self._device)
        for line in system.text("/proc/mounts").splitlines():
            if line.split(" ")[0] == self._device:
                text = "--card: %s is in use at %s: unmount it first"
                raise Refused(text % (self._device, line.split(" ")[1]))
        found = self._label(system)
        if found and found != LABEL:
            text = "--card: %s holds a file system already (%s): empty it first with wipefs -a %s"
            raise Refused(text % (self._device, found, self._device))

    def needed(self, system: System) -> bool:
        return self._label(system) != LABEL

    def do(self, system: System) -> None:
        system.run(["mkfs.vfat", "-F", "32", "-n", LABEL, self._device])

    def undo(self, system: System) -> None:
        """Nothing: an empty card does no harm."""

    def _label(self, system: System) -> str:
        """Return the label of the file system on it, else its kind, '' where there is none."""
        for key in ("LABEL", "TYPE"):
            said = system.ask(["blkid", "-p", "-s", key, "-o", "value", self._device])
            if said and said.strip():
                return said.strip()
        return ""
