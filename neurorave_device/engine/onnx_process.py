"""The process that optimises graphs for `onnx_store.py`, so that the one that plays need not."""

import os
from typing import Any, Dict, List

from neurorave_device.errors import UserError
from neurorave_device.processes.background import end_with_parent, step_back
from neurorave_device.processes.child import DONE, StatusPipe, run_child


def work(settings: Dict[str, Any], status: StatusPipe) -> None:
    """Be the process."""
    step_back()
    end_with_parent(settings["supervisor"])
    # What is large is loaded only now that this process holds nobody up.
    from neurorave_device.engine.onnx_store import drop_oldest
    from neurorave_device.engine.sealed import tidy
    from neurorave_device.engine.tensorrt.cache import BuildLock

    folder = settings["folder"]
    try:
        lock = BuildLock(folder)
        try:
            lock.take()
            tidy(folder)
            for path in settings["paths"]:
                make_graph(path, folder)
            drop_oldest(folder)
        finally:
            lock.close()
    except OSError as error:
        raise UserError("%s: cannot be written (%s)" % (folder, error.strerror or error)) from None
    status.send(DONE)


def make_graph(path: str, folder: str) -> str:
    """Optimise one ONNX file into ``folder`` and return the new path; UserError where it is no graph, OSError."""
    from neurorave_device.engine.digest import sha256_hex
    from neurorave_device.engine.onnx_engine import make_session
    from neurorave_device.engine.onnx_store import graph_key, write_graph
    from neurorave_device.engine.sealed import UNFINISHED, remove

    with open(path, "rb") as handle:
        onnx = handle.read()
    plain = os.path.join(folder, UNFINISHED + str(os.getpid()))
    try:
        make_session(path, 1, onnx, optimised_path=plain)
        with open(plain, "rb") as handle:
            payload = handle.read()
    finally:
        remove(plain)
    return write_graph(folder, graph_key(sha256_hex(onnx)), payload, os.path.basename(path))


def main(arguments: List[str]) -> int:
    """Run as a child process."""
    return run_child(arguments, work)
