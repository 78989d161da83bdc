"""Fakes of tensorrt and pycuda that have exactly the names of a version, and compute through ONNX Runtime.

The folders beside this file go onto the search path, here and in child processes. `FAKE_TENSORRT_FAULT` names what
goes wrong: parse, memory, killed, hang (while building); single, half (wrong results of that precision); refuse, run
(using a plan).
"""

import os
import sys
from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
APIS = ("api8", "api10", "api11")


def install(monkeypatch: Any, folder: Any, api: str = "api8", fault: str = "") -> str:
    """Make `import tensorrt` and `import pycuda.driver` find the fakes; plans go to `folder`."""
    paths = [os.path.join(HERE, name) for name in (api, "cuda", "shared")]
    for path in paths:
        monkeypatch.syspath_prepend(path)
    inherited = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths + ([inherited] if inherited else [])))
    uninstall()
    plans = str(folder)
    monkeypatch.setenv("NEURORAVE_PLANS", plans)
    set_fault(monkeypatch, fault)
    return plans


def uninstall() -> None:
    """Forget the fakes that were imported; their folders leave the path with the test."""
    for name in list(sys.modules):
        if name.split(".")[0] in ("tensorrt", "pycuda", "fake_core", "fake_named"):
            del sys.modules[name]


def set_fault(monkeypatch: Any, fault: str) -> None:
    """Choose what goes wrong from now on."""
    monkeypatch.setenv("FAKE_TENSORRT_FAULT", fault)
