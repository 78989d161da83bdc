"""CV recordings: exact edges at any rate, exact volts, and every bad file refused in a sentence."""

import os
import subprocess
import sys
from pathlib import Path
from typing import List, Tuple

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.errors import UserError
from neurorave_device.inputs import cv_file
from neurorave_device.inputs.base import SILENT_VOLTS, Edge
from neurorave_device.inputs.cv_file import CvRecording
from neurorave_device.inputs.replay import ReplayPanel
from neurorave_device.inputs.schmitt import SchmittTrigger

HERE = os.path.dirname(os.path.abspath(__file__))
SHORT = os.path.join(os.path.dirname(HERE), "data", "cv_short.wav")
MAKER = os.path.join(os.path.dirname(HERE), "make_cv_recording.py")

levels = st.sampled_from([-1.0, 0.0, 0.79, 0.8, 1.0, 1.49, 1.5, 3.0, 5.0, 12.0])


def save(folder: Path, volts: np.ndarray, rate: int = 1000, subtype: str = "FLOAT") -> str:
    path = str(folder / "cv.wav")
    soundfile.write(path, volts / 10.0, rate, subtype=subtype)
    return path


def naive_edges(volts: List[float]) -> List[Tuple[int, bool]]:
    found, level = [], False
    for index, value in enumerate(volts):
        if not level and value >= 1.5:
            level = True
            found.append((index, True))
        elif level and value < 0.8:
            level = False
            found.append((index, False))
    return found


@settings(max_examples=50, deadline=None)
@given(st.lists(levels, max_size=60), st.integers(1, 20))
def test_the_schmitt_trigger_is_the_same_in_blocks(volts: List[float], block: int) -> None:
    trigger, found = SchmittTrigger(), []
    for start in range(0, len(volts), block):
        part = np.array(volts[start : start + block])
        found += [(start + index, rising) for index, rising in trigger.feed(part)]
    assert found == naive_edges(volts)
    assert trigger.level == (len(found) % 2 == 1)


@pytest.mark.parametrize("rate", [1000, 8000, 44100, 48000, 96000])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_edges_are_at_their_very_sample(tmp_path: Path, rate: int, subtype: str) -> None:
    random = np.random.RandomState(rate)
    starts = np.cumsum(random.randint(40, 400, 30))
    volts = np.zeros((int(starts[-1]) + 400, 6))
    for start in starts:
        volts[start : start + 20, 4] = random.uniform(3.0, 9.9)
    volts[100:200, 5] = 5.0
    with CvRecording(save(tmp_path, volts, rate, subtype)) as recording:
        edges = recording.edges()
    rising = [round(edge.time * rate) for edge in edges if edge.gate == 1 and edge.rising]
    falling = [round(edge.time * rate) for edge in edges if edge.gate == 1 and not edge.rising]
    assert rising == starts.tolist()
    assert falling == (starts + 20).tolist()
    assert all(edge.time == round(edge.time * rate) / float(rate) for edge in edges)
    second = [edge for edge in edges if edge.gate == 2]
    assert second == [Edge(2, True, 100.0 / rate), Edge(2, False, 200.0 / rate)]
    assert [edge.time for edge in edges] == sorted(edge.time for edge in edges)


def test_ripple_between_the_levels_is_no_second_trigger(tmp_path: Path) -> None:
    volts = np.zeros((100, 6))
    volts[10:60, 4] = [1.6, 0.9] * 25
    with CvRecording(save(tmp_path, volts)) as recording:
        assert [edge.rising for edge in recording.edges()] == [True, False]


def test_a_gate_that_is_high_from_the_start_rises_at_zero(tmp_path: Path) -> None:
    volts = np.zeros((50, 6))
    volts[:, 5] = 5.0
    with CvRecording(save(tmp_path, volts)) as recording:
        assert recording.edges() == [Edge(2, True, 0.0)]


def test_volts_are_exact_at_samples_and_straight_between(tmp_path: Path) -> None:
    random = np.random.RandomState(1)
    volts = np.round(random.uniform(-9.0, 9.0, (300, 6)) * 256) / 256
    with CvRecording(save(tmp_path, volts, 44100)) as recording:
        for index in (0, 1, 17, 298, 299):
            assert recording.volts_at(index / 44100.0) == pytest.approx(volts[index, :4], abs=1e-6)
        middle = recording.volts_at(20.5 / 44100.0)
        assert middle == pytest.approx((volts[20, :4] + volts[21, :4]) / 2.0, abs=1e-6)
        assert recording.volts_at(-1.0) == pytest.approx(volts[0, :4], abs=1e-6)
        assert recording.volts_at(9.0) == pytest.approx(volts[-1, :4], abs=1e-6)


def test_a_single_sample_is_a_recording(tmp_path: Path) -> None:
    with CvRecording(save(tmp_path, np.full((1, 6), 2.0))) as recording:
        assert recording.volts_at(0.5) == pytest.approx((2.0,) * 4, abs=1e-6)
        assert len(recording.edges()) == 2


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0.0, 1.2), min_size=1, max_size=30))
def test_reading_in_pieces_is_reading_the_whole(times: List[float]) -> None:
    with CvRecording(SHORT) as whole:
        wanted = [whole.volts_at(time) for time in times]
    kept = cv_file._PIECE
    cv_file._PIECE = 300
    try:
        with CvRecording(SHORT) as pieces:
            assert [pieces.volts_at(time) for time in times] == wanted
            assert pieces.edges() == whole.edges()
    finally:
        cv_file._PIECE = kept


def test_the_short_recording_is_what_its_script_makes(tmp_path: Path) -> None:
    again = str(tmp_path / "again.wav")
    subprocess.check_call([sys.executable, MAKER, again])
    made, kept = soundfile.read(again)[0], soundfile.read(SHORT)[0]
    assert np.array_equal(made, kept)
    assert os.path.getsize(SHORT) < 60000
    with CvRecording(SHORT) as recording:
        assert recording.seconds == 4.0
        edges = recording.edges()
        triggers = [edge.time for edge in edges if edge.gate == 1 and edge.rising]
        assert triggers == [0.1, 0.6, 1.1, 1.35, 1.6, 2.1, 2.6, 2.85, 3.101, 3.35]
        assert [edge for edge in edges if edge.gate == 2] == [
            Edge(2, True, 2.4),
            Edge(2, False, 3.2),
        ]
        assert recording.volts_at(2.0) == pytest.approx((0.0, 0.0, 0.0, 0.0), abs=0.003)


def refused(path: str) -> str:
    with pytest.raises(UserError) as caught:
        CvRecording(path)
    message = str(caught.value)
    assert message.startswith(path + ": ") and "\n" not in message
    return message


def test_bad_files_are_refused_in_one_sentence(tmp_path: Path) -> None:
    quiet = np.zeros((100, 6))
    assert "no such file" in refused(str(tmp_path / "missing.wav"))
    assert "a folder" in refused(str(tmp_path))
    assert "channels are 5, a CV recording has 6" in refused(save(tmp_path, quiet[:, :5]))
    assert "sample format is PCM_U8" in refused(save(tmp_path, quiet, subtype="PCM_U8"))
    assert "empty" in refused(save(tmp_path, quiet[:0]))
    for value, name in ((np.nan, "nan"), (np.inf, "inf")):
        broken = quiet.copy()
        broken[42, 2] = value
        assert "CV 3 is {} at sample 42".format(name) in refused(save(tmp_path, broken))
    flac = str(tmp_path / "cv.flac")
    soundfile.write(flac, quiet, 1000)
    assert "format is FLAC, a CV recording is a WAV" in refused(flac)


@pytest.mark.parametrize("content", [b"", b"hello, this is a shopping list\n" * 20, b"RIFF\x00"])
@pytest.mark.parametrize("name", ["notes.wav", "notes.raw"])
def test_what_is_no_sound_file_is_refused(tmp_path: Path, content: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert "not a readable sound file" in refused(str(path))


def test_a_file_that_was_cut_off_is_refused_or_shorter_but_never_crashes(tmp_path: Path) -> None:
    whole = Path(SHORT).read_bytes()
    for size in (20, 44, 50, 200, len(whole) // 2):
        path = tmp_path / "cut.wav"
        path.write_bytes(whole[:size])
        try:
            with CvRecording(str(path)) as recording:
                assert 0 < recording.frames <= (size - 44) // 12
        except UserError as error:
            assert str(error).startswith(str(path))


def test_replay_gives_the_recording_once_and_then_silence() -> None:
    with CvRecording(SHORT) as recording:
        panel = ReplayPanel(recording, start=10.0)
        assert panel.end == 14.0
        assert panel.read(9.9) == SILENT_VOLTS
        assert panel.read(11.0) == recording.volts_at(1.0)
        assert panel.read(14.0) == SILENT_VOLTS
        assert panel.take_edges(10.0) == ()
        first = panel.take_edges(10.1)
        assert first == (Edge(1, True, 10.1),)
        rest = panel.take_edges(100.0)
        assert len(first + rest) == len(recording.edges())
        assert panel.take_edges(100.0) == ()


def test_replay_lets_go_of_a_gate_that_the_recording_holds(tmp_path: Path) -> None:
    volts = np.zeros((50, 6))
    volts[10:, 5] = 5.0
    with CvRecording(save(tmp_path, volts)) as recording:
        edges = ReplayPanel(recording).take_edges(1.0)
    assert edges == (Edge(2, True, 0.01), Edge(2, False, 0.05))
