"""The steps for the board's header: SPI for the converter, I2S for the sound, and a way back."""

import glob
import os
from typing import Sequence, Tuple

from neurorave_device.installer.steps import Step
from neurorave_device.installer.system import Failed, System

_TOOL = "/opt/nvidia/jetson-io/config-by-function.py"
BOOT = "/boot/extlinux/extlinux.conf"
# What the boot configuration was before us; kept until the module is uninstalled.
BOOT_BEFORE = "/boot/extlinux/extlinux.conf.before-neurorave"
# Of JetPack 4.6 and of JetPack 6: NVIDIA changed how its tool is called, and the I2S of the header has another number.
_OLD_FUNCTIONS: Sequence[str] = ("-o", "dtb", "spi1", "i2s4")
_NEW_FUNCTIONS: Sequence[str] = ("-o", "dt", "1=spi1 i2s2")
# The card's name, the control that says what the header's I2S plays, and what it must be.
_OLD_ROUTE = ("tegrasndt210ref", "I2S4 Mux")
_NEW_ROUTE = ("APE", "I2S2 Mux")
_SOURCE = "ADMAIF1"


class HeaderPins(Step):
    """Lets NVIDIA's tool give SPI and I2S to the pins of the header; takes effect with a new start."""

    title = "SPI and I2S on the header"

    def __init__(self, release: Tuple[int, ...]) -> None:
        self._functions = _OLD_FUNCTIONS if release[0] < 36 else _NEW_FUNCTIONS
        self.did = False

    def needed(self, system: System) -> bool:
        if glob.glob(system.path("/dev/spidev*")):
            return False
        # Done before, and not started anew since.
        return not system.exists(BOOT_BEFORE) or system.data(BOOT_BEFORE) == system.data(BOOT)

    def do(self, system: System) -> None:
        if not system.has(_TOOL):
            raise Failed(
                "there is no SPI (/dev/spidev*), and %s, which switches it on, is missing: apt-get install "
                "nvidia-l4t-jetson-io, or switch it on in another way" % _TOOL
            )
        before = system.data(BOOT)
        if before is None:
            raise Failed("%s cannot be read, so there would be no way back" % BOOT)
        if not system.exists(BOOT_BEFORE):
            system.write(BOOT_BEFORE, before)
        self.did = True
        system.run(["python3", system.path(_TOOL)] + list(self._functions))

    def undo(self, system: System) -> None:
        self.uninstall(system)

    def uninstall(self, system: System) -> None:
        before = system.data(BOOT_BEFORE)
        if before is not None:
            system.write(BOOT, before)
            system.remove(BOOT_BEFORE)


class SoundRoute(Step):
    """Lets the header's I2S play what programs send to the board's sound card, and remembers that for each start."""

    title = "The sound's way to the header"

    def __init__(self, release: Tuple[int, ...]) -> None:
        self._card, self._control = _OLD_ROUTE if release[0] < 36 else _NEW_ROUTE
        self._before = ""

    def needed(self, system: System) -> bool:
        return system.exists("/proc/asound/" + self._card) and self._present(system) != _SOURCE

    def do(self, system: System) -> None:
        self._before = self._present(system)
        self._set(system, _SOURCE)

    def undo(self, system: System) -> None:
        if self._before:
            self._set(system, self._before)

    def _set(self, system: System, source: str) -> None:
        system.run(["amixer", "-c", self._card, "cset", "name=" + self._control, source])
        system.run(["alsactl", "store", self._card], may_fail=True)

    def _present(self, system: System) -> str:
        """Return what the control is set to, '' where that cannot be told."""
        said = system.ask(["amixer", "-c", self._card, "cget", "name=" + self._control]) or ""
        items = {}
        for line in said.splitlines():
            word = line.strip()
            if word.startswith("; Item #"):
                number, _, name = word[len("; Item #") :].partition(" ")
                items[number] = name.strip("'")
            elif word.startswith(": values="):
                return items.get(word[len(": values=") :], "")
        return ""


def all_zeros(system: System, python: str) -> bool:
    """Say whether the converter reads zeros on all channels although SPI is there: the pins have no function."""
    if not glob.glob(system.path("/dev/spidev*")) or not os.access(python, os.X_OK):
        return False
    script = (
        "from neurorave_device.machine.board import Board; from neurorave_device.doctor import Machine; "
        "print(sum(Machine().voltages(Board())))"
    )
    said = system.ask([python, "-c", script])
    return said is not None and said.strip() == "0"
