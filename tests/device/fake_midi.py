"""MIDI ports for tests: pseudo terminals in a folder that stands for /dev/snd, or bytes put in by hand."""

import os
import tty
from pathlib import Path
from typing import List, Tuple

from neurorave_device.drivers.midi_ports import Heard, MidiPorts


class FakePorts(MidiPorts):
    """Ports that say what a test puts into `coming`."""

    def __init__(self) -> None:
        super().__init__("/nowhere")
        self.coming: List[Heard] = []
        self.opened = False

    @property
    def ports(self) -> Tuple[str, ...]:
        return ("one",)

    def send(self, *data: int, port: str = "one") -> None:
        self.coming.append(Heard(port, bytes(data)))

    def read(self, now: float) -> List[Heard]:
        self.opened = True
        taken, self.coming = self.coming, []
        return taken

    def close(self) -> List[Heard]:
        opened, self.opened = self.opened, False
        return [Heard("one", b"", True)] if opened else []


class Keyboard:
    """A keyboard that is plugged in: whoever reads its port gets what it sends."""

    def __init__(self, folder: Path, name: str = "midiC0D0") -> None:
        self._path = folder / name
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self._path.symlink_to(os.ttyname(self._slave))

    def send(self, *data: int) -> None:
        os.write(self._master, bytes(data))

    def unplug(self) -> None:
        self._path.unlink()
        os.close(self._slave)
        os.close(self._master)
