"""Checks of TensorRT and what it needs, one thing after the other as far as they are there."""

from typing import List, Sequence

from neurorave_device.doctor.machine import Machine
from neurorave_device.doctor.results import OK, WARN, Result, one_line


def engines(machine: Machine, folders: Sequence[str]) -> List[Result]:
    """Check all of it; ``folders`` hold the bundles that should have plans."""
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
        return results + [Result("pycuda", WARN, text % one_line(error))]
    results.append(Result("pycuda", OK, "there; it captures no CUDA graphs, frames are launched."))
    try:
        results.append(Result("gpu", OK, machine.gpu()))
    except Exception as error:
        return results + [Result("gpu", WARN, "%s; ONNX Runtime plays." % one_line(error))]
    results.append(_plans(machine, folders))
    return results


def _plans(machine: Machine, folders: Sequence[str]) -> Result:
    found = []
    for folder in folders:
        try:
            found += machine.plans(folder)
        except Exception as error:
            return Result("plans", WARN, "%s." % one_line(error))
    for folder, lack in found:
        if lack:
            text = "%s: %s; run `neurorave plan --bundle %s`."
            return Result("plans", WARN, text % (folder, lack, folder))
    return Result("plans", OK, ", ".join(folder for folder, _ in found) or "no bundles, no plans")
