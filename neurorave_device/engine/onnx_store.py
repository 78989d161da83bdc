"""Graphs as ONNX Runtime has optimised them, kept on disk: to load one holds the interpreter for a short time only.

A session that is made beside the sound stops every thread of the process for as long as ONNX Runtime keeps the
interpreter's lock; 1.10 keeps it while it optimises. So that is done in a process of its own, once, and what comes out
of it is kept under the graph's sha256, ONNX Runtime's version and the processor. A file that is damaged or was made for
anything else is made anew.
"""

import hashlib
import os
import platform
import shutil
import tempfile
import time
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence

from neurorave_device.engine.digest import sha256_hex
from neurorave_device.engine.sealed import (
    Damaged,
    names,
    read_header,
    read_payload,
    remove,
    write_sealed,
)
from neurorave_device.engine.tensorrt.cache import plan_folder
from neurorave_device.errors import UserError
from neurorave_device.processes.child import CRASHED, FAILED, REFUSED, Child, Process

MAGIC = b"NRGRAPH1"
MODULE = "neurorave_device.engine.onnx_process"
SUFFIX = ".graph"
# The newest so many graphs are kept, three for each bundle.
KEPT = 24
# A small board optimises the shipped graphs in seconds.
_LONGEST_SECONDS = 120.0
_POLL_SECONDS = 0.02


class GraphKey(NamedTuple):
    """All that must be the same for an optimised graph to be used."""

    onnx_sha256: str
    onnxruntime: str
    cpu: str


def graph_key(onnx_sha256: str) -> GraphKey:
    """Return the key of a graph, given by its file's sha256, in this process and on this machine."""
    import onnxruntime

    return GraphKey(onnx_sha256, str(onnxruntime.__version__), _cpu())


def graph_path(folder: str, key: GraphKey) -> str:
    """Return where the graph with this key is, or would be."""
    digest = hashlib.sha256("\n".join(key).encode("utf-8")).hexdigest()
    return os.path.join(folder, key.onnx_sha256[:16] + "-" + digest[:16] + SUFFIX)


def graph_folder() -> str:
    """Return where optimised graphs are kept: beside the TensorRT plans."""
    return os.path.join(plan_folder(), "graphs")


def read_graph(folder: str, key: GraphKey) -> Optional[bytes]:
    """Return the optimised graph with this key, None where there is none that may be used."""
    try:
        with open(graph_path(folder, key), "rb") as handle:
            header = read_header(handle, MAGIC)
            return read_payload(handle, header) if header["key"] == key._asdict() else None
    except (OSError, Damaged):
        return None


def write_graph(folder: str, key: GraphKey, optimised: bytes, name: str) -> str:
    """Write an optimised graph and return its path; ``name`` is for people. OSError where that fails."""
    path = graph_path(folder, key)
    write_sealed(path, MAGIC, key._asdict(), optimised, {"name": name})
    return path


def drop_oldest(folder: str) -> None:
    """Remove the graphs beyond those that are kept."""
    paths = [os.path.join(folder, name) for name in names(folder) if name.endswith(SUFFIX)]
    for path in sorted(paths, key=os.path.getmtime)[:-KEPT]:
        remove(path)


def start_child(paths: Sequence[str], folder: str) -> Process:
    """Start the process that optimises the ONNX files at ``paths`` into ``folder``."""
    return Child(MODULE, {"paths": list(paths), "folder": folder}, {})


class GraphStore:
    """Finds optimised graphs, and has those made that are missing; one thread, not a real-time one.

    ``fault`` says why the last ones could not be made, '' where they could.
    """

    def __init__(
        self,
        folder: Optional[str] = None,
        start: Callable[[Sequence[str], str], Process] = start_child,
    ) -> None:
        self._folder = folder or graph_folder()
        self._start = start
        self._ready: Dict[str, bytes] = {}
        self.fault = ""

    def prepare(self, files: Mapping[str, str]) -> None:
        """Have all graphs of ``files`` (path -> sha256) ready for `take`; takes a second or so where some must be made.

        Where no folder can be written to but one for temporary files, the graphs are made there and not kept.
        """
        keys = {path: graph_key(digest) for path, digest in files.items()}
        missing = self._read(self._folder, keys)
        if not missing:
            return
        kept = _writable(self._folder)
        folder = self._folder
        try:
            if not kept:
                folder = tempfile.mkdtemp(prefix="neurorave-graphs-")
            self.fault = self._make(missing, folder)
            self._read(folder, {path: keys[path] for path in missing})
        except OSError as error:
            self.fault = error.strerror or str(error)
        finally:
            if folder != self._folder:
                shutil.rmtree(folder, ignore_errors=True)

    def take(self, path: str) -> Optional[bytes]:
        """Return the optimised form of the graph at ``path``, once, or None where it cannot be had.

        Raises UserError where the file cannot be read.
        """
        if path not in self._ready:
            self.prepare({path: _digest(path)})
        return self._ready.pop(path, None)

    def drop(self, path: str) -> None:
        """Forget the optimised form of a graph, which has turned out to be of no use."""
        remove(graph_path(self._folder, graph_key(_digest(path))))

    def _read(self, folder: str, keys: Dict[str, GraphKey]) -> List[str]:
        """Read what there is, and return the paths of what there is not."""
        missing = []
        for path, key in keys.items():
            found = read_graph(folder, key)
            if found is None:
                missing.append(path)
            else:
                self._ready[path] = found
        return missing

    def _make(self, paths: Sequence[str], folder: str) -> str:
        """Run the process that makes them, and return what went wrong."""
        process = self._start(paths, folder)
        try:
            end = time.monotonic() + _LONGEST_SECONDS
            while process.returncode() is None:
                if time.monotonic() >= end:
                    return "it took more than %.0f s" % _LONGEST_SECONDS
                time.sleep(_POLL_SECONDS)
            for status in process.statuses():
                if status.kind in (REFUSED, FAILED, CRASHED):
                    return status.text
            code = process.returncode()
            return "" if code == 0 else "the process ended with status %s" % code
        finally:
            process.kill()
            process.close()


def _digest(path: str) -> str:
    try:
        with open(path, "rb") as handle:
            return sha256_hex(handle.read())
    except OSError as error:
        raise UserError("{}: cannot be read ({})".format(path, error.strerror)) from None


def _writable(folder: str) -> bool:
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _cpu() -> str:
    """Name the processor: its machine, its model, and a digest of what it can do."""
    fields: Dict[str, str] = {}
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as handle:
            for line in handle:
                name, _, value = line.partition(":")
                fields.setdefault(name.strip().lower(), value.strip())
    except OSError:
        pass
    model = fields.get("model name") or fields.get("cpu part") or platform.processor()
    able = fields.get("flags") or fields.get("features") or ""
    digest = hashlib.sha256(able.encode("utf-8")).hexdigest()[:12]
    return " ".join([platform.machine(), model, digest])
