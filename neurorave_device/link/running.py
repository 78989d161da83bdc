"""The module that runs on this machine, seen from another process: what its sound process says of itself.

What both processes share has no name in any folder; whoever may look at the sound process (its own user, or root) finds
it behind its descriptor.
"""

import json
import os
from typing import Any, Dict, Iterator, NamedTuple, Optional, Tuple

from neurorave_device.config import Config
from neurorave_device.link.shared import SharedMemory
from neurorave_device.link.telemetry import Report, unpack

SOUND_MODULE = "neurorave_device.sound_process.sound"
_PROCESSES = "/proc"


class Running(NamedTuple):
    """A module: the process number of its sound process, how it was started, and its newest report."""

    pid: int
    config: Config
    report: Report


def find_running(processes: str = _PROCESSES) -> Optional[Running]:
    """Return the module that runs, None where none does or this user may not look at it."""
    for pid, settings in sound_processes(processes):
        shared = attach(pid, settings["shared"], processes)
        if shared is None:
            continue
        report = unpack(shared.telemetry.read())
        shared.close()
        try:
            return Running(pid, Config(**settings["config"]), report)
        except TypeError:
            # Of another version.
            continue
    return None


def attach(pid: int, descriptor: int, processes: str = _PROCESSES) -> Optional[SharedMemory]:
    """Return what a sound process shares, None where it has gone or this user may not look at it."""
    try:
        opened = os.open(os.path.join(processes, str(pid), "fd", str(descriptor)), os.O_RDWR)
    except OSError:
        return None
    try:
        return SharedMemory(opened)
    except (OSError, ValueError):
        os.close(opened)
        return None


def waits(pid: int, processes: str = _PROCESSES) -> bool:
    """Say whether a process is a spare one: it waits for its settings at its standard input."""
    try:
        return os.readlink(os.path.join(processes, str(pid), "fd", "0")).startswith("pipe:")
    except OSError:
        return False


def sound_processes(processes: str = _PROCESSES) -> Iterator[Tuple[int, Dict[str, Any]]]:
    """Yield process number and settings (those of its start) of each sound process that plays on this machine."""
    for name in sorted(os.listdir(processes)):
        if not name.isdigit():
            continue
        try:
            with open(os.path.join(processes, name, "cmdline"), "rb") as handle:
                arguments = str(handle.read(), "utf-8", "replace").rstrip("\0").split("\0")
        except OSError:
            continue
        if len(arguments) < 2 or arguments[-2] != SOUND_MODULE:
            continue
        try:
            settings = json.loads(arguments[-1])
        except ValueError:
            continue
        if not isinstance(settings, dict) or "shared" not in settings or "config" not in settings:
            continue
        if not waits(int(name), processes):
            yield int(name), settings
