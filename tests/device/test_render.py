"""Rendering: the same bytes each time, gates at their samples, a report on one grid."""

import json
import os
from typing import Any, Dict, List, Optional

import numpy as np
import pytest
import soundfile

from neurorave_device.errors import UserError
from neurorave_device.tools.render import TAIL_SECONDS, render, write_json

from .toy import CV, TOY, copy_toy, edit_description

RATE = 44100
HOP = 512


def _recording(
    path: str,
    seconds: float,
    gates: List[float],
    rate: int = 12000,
    volts: Optional[np.ndarray] = None,
) -> str:
    """Writes a CV recording with 2 ms triggers on gate 1 at `gates` seconds."""
    samples = np.zeros((int(seconds * rate), 6))
    if volts is not None:
        samples[:, 2] = np.interp(np.arange(len(samples)), [0, len(samples)], volts) / 10.0
    for time in gates:
        start = round(time * rate)
        samples[start : start + max(1, rate // 500), 4] = 0.5
    soundfile.write(path, samples, rate, subtype="PCM_24")
    return path


def _bytes(path: Any) -> bytes:
    with open(str(path), "rb") as handle:
        return handle.read()


def test_the_same_arguments_give_the_same_bytes(tmp_path: Any) -> None:
    cv = _recording(str(tmp_path / "cv.wav"), 0.6, [0.1, 0.3])
    for number, seed in ((0, 7), (1, 7), (2, 8)):
        out, report = tmp_path / "{}.wav".format(number), tmp_path / "{}.json".format(number)
        render(TOY, cv, str(out), seed=seed, json_path=str(report))
    assert _bytes(tmp_path / "0.wav") == _bytes(tmp_path / "1.wav")
    assert _bytes(tmp_path / "0.wav") != _bytes(tmp_path / "2.wav")
    first = json.loads(_bytes(tmp_path / "0.json").decode("utf-8"))
    again = json.loads(_bytes(tmp_path / "1.json").decode("utf-8"))
    assert {**first, "out": ""} == {**again, "out": ""}
    assert (first["seed"], first["sample_rate"], first["hop"]) == (7, RATE, HOP)


def test_the_report_is_on_the_grid_of_the_file(tmp_path: Any) -> None:
    out = str(tmp_path / "out.wav")
    report = render(TOY, CV, out, seed=1)
    info = soundfile.info(out)
    assert (info.samplerate, info.channels, info.frames) == (RATE, 1, report["samples"])
    assert report["samples"] == report["frames"] * HOP
    assert report["seconds"] == pytest.approx(info.frames / float(RATE))
    assert 4.0 <= report["seconds"] <= 4.0 + TAIL_SECONDS + HOP / float(RATE)
    for kind in ("asked", "heard", "mask"):
        assert sorted(report[kind]) == ["bandwidth", "booming", "centroid", "rms", "sharpness"]
        for row in report[kind].values():
            assert len(row) == report["frames"]
            assert min(row) >= 0.0 and max(row) <= 1.0
    assert report["bad_frames"] == 0


def test_heard_belongs_to_the_sound_of_its_own_frame(tmp_path: Any) -> None:
    gate = 0.5
    cv = _recording(str(tmp_path / "cv.wav"), 1.0, [gate])
    out = str(tmp_path / "out.wav")
    report = render(TOY, cv, out)
    sound, _ = soundfile.read(out)
    # Windows are 2048 long: the first frame that hears the hit is 1024 - 256 samples early.
    hears = np.array(report["heard"]["rms"]) > 0.02
    first = int(np.flatnonzero(hears)[0])
    start = round(gate * RATE)
    assert first == (start - 1024 - HOP // 2 + HOP - 1) // HOP
    middle = (first + 6) * HOP + HOP // 2
    level = 10.0 * np.log10(np.mean(sound[middle - 1024 : middle + 1024] ** 2))
    expected = np.interp(level, np.linspace(-60.0, -6.0, 25), np.linspace(0.01, 0.99, 25))
    assert report["heard"]["rms"][first + 6] == pytest.approx(expected, abs=0.01)


def test_gates_are_told_in_output_samples_and_start_hits(tmp_path: Any) -> None:
    times = [0.1, 0.35, 0.61]
    for rate in (1000, 96000):
        cv = _recording(str(tmp_path / "cv.wav"), 1.0, times, rate)
        report = render(TOY, cv, str(tmp_path / "out.wav"))
        expected = [round(round(time * rate) / rate * RATE) for time in times]
        assert report["gates"] == {"1": expected, "2": []}
        assert report["triggers"] == expected


def test_200_gates_each_start_their_hit_at_their_own_sample(tmp_path: Any) -> None:
    random = np.random.RandomState(4)
    times = np.cumsum(random.uniform(0.005, 0.03, 200))
    cv = _recording(str(tmp_path / "cv.wav"), float(times[-1]) + 0.1, times.tolist(), 48000)
    report = render(TOY, cv, str(tmp_path / "out.wav"))
    assert len(report["gates"]["1"]) == 200
    assert report["triggers"] == report["gates"]["1"]


def test_the_first_sample_of_the_sound_is_that_of_the_gate(tmp_path: Any) -> None:
    random = np.random.RandomState(5)
    delays = []
    for number in range(6):
        time = float(random.uniform(0.0, 0.2))
        cv = _recording(str(tmp_path / "cv.wav"), 0.3, [time], 96000)
        out = str(tmp_path / "out.wav")
        gate = render(TOY, cv, out, seed=number)["gates"]["1"][0]
        sound, _ = soundfile.read(out)
        delays.append(int(np.flatnonzero(sound)[0]) - gate)
    assert max(delays) - min(delays) <= 1 and max(delays) <= 1


def test_a_sweep_of_a_cv_is_heard(tmp_path: Any) -> None:
    gates = np.arange(0.02, 4.0, 0.1).tolist()
    cv = _recording(str(tmp_path / "cv.wav"), 4.0, gates, volts=np.array([-5.0, 5.0]))
    preset = tmp_path / "preset.yaml"
    preset.write_text("patch: {cv3.mode: replace, guard: off, temperature: 0}\n")
    report = render(TOY, cv, str(tmp_path / "out.wav"), preset=str(preset))
    middle = slice(report["frames"] // 10, report["frames"] * 9 // 10 - 30)
    asked = np.array(report["asked"]["centroid"])[middle]
    heard = np.array(report["heard"]["centroid"])[middle]
    order = np.argsort(np.argsort(heard)), np.argsort(np.argsort(asked))
    assert np.corrcoef(*order)[0, 1] > 0.9
    assert set(report["mask"]["centroid"][10:200]) == {1}
    assert set(report["mask"]["bandwidth"]) == {0}


def test_the_tail_ends_by_itself_and_at_the_latest_after_its_time(tmp_path: Any) -> None:
    cv = _recording(str(tmp_path / "cv.wav"), 0.2, [0.15])
    short = render(TOY, cv, str(tmp_path / "out.wav"))
    sound, _ = soundfile.read(str(tmp_path / "out.wav"))
    assert 0.8 < short["seconds"] < 0.2 + TAIL_SECONDS - 0.5
    assert np.abs(sound[-1000:]).max() < 1e-3
    drone = tmp_path / "drone.yaml"
    drone.write_text("patch: {rms.mode: asked, rms.value: 0.8, guard: off}\n")
    long = render(TOY, cv, str(tmp_path / "out.wav"), preset=str(drone))
    sound, _ = soundfile.read(str(tmp_path / "out.wav"))
    assert long["seconds"] == pytest.approx(0.2 + TAIL_SECONDS, abs=2 * HOP / float(RATE))
    assert np.abs(sound[-4000:-2000]).max() > 0.05
    assert abs(sound[-1]) < 1e-3


def test_a_bundle_without_a_meter_renders_too(tmp_path: Any) -> None:
    folder = copy_toy(tmp_path)
    edit_description(folder, lambda document: document["files"].pop("meter"))
    cv = _recording(str(tmp_path / "cv.wav"), 0.2, [0.1])
    report = render(folder, cv, str(tmp_path / "out.wav"))
    assert report["heard"]["rms"] == []
    assert len(report["asked"]["rms"]) == report["frames"]


def test_json_on_stdout_is_all_there_is_on_it(tmp_path: Any, capsys: Any) -> None:
    cv = _recording(str(tmp_path / "cv.wav"), 0.1, [])
    report = render(TOY, cv, str(tmp_path / "out.wav"), json_path="-")
    assert json.loads(capsys.readouterr().out) == report


def test_json_has_one_line_for_each_list_of_numbers(tmp_path: Any) -> None:
    report: Dict[str, Any] = {
        'ä"': [1, 2.5, None, True],
        "none": [],
        "deep": {"list": list(range(5000)), "empty": {}},
        "rows": [{"name": "one"}, [1, 2]],
    }
    path = tmp_path / "report.json"
    write_json(str(path), report)
    text = _bytes(path).decode("utf-8")
    assert json.loads(text) == report
    assert text.startswith(
        '{\n "ä\\"": [1, 2.5, null, true],\n "none": [],\n "deep": {\n  "list": [0, 1,'
    )
    assert len(text.splitlines()) == 14
    with pytest.raises(ValueError):
        write_json(str(path), {"list": [float("nan")]})


def test_progress_ends_at_one(tmp_path: Any) -> None:
    parts: List[float] = []
    cv = _recording(str(tmp_path / "cv.wav"), 0.2, [])
    render(TOY, cv, str(tmp_path / "out.wav"), progress=parts.append)
    assert parts == sorted(parts) and parts[-1] == 1.0


def _arguments(tmp_path: Any, **changed: Any) -> Dict[str, Any]:
    good = {"bundle_dir": TOY, "cv_path": CV, "out_path": str(tmp_path / "out.wav")}
    good.update(changed)
    return good


@pytest.mark.parametrize(
    "changed, said",
    [
        ({"bundle_dir": "nowhere"}, "no such folder"),
        ({"cv_path": "nowhere.wav"}, "no such file"),
        ({"out_path": os.path.join("nowhere", "out.wav")}, "no folder"),
        ({"out_path": "sound.mp3"}, "sound.mp3: the output is a WAV file, .* must end in .wav"),
        ({"out_path": "sound"}, "must end in .wav"),
        ({"seed": -1}, "seed is -1, allowed is a whole number from 0 to 9999"),
        ({"preset": "nowhere.yaml"}, "nowhere.yaml"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    tmp_path: Any, changed: Dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError, match=said) as caught:
        render(**_arguments(tmp_path, **changed))
    assert "\n" not in str(caught.value)
    assert os.listdir(str(tmp_path)) == []


def test_an_output_that_cannot_be_begun_is_called_by_its_own_name(tmp_path: Any) -> None:
    out = str(tmp_path / "sound.wav")
    os.mkdir(out + ".part")
    with pytest.raises(UserError) as caught:
        render(**_arguments(tmp_path, out_path=out))
    assert str(caught.value) == out + ": cannot be written (Is a directory)"


def test_what_is_no_file_is_never_replaced(tmp_path: Any) -> None:
    pipe, folder = str(tmp_path / "pipe.wav"), str(tmp_path / "folder.wav")
    os.mkfifo(pipe)
    os.mkdir(folder)
    for out in (pipe, folder):
        with pytest.raises(UserError, match="is not a file"):
            render(**_arguments(tmp_path, out_path=out))
    assert sorted(os.listdir(str(tmp_path))) == ["folder.wav", "pipe.wav"]
    assert not os.path.isfile(pipe)


def test_the_recording_is_never_written_over(tmp_path: Any) -> None:
    cv = _recording(str(tmp_path / "cv.wav"), 0.2, [])
    before = _bytes(cv)
    with pytest.raises(UserError, match="cannot be the output too"):
        render(TOY, cv, str(tmp_path / "." / "cv.wav"))
    assert _bytes(cv) == before


def test_what_was_there_stays_when_rendering_is_interrupted(tmp_path: Any) -> None:
    out = tmp_path / "out.wav"
    out.write_text("an older rendering")

    def stop(part: float) -> None:
        if part > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render(TOY, CV, str(out), progress=stop)
    assert os.listdir(str(tmp_path)) == ["out.wav"]
    assert out.read_text() == "an older rendering"


def test_json_that_cannot_be_written_is_one_sentence(tmp_path: Any) -> None:
    with pytest.raises(OSError, match="cannot be written"):
        write_json(str(tmp_path / "nowhere" / "report.json"), {})
