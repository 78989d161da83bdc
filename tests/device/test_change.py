"""Another bundle while one plays: found, loaded beside it, faded in, and refused without a gap."""

import os
import shutil
import threading
import time
from pathlib import Path
from typing import Any, Callable, List

import numpy as np
import pytest

from neurorave_device.clock import SystemClock
from neurorave_device.config import Config
from neurorave_device.engine.bundle import load_bundle
from neurorave_device.engine.onnx_engine import OnnxEngine
from neurorave_device.engine.voice import Voice
from neurorave_device.errors import UserError
from neurorave_device.face_process.catalogue import Catalogue
from neurorave_device.inputs.base import Edge
from neurorave_device.link.commands import CommandReceiver, CommandSender, PlayBundle, make_pipe
from neurorave_device.link.settings import pack_values
from neurorave_device.link.shared import SharedMemory
from neurorave_device.link.telemetry import Report, pack, unpack
from neurorave_device.parameters import default_values
from neurorave_device.sound_process import sound as sound_module
from neurorave_device.sound_process.change import BundleChange, Loaded
from neurorave_device.sound_process.synthesis import CHANGE_SECONDS
from tests.device.fake_graphs import fake_bundle
from tests.device.test_face_link import Bench
from tests.device.test_sound import HOP, RATE, make_rig, sound_of
from tests.device.toy import TOY, still

__all__ = ["make_rig"]

FADE = round(CHANGE_SECONDS * RATE)


def constant(value: float) -> Voice:
    return Voice(fake_bundle(lambda number: np.full(HOP, value)), {})


def hit_at(sample: int, gate: int = 1) -> List[Edge]:
    return [Edge(gate, True, sample / float(RATE))]


def test_the_old_sound_fades_out_and_the_new_bundle_waits_for_its_gate() -> None:
    old, new = constant(0.5), constant(0.25)
    old.render(1000, still, hit_at(0) + [Edge(1, False, 0.001)])
    new.take_over(old, FADE, still)
    assert new.position == 1000
    sound = new.render(4000, still)
    assert sound[0] == pytest.approx(0.5, abs=0.01)
    assert np.abs(np.diff(sound)).max() <= 0.5 * np.pi / 2.0 / FADE + 1e-6
    assert not sound[FADE:].any()
    again = new.render(1000, still, hit_at(5000))
    assert again[500] == pytest.approx(0.25)
    assert (new.hits, new.late_edges) == (1, 0)


def test_a_held_gate_goes_on_with_the_new_bundle() -> None:
    old, new = constant(0.5), constant(0.25)
    old.render(1000, still, hit_at(0))
    new.take_over(old, FADE, still)
    sound = new.render(4000, still)
    assert sound[FADE + 1 :] == pytest.approx(0.25)
    assert np.abs(np.diff(sound)).max() <= 0.02
    assert new.gate_levels == (True, False)


def test_a_gate_on_its_way_starts_the_new_bundle() -> None:
    old, new = constant(0.5), constant(0.25)
    old.render(1000, still, hit_at(1500))
    new.take_over(old, FADE, still)
    sound = new.render(2000, still)
    assert np.flatnonzero(sound)[0] == 500
    assert new.take_triggers() == [1500]


def test_a_change_in_the_running_module_has_no_gap_and_no_step(make_rig: Any) -> None:
    rig = make_rig()
    rig.run(rig.clock.now() + 0.1)
    rig.press(1, True)
    rig.run(rig.clock.now() + 0.1)
    steepest = np.abs(np.diff(sound_of(rig))).max()
    voice = Voice(load_bundle(TOY), {"seed": 5.0})
    rig.synthesis.change(voice)
    rig.voice = voice
    rig.run(rig.clock.now() + 0.03)
    # The gate falls into what was made before the change and after it.
    rig.press(1, False)
    rig.press(1, True)
    rig.run(rig.clock.now() + 0.3)
    assert np.abs(np.diff(sound_of(rig))).max() <= 2.0 * steepest
    assert (rig.synthesis.late, rig.buffer.underruns, voice.late_edges) == (0, 0, 0)
    assert len(voice.take_triggers()) == 1


def test_a_gate_just_before_the_change_still_sounds(make_rig: Any) -> None:
    rig = make_rig()
    rig.run(rig.clock.now() + 0.1)
    voice = Voice(load_bundle(TOY), {})
    rig.synthesis.change(voice)
    rig.voice = voice
    rig.press(1, True)
    rig.run(rig.clock.now() + 0.2)
    (trigger,) = voice.take_triggers()
    sound = sound_of(rig)
    assert np.flatnonzero(sound)[0] in range(trigger, trigger + 3)
    assert voice.late_edges == 0


def test_the_newest_of_several_wishes_is_loaded_and_a_fault_is_a_sentence() -> None:
    started, go_on = threading.Event(), threading.Event()
    asked: List[str] = []

    def load(folder: str) -> Loaded:
        asked.append(folder)
        started.set()
        assert go_on.wait(10.0)
        if folder == "bad":
            raise UserError("bad/bundle.yaml: is not there")
        if folder == "worse":
            raise RuntimeError("out of memory")
        return Loaded(constant(0.5), OnnxEngine())

    change = BundleChange(load)
    assert change.poll() is None
    change.request("good")
    assert started.wait(10.0)
    for folder in ("skipped", "bad"):
        change.request(folder)
    go_on.set()
    outcomes = [_wait_for(change) for _ in range(2)]
    change.request("worse")
    outcomes.append(_wait_for(change))
    assert asked == ["good", "bad", "worse"]
    assert [outcome.loaded is None for outcome in outcomes] == [False, True, True]
    assert outcomes[1].fault == "bad/bundle.yaml: is not there"
    assert "worse cannot be played: RuntimeError: out of memory" in outcomes[2].fault


def test_what_plays_no_more_is_closed_and_the_next_wish_is_not_forgotten() -> None:
    closed: List[str] = []

    class Engine(OnnxEngine):
        def close(self) -> None:
            closed.append("closed")

    change = BundleChange(lambda folder: Loaded(constant(0.5), OnnxEngine()))
    change.discard(Engine())
    change.request("wanted")
    change.discard(Engine())
    assert _wait_for(change).folder == "wanted"
    change.discard(Engine())
    change.request("again")
    assert _wait_for(change).folder == "again"
    assert closed == ["closed"] * 3


def _wait_for(change: BundleChange) -> Any:
    return change._outcomes.get(timeout=10.0)


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    for name in ("first", "second"):
        shutil.copytree(TOY, str(tmp_path / name))
    (tmp_path / "notes.txt").write_text("no bundle")
    (tmp_path / "empty").mkdir()
    return tmp_path


def test_the_catalogue_has_what_lies_beside_the_bundle_and_follows_it(shelf: Path) -> None:
    catalogue = Catalogue(str(shelf / "first"))
    assert [row.name for row in catalogue.rows()] == ["first", "second"]
    assert catalogue.path("second") == str(shelf / "second")
    (shelf / "third").mkdir()
    (shelf / "third" / "bundle.yaml").write_text("schema: 7")
    bad = catalogue.rows()[2]
    assert bad.name == "third" and "third" in bad.fault
    with pytest.raises(UserError, match="third"):
        catalogue.path("third")
    shutil.rmtree(str(shelf / "second"))
    assert [row.name for row in catalogue.rows()] == ["first", "third"]
    for name in ("second", "../first", "/", ""):
        with pytest.raises(UserError, match=r"is not in .*, which has first, third"):
            catalogue.path(name)


def test_the_face_follows_the_bundle_that_plays(shelf: Path) -> None:
    document = (shelf / "second" / "bundle.yaml").read_text()
    (shelf / "second" / "bundle.yaml").write_text(document.replace("name: toy", "name: other"))
    bench = Bench(str(shelf / "first"))
    try:
        assert [(row["name"], row["playing"]) for row in bench.link.bundles()] == [
            ("first", True),
            ("second", False),
        ]
        bench.link.play_bundle("second")
        assert bench.receiver.drain() == [PlayBundle(str(shelf / "second"))]
        report = Report(folder=str(shelf / "second"))
        bench.shared.telemetry.write(pack(report))
        bench.link.telemetry()
        assert bench.link.info()["name"] == "other"
        assert [row["playing"] for row in bench.link.bundles()] == [False, True]
        with pytest.raises(UserError, match="is not in"):
            bench.link.play_bundle("none")
    finally:
        bench.close()


def test_the_face_goes_on_when_the_folder_of_what_plays_is_gone(shelf: Path) -> None:
    bench = Bench(str(shelf / "first"))
    five = (0.5,) * 5
    playing = Report(
        state="playing",
        folder=str(shelf / "first"),
        bundle="toy",
        time=2.0,
        samples=88200,
        asked=five,
        heard=five,
        mask=(True,) * 5,
    )
    try:
        bench.shared.telemetry.write(pack(playing))
        shutil.rmtree(str(shelf / "first"))
        # What it has read it knows, and says nothing.
        assert (bench.link.telemetry().state, bench.link.telemetry().message) == ("playing", "")
        assert bench.link.info()["name"] == "toy"
        assert [(row["name"], row["playing"]) for row in bench.link.bundles()] == [
            ("second", False)
        ]
        # A face that is started again has read nothing, nor has one whose sound plays something else that is gone.
        bench.link = bench.new_link()
        for folder in (playing.folder, str(shelf / "third")):
            bench.shared.telemetry.write(pack(playing._replace(folder=folder)))
            seen = bench.link.telemetry()
            assert seen.message == folder + " cannot be read any more; it plays on."
            assert seen.asked == pytest.approx(five)
            info = bench.link.info()
            assert (info["name"], info["sample_rate"]) == ("toy", 44100)
            assert [row["name"] for row in info["descriptors"]][:2] == ["rms", "centroid"]
            assert len(info["descriptors"][4]["quantiles"]) == 25
        bench.shared.telemetry.write(pack(playing._replace(folder=str(shelf / "second"))))
        assert bench.link.telemetry().message == ""
        assert bench.link.info()["author"] != ""
    finally:
        bench.close()


def test_a_face_with_nothing_to_go_by_says_what_is_missing(shelf: Path) -> None:
    bench = Bench(str(shelf / "first"))
    try:
        shutil.rmtree(str(shelf / "first"))
        with pytest.raises(UserError, match="there is no such folder"):
            bench.new_link()
    finally:
        bench.close()


def test_the_sound_process_changes_its_bundle_and_says_what_it_cannot_play(
    shelf: Path, monkeypatch: Any
) -> None:
    # Both act on this whole process.
    monkeypatch.setattr(sound_module, "settle", lambda: None)
    monkeypatch.setattr(sound_module, "raise_priority", lambda _: False)
    shared = SharedMemory.create()
    shared.parameters.write(pack_values(default_values()))
    receiving, sending = make_pipe()
    commands = CommandSender(sending)
    stop = threading.Event()

    def until(what: Callable[[Report], bool]) -> Report:
        for _ in range(1000):
            report = unpack(shared.telemetry.read())
            if what(report):
                return report
            time.sleep(0.01)
        raise AssertionError(report)

    config = Config(bundle=str(shelf / "first"), audio="null")
    sound = sound_module.Sound(config, shared, CommandReceiver(receiving), SystemClock())
    sound.start()
    player = threading.Thread(target=sound.play, args=(stop, os.getppid()))
    player.start()
    try:
        until(lambda report: report.state == "playing")
        commands.send(PlayBundle(str(shelf / "second")))
        assert until(lambda report: report.folder.endswith("second")).message == ""
        os.remove(str(shelf / "first" / "decoder.onnx"))
        commands.send(PlayBundle(str(shelf / "first")))
        report = until(lambda report: "decoder.onnx" in report.message)
        assert report.folder.endswith("second")
        assert report.message.endswith("; toy plays on.")
        slow = (shelf / "first" / "bundle.yaml").read_text()
        (shelf / "first" / "bundle.yaml").write_text(
            slow.replace("sample_rate: 44100", "sample_rate: 16000").replace("86.1328125", "31.25")
        )
        shutil.copy(os.path.join(TOY, "decoder.onnx"), str(shelf / "first"))
        commands.send(PlayBundle(str(shelf / "first")))
        until(lambda report: "plays at 16000 Hz" in report.message)
        # Whoever watches the terminal hears of MIDI apart from the jacks.
        busy = "The MIDI port /dev/snd/midiC1D0: used by another program."
        monkeypatch.setattr(sound_module.MidiIn, "fault", property(lambda _: busy))
        assert until(lambda report: report.midi_fault == busy).faults == ("",) * len(report.faults)
    finally:
        stop.set()
        player.join(10.0)
        sound.close()
        shared.close()
        receiving.close()
        sending.close()
    assert not player.is_alive()
