"""The order of an installation, what it refuses, and that nothing half done is left behind."""

import os
import pkgutil
import shutil
import sys
from typing import List, NamedTuple, Optional, Sequence, Tuple

from neurorave_device.installer.card import Card
from neurorave_device.installer.pins import HeaderPins, SoundRoute, all_zeros
from neurorave_device.installer.program import Current, Environment, Models
from neurorave_device.installer.steps import (
    Account,
    File,
    FilesStep,
    Packages,
    Release,
    Step,
)
from neurorave_device.installer.system import Failed, Refused, System
from neurorave_device.machine.jetpack import RELEASE_FILE, jetpack
from neurorave_device.machine.places import (
    CACHE,
    CARD,
    CONFIG,
    CURRENT,
    LAUNCHER,
    STATE,
    UPDATE_KEY,
)

_PACKAGES = (
    "python3-venv",
    "python3-dev",
    "build-essential",
    "libportaudio2",
    "libsndfile1",
    "alsa-utils",
    "dosfstools",
    "i2c-tools",
)
_UNITS = (
    "neurorave.service",
    "neurorave-plan.service",
    "neurorave-power.service",
    "media-neurorave.mount",
)
# The others are started by these, or by hand.
_ENABLED = ("neurorave.service", "media-neurorave.mount")
_LAUNCHER_FILES = ("launcher.py", "versions.py")
# There where systemd has started the system, and not in the folder of an image that is put together.
_BOOTED = "/run/systemd/system"
_RULES = "99-neurorave.rules"
_MODULES = "/etc/modules-load.d/neurorave.conf"
# The environment with onnxruntime and numpy has 300 MB, and is made beside the one that it replaces.
_NEEDED_BYTES = 1 << 30
_CONFIG = """\
# The module on this board. Keys: docs/running.md. The installer writes this file once and never again.
panel: jetson
audio: soundcard
card: {card}
""".format(card=CARD)


class Options(NamedTuple):
    """What was asked for; `any_system` goes on where there is no JetPack."""

    release: Release
    card: Optional[str] = None
    any_system: bool = False
    pins: bool = True


def install(system: System, options: Options, python: Optional[Tuple[int, int]] = None) -> None:
    """Take all steps that are needed. Refused before anything is changed; Failed after what was done is undone."""
    python = python or (sys.version_info[0], sys.version_info[1])
    release = _check(system, options, python)
    environment = Environment(options.release, python)
    pins = HeaderPins(release) if release and options.pins else None
    done: List[Step] = []
    for step in _steps(system, options, environment, release, pins):
        try:
            if not step.needed(system):
                system.say("%s: nothing to do." % step.title)
                continue
            system.say("%s:" % step.title)
            done.append(step)
            step.do(system)
        except (Failed, OSError, KeyboardInterrupt) as error:
            _take_back(system, done)
            what = "interrupted" if isinstance(error, KeyboardInterrupt) else str(error)
            raise Failed("%s: %s; what was done is undone" % (step.title, what)) from error
    for step in done:
        step.finish(system)
    if pins is not None and pins.did:
        system.say(
            "The pins change with a new start: sudo reboot. After it the module plays by itself."
        )
        return
    if not system.exists(_BOOTED):
        system.say("Done. No systemd runs here: the module plays by itself once one does.")
        return
    system.run(["systemctl", "restart", "neurorave.service"])
    if all_zeros(system, system.path(CURRENT + "/bin/python")):
        system.say(
            "The converter reads zeros on all channels: its pins have no function (JetPack 4.6.3), or it has no "
            "supply; docs/install.md says what to do."
        )
    system.say(
        "Done. What is well and what is not: %s/bin/neurorave doctor --config %s"
        % (CURRENT, CONFIG)
    )


def uninstall(system: System, options: Options, purge: bool) -> None:
    """Take everything off that an installation puts on; settings only where they are to be purged."""
    release = jetpack(system.text(RELEASE_FILE)).release or (0,)
    environment = Environment(options.release, (3, 6))
    steps = _steps(system, options._replace(card=None), environment, release, HeaderPins(release))
    for step in reversed(list(steps)):
        step.uninstall(system)
    system.run(["systemctl", "daemon-reload"], may_fail=True)
    if purge:
        for path in (STATE, CACHE, os.path.dirname(CONFIG)):
            system.remove(path)
    kept = "" if purge else "; settings stay in %s and %s" % (STATE, os.path.dirname(CONFIG))
    system.say(
        "Uninstalled%s. Packages of the system, groups and the card stay as they are." % kept
    )


def _check(system: System, options: Options, python: Tuple[int, int]) -> Tuple[int, ...]:
    """Return the release of L4T, () where there is none; Refused with one sentence where it cannot be."""
    if os.geteuid() != 0 and system.root == "/" and not system.rehearsal:
        raise Refused("only root may install: sudo ./install")
    found = jetpack(system.text(RELEASE_FILE))
    if found.fault and not (options.any_system and not found.release):
        hint = (
            ""
            if found.release
            else "; --any-system installs all the same, without TensorRT and pins"
        )
        raise Refused(found.fault + hint)
    if found.release and found.release[0] == 32 and python != (3, 6):
        raise Refused(
            "python3 is %d.%d, but TensorRT of JetPack 4.6 is for 3.6 only: let python3 be the system's own"
            % python
        )
    if not options.release.wheel:
        raise Refused(
            "%s: the wheel neurorave-*.whl is missing from this folder" % options.release.folder
        )
    free = shutil.disk_usage(system.root).free
    if free < _NEEDED_BYTES:
        raise Refused("%d MB are free, %d are needed" % (free // 1000000, _NEEDED_BYTES // 1000000))
    if options.card is not None:
        Card(options.card).check(system)
    return found.release


def _steps(
    system: System,
    options: Options,
    environment: Environment,
    release: Tuple[int, ...],
    pins: Optional[HeaderPins],
) -> Sequence[Step]:
    units = [File("/etc/systemd/system/" + name, _shipped(options, name)) for name in _UNITS]
    modules = ["spidev", "i2c-dev"]
    reload = [["systemctl", "daemon-reload"]] if system.exists(_BOOTED) else []
    steps: List[Step] = [
        Packages(_PACKAGES),
        Account(),
        environment,
        Models(options.release),
        Current(environment),
        FilesStep("The launcher, which chooses the version", _launcher()),
        FilesStep("The configuration", [File(CONFIG, _CONFIG.encode("utf-8"))], keep=True),
        FilesStep("The key that updates are signed with", _key(options)),
        FilesStep(
            "Who may use the devices",
            [File("/etc/udev/rules.d/" + _RULES, _shipped(options, _RULES))],
            [["udevadm", "control", "--reload"], ["udevadm", "trigger"]],
            lenient=True,
        ),
        FilesStep(
            "The kernel's modules",
            [File(_MODULES, "".join(name + "\n" for name in modules).encode("ascii"))],
            [["modprobe", name] for name in modules],
            lenient=True,
        ),
    ]
    if pins is not None:
        steps += [pins, SoundRoute(release)]
    if options.card is not None:
        steps.append(Card(options.card))
    steps.append(
        FilesStep(
            "The services",
            units,
            reload + [["systemctl", "enable"] + list(_ENABLED)],
            [
                ["systemctl", "disable", "--now"] + list(_ENABLED),
                ["systemctl", "stop", "neurorave-power.service"],
            ],
        )
    )
    return steps


def _launcher() -> List[File]:
    files = []
    for name in _LAUNCHER_FILES:
        # Out of the wheel, which is a zip file.
        data = pkgutil.get_data("neurorave_device.update", name)
        assert data is not None
        files.append(File("%s/%s" % (LAUNCHER, name), data))
    return files


def _key(options: Options) -> List[File]:
    """Return the key where the release has one; without it every update is refused."""
    path = os.path.join(options.release.folder, os.path.basename(UPDATE_KEY))
    if not os.path.isfile(path):
        return []
    with open(path, "rb") as handle:
        return [File(UPDATE_KEY, handle.read())]


def _shipped(options: Options, name: str) -> bytes:
    path = os.path.join(options.release.folder, "systemd", name)
    try:
        with open(path, "rb") as handle:
            return handle.read()
    except OSError as error:
        raise Refused("%s: missing from the release (%s)" % (path, error.strerror)) from None


def _take_back(system: System, done: Sequence[Step]) -> None:
    for step in reversed(done):
        system.say("Undo: %s" % step.title)
        try:
            step.undo(system)
        except (Failed, OSError) as error:
            system.say("    could not be undone: %s" % error)
