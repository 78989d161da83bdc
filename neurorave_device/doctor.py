"""`neurorave doctor`: what of the machine the module can use, each with one sentence on what to do.

Every check is a function of a `Machine`, which says what is there; tests make their own.
"""

import glob
import importlib
import os
import resource
import subprocess
import sys
import warnings
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from neurorave_device.audio.cards import Card, playing_cards
from neurorave_device.realtime import (
    CPU_LATENCY,
    INPUTS_PRIORITY,
    OUTPUT_PRIORITY,
    SYNTHESIS_PRIORITY,
)
from neurorave_device.thermal import BELOW_TRIP, Heat, Zones

OK = "ok"
WARN = "warn"
FAIL = "fail"

OLDEST_PYTHON = (3, 6)

# What `neurorave run` cannot do without, with the module that is imported for it.
NEEDED = (
    ("numpy", "numpy"),
    ("onnxruntime", "onnxruntime"),
    ("pyyaml", "yaml"),
    ("jsonschema", "jsonschema"),
    ("omegaconf", "omegaconf"),
    ("soundfile", "soundfile"),
    ("pillow", "PIL"),
    ("aiohttp", "aiohttp"),
)

BOARD_NODES = (
    ("gpio", "/dev/gpiochip*", "gates and encoder are"),
    ("spi", "/dev/spidev*", "the CV inputs are"),
    ("i2c", "/dev/i2c-*", "the screen is"),
)


class Result(NamedTuple):
    """What one check found: `state` is ok, warn or fail, `text` says what there is and what to do."""

    name: str
    state: str
    text: str


class Machine:
    """The machine as the checks see it; raises ImportError and OSError like the real thing."""

    def python(self) -> Tuple[int, int, int]:
        """Return the version of the running Python."""
        return sys.version_info[0], sys.version_info[1], sys.version_info[2]

    def version(self, module: str) -> str:
        """Import a module and return its version; any exception of the import goes through."""
        with warnings.catch_warnings():
            # Some packages warn that a version is better asked for elsewhere, where Python 3.6 has nothing.
            warnings.simplefilter("ignore", DeprecationWarning)
            return str(getattr(importlib.import_module(module), "__version__", "unknown version"))

    def providers(self) -> List[str]:
        """Return what ONNX Runtime can run on."""
        import onnxruntime

        return [str(name) for name in onnxruntime.get_available_providers()]

    def sound_cards(self) -> List[Card]:
        """Return the sound cards that can play; UserError without PortAudio."""
        return playing_cards()

    def try_realtime(self, level: int) -> None:
        """Take a real-time priority and give it back; OSError where that is not permitted.

        A process of its own does it, so that nothing of it stays behind.
        """
        script = "import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(%d))"
        done = subprocess.call(
            [sys.executable, "-S", "-c", script % level],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if done != 0:
            raise PermissionError("real-time priority is not permitted")

    def realtime_limit(self) -> int:
        """Return the largest real-time priority that this user's limits allow; root's are not asked."""
        if os.geteuid() == 0:
            return OUTPUT_PRIORITY
        return resource.getrlimit(resource.RLIMIT_RTPRIO)[0]

    def free_bytes(self, folder: str) -> Optional[int]:
        """Return the free space of a folder's file system, None where there is no such folder."""
        if not os.path.isdir(folder):
            return None
        status = os.statvfs(folder)
        return status.f_bavail * status.f_frsize

    def bundles(self, folder: str) -> List[Tuple[str, str]]:
        """Return (name, fault or '') of the bundles in a folder; OSError where there is none."""
        from neurorave_device.engine.listing import list_bundles
        from neurorave_device.errors import UserError

        try:
            return [(row.name or row.folder, row.fault) for row in list_bundles(folder)]
        except UserError as error:
            raise OSError(str(error)) from None

    def tensorrt_abilities(self) -> str:
        """Say what this TensorRT can do, found by looking; ImportError and others as of the import."""
        from neurorave_device.engine.tensorrt.toolkit import abilities

        return abilities(importlib.import_module("tensorrt"))

    def gpu(self) -> str:
        """Return the GPU and the release of the board's system; OSError where none can be used."""
        from neurorave_device.engine.tensorrt.toolkit import Missing, find_board, find_toolkit

        try:
            board = find_board(find_toolkit())
        except Missing as error:
            raise OSError(str(error)) from None
        text = "%s, compute capability %s, L4T %s"
        return text % (board.gpu, board.capability, board.l4t)

    def plans(self, folder: str) -> List[Tuple[str, str]]:
        """Return (path of the bundle, what its plans lack or '') for the bundles in a folder; OSError as `gpu`."""
        from neurorave_device.engine.listing import list_bundles
        from neurorave_device.engine.tensorrt.engine import TensorRtEngine
        from neurorave_device.engine.tensorrt.planning import lacking
        from neurorave_device.engine.tensorrt.toolkit import Missing
        from neurorave_device.errors import UserError

        try:
            engine = TensorRtEngine()
            rows = [row for row in list_bundles(folder) if not row.fault]
            return [(row.folder, lacking(row.folder, engine)) for row in rows]
        except (Missing, UserError) as error:
            raise OSError(str(error)) from None

    def heat(self) -> Optional[Heat]:
        """Return the thermal zone that is nearest to its limit, None where none can be read."""
        return Zones().read()

    def nodes(self, pattern: str) -> List[str]:
        """Return the device nodes that match a pattern."""
        return sorted(glob.glob(pattern))

    def may_use(self, path: str) -> bool:
        """Say whether this user may read and write a device node."""
        return os.access(path, os.R_OK | os.W_OK)


def examine(machine: Machine, models: str = "models") -> List[Result]:
    """Run every check; takes a second or two for the imports."""
    results = [_python(machine)]
    results += [_package(machine, name, module) for name, module in NEEDED]
    checks: Sequence[Callable[[Machine], Result]] = (
        _providers,
        _sound_cards,
        _realtime,
        _awake,
        _thermal,
        _shared_memory,
    )
    results += [check(machine) for check in checks]
    results.append(_models(machine, models))
    results += [_node(machine, *row) for row in BOARD_NODES]
    results += _tensorrt(machine, models)
    return results


def exit_status(results: Sequence[Result]) -> int:
    """Return 1 where something fails that `neurorave run` needs, otherwise 0."""
    return 1 if any(result.state == FAIL for result in results) else 0


def as_text(results: Sequence[Result]) -> str:
    """Return one line for each result."""
    width = max(len(result.name) for result in results)
    return "\n".join("%-4s  %-*s  %s" % (row.state, width, row.name, row.text) for row in results)


def as_json(results: Sequence[Result]) -> Dict[str, Any]:
    """Return the results as JSON-able values."""
    return {"ok": exit_status(results) == 0, "checks": [dict(row._asdict()) for row in results]}


def _python(machine: Machine) -> Result:
    version = machine.python()
    text = "%d.%d.%d" % version
    if version[:2] < OLDEST_PYTHON:
        return Result("python", FAIL, text + "; neurorave needs 3.6 or newer.")
    return Result("python", OK, text)


def _package(machine: Machine, name: str, module: str) -> Result:
    try:
        return Result(name, OK, machine.version(module))
    except (
        Exception
    ) as error:  # an import may raise anything: a missing shared library is an OSError
        reason = _line(error)
        return Result(name, FAIL, "cannot be imported (%s); run `make setup`." % reason)


def _providers(machine: Machine) -> Result:
    try:
        found = machine.providers()
    except Exception as error:
        return Result("providers", FAIL, "ONNX Runtime says nothing (%s)." % _line(error))
    if "CPUExecutionProvider" not in found:
        return Result("providers", FAIL, "no CPU provider among %s." % ", ".join(found))
    return Result("providers", OK, ", ".join(found) + "; this version uses the CPU.")


def _sound_cards(machine: Machine) -> Result:
    hint = "the browser panel has its own sound"
    try:
        found = machine.sound_cards()
    except Exception as error:
        text = "none to be had (%s): install libportaudio2 for --audio soundcard; %s."
        return Result("soundcard", WARN, text % (_line(error), hint))
    if not found:
        text = "PortAudio finds no output: --audio soundcard will not work; %s." % hint
        return Result("soundcard", WARN, text)
    named = ["%s (%s%d Hz)" % (row.name, "default, " * row.default, row.rate) for row in found]
    return Result("soundcard", OK, ", ".join(named))


def _realtime(machine: Machine) -> Result:
    levels = (
        ("output", OUTPUT_PRIORITY),
        ("inputs", INPUTS_PRIORITY),
        ("synthesis", SYNTHESIS_PRIORITY),
    )
    barred = [row for row in levels if not _permitted(machine, row[1])]
    if not barred:
        named = ", ".join("%s %d" % row for row in levels)
        return Result("realtime", OK, "permitted: %s" % named)
    what = "not permitted"
    if len(barred) < len(levels):
        what += " for %s" % " and ".join("%s (%d)" % row for row in barred)
    if machine.realtime_limit() >= OUTPUT_PRIORITY:
        # The limits are not what forbids it.
        text = (
            "%s although the limits allow it, so a busy machine may cause gaps: the kernel gives this control "
            "group no real time (RT_GROUP_SCHED), or a container forbids it."
        )
    else:
        text = (
            "%s, so a busy machine may cause gaps: add '@audio - rtprio 80' to "
            "/etc/security/limits.d/audio.conf, join the group audio, and log in again."
        )
    return Result("realtime", WARN, text % what)


def _awake(machine: Machine) -> Result:
    if not machine.nodes(CPU_LATENCY):
        text = "this kernel has no %s: the processor may sleep between frames." % CPU_LATENCY
        return Result("awake", OK, text)
    if not machine.may_use(CPU_LATENCY):
        text = (
            "%s may not be used, so waking the processor may cause gaps: put "
            'KERNEL=="cpu_dma_latency", GROUP="audio", MODE="0660" into '
            "/etc/udev/rules.d/99-neurorave.rules, join the group audio, and restart."
        )
        return Result("awake", WARN, text % CPU_LATENCY)
    return Result("awake", OK, "the processor is kept awake while neurorave plays")


def _permitted(machine: Machine, level: int) -> bool:
    try:
        machine.try_realtime(level)
    except Exception:
        return False
    return True


def _shared_memory(machine: Machine) -> Result:
    from neurorave_device.shared import total_bytes

    free = machine.free_bytes("/dev/shm")
    if free is None:
        return Result(
            "shm", WARN, "no /dev/shm: the temporary folder takes its place, which is slower."
        )
    if free < total_bytes():
        text = "%d KiB free in /dev/shm, %d are needed: remove files there."
        return Result("shm", FAIL, text % (free // 1024, total_bytes() // 1024))
    return Result("shm", OK, "%d MiB free in /dev/shm" % (free // 1024 // 1024))


def _thermal(machine: Machine) -> Result:
    heat = machine.heat()
    if heat is None:
        text = "no thermal zone can be read: load and late frames are watched, heat is not."
        return Result("thermal", OK, text)
    where = "its passive trip point less %.0f" % BELOW_TRIP
    limit = "%.0f C, %s" % (heat.limit, where if heat.passive else "since no zone has a trip point")
    if heat.celsius > heat.limit:
        text = "%s has %.0f C, too hot (%s): the module does without something; give it air."
        return Result("thermal", WARN, text % (heat.zone, heat.celsius, limit))
    return Result("thermal", OK, "%s has %.0f C, limit %s" % (heat.zone, heat.celsius, limit))


def _models(machine: Machine, folder: str) -> Result:
    try:
        found = machine.bundles(folder)
    except OSError:
        text = "no folder %s here: give `neurorave run` a bundle with --bundle DIR." % folder
        return Result("models", WARN, text)
    good = [name for name, fault in found if not fault]
    bad = [fault for _, fault in found if fault]
    if bad:
        return Result("models", WARN, bad[0])
    if not good:
        text = "no bundle in %s: give `neurorave run` one with --bundle DIR." % folder
        return Result("models", WARN, text)
    return Result("models", OK, ", ".join(good))


def _node(machine: Machine, name: str, pattern: str, use: str) -> Result:
    found = machine.nodes(pattern)
    if not found:
        text = "no %s, as on any machine but the board: %s virtual." % (pattern, use)
        return Result(name, OK, text)
    barred = [path for path in found if not machine.may_use(path)]
    if barred:
        text = "%s may not be used by this user: join its group (ls -l %s)."
        return Result(name, WARN, text % (barred[0], barred[0]))
    return Result(name, OK, ", ".join(found))


def _tensorrt(machine: Machine, models: str) -> List[Result]:
    """Check TensorRT and what it needs, one thing after the other as far as they are there."""
    try:
        version = machine.version("tensorrt")
        abilities = machine.tensorrt_abilities()
    except Exception:
        return [Result("tensorrt", OK, "not there; ONNX Runtime plays.")]
    results = [Result("tensorrt", OK, "%s, %s" % (version, abilities))]
    try:
        machine.version("pycuda.driver")
    except Exception as error:
        text = (
            "cannot be imported (%s), so ONNX Runtime plays: `.venv/bin/pip install pycuda`, on JetPack 4.6 "
            "after `.venv/bin/pip install 'pip<22'`."
        )
        return results + [Result("pycuda", WARN, text % _line(error))]
    results.append(Result("pycuda", OK, "there; it captures no CUDA graphs, frames are launched."))
    try:
        results.append(Result("gpu", OK, machine.gpu()))
    except Exception as error:
        return results + [Result("gpu", WARN, "%s; ONNX Runtime plays." % _line(error))]
    results.append(_plans(machine, models))
    return results


def _plans(machine: Machine, models: str) -> Result:
    try:
        found = machine.plans(models)
    except Exception as error:
        return Result("plans", WARN, "%s." % _line(error))
    for folder, lack in found:
        if lack:
            text = "%s: %s; run `neurorave plan --bundle %s`."
            return Result("plans", WARN, text % (folder, lack, folder))
    return Result("plans", OK, ", ".join(folder for folder, _ in found) or "no bundles, no plans")


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
