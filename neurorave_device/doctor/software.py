"""Checks of the software: Python, its packages, and what ONNX Runtime can run on."""

from typing import List

from neurorave_device.doctor.machine import Machine
from neurorave_device.doctor.results import FAIL, OK, Result, one_line

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


def software(machine: Machine) -> List[Result]:
    """Check all of it; takes a second or two for the imports."""
    results = [_python(machine)]
    results += [_package(machine, name, module) for name, module in NEEDED]
    return results + [_providers(machine)]


def _python(machine: Machine) -> Result:
    version = machine.python()
    text = "%d.%d.%d" % version
    if version[:2] < OLDEST_PYTHON:
        return Result("python", FAIL, text + "; neurorave needs 3.6 or newer.")
    return Result("python", OK, text)


def _package(machine: Machine, name: str, module: str) -> Result:
    try:
        return Result(name, OK, machine.version(module))
    except Exception as error:
        # An import may raise anything: a missing shared library is an OSError.
        reason = one_line(error)
        return Result(name, FAIL, "cannot be imported (%s); run `make setup`." % reason)


def _providers(machine: Machine) -> Result:
    try:
        found = machine.providers()
    except Exception as error:
        return Result("providers", FAIL, "ONNX Runtime says nothing (%s)." % one_line(error))
    if "CPUExecutionProvider" not in found:
        return Result("providers", FAIL, "no CPU provider among %s." % ", ".join(found))
    return Result("providers", OK, ", ".join(found) + "; this version uses the CPU.")
