"""Gathers what the guest needs into one folder, and packs it as the initramfs that it runs from.

The guest sees nothing else of this machine: the Python of an environment with the module's packages, the tree, the
shared libraries that these need, busybox, and the kernel modules.  All of it is in its memory, so that no disk is in
the way of its time.
"""

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Set

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TREE = Path(__file__).resolve().parents[2]
EXTRAS = ("panel", "board", "screen")

# What the guest's Python is asked about itself; it may be 3.6.
_ASK = """
import json, os, platform, sys, sysconfig
print(json.dumps({
    "python": os.path.realpath(sys.executable), "stdlib": os.path.dirname(os.__file__),
    "site": sysconfig.get_path("platlib"), "python_version": "%d.%d" % sys.version_info[:2],
    "python_full_version": platform.python_version()}))
"""
_UNUSED = re.compile(
    r"(^|/)(tests?|idlelib|lib2to3|tkinter|ensurepip|turtledemo|site-packages|dist-packages|config-[^/]*)(/|$)"
    r"|\.(pyi|h|a|exe|opt-[12]\.pyc)$|^onnxruntime/(transformers|tools|quantization|datasets)(/|$)"
)
_TREE = ("neurorave_device", "tests/__init__.py", "tests/vm", "tests/data/toy_bundle")
_CARD_UNIT = "systemd/media-neurorave.mount"
_FILES = ("/etc/ld.so.cache", "/sbin/ldconfig", "/usr/share/alsa")
# Opened by their names while it runs, so no program says that it needs them.
_LIBRARIES = ("libportaudio.so.2",)


class Guest:
    """The Python whose packages the guest gets, and where they are; `more` are folders with further packages."""

    def __init__(self, python: str, more: Iterable[Path]) -> None:
        told = subprocess.run([python, "-c", _ASK], check=True, stdout=subprocess.PIPE)
        self.about: Dict[str, str] = json.loads(told.stdout.decode())
        self.command = python
        self.python = Path(self.about["python"])
        self.stdlib = Path(self.about["stdlib"])
        self.folders = [self.about["site"]] + [str(folder) for folder in more]

    def distributions(self, wanted: Iterable[str]) -> Iterator[Any]:
        """Yield the installed distributions that requirements ask for, and those that these ask for.

        LookupError where one of `wanted` is missing. What others ask for may be: some are installed without all of
        their requirements.
        """
        environment = {"extra": ""}
        environment.update(
            {key: self.about[key] for key in ("python_version", "python_full_version")}
        )
        installed = {
            canonicalize_name(found.metadata["Name"]): found
            for found in importlib.metadata.distributions(path=self.folders)
        }
        waiting = [(Requirement(line), True) for line in wanted]
        seen: Set[str] = set()
        while waiting:
            requirement, direct = waiting.pop()
            name = canonicalize_name(requirement.name)
            if requirement.marker is not None and not requirement.marker.evaluate(environment):
                continue
            if name in installed and name not in seen:
                seen.add(name)
                yield installed[name]
                waiting += [(Requirement(line), False) for line in installed[name].requires or ()]
            elif direct and name not in seen:
                raise LookupError(
                    "%s is not installed in %s" % (requirement, " or ".join(self.folders))
                )


def build(
    guest: Guest, requirements: List[str], modules: List[Path], root: Path, packed: Path
) -> None:
    """Make `root` anew and pack it to `packed`; `modules` are loaded by the guest in this order."""
    shutil.rmtree(root, ignore_errors=True)
    for name in ("bin", "dev", "proc", "sys", "tmp", "run", "modules", "packages"):
        (root / name).mkdir(parents=True)
    _copy(Path(shutil.which("busybox") or "/bin/busybox"), root / "bin/busybox")
    _copy(TREE / "tests/vm/guest/init", root / "init")
    for number, module in enumerate(modules):
        _copy(module, root / "modules" / ("%02d-%s" % (number, module.name)))
    for distribution in guest.distributions(requirements):
        for file in distribution.files or ():
            if not str(file).startswith("..") and not _UNUSED.search(str(file)):
                _copy(Path(distribution.locate_file(file)), root / "packages" / str(file))
    (root / "card-options").write_text(_card_options(), "ascii")
    for name in _TREE:
        _copy(TREE / name, root / "tree" / name)
    for path in (guest.python, guest.stdlib, *map(Path, _FILES)):
        _copy(path, _below(root, path))
    _copy_libraries(root, guest.python)
    (root / "bin/python").symlink_to(guest.python)
    # What is not compiled here would be compiled by the guest, slowly, each time.
    subprocess.run(
        [guest.command, "-m", "compileall", "-q", str(root / "tree")],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    with open(packed, "wb") as file:
        listed = subprocess.Popen(["find", ".", "-print0"], cwd=root, stdout=subprocess.PIPE)
        packing = ["cpio", "--null", "--create", "--format=newc", "--quiet"]
        subprocess.run(packing, cwd=root, stdin=listed.stdout, stdout=file, check=True)


def _card_options() -> str:
    """Return the options with which a board mounts its card; the guest has no user but root."""
    unit = (TREE / _CARD_UNIT).read_text("utf-8")
    (options,) = re.findall(r"^Options=(.*)$", unit, re.MULTILINE)
    return re.sub(r"\b([ug]id)=\w+", r"\1=0", options)


def _below(root: Path, path: Path) -> Path:
    return root / str(path).lstrip("/")


def _copy(source: Path, target: Path) -> None:
    """Copy a file or a folder with its times, which compiled Python files are compared with."""
    if not source.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(str(source), str(target))
        return

    def unused(folder: str, names: List[str]) -> List[str]:
        relative = Path(folder).relative_to(source)
        return [name for name in names if _UNUSED.search(str(relative / name))]

    shutil.copytree(str(source), str(target), ignore=unused, dirs_exist_ok=True)


def _copy_libraries(root: Path, python: Path) -> None:
    """Copy the shared libraries that anything in `root` needs, to the places where the loader looks for them."""
    cache = subprocess.run(
        ["/sbin/ldconfig", "-p"], check=True, stdout=subprocess.PIPE
    ).stdout.decode()
    programs = [python, *root.rglob("*.so"), *root.rglob("*.so.*")]
    for name in _LIBRARIES:
        found = re.search(r"%s .*=> (\S+)" % re.escape(name), cache)
        if found is None:
            raise LookupError("the library %s is not installed" % name)
        programs.append(Path(found.group(1)))
        _copy(programs[-1], _below(root, programs[-1]))
    # A library that is no program of this machine has nothing to say.
    told = subprocess.run(
        ["ldd", *map(str, programs)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    for path in sorted(
        set(re.findall(r"(?:=> |^\s+)(/\S+) \(0x", told.stdout.decode(), re.MULTILINE))
    ):
        if not path.startswith(str(root)):
            _copy(Path(path), _below(root, Path(path)))


def requirements() -> List[str]:
    """Return what pyproject.toml asks for on a board."""
    told = subprocess.run(
        [sys.executable, str(TREE / ".ci/requirements.py"), *EXTRAS],
        check=True,
        stdout=subprocess.PIPE,
    )
    return told.stdout.decode().splitlines()
