"""Optimised graphs on disk: made in another process, the same sound, and never believed blindly."""

import os
import signal
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
import pytest

from neurorave_device.engine import onnx_store
from neurorave_device.engine.bundle import load_bundle
from neurorave_device.engine.digest import sha256_hex
from neurorave_device.engine.onnx_engine import OnnxEngine, OnnxGraph
from neurorave_device.engine.onnx_process import make_graph
from neurorave_device.engine.onnx_store import (
    KEPT,
    GraphStore,
    drop_oldest,
    graph_folder,
    graph_key,
    graph_path,
    read_graph,
)
from neurorave_device.errors import UserError
from neurorave_device.processes.child import DONE, FAILED, Process, Status

from .toy import TOY

DECODER = os.path.join(TOY, "decoder.onnx")
PRIOR = os.path.join(TOY, "prior.onnx")


class Done(Process):
    """A process that has made the graphs of ``paths``, or has ended otherwise."""

    def __init__(self, paths: Sequence[str], folder: str, code: Optional[int], text: str) -> None:
        self.code, self.text, self.killed = code, text, False
        if code == 0:
            for path in paths:
                make_graph(path, folder)

    def statuses(self) -> List[Status]:
        return [Status(FAILED, self.text) if self.text else Status(DONE, "")]

    def returncode(self) -> Optional[int]:
        return self.code

    def terminate(self) -> None:
        raise AssertionError("it is killed, or ends by itself")

    def kill(self) -> None:
        self.killed = True

    def close(self) -> None:
        assert self.killed


class Starter:
    """Starts such processes and remembers what for."""

    def __init__(self, code: Optional[int] = 0, text: str = "") -> None:
        self.code, self.text = code, text
        self.asked: List[List[str]] = []
        self.folders: List[str] = []

    def __call__(self, paths: Sequence[str], folder: str) -> Process:
        self.asked.append([os.path.basename(path) for path in paths])
        self.folders.append(folder)
        return Done(paths, folder, self.code, self.text)


def frames(graph: OnnxGraph) -> List[Dict[str, np.ndarray]]:
    random = np.random.RandomState(1)
    made = []
    for _ in range(5):
        values = {name: random.uniform(0, 1, shape) for name, shape in graph.inputs.items()}
        made.append({name: array.copy() for name, array in graph.run(**values).items()})
    return made


def content(path: str) -> bytes:
    return Path(path).read_bytes()


def key_of(path: str) -> onnx_store.GraphKey:
    return graph_key(sha256_hex(content(path)))


def stored(folder: Path, path: str = DECODER) -> str:
    return graph_path(str(folder), key_of(path))


def test_a_graph_is_made_once_by_a_process_of_its_own_and_sounds_the_same(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("NEURORAVE_PLANS", str(tmp_path / "plans"))
    assert graph_folder() == str(tmp_path / "plans" / "graphs")
    plain = load_bundle(TOY)
    bundle = load_bundle(TOY, OnnxEngine(1, GraphStore()))
    found = sorted(os.listdir(graph_folder()))
    assert len(found) == 4 and found[-1] == "lock"
    for role, graph in bundle.graphs.items():
        for ours, right in zip(frames(graph), frames(plain.graphs[role])):  # type: ignore[arg-type]
            assert all(np.array_equal(ours[name], right[name]) for name in right)
    nobody = Starter(1, "nobody asked for this")
    engine = OnnxEngine(1, GraphStore(start=nobody))
    load_bundle(TOY, engine)
    assert nobody.asked == [] and engine.note == ""
    assert frames(bundle.graphs["decoder"].fork())[0]["audio"].shape == (1, 512)  # type: ignore[arg-type]


def test_all_that_are_missing_are_made_at_once(tmp_path: Path) -> None:
    make_graph(DECODER, str(tmp_path))
    start = Starter()
    store = GraphStore(str(tmp_path), start)
    load_bundle(TOY, OnnxEngine(1, store))
    assert start.asked == [["prior.onnx", "meter.onnx"]]
    assert store.fault == ""


@pytest.mark.parametrize("place", [0.0, 0.003, 0.01, 0.5, 0.9999])
def test_a_damaged_one_is_made_anew(tmp_path: Path, place: float) -> None:
    make_graph(DECODER, str(tmp_path))
    data = bytearray(content(stored(tmp_path)))
    data[int(place * len(data))] ^= 16
    Path(stored(tmp_path)).write_bytes(bytes(data))
    assert read_graph(str(tmp_path), key_of(DECODER)) is None
    start = Starter()
    assert GraphStore(str(tmp_path), start).take(DECODER) is not None
    assert start.asked == [["decoder.onnx"]]
    assert read_graph(str(tmp_path), key_of(DECODER)) is not None


@pytest.mark.parametrize("field", onnx_store.GraphKey._fields)
def test_one_made_for_something_else_is_not_used(
    tmp_path: Path, monkeypatch: Any, field: str
) -> None:
    make_graph(DECODER, str(tmp_path))
    key = key_of(DECODER)._replace(**{field: "other"})
    assert read_graph(str(tmp_path), key) is None
    os.rename(stored(tmp_path), graph_path(str(tmp_path), key))
    assert read_graph(str(tmp_path), key) is None


def test_where_nothing_can_be_written_the_graphs_are_made_and_not_kept(tmp_path: Path) -> None:
    # A file stands where the folder should be, which stops root, too.
    (tmp_path / "plans").write_text("in the way")
    start = Starter()
    store = GraphStore(str(tmp_path / "plans" / "graphs"), start)
    engine = OnnxEngine(1, store)
    for _ in range(2):
        load_bundle(TOY, engine)
    assert [len(asked) for asked in start.asked] == [3, 3]
    assert engine.note == ""
    assert not any(os.path.exists(folder) for folder in start.folders)


@pytest.mark.parametrize(
    "code,text,reason",
    [
        (1, "no space left", "no space left"),
        (-signal.SIGKILL, "", "the process ended with status -9"),
        (None, "", "it took more than 0 s"),
    ],
)
def test_without_them_the_graphs_themselves_are_loaded_and_the_reason_is_told(
    tmp_path: Path, monkeypatch: Any, code: Optional[int], text: str, reason: str
) -> None:
    monkeypatch.setattr(onnx_store, "_LONGEST_SECONDS", 0.0)
    engine = OnnxEngine(1, GraphStore(str(tmp_path), Starter(code, text)))
    graph = engine.load(PRIOR)
    right = frames(OnnxGraph(PRIOR))
    assert np.array_equal(frames(graph)[0]["latents"], right[0]["latents"])
    assert engine.note == "The graphs could not be prepared beside the sound (%s)." % reason


def test_one_that_onnxruntime_refuses_is_dropped(tmp_path: Path) -> None:
    key = key_of(DECODER)
    onnx_store.write_graph(str(tmp_path), key, b"whole, but no graph", "decoder.onnx")
    engine = OnnxEngine(1, GraphStore(str(tmp_path), Starter()))
    assert frames(engine.load(DECODER))
    assert not os.path.exists(stored(tmp_path))


def test_what_is_no_graph_is_refused_as_ever(tmp_path: Path) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"not a graph")
    engine = OnnxEngine(1, GraphStore(str(tmp_path), Starter(2, "bad.onnx: not an ONNX graph")))
    with pytest.raises(UserError, match=r"bad\.onnx: not an ONNX graph"):
        engine.load(str(bad))
    with pytest.raises(UserError, match=r"nowhere\.onnx"):
        engine.load(str(tmp_path / "nowhere.onnx"))


def test_the_newest_are_kept(tmp_path: Path) -> None:
    for number in range(KEPT + 3):
        path = tmp_path / ("%02d.graph" % number)
        path.write_bytes(b"")
        os.utime(str(path), (number, number))
    (tmp_path / "lock").write_bytes(b"")
    drop_oldest(str(tmp_path))
    left = sorted(os.listdir(str(tmp_path)))
    assert len(left) == KEPT + 1
    assert left[0] == "03.graph"
