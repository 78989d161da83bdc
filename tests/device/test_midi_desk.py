"""MIDI controllers on the face: learnt in three steps, kept, and taken over where they meet the value."""

import os
import random
from pathlib import Path
from typing import Any, Callable, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurorave_device.clock import VirtualClock
from neurorave_device.face_process.midi_desk import MidiDesk
from neurorave_device.face_process.midi_learn import (
    LEARNT,
    LEFT,
    MOVE,
    OFF,
    PAGE,
    PARAMETER,
    MidiLearn,
)
from neurorave_device.face_process.takeover import TakeOver
from neurorave_device.link.events import CONTROLLER, Event
from neurorave_device.parameters import by_id
from neurorave_device.storage.midi_map import MOVABLE, MidiMapFile
from tests.device.fake_link import FakeLink


class Bench:
    def __init__(self, folder: Path, writes: bool = True) -> None:
        self.folder = folder
        self.link = FakeLink(VirtualClock(5.0))
        self.link.set("midi.on", 1.0)
        self.jobs: List[Callable[[], None]] = []
        self.said: List[str] = []
        self.desk = self.new_desk(writes)

    def new_desk(self, writes: bool = True) -> MidiDesk:
        do: Any = self.jobs.append if writes else None
        return MidiDesk(self.link, str(self.folder), do, self.said.append)

    def move(self, controller: int, value: int) -> None:
        self.desk.controller(Event(CONTROLLER, controller, value / 127.0))

    def follow(self) -> None:
        self.desk.follow()
        while self.jobs:
            self.jobs.pop(0)()

    def teach(self, parameter: str, controller: int) -> MidiLearn:
        dialog = self.desk.learn(parameter)
        assert isinstance(dialog, MidiLearn) and dialog.step == MOVE
        self.move(controller, 60)
        self.follow()
        assert dialog.step == LEARNT
        return dialog


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_choose_a_parameter_move_a_controller_done(bench: Bench) -> None:
    dialog = bench.desk.learn()
    assert dialog.view().step == PAGE
    bench.move(74, 10)
    assert bench.desk.controllers == {}
    dialog.choose("sound")
    assert dialog.view().step == PARAMETER
    dialog.choose("level")
    view = dialog.view()
    assert view.step == MOVE and "Level" in view.sentence
    bench.move(74, 10)
    bench.follow()
    view = dialog.view()
    assert view.step == LEARNT and view.sentence == "Controller 74 moves Level."
    assert bench.desk.controllers == {74: "level"}
    # It is kept: a face that is started again knows it.
    assert bench.new_desk().controllers == {74: "level"}
    dialog.choose("more")
    assert dialog.view().rows == ("74 moves Level",)


def test_a_learnt_controller_moves_its_parameter_over_all_its_range(bench: Bench) -> None:
    bench.teach("level", 7)
    bench.desk.learn().leave()
    row = by_id("level")
    for value in range(128):
        bench.move(7, value)
    assert bench.link.get("level") == row.high
    for value in range(127, -1, -1):
        bench.move(7, value)
    assert bench.link.get("level") == row.low


def test_a_value_does_not_jump_to_the_controller(bench: Bench) -> None:
    bench.teach("level", 7)
    level = bench.link.get("level")
    bench.move(7, 3)
    bench.move(7, 40)
    assert bench.link.get("level") == level
    bench.move(7, 127)
    # Passed it.
    assert bench.link.get("level") == by_id("level").high
    bench.move(7, 90)
    lower = bench.link.get("level")
    assert lower < level
    # A preset sets another value: the controller has to meet it again.
    bench.link.set("level", -40.0)
    bench.move(7, 91)
    assert bench.link.get("level") == -40.0
    bench.move(7, 20)
    assert bench.link.get("level") < -40.0


@pytest.mark.parametrize("parameter", MOVABLE)
def test_a_controller_that_has_a_value_keeps_it_however_it_jumps(
    bench: Bench, parameter: str
) -> None:
    bench.teach(parameter, 7)
    for value in range(128):
        bench.move(7, value)
    row, jumps = by_id(parameter), random.Random(1)
    for _ in range(40):
        value = jumps.randrange(128)
        bench.move(7, value)
        assert bench.link.get(parameter) == row.from_unit(value / 127.0)


def test_a_switch_switches_at_once(bench: Bench) -> None:
    bench.teach("guard", 64)
    bench.move(64, 0)
    assert bench.link.get("guard") == 0.0
    bench.move(64, 127)
    assert bench.link.get("guard") == 1.0


def test_one_controller_moves_one_thing(bench: Bench) -> None:
    bench.teach("level", 7)
    dialog = bench.teach("seed", 7)
    assert bench.desk.controllers == {7: "seed"}
    assert "does not move Level any more" in dialog.view().sentence
    bench.teach("seed", 8)
    assert bench.desk.controllers == {8: "seed"}


def test_forgetting(bench: Bench) -> None:
    bench.teach("level", 7)
    bench.teach("seed", 8)
    dialog = bench.desk.learn("level")
    dialog.choose("forget")
    bench.follow()
    assert bench.desk.controllers == {8: "seed"}
    assert "Nothing moves Level" in dialog.view().sentence
    dialog = bench.desk.learn()
    dialog.choose("forget all")
    bench.follow()
    assert bench.desk.controllers == {} == bench.new_desk().controllers


def test_what_is_no_midi_is_told_where_a_controller_is_waited_for() -> None:
    count = [0]
    dialog = MidiLearn({}, True, "level", lambda: count[0])
    assert dialog.view().rows == ()
    count[0] = 37
    assert dialog.view().rows == ("37 bytes were no MIDI",)


def test_where_midi_is_off_it_can_be_switched_on(bench: Bench) -> None:
    bench.link.set("midi.on", 0.0)
    dialog = bench.desk.learn("level")
    assert dialog.view().step == OFF
    dialog.choose("on")
    bench.follow()
    assert bench.link.get("midi.on") == 1.0
    assert dialog.view().step == MOVE


def test_a_disk_that_refuses_is_said_and_the_map_counts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> Any:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        bench.teach("level", 7)
    assert bench.desk.controllers == {7: "level"}
    assert "No space left on device" in bench.said[0]


def test_a_map_of_another_version_is_told_and_what_can_be_used_is(bench: Bench) -> None:
    MidiMapFile(str(bench.folder)).save({7: "level", 8: "warp drive", 9: "midi.on", 10: "level"})
    desk = bench.new_desk()
    assert sorted(desk.controllers.values()) == ["level"]
    assert len(bench.said) == 1 and "warp drive" in bench.said[0]
    Path(MidiMapFile(str(bench.folder)).path).write_text("garbage")
    assert bench.new_desk().controllers == {}
    assert "no JSON" in bench.said[1]


def test_where_another_module_remembers_nothing_is_written(tmp_path: Path) -> None:
    bench = Bench(tmp_path, writes=False)
    bench.teach("level", 7)
    assert bench.desk.controllers == {7: "level"}
    assert os.listdir(str(tmp_path)) == []


@given(st.lists(st.sampled_from(["on", "sound", "level", "cv1", "back", "more", "other", "x"])))
def test_every_step_has_a_sentence_and_a_way_out(choices: List[str]) -> None:
    dialog = MidiLearn({}, False)
    for choice in choices:
        dialog.choose(choice)
        view = dialog.view()
        assert view.sentence
        offered = [row.id for row in view.choices]
        assert "leave" in offered or "back" in offered
    dialog.leave()
    assert dialog.view().ended and dialog.step == LEFT


def test_every_parameter_of_a_preset_can_be_learnt(tmp_path: Path) -> None:
    dialog = MidiLearn({}, True)
    found = set()
    for page in [choice.id for choice in dialog.view().choices if choice.id != "leave"]:
        dialog.choose(page)
        found |= {choice.id for choice in dialog.view().choices if choice.id != "back"}
        dialog.choose("back")
    assert found == set(MOVABLE)


@given(
    present=st.floats(0.0, 1.0),
    places=st.lists(st.integers(0, 127), min_size=1, max_size=30),
)
def test_a_value_moves_only_from_where_it_is(present: float, places: List[int]) -> None:
    take_over = TakeOver()
    value, last = present, None
    for place in places:
        unit = place / 127.0
        if take_over.moved(7, unit, value):
            between = last is not None and min(last, unit) <= value <= max(last, unit)
            held = last is not None and value == last
            assert between or held or abs(unit - value) <= 1.5 / 127.0
            value = unit
            take_over.holds(7, value)
        else:
            assert value == present
        last = unit
