"""neurorave-evaluate as a user runs it, on the toy bundle."""

import json
import re
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
    assert "notes.wav" in err
    assert run(capsys, *args)[1] == out


def test_whole_evaluation_writes_json_and_a_report(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
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
    for picture in report.glob("*.png"):
        assert picture.name in page
        assert picture.read_bytes().startswith(b"\x89PNG")
    assert len(list(report.glob("*.png"))) == 3
    assert "Left out" not in page


def test_a_quick_report_says_what_it_leaves_out(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Left by an earlier report without --quick.
    (tmp_path / "eurorack.png").write_bytes(b"of another bundle")
    args = (TOY, "--data", str(data), "--limit", "2", "--quick", "--html", str(tmp_path))
    assert run(capsys, *args)[0] == 0
    page = (tmp_path / "index.html").read_text("utf-8")
    shown = set(re.findall(r'<img src="(.*?)"', page))
    assert shown == {"reconstruction.png", "swapped.png"}
    assert "Left out: measured with <code>--quick</code>" in page
    # What is not this report's is not left beside it.
    assert {path.name for path in tmp_path.iterdir()} == shown | {"index.html"}


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
