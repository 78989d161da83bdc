"""What gates and MIDI ask for: the next preset in the shelf's order, the next model that can be played, a program."""

from typing import List

import pytest

from neurorave_device.face.happenings import Happenings
from neurorave_device.link.events import CONTROLLER, NEXT_MODEL, NEXT_PRESET, PROGRAM, Event

from .hand import Hand


class Rig:
    """Happenings on a fake module with three presets and three models, one of them bad."""

    def __init__(self, presets: str = "amber birch cedar") -> None:
        self.hand = Hand()
        for number, name in enumerate(presets.split()):
            self.hand.link.set("level", -1.0 - number)
            self.hand.memory.save_preset(name)
        self.hand.memory._present = ""
        self.hand.link.shelf = [
            ("hand_percussion", ""),
            ("notes", ""),
            ("torn", "half"),
            ("wood", ""),
        ]
        self.moved: List[Event] = []
        self.said: List[str] = []
        self.happenings = Happenings(
            self.hand.link,
            lambda text, now: self.said.append(text),
            self.hand.memory if presets else None,
            self.moved.append,
        )

    def happen(self, *events: Event) -> None:
        self.hand.link.events += events
        self.happenings.follow(self.hand.clock.now())


def test_the_next_preset_goes_round_the_shelf() -> None:
    rig = Rig()
    loaded = []
    for _ in range(4):
        rig.happen(Event(NEXT_PRESET))
        loaded.append(rig.hand.memory.present())
    assert loaded == ["amber", "birch", "cedar", "amber"]
    assert rig.hand.link.get("level") == -1.0
    # Two at once are two steps.
    rig.happen(Event(NEXT_PRESET), Event(NEXT_PRESET))
    assert rig.hand.memory.present() == "cedar"
    # After one that the player has loaded comes its neighbour; one that is gone leads to the first.
    rig.hand.memory.load_preset("amber")
    rig.happen(Event(NEXT_PRESET))
    assert rig.hand.memory.present() == "birch"
    rig.hand.memory.delete_preset("birch")
    rig.happen(Event(NEXT_PRESET))
    assert rig.hand.memory.present() == "amber"
    assert rig.said == []


def test_without_presets_it_is_said() -> None:
    rig = Rig("")
    rig.happen(Event(NEXT_PRESET))
    rig.happen(Event(PROGRAM, 0))
    assert rig.said == [
        "there is no preset to go on to",
        "program 1 loads no preset, there are 0",
    ]


@pytest.mark.parametrize("number,name", [(0, "amber"), (2, "cedar")])
def test_a_program_loads_the_preset_of_its_number(number: int, name: str) -> None:
    rig = Rig()
    rig.happen(Event(PROGRAM, number))
    assert rig.hand.memory.present() == name
    rig.happen(Event(PROGRAM, 7))
    assert rig.hand.memory.present() == name
    assert rig.said == ["program 8 loads no preset, there are 3"]


def test_the_next_model_leaves_out_what_cannot_be_played() -> None:
    rig = Rig()
    rig.happen(Event(NEXT_MODEL))
    # It is not loaded yet: a second gate goes on from it.
    rig.happen(Event(NEXT_MODEL))
    rig.happen(Event(NEXT_MODEL))
    assert rig.hand.link.asked_for == ["notes", "wood", "hand_percussion"]
    # One that never came is given up, and it goes on from what plays.
    rig.hand.clock.advance(60.0)
    rig.happen(Event(NEXT_MODEL))
    assert rig.hand.link.asked_for[-1] == "notes"
    rig.hand.link.name = "wood"
    rig.hand.clock.advance(60.0)
    rig.happen(Event(NEXT_MODEL))
    assert rig.hand.link.asked_for[-1] == "hand_percussion"


def test_one_model_alone_has_no_next() -> None:
    rig = Rig()
    rig.hand.link.shelf = [("hand_percussion", ""), ("torn", "half")]
    rig.happen(Event(NEXT_MODEL))
    assert rig.hand.link.asked_for == [] and rig.said == ["there is no other model to go on to"]


def test_controllers_go_to_who_learns_them() -> None:
    rig = Rig()
    rig.happen(Event(CONTROLLER, 7, 0.5))
    assert rig.moved == [Event(CONTROLLER, 7, 0.5)]
