"""The support bundle: one zip file with what somebody needs to know who is to find a fault from afar.

It holds what the module says of itself and what it remembers, no sound and no model.
"""

import io
import json
import os
import platform
import sys
import time
import zipfile
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from neurorave_device import __version__
from neurorave_device.config import Config
from neurorave_device.doctor import Machine, Result, as_json, as_text, examine
from neurorave_device.doctor.results import one_line
from neurorave_device.errors import UserError
from neurorave_device.link.telemetry import Report
from neurorave_device.machine.jetpack import MODEL_FILE, RELEASE_FILE
from neurorave_device.storage.card import LOGS, folder, look, settings_folder
from neurorave_device.storage.place import state_folder
from neurorave_device.storage.safe_file import reason

SUFFIX = ".zip"
# Of each file the end, which is where the fault is.
LARGEST_PART = 1 << 20
_UNIT = "neurorave.service"
_JOURNAL = [
    "journalctl",
    "--unit",
    _UNIT,
    "--lines",
    "1000",
    "--no-pager",
    "--output",
    "short-precise",
]
_STATUS = ["systemctl", "status", _UNIT, "--no-pager", "--lines", "0", "--full"]
_SYSTEM_FILES = (
    RELEASE_FILE,
    MODEL_FILE,
    "/etc/os-release",
    "/proc/version",
    "/proc/cmdline",
    "/proc/meminfo",
    "/proc/loadavg",
    "/proc/mounts",
    "/boot/extlinux/extlinux.conf",
)
_PACKAGES = (
    "numpy onnxruntime PIL aiohttp yaml jsonschema omegaconf soundfile sounddevice soxr spidev smbus2 luma.oled "
    "Jetson.GPIO tensorrt pycuda"
).split()
# These touch the hardware when they are imported, so they are told of only where they are loaded already.
_TOUCHING = ("Jetson.GPIO", "pycuda", "tensorrt")
# A zip file knows no earlier year, and a board without a clock is in 1970.
_FIRST_TIME = (1980, 1, 1, 0, 0, 0)
# Of a state folder what is a document of ours; presets may be many, and their names private.
_STATE_NAMES = ("patch.json", "crash.json", "calibration")


def write_support_bundle(
    path: str,
    config: Config,
    report: Optional[Report] = None,
    state: Optional[str] = None,
    results: Optional[Sequence[Result]] = None,
    machine: Optional[Machine] = None,
) -> List[str]:
    """Write the zip file and return the names of what is in it.

    ``report`` is the newest telemetry, None where nothing plays; ``state`` the folder of what is remembered (None: as
    ``config`` says); ``results`` what the doctor found (None: it is asked). Takes seconds, and must not run in a
    real-time thread. UserError where the file cannot be written; nothing else raises, what cannot be read is left out.
    """
    machine = machine or Machine()
    parts = _parts(
        config,
        report,
        state_folder(settings_folder(config.card, state or config.state)),
        results,
        machine,
    )
    temporary = path + ".new"
    try:
        with open(temporary, "wb") as handle:
            handle.write(_packed(parts))
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    except OSError as error:
        _forget(temporary)
        raise UserError(
            "%s: the support bundle cannot be written (%s)" % (path, reason(error))
        ) from error
    return [name for name, _ in parts]


def _packed(parts: Sequence[Tuple[str, str]]) -> bytes:
    """Return the zip file; it is written in one go, since not every card lets one go back in a file."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in parts:
            entry = zipfile.ZipInfo(name, max(_FIRST_TIME, time.localtime()[:6]))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            bundle.writestr(entry, text.encode("utf-8", "replace")[-LARGEST_PART:])
    return made.getvalue()


def _parts(
    config: Config,
    report: Optional[Report],
    state: str,
    results: Optional[Sequence[Result]],
    machine: Machine,
) -> List[Tuple[str, str]]:
    """Return name and text of all that is in the bundle."""
    found = examine(machine, config) if results is None else results
    parts = [
        ("doctor.txt", as_text(found) + "\n"),
        ("doctor.json", _json(as_json(found))),
        ("config.json", _json(config._asdict())),
        ("versions.json", _json(_versions(machine))),
    ]
    if report is not None:
        parts.append(("telemetry.json", _json(report._asdict())))
    if config.card is not None:
        parts.append(("card.json", _json(look(config.card)._asdict())))
        parts += _folder("logs", folder(config.card, LOGS), machine)
    parts += _folder("state", state, machine, _STATE_NAMES)
    for path in _SYSTEM_FILES:
        parts.append(("system" + path, machine.text(path)))
    parts.append(("journal.txt", machine.run(_JOURNAL)))
    parts.append(("service.txt", machine.run(_STATUS)))
    return [(name, text) for name, text in parts if text]


def _folder(
    name: str, path: str, machine: Machine, beginnings: Sequence[str] = ("",)
) -> List[Tuple[str, str]]:
    """Return the files in a folder whose names begin so."""
    try:
        files = sorted(os.listdir(path))
    except OSError:
        return []
    wanted = [base for base in files if any(base.startswith(start) for start in beginnings)]
    return [("%s/%s" % (name, base), machine.tail(os.path.join(path, base))) for base in wanted]


def _versions(machine: Machine) -> Dict[str, Any]:
    packages = {}
    for package in _PACKAGES:
        if package in _TOUCHING and package not in sys.modules:
            continue
        try:
            packages[package] = machine.version(package)
        except Exception as error:
            packages[package] = "cannot be imported (%s)" % one_line(error)
    return {
        "neurorave": __version__,
        "python": sys.version,
        "platform": platform.platform(),
        "machine": platform.machine(),
        "packages": packages,
        "time": time.strftime("%Y-%m-%d %H:%M:%S"),
        "up_seconds": machine.text("/proc/uptime").partition(" ")[0],
    }


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1, sort_keys=True, default=list) + "\n"


def _forget(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass
