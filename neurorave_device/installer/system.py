"""The system that is installed on: its files, below a root folder, and its programs.

In a rehearsal nothing is changed.
"""

import os
import shutil
import subprocess
from typing import Callable, Dict, List, Optional, Sequence

# What the network's absence looks like in what apt-get and pip say.
_NO_NETWORK = (
    "Temporary failure resolving",
    "Temporary failure in name resolution",
    "Could not resolve",
    "Network is unreachable",
    "Failed to establish a new connection",
    "No route to host",
)
# Of what a program said, so much is shown where it fails.
_LINES = 5


class Refused(Exception):
    """What cannot be installed here, or not so; the text is one sentence, and nothing was changed."""


class Failed(Exception):
    """A step that went wrong; the text is one sentence."""


class System:
    """Files below ``root`` and the programs on the path; ``say`` prints a line.

    With ``rehearsal`` programs and writes are told of and not done.
    """

    def __init__(
        self, root: str = "/", rehearsal: bool = False, say: Callable[[str], None] = print
    ) -> None:
        self.root = root
        self.rehearsal = rehearsal
        self.say = say
        self._before: Dict[str, Optional[bytes]] = {}

    def path(self, path: str) -> str:
        """Return where a path of the system is."""
        return os.path.join(self.root, path.lstrip("/"))

    def exists(self, path: str) -> bool:
        """Say whether there is anything at a path, be it a link to nothing."""
        return os.path.lexists(self.path(path))

    def names(self, folder: str) -> List[str]:
        """Return what is in a folder, nothing where there is none."""
        try:
            return sorted(os.listdir(self.path(folder)))
        except OSError:
            return []

    def text(self, path: str) -> str:
        """Return a text file, '' where it cannot be read."""
        return str(self.data(path) or b"", "utf-8", "replace")

    def data(self, path: str) -> Optional[bytes]:
        """Return a file, None where it cannot be read."""
        try:
            with open(self.path(path), "rb") as handle:
                return handle.read()
        except OSError:
            return None

    def write(self, path: str, data: bytes, mode: int = 0o644) -> None:
        """Put a file in its place, whole; `restore` brings back what was there."""
        self._tell("write %s" % path)
        if self.rehearsal:
            return
        self._before.setdefault(path, self.data(path))
        place = self.path(path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place + ".new", "wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        os.chmod(place + ".new", mode)
        os.replace(place + ".new", place)

    def restore(self, path: str) -> None:
        """Bring back what was at a path before `write`, or remove what it has put there."""
        if path not in self._before:
            return
        before = self._before.pop(path)
        if before is None:
            self.remove(path)
        else:
            self.write(path, before)
            del self._before[path]

    def folder(self, path: str, mode: int = 0o755) -> None:
        """Make a folder where there is none."""
        if not os.path.isdir(self.path(path)):
            self._tell("make the folder %s" % path)
            if not self.rehearsal:
                os.makedirs(self.path(path), mode)

    def copy_folder(self, source: str, path: str) -> None:
        """Put a copy of a folder (not of the system) in its place, instead of what is there."""
        self._tell("copy %s to %s" % (source, path))
        if self.rehearsal:
            return
        place = self.path(path)
        shutil.rmtree(place + ".new", ignore_errors=True)
        shutil.copytree(source, place + ".new")
        shutil.rmtree(place, ignore_errors=True)
        os.rename(place + ".new", place)

    def rename(self, path: str, new: str) -> None:
        """Give a file or folder another name, in place of what has it; nothing happens where there is none."""
        if not self.exists(path):
            return
        self.remove(new)
        self._tell("rename %s to %s" % (path, new))
        if not self.rehearsal:
            os.rename(self.path(path), self.path(new))

    def link(self, path: str, target: str) -> None:
        """Let a link point to a target, at once: there is no moment without it."""
        self._tell("let %s point to %s" % (path, target))
        if self.rehearsal:
            return
        place = self.path(path)
        if os.path.lexists(place + ".new"):
            os.unlink(place + ".new")
        os.symlink(target, place + ".new")
        os.replace(place + ".new", place)

    def target(self, path: str) -> str:
        """Return what a link points to, '' where there is none."""
        try:
            return os.readlink(self.path(path))
        except OSError:
            return ""

    def remove(self, path: str) -> None:
        """Remove a file, a link, or a folder with all that is in it; nothing happens where there is none."""
        place = self.path(path)
        if not os.path.lexists(place):
            return
        self._tell("remove %s" % path)
        if self.rehearsal:
            return
        if os.path.isdir(place) and not os.path.islink(place):
            shutil.rmtree(place)
        else:
            os.unlink(place)

    def has(self, program: str) -> bool:
        """Say whether there is a program, given by its path or its name."""
        if program.startswith("/"):
            return os.access(self.path(program), os.X_OK)
        return shutil.which(program) is not None

    def ask(self, command: Sequence[str], whatever: bool = False) -> Optional[str]:
        """Return what a program says that changes nothing, None where it fails (unless ``whatever``) or is missing."""
        try:
            done = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError:
            return None
        output, _ = done.communicate()
        return str(output, "utf-8", "replace") if whatever or done.returncode == 0 else None

    def run(self, command: Sequence[str], may_fail: bool = False) -> None:
        """Run a program that changes something; Failed where it does not end well, unless it may."""
        self._tell("run " + " ".join(command))
        if self.rehearsal:
            return
        environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive", LC_ALL="C")
        try:
            done = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment,
            )
        except OSError as error:
            if may_fail:
                return
            raise Failed("%s cannot be run (%s)" % (command[0], error.strerror)) from None
        output, _ = done.communicate()
        if done.returncode != 0 and not may_fail:
            text = str(output, "utf-8", "replace")
            if any(words in text for words in _NO_NETWORK):
                raise Failed(
                    "there is no network, and %s wants to fetch packages: connect the board, or give a folder of "
                    "them with --wheels" % os.path.basename(command[0])
                )
            said = "; ".join(line.strip() for line in text.splitlines()[-_LINES:] if line.strip())
            raise Failed("%s ended with status %d: %s" % (command[0], done.returncode, said))

    def _tell(self, what: str) -> None:
        self.say("    " + ("would " if self.rehearsal else "") + what)
