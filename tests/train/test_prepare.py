"""Preparing as a user sees it: what lands in the folder, splits, refusals, messages."""

import json
import pickle
from pathlib import Path
from typing import Any, Dict

import numpy as np
import pytest
import soundfile
import yaml

from neurorave_device.errors import UserError
from neurorave_train.data.hits import to_float
from neurorave_train.data.loading import to_int16
from neurorave_train.data.measure import Meter
from neurorave_train.data.prepared import PreparedData
from neurorave_train.data.statistics import AUDIBLE_DB, to_q
from neurorave_train.descriptors import quantile_tables

from .audio_sets import RATE, prepare, stroke, strokes, write


def report_of(out: Path) -> Dict[str, Any]:
    found = yaml.safe_load((out / "prepared.yaml").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def test_folder_holds_the_recordings_and_nothing_of_the_machine(tmp_path: Path) -> None:
    strokes(tmp_path / "set", 12)
    assert prepare(tmp_path / "set", tmp_path / "out") == 0
    data = PreparedData(tmp_path / "out")
    assert (data.sample_rate, data.hop, data.data) == (RATE, 512, ["set"])
    hits = {h.name: h for name in ("train", "valid") for h in data.split(name).hits}
    assert sorted(hits) == [f"set/drum_{n:02d}.wav" for n in range(12)]
    for number in range(12):
        hit = hits[f"set/drum_{number:02d}.wav"]
        assert hit.family == "drum"
        assert np.abs(hit.audio - stroke(number)).max() < 1e-4
    for file in (tmp_path / "out").iterdir():
        assert str(tmp_path).encode() not in file.read_bytes()
    assert not (tmp_path / "out" / "work").exists()


def test_frames_and_descriptors_belong_to_their_recordings(tmp_path: Path) -> None:
    for number, seconds in enumerate((0.032, 0.1, 0.4, 0.257, 1.3, 0.5)):
        write(tmp_path / "set" / f"a{number}.wav", stroke(number, seconds))
    assert prepare(tmp_path / "set", tmp_path / "out") == 0
    data = PreparedData(tmp_path / "out")
    meter = Meter(data.floor, data.sample_rate, data.hop)
    for name in ("train", "valid"):
        split = data.split(name)
        total = 0
        for number, hit in enumerate(split.hits):
            values = split.descriptors_of(number)
            assert len(values) == -(-hit.samples // data.hop)
            assert np.allclose(values, meter.measure(np.array(hit.audio)), atol=1e-3, rtol=1e-4)
            total += len(values)
        assert split.descriptors.shape == (total, 5)


def test_statistics_are_the_train_splits(tmp_path: Path) -> None:
    for part, count, first in (("train", 8, 0), ("valid", 4, 20)):
        strokes(tmp_path / "set" / part, count, first=first)
    # Something that would show in every table, were validation counted.
    noise = np.random.default_rng(0).uniform(-0.9, 0.9, 2 * RATE).astype(np.float32)
    write(tmp_path / "set" / "valid" / "noise.wav", noise)
    assert prepare(tmp_path / "set", tmp_path / "out") == 0
    with_noise = PreparedData(tmp_path / "out")
    train = with_noise.split("train").descriptors.astype(np.float64)
    audible = train[train[:, 0] > AUDIBLE_DB]
    assert np.allclose(with_noise.quantiles[0], quantile_tables(train)[0])
    assert np.allclose(with_noise.quantiles[1:], quantile_tables(audible)[1:])

    q = to_q(audible, with_noise.quantiles)
    guard = with_noise.guard
    assert np.allclose(guard.mean, q.mean(axis=0))
    away = q - guard.mean
    distance = np.sqrt(np.sum(away @ np.linalg.inv(guard.covariance) * away, axis=1))
    assert (distance <= guard.limit).mean() == pytest.approx(0.99, abs=0.01)
    assert guard.rate.shape == (5,) and (guard.rate > 0).all()

    (tmp_path / "set" / "valid" / "noise.wav").unlink()
    assert prepare(tmp_path / "set", tmp_path / "other") == 0
    without = PreparedData(tmp_path / "other")
    assert np.array_equal(without.quantiles, with_noise.quantiles)
    assert np.array_equal(without.floor, with_noise.floor)
    assert report_of(tmp_path / "out")["guard"] == report_of(tmp_path / "other")["guard"]


def test_rate_does_not_cross_from_one_recording_to_the_next(tmp_path: Path) -> None:
    # Two steady tones, loud and soft: within each nothing moves, between them much does.
    time = np.arange(RATE * 2) / RATE
    for number in range(20):
        level = 0.5 if number % 2 else 0.02
        sound = level * np.sin(2 * np.pi * (200 + 3000 * (number % 2)) * time)
        write(tmp_path / "set" / f"tone{number:02d}.wav", sound.astype(np.float32))
    assert prepare(tmp_path / "set", tmp_path / "out", "--valid-share", "0") == 0
    data = PreparedData(tmp_path / "out")
    between = np.abs(np.diff(data.split("train").descriptors[:, 0])).max()
    assert between > 20.0
    assert data.guard.rate[1] < 0.5


def test_split_folders_are_honoured_and_test_is_kept_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for part, first in (("train", 0), ("valid", 10), ("test", 20)):
        strokes(tmp_path / "set" / part, 5, first=first)
    write(tmp_path / "set" / "stray.wav", stroke(99))
    assert prepare(tmp_path / "set", tmp_path / "out") == 0
    said = capsys.readouterr().out
    assert "test/ is kept apart: its 5 files are skipped" in said
    assert "1 files lie outside" in said
    data = PreparedData(tmp_path / "out")
    for name in ("train", "valid"):
        assert len(data.split(name).hits) == 5
        assert all(hit.name.startswith(f"set/{name}/") for hit in data.split(name).hits)


def test_train_without_valid_never_takes_test(tmp_path: Path) -> None:
    strokes(tmp_path / "set" / "train", 8)
    strokes(tmp_path / "set" / "test", 4, prefix="kept")
    assert prepare(tmp_path / "set", tmp_path / "out") == 0
    data = PreparedData(tmp_path / "out")
    names = [hit.name for part in ("train", "valid") for hit in data.split(part).hits]
    assert len(names) == 8 and not any("kept" in name for name in names)
    assert data.split("valid").hits


@pytest.mark.parametrize("ending,mark", [("tsv", "\t"), ("csv", ",")])
def test_groups_of_a_manifest_stay_together(tmp_path: Path, ending: str, mark: str) -> None:
    paths = strokes(tmp_path / "set", 30)
    lines = [mark.join(("file", "group"))]
    lines += [mark.join((path.name, f"take{n % 6}")) for n, path in enumerate(paths)]
    (tmp_path / "set" / f"manifest.{ending}").write_text("\n".join(lines) + "\n")
    assert prepare(tmp_path / "set", tmp_path / "out", "--valid-share", "0.3") == 0
    data = PreparedData(tmp_path / "out")
    groups = [{h.group for h in data.split(name).hits} for name in ("train", "valid")]
    assert groups[0] and groups[1] and not groups[0] & groups[1]
    assert groups[0] | groups[1] == {f"set/take{n}" for n in range(6)}


def test_overlapping_folders_take_a_file_once(tmp_path: Path) -> None:
    strokes(tmp_path / "set" / "inner", 6)
    (tmp_path / "set" / "loop").symlink_to(tmp_path / "set")
    assert prepare([tmp_path / "set", tmp_path / "set" / "inner"], tmp_path / "out") == 0
    data = PreparedData(tmp_path / "out")
    assert sum(len(data.split(part).hits) for part in ("train", "valid")) == 6


def test_refused_files_are_named_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "set"
    strokes(folder, 8)
    (folder / "letter.wav").write_text("this is a text\n" * 40)
    (folder / "nothing.wav").write_bytes(b"")
    (folder / "song.m4a").write_bytes(b"\0\0\0 ftypM4A " * 20)
    write(folder / "zero.wav", np.zeros(0, np.float32))
    write(folder / "silent.wav", np.zeros(RATE, np.float32))
    write(folder / "short.wav", stroke(1, 0.01))
    broken = stroke(2)
    broken[800] = np.nan
    write(folder / "nan_float.wav", broken)
    (folder / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    soundfile.write(str(folder / "whole.flac"), stroke(3, 2.0), RATE)
    cut = (folder / "whole.flac").read_bytes()
    (folder / "cut.flac").write_bytes(cut[: len(cut) // 3])
    assert prepare(folder, tmp_path / "out") == 0
    said = capsys.readouterr().err
    assert "9 of 18 files are refused" in said
    reasons = {r["name"]: r["reason"] for r in report_of(tmp_path / "out")["refused"]}
    expected = {
        "letter.wav": "soundfile cannot read it",
        "nothing.wav": "the file is empty",
        "song.m4a": "soundfile cannot read it",
        "zero.wav": "no samples",
        "silent.wav": "silent",
        "short.wav": "shorter than one frame",
        "nan_float.wav": "NaN or infinite samples (first at 0.050 s)",
        "gone.wav": "cannot be opened",
        "cut.flac": "",
    }
    assert set(reasons) == {f"set/{name}" for name in expected}
    for name, reason in expected.items():
        assert reason in reasons[f"set/{name}"]
        assert f"set/{name}: {reasons[f'set/{name}']}" in said
    data = PreparedData(tmp_path / "out")
    assert sum(len(data.split(part).hits) for part in ("train", "valid")) == 9


def test_a_large_set_is_written_in_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several files of audio give the same hits, held or read as they are needed, and none is left over."""
    folder = tmp_path / "set"
    strokes(folder, 9)
    assert prepare(folder, tmp_path / "whole") == 0
    with monkeypatch.context() as patch:
        patch.setattr("neurorave_train.data.assemble.SHARD_SAMPLES", int(1.7 * 0.4 * RATE))
        assert prepare(folder, tmp_path / "parts") == 0
    files = sorted(p.name for p in (tmp_path / "parts").glob("audio.train*.npy"))
    lengths = report_of(tmp_path / "parts")["shards"]["train"]
    assert len(files) == len(lengths) > 3
    whole = PreparedData(tmp_path / "whole").split("train")
    for held in (0, 1 << 30):
        found = pickle.loads(pickle.dumps(PreparedData(tmp_path / "parts", held).split("train")))
        assert [hit.name for hit in found.hits] == [hit.name for hit in whole.hits]
        for a, b in zip(found.hits, whole.hits, strict=True):
            assert np.array_equal(a.audio, b.audio)
        assert np.array_equal(found.audio, whole.audio)
    # Prepared anew after a change, in one file: the others go.
    strokes(folder, 1, first=9)
    assert prepare(folder, tmp_path / "parts") == 0
    assert [p.name for p in (tmp_path / "parts").glob("audio.train*.npy")] == ["audio.train.npy"]


def test_clipped_recordings_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "set"
    strokes(folder, 6)
    time = np.arange(RATE) / RATE
    loud = np.clip(1.5 * np.sin(2 * np.pi * 200 * time), -1.0, 1.0).astype(np.float32)
    write(folder / "hot.wav", loud)
    # A loud tone that only touches full scale is none.
    write(folder / "fine.wav", (0.97 * np.sin(2 * np.pi * 200 * time)).astype(np.float32))
    assert prepare(folder, tmp_path / "out") == 0
    notes = report_of(tmp_path / "out")["notes"]
    assert [n for n in notes if "clipped" in n] == [n for n in notes if "hot.wav" in n]
    assert any("hot.wav: clipped (5" in n for n in notes)
    assert "hot.wav: clipped" in capsys.readouterr().out


def test_thirty_sample_rates_become_one(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    rates = [8000 + 3011 * i for i in range(30)]
    for i, rate in enumerate(rates):
        write(folder / f"tone_{i:02d}.wav", stroke(7, 0.2, rate), rate)
    assert prepare(folder, tmp_path / "out") == 0
    data = PreparedData(tmp_path / "out")
    hits = [hit for part in ("train", "valid") for hit in data.split(part).hits]
    assert len(hits) == 30
    assert all(abs(hit.samples - round(0.2 * RATE)) <= 2 for hit in hits)
    # All are the same sound, whatever they came from.
    levels = [float(np.abs(hit.audio).max()) for hit in hits]
    assert max(levels) < 0.6 and min(levels) > 0.3


def test_refused_files_do_not_leave_validation_empty(tmp_path: Path) -> None:
    for number in range(3):
        folder = tmp_path / f"set{number}"
        strokes(folder, 4)
        (folder / f"bad{number}.wav").write_text("text")
        assert prepare(folder, tmp_path / f"out{number}", "--seed", str(number)) == 0
        data = PreparedData(tmp_path / f"out{number}")
        assert data.split("train").hits and data.split("valid").hits


@pytest.mark.parametrize("content", ["nothing", "text", "silence", "missing", "file"])
def test_no_usable_audio_is_one_sentence(
    tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "set"
    if content == "file":
        folder.write_text("x")
    elif content != "missing":
        folder.mkdir()
    if content == "text":
        (folder / "a.wav").write_text("text")
    if content == "silence":
        write(folder / "a.wav", np.zeros(RATE, np.float32))
    assert prepare(folder, tmp_path / "out") == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert said[-1].startswith("neurorave-train: --data") and str(folder) in said[-1]
    assert not (tmp_path / "out" / "prepared.yaml").exists()


def test_exclude_and_a_pattern_that_fits_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strokes(tmp_path / "set", 5, "keep")
    strokes(tmp_path / "set" / "deep", 5, "body")
    patterns = ("--exclude", "body_*", "--exclude", "typo_*")
    assert prepare(tmp_path / "set", tmp_path / "out", *patterns) == 0
    assert "--exclude typo_* fits no file" in capsys.readouterr().out
    data = PreparedData(tmp_path / "out")
    names = [h.name for part in ("train", "valid") for h in data.split(part).hits]
    assert len(names) == 5 and all("keep" in name for name in names)


@pytest.mark.parametrize(
    "more",
    [
        ("--sample-rate", "44"),
        ("--sample-rate", "many"),
        ("--valid-share", "0.9"),
        ("--valid-share", "nan"),
        ("--colour", "red"),
    ],
)
def test_bad_usage_is_exit_2(
    tmp_path: Path, more: "tuple[str, str]", capsys: pytest.CaptureFixture[str]
) -> None:
    strokes(tmp_path / "set", 3)
    try:
        status = prepare(tmp_path / "set", tmp_path / "out", *more, rate=None)
    except SystemExit as stop:
        status = int(stop.code or 0)
    assert status == 2
    said = capsys.readouterr().err.strip()
    assert len(said.splitlines()) == 1 and more[0] in said and more[1] in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("table", [b"", b"name\tgroup\n", b"file\tgroup\na.wav\n", b"\xff\xfe\x00"])
def test_bad_manifest_is_named(
    tmp_path: Path, table: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    strokes(tmp_path / "set", 3)
    (tmp_path / "set" / "manifest.tsv").write_bytes(table)
    assert prepare(tmp_path / "set", tmp_path / "out") == 2
    assert "manifest.tsv" in capsys.readouterr().err


@pytest.mark.parametrize(
    "harm,word",
    [
        ("schema", "schema is 7"),
        ("truncate", "audio.train.npy"),
        ("remove", "floor.npy"),
        ("index", "index.train.json"),
        ("yaml", "not YAML"),
        ("key", "quantiles"),
        ("empty", "schema is None"),
        ("report", "holds no prepared.yaml"),
    ],
)
def test_reader_names_what_is_wrong(tmp_path: Path, harm: str, word: str) -> None:
    strokes(tmp_path / "set", 6)
    out = tmp_path / "out"
    assert prepare(tmp_path / "set", out) == 0
    path = out / "prepared.yaml"
    text = path.read_text("utf-8")
    if harm == "schema":
        path.write_text(text.replace("schema: 1", "schema: 7"), "utf-8")
    elif harm == "truncate":
        audio = out / "audio.train.npy"
        audio.write_bytes(audio.read_bytes()[:-100])
    elif harm == "remove":
        (out / "floor.npy").unlink()
    elif harm == "index":
        index = json.loads((out / "index.train.json").read_text("utf-8"))
        (out / "index.train.json").write_text(json.dumps(index[:-1]), "utf-8")
    elif harm == "yaml":
        path.write_text("a: [", "utf-8")
    elif harm == "key":
        path.write_text(text.replace("quantiles:", "quartiles:"), "utf-8")
    elif harm == "empty":
        path.write_text("", "utf-8")
    else:
        path.unlink()
    with pytest.raises(UserError, match=word):
        PreparedData(out)


def test_level_and_channels(tmp_path: Path) -> None:
    left = stroke(1, 1.0)
    write(tmp_path / "set" / "both.wav", np.stack([left, 0.5 * left], axis=1))
    write(tmp_path / "set" / "against.wav", np.stack([0.9 * left, -left], axis=1))
    write(tmp_path / "set" / "loud_float.wav", 8.0 * left)
    strokes(tmp_path / "set", 4)
    assert prepare(tmp_path / "set", tmp_path / "out") == 0
    data = PreparedData(tmp_path / "out")
    hits = {h.name: h.audio for part in ("train", "valid") for h in data.split(part).hits}
    assert np.abs(hits["set/both.wav"] - 0.75 * left).max() < 1e-4
    assert np.abs(hits["set/against.wav"] + left).max() < 1e-4
    assert np.abs(hits["set/loud_float.wav"]).max() == pytest.approx(1.0, abs=1e-4)
    assert any("loud_float" in note for note in report_of(tmp_path / "out")["notes"])


def test_int16_scale_is_exact() -> None:
    whole = np.arange(-32767, 32768, dtype=np.int16)
    assert np.array_equal(to_int16(to_float(whole)), whole)
