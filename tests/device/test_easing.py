"""Easing in the sound process: the meter rests and comes back, the lighter variant plays, the player's choice wins."""

import os
import shutil
import threading
import time
from pathlib import Path
from typing import Any, Callable, List, Optional

import numpy as np
import pytest

from neurorave_device.audio.output import OutputStage
from neurorave_device.clock import SystemClock
from neurorave_device.config import Config
from neurorave_device.engine.bundle import Bundle, load_bundle
from neurorave_device.engine.onnx_engine import OnnxEngine
from neurorave_device.engine.voice import Voice
from neurorave_device.inputs.base import Edge
from neurorave_device.link import telemetry
from neurorave_device.link.commands import CommandReceiver, CommandSender, PlayBundle, make_pipe
from neurorave_device.link.settings import pack_values
from neurorave_device.link.shared import SharedMemory
from neurorave_device.link.telemetry import Report
from neurorave_device.machine.thermal import Heat
from neurorave_device.parameters import default_values
from neurorave_device.sound_process import sound as sound_module
from neurorave_device.sound_process.change import Loaded, Outcome
from neurorave_device.sound_process.easing import Easing
from neurorave_device.sound_process.governor import ALL, FACE, LIGHTER, METER, Governor, Limits
from tests.device.fake_graphs import fake_bundle
from tests.device.test_sound import HOP, RATE, Rig, make_rig, sound_of
from tests.device.toy import TOY, edit_description, still

__all__ = ["make_rig"]

LATENCY = 768
HOT = Heat("CPU-therm", 95.0, 92.0, True)


def report_of(rig: Rig) -> Report:
    return telemetry.unpack(rig.shared.telemetry.read())


def run(rig: Rig, seconds: float) -> None:
    rig.run(rig.clock.now() + seconds)


def hit(sample: int) -> List[Edge]:
    return [Edge(1, True, sample / float(RATE))]


def test_the_resting_meter_costs_nothing_and_says_so(make_rig: Any) -> None:
    rig = make_rig(meter=True)
    rig.press(1, True)
    run(rig, 0.3)
    assert (report_of(rig).measured, report_of(rig).eased) == (True, ALL)
    assert rig.voice.take_heard()
    rig.synthesis.ease(METER)
    ran: List[int] = []
    graph = rig.voice._meter._graph
    graph_run = graph.run
    graph.run = lambda **values: (ran.append(1), graph_run(**values))[1]
    run(rig, 0.3)
    assert (report_of(rig).measured, report_of(rig).eased) == (False, METER)
    assert not ran and rig.voice.take_heard() == []
    for level in (FACE, LIGHTER, METER):
        rig.synthesis.ease(level)
        run(rig, 0.05)
        assert (report_of(rig).measured, report_of(rig).eased) == (False, level)
    rig.synthesis.ease(ALL)
    run(rig, 0.3)
    assert ran and report_of(rig).measured


def test_a_meter_that_comes_back_measures_what_one_that_never_rested_does(make_rig: Any) -> None:
    rests, works = make_rig(meter=True), make_rig(meter=True)
    for rig in (rests, works):
        rig.press(1, True)
        run(rig, 0.1)
    rests.synthesis.ease(METER)
    for rig in (rests, works):
        run(rig, 0.2)
    rests.synthesis.ease(ALL)
    assert not rests.voice.measured
    heard = []
    for _ in range(100):
        for rig in (rests, works):
            run(rig, 0.003)
        if rests.voice.measured:
            heard.append((rests.voice.heard, works.voice.heard))
    assert len(heard) > 50
    for after, always in heard:
        assert after.sample == always.sample and after.sample % HOP == 0
        assert after.heard == pytest.approx(always.heard, abs=1e-5)


def test_a_bundle_without_a_meter_measures_nothing_ever(make_rig: Any) -> None:
    rig = make_rig(meter=False)
    run(rig, 0.2)
    assert not report_of(rig).measured
    assert not rig.synthesis.has_meter
    assert not Voice(fake_bundle(lambda number: np.zeros(HOP)), {}).measured


@pytest.mark.parametrize("latency", [6.0, 20.0, 45.0])
def test_after_a_change_the_meter_measures_what_is_played_on_the_same_grid(
    make_rig: Any, latency: float
) -> None:
    rig, plain = make_rig(meter=True, latency=latency), make_rig(meter=True, latency=latency)
    for one in (rig, plain):
        one.values["temperature"] = 0.0
        one.shared.parameters.write(pack_values(one.values))
        run(one, 0.1)
        one.press(1, True)
        run(one, 0.1)
    voice = Voice(load_bundle(TOY), rig.values)
    rig.synthesis.change(voice)
    rig.voice = voice
    for one in (rig, plain):
        run(one, 0.06)
    reports = rig.voice.take_heard()
    assert reports and all(report.sample % HOP == 0 for report in reports)
    # What is heard of the old sound, whose time came before the change's, is measured by the new meter.
    same = {report.sample: report.heard for report in plain.voice.take_heard()}
    first = reports[0]
    assert first.sample in same
    for one in (rig, plain):
        one.press(1, False)
        one.press(1, True)
        run(one, 0.3)
    again = {report.sample: report.heard for report in plain.voice.take_heard()}
    compared = [r for r in rig.voice.take_heard()[-5:] if r.sample in again]
    assert len(compared) >= 4
    for report in compared:
        assert report.heard == pytest.approx(again[report.sample], abs=1e-3)


def test_the_meter_of_a_new_voice_begins_where_listening_has_come_to() -> None:
    toy = load_bundle(TOY)
    old, new, whole = Voice(toy, {}), Voice(toy, {}), Voice(toy, {})
    sound = old.render(6000, still, hit(100))
    old.listen(sound[:2000])
    new.take_over(old, 441, still)
    sound = np.concatenate((sound, new.render(6000, still)))
    for start in range(2000, 12000, 100):
        new.listen(sound[start : start + 100])
    whole.listen(sound)
    expected = {report.sample: report.heard for report in whole.take_heard()}
    reports = new.take_heard()
    assert [report.sample for report in reports] == [n for n in sorted(expected) if n >= 2000]
    for report in reports:
        if report.sample >= 2000 + LATENCY:
            assert report.heard == pytest.approx(expected[report.sample], abs=1e-5)


def test_late_edges_are_counted_on_by_the_next_bundle(make_rig: Any) -> None:
    rig = make_rig()
    run(rig, 0.1)
    rig.synthesis.add_edge(Edge(1, True, rig.stream.now() - 0.05))
    run(rig, 0.1)
    assert report_of(rig).late_edges == 1
    voice = Voice(load_bundle(TOY), {})
    rig.synthesis.change(voice)
    rig.voice = voice
    run(rig, 0.1)
    assert report_of(rig).late_edges == 1
    rig.press(1, False)
    rig.synthesis.add_edge(Edge(1, True, rig.stream.now() - 0.05))
    run(rig, 0.1)
    assert report_of(rig).late_edges == 2


def test_gates_replace_what_is_queued_in_a_buffer_of_any_length(make_rig: Any) -> None:
    rig = make_rig(latency=600.0, meter=True)
    collected: List[Edge] = []
    add_edge = rig.synthesis.add_edge

    def note(edge: Edge) -> None:
        collected.append(edge._replace(time=edge.time + rig.plan.gate))
        add_edge(edge)

    rig.scan._add_edge = note
    run(rig, 0.3)
    for _ in range(4):
        rig.press(1, True)
        run(rig, 0.05)
        rig.press(1, False)
        run(rig, 0.05)
    run(rig, 0.2)
    live = sound_of(rig)
    voice = Voice(load_bundle(TOY), rig.values)
    stage = OutputStage(RATE, rig.values["level"])
    whole = stage.process(voice.render(live.size, lambda sample: (0.0, 0.0, 0.0, 0.0), collected))
    assert np.abs(whole).max() > 0.01
    assert np.abs(live - whole).max() < 1e-5
    # Nothing is measured before it is played.
    assert rig.voice._listened <= rig.taken


class Desk:
    """An easing over a synthesis that only notes its levels."""

    def __init__(self, folder: Path, lighter: str = "light", meter: bool = True) -> None:
        self.busy = 0.2
        self.late = 0
        self.has_meter = meter
        self.levels: List[int] = []
        self.heat: Optional[Heat] = None
        self.asked: List[str] = []
        self.now_is = 0.0
        self.folder = folder
        self.easing = Easing(
            self,  # type: ignore[arg-type]
            lambda: self.heat,
            self.asked.append,
            str(folder / "heavy"),
            lighter,
            self,  # type: ignore[arg-type]
            Governor(),
        )

    def now(self) -> float:
        return self.now_is

    def ease(self, level: int) -> None:
        self.levels.append(level)

    def run(self, seconds: float) -> List[str]:
        said = []
        for _ in range(round(seconds / 0.1)):
            self.now_is += 0.1
            said.append(self.easing.follow())
        return [sentence for sentence in said if sentence]

    def loaded(self, name: str, bundle: Optional[Bundle], fault: str = "") -> str:
        found = None if bundle is None else Loaded(Voice(bundle, {}), OnnxEngine())
        return self.easing.changed(Outcome(str(self.folder / name), found, fault))


@pytest.fixture(scope="module")
def toy() -> Bundle:
    return load_bundle(TOY)


def test_the_lighter_variant_is_asked_for_last_and_stays_when_it_is_calm(
    tmp_path: Path, toy: Bundle
) -> None:
    desk = Desk(tmp_path)
    desk.busy = 0.95
    said = desk.run(40.0)
    assert desk.levels == [METER, FACE, LIGHTER]
    assert desk.asked == [str(tmp_path / "light")]
    assert said[-1].endswith("the lighter variant takes over.")
    assert desk.loaded("light", toy) == said[-1]
    desk.busy = 0.3
    assert len(desk.run(200.0)) == 3
    assert desk.levels[3:] == [FACE, METER, ALL]
    # Too busy again: this bundle names no lighter one.
    desk.busy = 0.95
    desk.run(100.0)
    assert desk.levels[6:] == [METER, FACE]
    assert len(desk.asked) == 1


def test_a_variant_that_cannot_be_played_is_asked_for_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.heat = HOT
    desk.run(120.0)
    assert len(desk.asked) == 1
    assert desk.loaded("light", None, "light/bundle.yaml: missing") == ""
    assert desk.levels == [METER, FACE, LIGHTER, FACE]
    desk.run(300.0)
    assert (len(desk.asked), desk.levels[-1]) == (1, FACE)


def test_who_goes_back_to_the_heavier_bundle_keeps_it(tmp_path: Path, toy: Bundle) -> None:
    desk = Desk(tmp_path)
    desk.busy = 0.95
    desk.run(40.0)
    desk.loaded("light", toy)
    heavy = toy.info._replace(lighter="light")
    bundle = load_bundle(TOY)
    bundle.info = heavy
    assert desk.loaded("heavy", bundle) == ""
    assert desk.levels[-1] == FACE
    desk.run(300.0)
    assert (len(desk.asked), desk.levels[-1]) == (1, FACE)
    # Another bundle with a lighter one is none that the player insisted on.
    desk.loaded("other", bundle)
    desk.run(60.0)
    assert len(desk.asked) == 2


def test_plans_that_are_ready_for_the_same_bundle_change_nothing(
    tmp_path: Path, toy: Bundle
) -> None:
    desk = Desk(tmp_path)
    desk.busy = 0.95
    desk.run(40.0)
    desk.loaded("light", toy)
    desk.loaded("light", toy)
    assert desk.levels == [METER, FACE, LIGHTER]


def test_what_is_not_there_is_no_step(tmp_path: Path) -> None:
    desk = Desk(tmp_path, lighter="", meter=False)
    desk.busy = 0.95
    desk.run(100.0)
    assert desk.levels == [FACE] and desk.asked == []


def test_an_overloaded_module_takes_all_steps_and_tells_each(
    tmp_path: Path, monkeypatch: Any
) -> None:
    for name in ("heavy", "light"):
        shutil.copytree(TOY, str(tmp_path / name))
    edit_description(str(tmp_path / "heavy"), lambda document: document.update(lighter="light"))
    monkeypatch.setattr(sound_module, "settle", lambda: None)
    monkeypatch.setattr(sound_module, "raise_priority", lambda _: False)
    shared = SharedMemory.create()
    shared.parameters.write(pack_values(default_values()))
    receiving, sending = make_pipe()
    stop = threading.Event()
    # Everything is too much.
    limits = Limits(load=0.0, load_well=-1.0, after_load=0.3)
    config = Config(bundle=str(tmp_path / "heavy"), audio="null")
    sound = sound_module.Sound(config, shared, CommandReceiver(receiving), SystemClock(), limits)
    sound.start()
    player = threading.Thread(target=sound.play, args=(stop, os.getppid()))
    player.start()
    seen: List[Report] = []

    def until(what: Callable[[Report], bool]) -> Report:
        for _ in range(2000):
            seen.append(telemetry.unpack(shared.telemetry.read()))
            if what(seen[-1]):
                return seen[-1]
            time.sleep(0.005)
        raise AssertionError(seen[-1])

    try:
        report = until(lambda report: report.folder.endswith("light") and report.eased == LIGHTER)
        assert not report.measured
        until(lambda report: report.message.endswith("the lighter variant takes over."))
        levels = [report.eased for report in seen]
        assert levels == sorted(levels) and set(levels) == {ALL, METER, FACE, LIGHTER}
        told = {report.message.split(": ")[-1] for report in seen if report.eased}
        assert {"the meter rests.", "the screen is drawn less often."} <= told
        CommandSender(sending).send(PlayBundle(str(tmp_path / "heavy")))
        until(lambda report: report.folder.endswith("heavy") and report.eased == FACE)
    finally:
        stop.set()
        player.join(10.0)
        sound.close()
        shared.close()
        receiving.close()
        sending.close()
    assert not player.is_alive()
    sound._thermal._worker.join(10.0)
    assert not sound._thermal._worker.is_alive()
