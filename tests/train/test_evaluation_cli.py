"""neurorave-evaluate as a user runs it, on the toy bundle."""

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any, Dict

import numpy as np
import pytest
import soundfile

from neurorave_train.evaluation.cli import main
from neurorave_train.evaluation.clips import load_clips

from .audio_sets import stroke, strokes, write

TOY = str(Path(__file__).parents[1] / "data" / "toy_bundle")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audio")
    strokes(folder / "deep", 12)
    write(folder / "stereo.wav", np.stack([stroke(90)] * 2, axis=1), 48000)
    (folder / "notes.wav").write_text("a text file")
    (folder / "readme.txt").write_text("not audio")
    return folder


def run(capsys: pytest.CaptureFixture[str], *args: str) -> "tuple[int, str, str]":
    status = main(list(args))
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def complaint(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    """The one sentence of a refused call."""
    status, out, err = run(capsys, *args)
    assert status == 2
    assert out == ""
    assert err.count("\n") == 1
    return err


def test_json_on_stdout_is_alone_there_and_repeatable(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = (TOY, "--data", str(data), "--quick", "--limit", "2", "--json", "-")
    status, out, err = run(capsys, *args)
    assert status == 0
    result = json.loads(out)
    assert result["bundle"] == TOY
    assert result["clips"] == 2
    assert result["files"] == 13
    assert result["command"] == f"neurorave-evaluate {shlex.join(args)}"
    assert len(result["commit"]) == 40 and result["changed_files"] >= 0
    assert "notes.wav" in err
    assert run(capsys, *args)[1] == out


def test_whole_evaluation_writes_json_and_a_page(
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("neurorave_train.evaluation.examples.SHAPES", ("saw",))
    figures, report = tmp_path / "figures.json", tmp_path / "deep" / "report"
    status, out, _ = run(
        capsys,
        *(TOY, "--data", str(data), "--limit", "2", "--json", str(figures), "--html", str(report)),
    )
    assert status == 0
    result: Dict[str, Any] = json.loads(figures.read_text("utf-8"))
    assert list(result["control"]) == ["all_swapped", "one_kept", "one_free", "eurorack"]
    for condition, block in result["control"].items():
        assert condition in out
        assert f"{block['mean_rho']:.3f}" in out
    page = (report / "index.html").read_text("utf-8")
    for name, head in (("pictures/*.png", b"\x89PNG"), ("sounds/*.flac", b"fLaC")):
        files = list(report.glob(name))
        assert len(files) > 10
        for file in files:
            assert str(file.relative_to(report)) in page
            assert file.read_bytes().startswith(head)
    assert "are left out" not in page
    # The modulators on the page, one by one, are those of the table.
    assert "centroid: saw" in page and "eurorack: rho by curve" in page


def test_a_quick_page_says_what_it_leaves_out_and_draws_the_modulators_all_the_same(
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("neurorave_train.evaluation.examples.QUICK_SHAPES", ("square",))
    # Left by earlier pages; the last file is somebody else's.
    (tmp_path / "eurorack.png").write_bytes(b"of another bundle")
    (tmp_path / "sounds").mkdir()
    (tmp_path / "sounds" / "old.flac").write_bytes(b"of another bundle")
    (tmp_path / "notes.txt").write_text("mine")
    args = (TOY, "--data", str(data), "--limit", "2", "--quick", "--html", str(tmp_path))
    assert run(capsys, *args)[0] == 0
    page = (tmp_path / "index.html").read_text("utf-8")
    assert "Measured with <code>--quick</code>" in page
    shown = set(re.findall(r'src="(.*?)"', page))
    assert any("centroid-square" in name for name in shown)
    there = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert there == shown | {"index.html", "notes.txt"}


def test_the_very_clips_of_an_earlier_evaluation(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = tmp_path / "first.json"
    args = (TOY, "--limit", "2", "--quick", "--seed", "3", "--transfer", str(data / "deep"))
    assert run(capsys, *args, "--data", str(data), "--json", str(listed))[0] == 0
    grown = tmp_path / "grown"
    shutil.copytree(data, grown)
    strokes(grown / "more", 6, first=50)
    again = (*args, "--data", str(grown), "--clips", str(listed), "--json", "-")
    status, out, _ = run(capsys, *again)
    assert status == 0
    first = json.loads(listed.read_text("utf-8"))
    # The figures know which command made them.
    assert {**json.loads(out), "command": first["command"]} == first
    assert first["protocol"]["seed"] == 3
    (other,) = first["transfer_clip_lists"].values()
    assert len(other["files"]) == 12 and len(other["clips"]) == 2
    heard = {name.split("#")[0] for clip in first["clip_list"]["clips"] for name in clip}
    assert heard <= {row["name"] for row in first["clip_list"]["files"]}
    write(grown / "stereo.wav", stroke(7))
    assert "stereo.wav is not the file of the clip list" in complaint(capsys, *again[:-2])
    (grown / "stereo.wav").unlink()
    assert "stereo.wav of the clip list is not there" in complaint(capsys, *again[:-2])


@pytest.mark.parametrize("words", ["no json", "[]", '{"clip_list": {"seed": 0, "files": [1]}}'])
def test_a_file_without_a_clip_list(
    words: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.json").write_text(words)
    said = complaint(capsys, TOY, "--data", str(data), "--clips", str(tmp_path / "other.json"))
    assert "other.json" in said


def test_clips_are_the_same_for_the_same_folder_and_limit_takes_the_first(data: Path) -> None:
    first, again = (load_clips(str(data), 44100, 57344) for _ in range(2))
    assert len(first.audio) > 2
    assert all(np.array_equal(a, b) for a, b in zip(first.audio, again.audio))
    some = load_clips(str(data), 44100, 57344, limit=2)
    assert [np.array_equal(a, b) for a, b in zip(some.audio, first.audio)] == [True, True]


def test_excluded_files_are_left_out(data: Path) -> None:
    assert load_clips(str(data), 44100, 57344, exclude=["stereo*"]).files == 12


def test_a_long_recording_is_used_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "long.wav", np.tile(stroke(1, rate=8000), 300), 8000)
    monkeypatch.setattr("neurorave_train.evaluation.clips.LONGEST_SECONDS", 40.0)
    found = load_clips(str(tmp_path), 8000, 10400)
    # Two pieces of up to 30 s cover 40 s, and the first 8 s of each are used.
    assert 14.0 < len(found.audio) * 1.3 < 17.0
    assert any("long.wav" in note for note in found.notes)


def test_a_folder_without_audio(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "readme.txt").write_text("nothing")
    words = complaint(capsys, TOY, "--data", str(tmp_path))
    assert str(tmp_path) in words
    assert "no audio files" in words


def test_a_folder_of_refused_files_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.wav").write_text("a text file")
    soundfile.write(str(tmp_path / "none.wav"), np.zeros(0, np.float32), 44100)
    words = complaint(capsys, TOY, "--data", str(tmp_path))
    assert "text.wav" in words
    assert "none.wav" in words


def test_too_little_audio(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "one.wav", stroke(1))
    assert "2 or more" in complaint(capsys, TOY, "--data", str(tmp_path))


def test_silence_clipping_and_other_rates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "silent.wav", np.zeros(16000, np.float32))
    assert "silent" in complaint(capsys, TOY, "--data", str(tmp_path))
    write(tmp_path / "low.wav", np.tile(stroke(1, rate=8000), 5), 8000)
    write(tmp_path / "high.wav", np.tile(stroke(2, rate=96000), 5), 96000)
    write(tmp_path / "loud_float.wav", 30.0 * np.tile(stroke(3), 5))
    write(tmp_path / "flat.wav", np.clip(30.0 * np.tile(stroke(4), 5), -1.0, 1.0))
    status, out, err = run(capsys, TOY, "--data", str(tmp_path), "--quick", "--json", "-")
    assert status == 0
    assert err.count("silent.wav") == 1
    result = json.loads(out)
    assert result["files"] == 4
    assert result["clip_list"]["sample_rate"] == 44100
    said = [line for line in err.splitlines() if "full scale" in line]
    assert len(said) == 2
    assert "flat.wav: clipped" in said[0] and "loud_float.wav: 23.5 dB over" in said[1]


def test_a_constant_sound_is_measured_and_what_stands_still_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    time = np.arange(44100 * 4) / 44100
    tone = (0.3 * np.sin(2 * np.pi * 441 * time)).astype(np.float32)
    write(tmp_path / "tone.wav", tone, 44100)
    status, out, _ = run(capsys, TOY, "--data", str(tmp_path), "--quick", "--json", "-")
    assert status == 0
    assert "NaN" not in out


def test_quick_and_full_at_once_or_a_transfer_from_nowhere(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "one of them" in complaint(capsys, TOY, "--data", str(data), "--quick", "--full")
    nowhere = str(tmp_path / "nowhere")
    assert nowhere in complaint(capsys, TOY, "--data", str(data), "--transfer", nowhere)


def test_a_missing_folder_or_bundle(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "nowhere" in complaint(capsys, TOY, "--data", str(tmp_path / "nowhere"))
    assert "nothing" in complaint(capsys, str(tmp_path / "nothing"), "--data", str(data))


def test_a_tampered_bundle(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "toy"
    shutil.copytree(TOY, folder)
    with open(folder / "encoder.onnx", "ab") as stream:
        stream.write(b"x")
    assert "encoder.onnx" in complaint(capsys, str(folder), "--data", str(data))


def test_outputs_that_cannot_be_written_are_refused_at_once(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = str(tmp_path / "no" / "such" / "folder.json")
    assert "--json" in complaint(capsys, TOY, "--data", str(data), "--json", target)
    (tmp_path / "file").write_text("in the way")
    page = str(tmp_path / "file" / "report")
    assert "--html" in complaint(capsys, TOY, "--data", str(data), "--html", page)


def test_ctrl_c_is_130(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("neurorave_train.evaluation.clips.load_clips", stopped)
    assert run(capsys, TOY, "--data", str(data)) == (130, "", "neurorave-evaluate: interrupted.\n")


@pytest.mark.parametrize("limit", ["1", "0", "-3", "many"])
def test_limits_that_make_no_sense(
    limit: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main([TOY, "--data", str(data), f"--limit={limit}"])
    assert stop.value.code == 2
    assert limit in capsys.readouterr().err


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    assert "example:" in capsys.readouterr().out
