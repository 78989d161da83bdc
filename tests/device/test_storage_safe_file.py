"""The document on disk: whatever happens to it or to the power, something whole is read, and what was not is said."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List, Set, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.storage.safe_file import LARGEST, PREVIOUS, Kind, SafeFile, checksum

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
KIND = Kind("thing", 1, SCHEMA)


def thing(folder: Path, kind: Kind = KIND) -> SafeFile:
    return SafeFile(str(folder / "state" / "thing.json"), kind)


def number(file: SafeFile) -> Any:
    payload = file.load().payload
    return None if payload is None else payload["n"]


def document(kind: str, version: int, payload: Any) -> bytes:
    found = {"kind": kind, "version": version, "payload": payload}
    return json.dumps(dict(found, sha256=checksum(kind, version, payload))).encode("ascii")


def names(file: SafeFile) -> Set[str]:
    return set(os.listdir(os.path.dirname(file.path)))


def test_nothing_is_there_at_first_and_that_is_no_fault(tmp_path: Path) -> None:
    assert thing(tmp_path).load() == (None, "")
    assert not os.path.exists(str(tmp_path / "state"))


def test_what_is_saved_is_loaded_and_the_one_before_is_kept(tmp_path: Path) -> None:
    file = thing(tmp_path)
    for n in (1, 2, 3):
        assert file.save({"n": n}) == ""
        assert file.load() == ({"n": n}, "")
    assert names(file) == {"thing.json", "thing.json.previous"}
    with open(file.path + PREVIOUS, encoding="ascii") as handle:
        assert json.load(handle)["payload"] == {"n": 2}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=25)
@given(extra=JSON)
def test_every_payload_comes_back_as_it_was(tmp_path_factory: Any, extra: Any) -> None:
    file = thing(tmp_path_factory.mktemp("json"))
    file.save({"n": 1, "extra": extra})
    assert file.load() == ({"n": 1, "extra": extra}, "")


def cut_in_half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flipped(data: bytes) -> bytes:
    return data.replace(b'"n": 2', b'"n": 7')


DAMAGE = [
    (cut_in_half, "cut off"),
    (flipped, "checksum"),
    (lambda data: b"", "empty"),
    (lambda data: b"\x00" * len(data), "cut off or no JSON"),
    (lambda data: b"\xff" + data, "no JSON"),
    (lambda data: b"[1, 2]", "another document"),
    (lambda data: b"[" * 100000, "no JSON"),
    (lambda data: data.replace(b"thing", b"other"), "it is a other, not a thing"),
    (lambda data: document("thing", 1, {"n": "two"}), "n is not as it should be"),
    (lambda data: document("thing", 1, {}), "not as it should be"),
    (lambda data: document("thing", 0, {"n": 2}), "version 0 is too old"),
    (lambda data: data.replace(b'"version": 1', b'"version": true'), "no version"),
    (lambda data: data.replace(b'"n": 2', b'"n": NaN'), "no JSON"),
    (lambda data: data + b" " * LARGEST, "larger"),
]


@pytest.mark.parametrize("damage,word", DAMAGE)
def test_a_damaged_one_is_named_and_the_previous_one_is_used(
    tmp_path: Path, damage: Callable[[bytes], bytes], word: str
) -> None:
    file = thing(tmp_path)
    file.save({"n": 1})
    file.save({"n": 2})
    path = Path(file.path)
    path.write_bytes(damage(path.read_bytes()))
    loaded = file.load()
    assert loaded.payload == {"n": 1}
    assert word in loaded.sentence and "thing.json.previous, is used" in loaded.sentence
    assert "\n" not in loaded.sentence
    # The good one is not replaced by the damaged one, which is kept for whoever wants to look at it.
    file.save({"n": 3})
    assert file.load() == ({"n": 3}, "")
    assert names(file) == {"thing.json", "thing.json.previous", "thing.json.damaged"}
    Path(file.path).write_bytes(b"")
    assert number(file) == 1


def test_both_damaged_is_nothing_with_a_sentence(tmp_path: Path) -> None:
    file = thing(tmp_path)
    file.save({"n": 1})
    file.save({"n": 2})
    for path in (file.path, file.path + PREVIOUS):
        Path(path).write_bytes(cut_in_half(Path(path).read_bytes()))
    loaded = file.load()
    assert loaded.payload is None
    assert loaded.sentence.count("cut off") == 2 and "left out" in loaded.sentence
    file.save({"n": 3})
    assert file.load() == ({"n": 3}, "")


def test_one_of_a_newer_version_is_refused_left_alone_and_then_kept_aside(tmp_path: Path) -> None:
    file = thing(tmp_path)
    file.save({"n": 1})
    # Its form is not ours to judge.
    newer = b'{"kind": "thing", "version": 7, "seal": "x", "content": []}'
    for path in (file.path, file.path + PREVIOUS):
        Path(path).write_bytes(newer)
    for _ in range(2):
        loaded = file.load()
        assert loaded.payload is None
        assert "newer neurorave (version 7, this one knows up to 1)" in loaded.sentence
        assert Path(file.path).read_bytes() == newer
    assert "kept as thing.json.version-7" in file.save({"n": 2})
    assert "kept as thing.json.previous.version-7" in file.save({"n": 3})
    assert number(file) == 3
    for kept in ("thing.json.version-7", "thing.json.previous.version-7"):
        assert (tmp_path / "state" / kept).read_bytes() == newer
    # A second one replaces the first no more than ours replaces it.
    Path(file.path).write_bytes(newer + b" ")
    file.save({"n": 4})
    assert (tmp_path / "state" / "thing.json.version-7").read_bytes() == newer
    assert (tmp_path / "state" / "thing.json.version-7-2").read_bytes() == newer + b" "


def test_a_newer_one_with_ours_before_it_gives_ours(tmp_path: Path) -> None:
    file = thing(tmp_path)
    file.save({"n": 1})
    file.save({"n": 2})
    Path(file.path).write_bytes(document("thing", 2, {"n": 9}))
    loaded = file.load()
    assert loaded.payload == {"n": 1} and "newer" in loaded.sentence


def test_older_ones_are_brought_over_step_by_step(tmp_path: Path) -> None:
    def from_zero(payload: Dict[str, Any]) -> Dict[str, Any]:
        return {"number": payload["nr"]}

    def from_one(payload: Dict[str, Any]) -> Dict[str, Any]:
        return {"n": payload["number"]}

    latest = Kind("thing", 2, SCHEMA, {0: from_zero, 1: from_one})
    for version, payload in ((0, {"nr": 5}), (1, {"number": 5}), (2, {"n": 5})):
        file = thing(tmp_path / str(version), latest)
        os.makedirs(os.path.dirname(file.path))
        Path(file.path).write_bytes(document("thing", version, payload))
        assert file.load() == ({"n": 5}, "")
        file.save({"n": 6})
        assert number(file) == 6
        # The old one is still there, as it was.
        before = json.loads(Path(file.path + PREVIOUS).read_text())
        assert before["version"] == version
    broken = thing(tmp_path / "0", latest)
    Path(broken.path).write_bytes(document("thing", 0, {"other": 5}))
    assert "cannot be brought over from version 0" in broken.load().sentence


def test_what_is_no_file_or_may_not_be_read_is_named(tmp_path: Path) -> None:
    file = thing(tmp_path)
    os.makedirs(file.path)
    assert "it is no file" in file.load().sentence
    os.rmdir(file.path)
    os.mkfifo(file.path)
    assert "it is no file" in file.load().sentence


def test_a_payload_that_could_not_be_loaded_again_is_not_saved(tmp_path: Path) -> None:
    file = thing(tmp_path)
    file.save({"n": 1})
    for payload in ({"n": "two"}, {"n": 1, "x": float("nan")}):
        with pytest.raises(ValueError):
            file.save(payload)
    assert number(file) == 1


@pytest.mark.parametrize("call", ["open", "fsync", "replace"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_disk_that_refuses_takes_nothing_away(
    tmp_path: Path, monkeypatch: Any, call: str, code: int
) -> None:
    file = thing(tmp_path)
    file.save({"n": 1})
    file.save({"n": 2})

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        if call == "open":
            patched.setattr("builtins.open", refuse)
        else:
            patched.setattr(os, call, refuse)
        with pytest.raises(OSError) as caught:
            file.save({"n": 3})
        assert caught.value.errno == code
    assert file.load() == ({"n": 2}, "")
    assert names(file) == {"thing.json", "thing.json.previous"}
    file.save({"n": 4})
    assert number(file) == 4


def test_a_leftover_of_a_cut_off_write_does_no_harm(tmp_path: Path) -> None:
    file = thing(tmp_path)
    file.save({"n": 1})
    target = tmp_path / "elsewhere"
    target.write_bytes(b"precious")
    os.symlink(str(target), file.path + ".new")
    file.save({"n": 2})
    assert number(file) == 2 and target.read_bytes() == b"precious"


class PowerCut(BaseException):
    """The lights go out."""


class Disk:
    """The system calls of a save, and what a disk may keep of them when the power goes before the n-th.

    Content that was not forced to the disk may be lost, names that were not may be as before.
    """

    def __init__(self, monkeypatch: Any, folder: str, cut_before: int) -> None:
        self.folder = folder
        self.left = cut_before
        self.forced: Set[int] = {os.stat(path).st_ino for path in self.files()}
        self.names = self.snapshot()
        self.calls = {name: getattr(os, name) for name in ("fsync", "replace", "unlink")}
        for name in self.calls:
            monkeypatch.setattr(os, name, self.counted(name))

    def files(self) -> List[str]:
        return [os.path.join(self.folder, name) for name in sorted(os.listdir(self.folder))]

    def snapshot(self) -> Dict[str, bytes]:
        return {path: Path(path).read_bytes() for path in self.files()}

    def counted(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                raise PowerCut()
            found = self.calls[name](*arguments)
            if name == "fsync":
                self.forced.add(os.fstat(arguments[0]).st_ino)
                if os.path.isdir("/proc/self/fd/%d" % arguments[0]):
                    self.names = self.snapshot()
            return found

        return call

    def states(self) -> List[Dict[str, bytes]]:
        """What may be found when the power is back."""
        kept = {
            path: data if os.stat(path).st_ino in self.forced else data[: len(data) // 2]
            for path, data in self.snapshot().items()
        }
        return [kept, self.names]


def cut_states(tmp_path: Path, monkeypatch: Any, cut: int) -> Tuple[bool, List[Dict[str, bytes]]]:
    """Save change 3 over 2 and 1 with the power going before a call; say whether it got to its end."""
    file = thing(tmp_path / str(cut))
    file.save({"n": 1})
    file.save({"n": 2})
    with monkeypatch.context() as patched:
        disk = Disk(patched, os.path.dirname(file.path), cut)
        try:
            file.save({"n": 3})
            ended = True
        except PowerCut:
            ended = False
    return ended, disk.states()


def test_whenever_the_power_goes_the_old_or_the_new_one_is_found(
    tmp_path: Path, monkeypatch: Any
) -> None:
    cut, ended, found = 0, False, []
    while not ended:
        ended, states = cut_states(tmp_path, monkeypatch, cut)
        for state in states:
            again = tmp_path / "again"
            (again / "state").mkdir(parents=True)
            for path, data in state.items():
                (again / "state" / os.path.basename(path)).write_bytes(data)
            found.append(number(thing(again)))
            # What is saved is saved.
            assert found[-1] == 3 if ended else found[-1] in (2, 3)
            thing(again).save({"n": 4})
            assert number(thing(again)) == 4
            shutil.rmtree(str(again))
        cut += 1
    assert cut >= 5 and {2, 3} == set(found)


def test_a_killed_writer_leaves_the_last_change_or_the_one_before(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "benchmarks.power_cut", "--kills", "50", "--json"]
    printed = subprocess.check_output(line + ["--folder", str(tmp_path)], cwd=ROOT)
    report = json.loads(printed.decode("ascii"))
    assert report["lost"] == []
    assert report["kills"] == 50 and report["saves"] >= 50
    # Or nothing was tested.
    assert report["inside"] >= 10
