"""Stopping, running again, full disks: nothing that was made is lost."""

import builtins
import errno
import fcntl
import os
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from neurorave_device.errors import UserError
from neurorave_train.data import loading, measure, outfolder, work
from neurorave_train.data.prepared import PreparedData
from neurorave_train.descriptors import Descriptors

from .audio_sets import prepare, stroke, strokes, write


def contents(out: Path) -> Dict[str, bytes]:
    """Every file directly in the folder."""
    return {path.name: path.read_bytes() for path in sorted(out.iterdir()) if path.is_file()}


def count_calls(monkeypatch: pytest.MonkeyPatch) -> List[str]:
    """Names of the recordings that are decoded from now on."""
    made: List[str] = []
    original = work.WorkFolder.make

    def counted(self: work.WorkFolder, source: Any, *more: Any) -> Any:
        made.append(source.name)
        return original(self, source, *more)

    monkeypatch.setattr(work.WorkFolder, "make", counted)
    return made


def stop_at(call: int, original: Callable[..., Any], error: BaseException) -> Callable[..., Any]:
    """The function, raising at its `call`-th call."""
    seen = 0

    def stopping(*args: Any, **more: Any) -> Any:
        nonlocal seen
        seen += 1
        if seen == call:
            raise error
        return original(*args, **more)

    return stopping


@pytest.mark.parametrize(
    "place,call,kept",
    [("decode", 5, 4), ("pieces", 7, 6), ("measure", 3, 10), ("publish", 4, 10)],
)
def test_interrupted_anywhere_and_run_again(
    tmp_path: Path,
    place: str,
    call: int,
    kept: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    strokes(tmp_path / "set", 10)
    assert prepare(tmp_path / "set", tmp_path / "whole") == 0
    out = tmp_path / "out"
    spots: Dict[str, "tuple[Any, str]"] = {
        "decode": (work, "probe"),
        "pieces": (work, "to_int16"),
        "measure": (measure.Meter, "measure"),
        "publish": (os, "replace"),
    }
    owner, name = spots[place]
    with monkeypatch.context() as patch:
        if place == "publish":
            # Only the renames of publish count, not those of the per-recording files.
            original = outfolder.OutFolder.publish

            def publish(self: Any, report: Any) -> None:
                stopped = stop_at(call, os.replace, KeyboardInterrupt())
                patch.setattr(os, "replace", stopped)
                original(self, report)

            patch.setattr(outfolder.OutFolder, "publish", publish)
        else:
            patch.setattr(owner, name, stop_at(call, getattr(owner, name), KeyboardInterrupt()))
        assert prepare(tmp_path / "set", out) == 130
    said = capsys.readouterr().err
    assert said.splitlines()[-1].startswith("neurorave-train: interrupted: ")
    assert f"{kept} of 10 files are done and kept" in said and "run the same command" in said
    assert not (out / "prepared.yaml").exists()

    made = count_calls(monkeypatch)
    assert prepare(tmp_path / "set", out) == 0
    assert len(made) == 10 - kept
    assert contents(out) == contents(tmp_path / "whole")
    assert not (out / "work").exists()


def test_descriptors_that_were_measured_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strokes(tmp_path / "set", 10)
    with monkeypatch.context() as patch:
        patch.setattr(
            measure.Meter, "measure", stop_at(7, measure.Meter.measure, KeyboardInterrupt())
        )
        assert prepare(tmp_path / "set", tmp_path / "out") == 130
    measured = []
    original = measure.Meter.measure

    def counted(self: measure.Meter, audio: Any) -> Any:
        measured.append(len(audio))
        return original(self, audio)

    monkeypatch.setattr(measure.Meter, "measure", counted)
    assert prepare(tmp_path / "set", tmp_path / "out") == 0
    assert len(measured) == 4


def test_finished_folder_says_so_and_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    strokes(tmp_path / "set", 6)
    out = tmp_path / "out"
    assert prepare(tmp_path / "set", out) == 0
    before = contents(out)
    made = count_calls(monkeypatch)
    assert prepare(tmp_path / "set", out) == 0
    assert "already prepared" in capsys.readouterr().out
    assert made == [] and contents(out) == before


def test_changed_recordings_are_prepared_anew(tmp_path: Path) -> None:
    paths = strokes(tmp_path / "set", 6)
    out = tmp_path / "out"
    assert prepare(tmp_path / "set", out) == 0
    before = contents(out)
    paths[0].unlink()
    write(tmp_path / "set" / "drum_90.wav", stroke(90))
    assert prepare(tmp_path / "set", out) == 0
    data = PreparedData(out)
    names = {h.name for part in ("train", "valid") for h in data.split(part).hits}
    assert "set/drum_90.wav" in names and "set/drum_00.wav" not in names
    assert contents(out) != before


def test_a_damaged_finished_folder_is_made_whole(tmp_path: Path) -> None:
    strokes(tmp_path / "set", 6)
    out = tmp_path / "out"
    assert prepare(tmp_path / "set", out) == 0
    before = contents(out)
    (out / "audio.train.npy").write_bytes(b"x")
    assert prepare(tmp_path / "set", out) == 0
    assert contents(out) == before


def test_a_folder_of_other_descriptors_is_measured_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strokes(tmp_path / "set", 6)
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        original = Descriptors.forward
        patch.setattr(Descriptors, "forward", lambda self, audio: 1.1 * original(self, audio))
        assert prepare(tmp_path / "set", out) == 0
        PreparedData(out)
    with pytest.raises(UserError, match="other descriptors"):
        PreparedData(out)
    assert prepare(tmp_path / "set", out) == 0
    PreparedData(out)


@pytest.mark.parametrize("state", ["finished", "begun"])
@pytest.mark.parametrize(
    "more", [("--seed", "5"), ("--exclude", "drum_00*"), ("--valid-share", "0.2")]
)
def test_other_arguments_are_refused(
    tmp_path: Path,
    state: str,
    more: "tuple[str, str]",
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    strokes(tmp_path / "set", 6)
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        if state == "begun":
            patch.setattr(work, "probe", stop_at(3, loading.probe, KeyboardInterrupt()))
        prepare(tmp_path / "set", out)
    before = sorted(out.rglob("*"))
    capsys.readouterr()
    assert prepare(tmp_path / "set", out, *more) == 2
    said = capsys.readouterr().err
    assert str(out) in said and more[0].strip("-").replace("-", "_") in said
    assert sorted(out.rglob("*")) == before


def test_somebody_elses_work_folder_is_not_touched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strokes(tmp_path / "set", 3)
    (tmp_path / "out" / "work").mkdir(parents=True)
    (tmp_path / "out" / "work" / "thesis.txt").write_text("years")
    assert prepare(tmp_path / "set", tmp_path / "out") == 2
    assert "work/" in capsys.readouterr().err
    assert (tmp_path / "out" / "work" / "thesis.txt").read_text() == "years"


def test_two_at_once_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    strokes(tmp_path / "set", 10)
    out = tmp_path / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(work, "probe", stop_at(2, loading.probe, KeyboardInterrupt()))
        prepare(tmp_path / "set", out)
    with open(out / "work" / "lock", "wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert prepare(tmp_path / "set", out) == 2
    assert "another prepare" in capsys.readouterr().err


class FullDisk:
    """Stands in for `open`: files below a folder take `room` bytes together, then no more."""

    def __init__(self, folder: Path, room: int) -> None:
        self.folder, self.room = str(folder), room
        self.original = builtins.open

    def __call__(self, file: Any, mode: str = "r", *args: Any, **more: Any) -> Any:
        stream = self.original(file, mode, *args, **more)
        if "w" in mode and str(file).startswith(self.folder):
            return _Limited(stream, self)
        return stream


class _Limited:
    def __init__(self, stream: Any, disk: FullDisk) -> None:
        self._stream, self._disk = stream, disk

    def write(self, data: bytes) -> int:
        self._disk.room -= len(data)
        if self._disk.room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return int(self._stream.write(data))

    def __enter__(self) -> "_Limited":
        return self

    def __exit__(self, *error: object) -> None:
        self._stream.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@pytest.mark.parametrize(
    "room,kept",
    # A recording takes 13 kB; the last three fill up with audio, descriptors and the report to go.
    [(100, 0), (30_000, 2), (80_000, 6), (140_000, 10), (230_000, 10), (270_000, 10)],
)
def test_full_disk_is_one_sentence_and_loses_nothing(
    tmp_path: Path,
    room: int,
    kept: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    strokes(tmp_path / "set", 10)
    assert prepare(tmp_path / "set", tmp_path / "whole") == 0
    out = tmp_path / "out"
    capsys.readouterr()
    with monkeypatch.context() as patch:
        patch.setattr(builtins, "open", FullDisk(out, room))
        assert prepare(tmp_path / "set", out) == 1
    said = capsys.readouterr().err.splitlines()
    assert "disk is full" in said[-1] and str(out) in said[-1]
    assert not any("Error" in line or "Traceback" in line for line in said)
    assert not [path for path in out.rglob("*") if path.suffix in (".part", ".new")]

    made = count_calls(monkeypatch)
    assert prepare(tmp_path / "set", out) == 0
    assert len(made) == 10 - kept
    assert contents(out) == contents(tmp_path / "whole")


def test_full_disk_leaves_an_earlier_finished_folder_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strokes(tmp_path / "set", 8)
    out = tmp_path / "out"
    assert prepare(tmp_path / "set", out) == 0
    before = contents(out)
    strokes(tmp_path / "set", 8, "more", first=30)
    with monkeypatch.context() as patch:
        patch.setattr(builtins, "open", FullDisk(out, 150_000))
        assert prepare(tmp_path / "set", out) == 1
    assert contents(out) == before
    PreparedData(out)
