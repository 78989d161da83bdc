"""The steps that put the program in its place: an environment for each version, and a link to the one that is used."""

import hashlib
import os
from typing import List, Tuple

from neurorave_device.installer.steps import Release, Step
from neurorave_device.installer.system import Failed, System
from neurorave_device.machine.places import CURRENT, HOME, LAUNCHER, VERSIONS

_STAMP = "complete"
_BEFORE = ".before"
# The last pip for Python 3.6, which knows wheels for several processors; the one that JetPack 4.6 brings does not.
_PIP_36 = "pip==21.3.1"
# Without their requirements: one of them, RPi.GPIO, would be compiled and is for another board. The rest is in [board].
_SCREEN_36 = ("luma.oled==3.8.1", "luma.core==2.3.1")
_SCREEN = ("luma.oled>=3.8", "luma.core>=2.3")
# pycuda fetches a numpy that 3.6 cannot use where none is there before it is compiled.
_NUMPY_36 = "numpy==1.19.4"


class Environment(Step):
    """A virtual environment that sees the system's TensorRT, with the module in it.

    It is complete when its stamp is there, which names the wheel: one that was interrupted is made anew.
    """

    title = "The program and its packages (on a Nano pycuda is compiled: ten minutes)"

    def __init__(self, release: Release, python: Tuple[int, int]) -> None:
        self._release = release
        self._old = python < (3, 7)
        self.folder = "%s/%s" % (VERSIONS, release.version)

    def needed(self, system: System) -> bool:
        return system.data(self.folder + "/" + _STAMP) != self._stamp()

    def do(self, system: System) -> None:
        system.folder(VERSIONS)
        # What plays goes on to do so: its files are open.
        system.rename(self.folder, self.folder + _BEFORE)
        place = system.path(self.folder)
        system.run(["python3", "-m", "venv", "--system-site-packages", place])
        pip = [os.path.join(place, "bin", "python"), "-m", "pip", "install"]
        pip += ["--disable-pip-version-check"] + self._source()
        if self._old:
            system.run(pip + ["--upgrade", _PIP_36, "setuptools<60", "wheel<0.38"])
            system.run(pip + [_NUMPY_36])
        system.run(pip + ["--no-deps"] + list(_SCREEN_36 if self._old else _SCREEN))
        system.run(pip + [self._release.wheel + "[panel,board,midi,update]"])
        system.run([os.path.join(place, "bin", "neurorave"), "--version"])
        system.write(self.folder + "/" + _STAMP, self._stamp())

    def undo(self, system: System) -> None:
        system.remove(self.folder)
        system.rename(self.folder + _BEFORE, self.folder)

    def finish(self, system: System) -> None:
        system.remove(self.folder + _BEFORE)

    def uninstall(self, system: System) -> None:
        system.remove(VERSIONS)
        # It was the first to be put there, so it is the last to go.
        if system.exists(HOME) and not system.names(HOME):
            system.remove(HOME)

    def _stamp(self) -> bytes:
        with open(self._release.wheel, "rb") as handle:
            return hashlib.sha256(handle.read()).hexdigest().encode("ascii")

    def _source(self) -> List[str]:
        if self._release.wheels is None:
            return []
        return ["--no-index", "--find-links", self._release.wheels]


class Models(Step):
    """The bundles that ship, beside the program; those of the player are on the card."""

    title = "The bundles that ship"

    def __init__(self, release: Release) -> None:
        self._source = os.path.join(release.folder, "models")
        self._made: List[str] = []

    def needed(self, system: System) -> bool:
        return bool(self._missing(system))

    def do(self, system: System) -> None:
        system.folder(HOME + "/models")
        for name in self._missing(system):
            self._made.append(name)
            system.copy_folder(os.path.join(self._source, name), "%s/models/%s" % (HOME, name))

    def undo(self, system: System) -> None:
        for name in self._made:
            system.remove("%s/models/%s" % (HOME, name))

    def uninstall(self, system: System) -> None:
        system.remove(HOME + "/models")

    def _missing(self, system: System) -> List[str]:
        """Return the bundles whose description is not the one that ships."""
        missing = []
        try:
            names = sorted(os.listdir(self._source))
        except OSError:
            raise Failed(
                "%s: the bundles that ship are missing from this folder" % self._source
            ) from None
        for name in names:
            description = os.path.join(self._source, name, "bundle.yaml")
            if not os.path.isfile(description):
                continue
            with open(description, "rb") as handle:
                wanted = handle.read()
            if system.data("%s/models/%s/bundle.yaml" % (HOME, name)) != wanted:
                missing.append(name)
        return missing


class Current(Step):
    """The link to the version that is used; the one before stays beside it."""

    title = "The version that is used"

    def __init__(self, environment: Environment) -> None:
        self._target = environment.folder
        self._before = ""

    def needed(self, system: System) -> bool:
        return system.target(CURRENT) != self._target

    def do(self, system: System) -> None:
        self._before = system.target(CURRENT)
        system.link(CURRENT, self._target)

    def undo(self, system: System) -> None:
        if self._before:
            system.link(CURRENT, self._before)
        else:
            system.remove(CURRENT)

    def uninstall(self, system: System) -> None:
        system.remove(CURRENT)
        system.remove(LAUNCHER)
