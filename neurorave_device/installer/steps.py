"""What an installation is made of: steps that see whether they are needed, do their work and can take it back."""

import abc
from typing import List, NamedTuple, Optional, Sequence

from neurorave_device.installer.system import Failed, System
from neurorave_device.machine.places import GROUPS, STATE, USER


class Release(NamedTuple):
    """What is installed: the `folder` it is in, its `wheel`, and a folder of `wheels` where there is no network."""

    folder: str
    wheel: str
    version: str
    wheels: Optional[str] = None


class Step(abc.ABC):
    """One step. `title` says what it is for; `do` may be called again and changes nothing that is right already."""

    title = ""

    @abc.abstractmethod
    def needed(self, system: System) -> bool:
        """Say whether anything is to be done."""

    @abc.abstractmethod
    def do(self, system: System) -> None:
        """Do it; Failed where it cannot be done."""

    @abc.abstractmethod
    def undo(self, system: System) -> None:
        """Take back what `do` has done in this run, however far it got."""

    def finish(self, system: System) -> None:  # noqa: B027
        """Let go of what is kept to take the step back; called once all steps are taken."""

    def uninstall(self, system: System) -> None:  # noqa: B027
        """Take it off the system, whichever run has put it there."""


class FilesStep(Step):
    """Puts files in their places; `apply` and `retire` are run after that and before they are removed."""

    def __init__(
        self,
        title: str,
        files: Sequence["File"],
        apply: Sequence[Sequence[str]] = (),
        retire: Sequence[Sequence[str]] = (),
        keep: bool = False,
        lenient: bool = False,
    ) -> None:
        """With ``keep`` a file that is there already stays as it is, also when all else is uninstalled.

        With ``lenient`` what is run may fail, because a new start does the same.
        """
        self.title = title
        self._files = files
        self._apply = apply
        self._retire = retire
        self._keep = keep
        self._lenient = lenient

    def needed(self, system: System) -> bool:
        return bool(self._wrong(system))

    def do(self, system: System) -> None:
        for file in self._wrong(system):
            system.write(file.path, file.data)
        for command in self._apply:
            system.run(command, may_fail=self._lenient)

    def undo(self, system: System) -> None:
        for file in self._files:
            system.restore(file.path)
        for command in self._apply:
            system.run(command, may_fail=True)

    def uninstall(self, system: System) -> None:
        present = [file.path for file in self._files if system.exists(file.path)]
        if self._keep or not present:
            return
        for command in self._retire:
            system.run(command, may_fail=True)
        for path in present:
            system.remove(path)

    def _wrong(self, system: System) -> List["File"]:
        if self._keep:
            return [file for file in self._files if not system.exists(file.path)]
        return [file for file in self._files if system.data(file.path) != file.data]


class File(NamedTuple):
    """A file and what is in it."""

    path: str
    data: bytes


class Packages(Step):
    """Debian packages; those that this run has installed are taken off again where a later step fails."""

    title = "Packages of the system"

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._new: List[str] = []

    def needed(self, system: System) -> bool:
        return bool(self._missing(system))

    def do(self, system: System) -> None:
        self._new = self._missing(system)
        install = ["apt-get", "install", "-y", "--no-install-recommends"] + self._new
        try:
            system.run(install)
        except Failed:
            # The lists may be old.
            system.run(["apt-get", "update"])
            system.run(install)

    def undo(self, system: System) -> None:
        if self._new:
            system.run(["apt-get", "remove", "-y"] + self._new, may_fail=True)

    def _missing(self, system: System) -> List[str]:
        # They stay when the module is uninstalled: by then others may use them.
        query = ["dpkg-query", "-W", "-f=${Package} ${Status}\\n"] + list(self._names)
        # It fails where one is unknown, and tells of the others all the same.
        lines = (system.ask(query, whatever=True) or "").splitlines()
        return [name for name in self._names if name + " install ok installed" not in lines]


class Account(Step):
    """The module's user and the groups that may use the devices."""

    title = "The user %s and its groups" % USER

    def __init__(self) -> None:
        self._made: List[List[str]] = []

    def needed(self, system: System) -> bool:
        return (
            bool(self._groups(system))
            or not _listed(system, "/etc/passwd", USER)
            or bool(self._not_in(system))
        )

    def do(self, system: System) -> None:
        for group in self._groups(system):
            system.run(["groupadd", "--system", group])
            self._made.append(["groupdel", group])
        if not _listed(system, "/etc/passwd", USER):
            system.run(
                ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", STATE]
                + ["--shell", "/usr/sbin/nologin", USER]
            )
            self._made.append(["userdel", USER])
        system.run(["usermod", "--append", "--groups", ",".join(GROUPS), USER])

    def undo(self, system: System) -> None:
        for command in reversed(self._made):
            system.run(command, may_fail=True)

    def uninstall(self, system: System) -> None:
        # The groups stay: other programs may use the same devices.
        if _listed(system, "/etc/passwd", USER):
            system.run(["userdel", USER], may_fail=True)

    def _groups(self, system: System) -> List[str]:
        return [group for group in GROUPS if not _listed(system, "/etc/group", group)]

    def _not_in(self, system: System) -> List[str]:
        members = {
            fields[0]: fields[3].split(",")
            for fields in (line.split(":") for line in system.text("/etc/group").splitlines())
            if len(fields) == 4
        }
        return [group for group in GROUPS if USER not in members.get(group, [])]


def _listed(system: System, path: str, name: str) -> bool:
    return any(line.startswith(name + ":") for line in system.text(path).splitlines())
