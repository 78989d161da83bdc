"""Packages, versions and a card for the tests of updates; the wheels in them are tiny."""

import os
import stat
import subprocess
import sys
import zipfile
from typing import Dict, List, Optional, Tuple

from neurorave_device.update import launcher, versions
from neurorave_device.update.build import build, make_keys
from neurorave_device.update.package import read_key

# Stands for the module: tells its version, plays so long, and confirms itself as the daemon does.
CLI = """
import os, sys

def main():
    if "--version" in sys.argv:
        print("neurorave {told}")
        return 0
    if sys.argv[1:2] == ["update"]:
        os.execv("{factory}", ["{factory}"] + sys.argv[1:])
    if {dies}:
        return 1
    sys.stdout.write("plays {version}\\n")
    if "confirm" in sys.argv:
        from neurorave_device.update.versions import confirm, read_versions, write_versions
        folder = os.environ["NEURORAVE_VERSIONS"]
        write_versions(folder, confirm(read_versions(folder), "{version}"))
    return 0
"""
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
UPDATE = os.path.join(ROOT, "neurorave_device", "update")


def wheel(
    folder: str, version: str, factory: str, told: Optional[str] = None, dies: bool = False
) -> str:
    """Write a wheel of a stand-in for the module and return its path."""
    path = os.path.join(folder, "neurorave-%s-py3-none-any.whl" % version)
    info = "neurorave-%s.dist-info" % version
    files = {
        "neurorave_device/__init__.py": '__version__ = "%s"\n' % version,
        "neurorave_device/cli.py": CLI.format(
            version=version, told=told or version, dies=dies, factory=factory
        ),
        "neurorave_device/update/__init__.py": "",
        info + "/METADATA": "Metadata-Version: 2.1\nName: neurorave\nVersion: %s\n" % version,
        info
        + "/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with open(os.path.join(UPDATE, "versions.py"), encoding="utf-8") as source:
        files["neurorave_device/update/versions.py"] = source.read()
    record = "".join("%s,,\n" % name for name in [*files, info + "/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in list(files.items()) + [(info + "/RECORD", record)]:
            archive.writestr(name, content)
    return path


class Rig:
    """A module with a factory version, a card, and keys, below one folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.versions = os.path.join(folder, "versions")
        self.settings = os.path.join(folder, "settings")
        self.updates = os.path.join(folder, "updates")
        self.factory = os.path.join(folder, "factory")
        for path in (self.versions, self.settings, self.updates, os.path.join(self.factory, "bin")):
            os.makedirs(path)
        self.secret, self.public = os.path.join(folder, "key"), os.path.join(folder, "key.pub")
        make_keys(self.secret, self.public)
        self.key = read_key(self.public)
        self._program = os.path.join(self.factory, "bin", "neurorave")
        self._factory_program()

    def _factory_program(self) -> None:
        """The version that the installer has put there is this tree; it only plays in words."""
        with open(self._program, "w", encoding="utf-8") as file:
            file.write(
                "#!/bin/sh\n"
                'if [ "$1" = update ]; then shift\n'
                'exec "%s" -c "import sys; sys.path.insert(0, \'%s\'); '
                "from neurorave_device.cli import main; sys.exit(main(['update'] + sys.argv[1:]))\" "
                '"$@" --key "%s"; fi\n'
                "echo plays factory\n" % (sys.executable, ROOT, self.public)
            )
        os.chmod(self._program, stat.S_IRWXU)

    def package(self, version: str, told: Optional[str] = None, dies: bool = False) -> str:
        """Put a signed package on the card and return its path."""
        made = os.path.join(self.folder, "made-" + version)
        os.makedirs(made, exist_ok=True)
        out = os.path.join(self.updates, "neurorave-update-%s.zip" % version)
        wheels = [wheel(made, version, self._program, told, dies)]
        build(version, wheels, ["neurorave==" + version], self.secret, out)
        return out

    def start(self, *arguments: str, updates: bool = True) -> Tuple[str, str]:
        """Start the module as the system does; return what it played and what was said."""
        process = subprocess.Popen(
            self.command(list(arguments), updates),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
            env=self.environment(),
        )
        played, said = process.communicate(timeout=120)
        return "".join(line for line in played.splitlines() if line.startswith("plays")), said

    def command(self, arguments: List[str], updates: bool = True) -> List[str]:
        """Return the command that the system's service runs."""
        command = [sys.executable, launcher.__file__, "--factory", self.factory]
        command += ["--versions", self.versions, "--settings", self.settings]
        command += ["--updates", self.updates] if updates else []
        return command + ["--", *arguments]

    def environment(self) -> Dict[str, str]:
        return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}

    def state(self) -> versions.Versions:
        return versions.read_versions(self.versions)
