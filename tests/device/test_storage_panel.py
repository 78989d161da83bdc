"""Presets over the panel's messages: what is asked for is checked, what became of it is told for a while."""

import json
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from neurorave_device.clock import VirtualClock
from neurorave_device.errors import UserError
from neurorave_device.face.catch_up import CatchUp
from neurorave_device.face.face import Face
from neurorave_device.face.panel.actions import Actions, Session
from neurorave_device.face.panel.hub import Hub
from neurorave_device.face_process.preset_desk import PresetDesk

from .fake_link import FakeLink


class Bench:
    """A page's messages, and a desk that writes at once."""

    def __init__(self, folder: Path) -> None:
        self.clock = VirtualClock(100.0)
        self.link = FakeLink(self.clock)
        face = Face(self.link)
        self.desk = PresetDesk(self.link, str(folder), lambda job: job(), self.clock, CatchUp())
        self.actions = Actions(self.link, face, self.desk)
        self.hub = Hub(self.link, face, self.clock, self.desk)

    def do(self, **message: Any) -> None:
        self.actions.apply(json.dumps(dict(message, do="preset")), Session(), self.clock.now())
        self.hub.changed()

    def told(self) -> Dict[str, Any]:
        self.hub.tick()
        texts = [json.loads(item) for item in self.hub.news({}) if isinstance(item, str)]
        return next(text for text in texts if text["type"] == "presets")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_page_saves_loads_renames_and_deletes(bench: Bench) -> None:
    bench.link.set("level", -8.0)
    bench.do(act="save", name="mine")
    assert bench.told()["names"] == ["mine"]
    bench.link.set("level", 0.0)
    bench.do(act="load", name="mine")
    assert bench.link.values["level"] == -8.0
    bench.do(act="rename", name="mine", new="ours")
    assert bench.told()["names"] == ["ours"]
    bench.do(act="delete", name="ours")
    assert bench.told()["names"] == []


def test_what_became_of_it_is_told_for_twelve_seconds(bench: Bench) -> None:
    assert (bench.told()["count"], bench.told()["said"]) == (0, "")
    bench.do(act="save", name="mine")
    assert (bench.told()["count"], bench.told()["said"]) == (1, "Preset 'mine' is saved.")
    bench.clock.advance(11.0)
    assert bench.told()["said"] != ""
    bench.clock.advance(2.0)
    assert (bench.told()["count"], bench.told()["said"]) == (1, "")


def test_what_was_said_before_the_first_page_came_is_told_then(bench: Bench) -> None:
    bench.desk.say("patch.json: damaged")
    bench.clock.advance(3600.0)
    assert bench.told()["said"] == "patch.json: damaged."


BAD: List[Tuple[Dict[str, Any], str]] = [
    ({}, "act is null, allowed is one of save, load, rename, delete"),
    ({"act": "burn", "name": "x"}, '"burn"'),
    ({"act": ["save"], "name": "x"}, "act is"),
    ({"act": "save"}, "name is null"),
    ({"act": "save", "name": 5}, "name is 5"),
    ({"act": "save", "name": "x" * 300}, "allowed is a text of up to 255"),
    ({"act": "save", "name": "x" * 61}, "allowed are 60"),
    ({"act": "save", "name": "\u0000"}, "allowed is any text"),
    ({"act": "save", "name": "x", "loud": 1}, "loud"),
    ({"act": "load", "name": "none"}, "there is no preset 'none'"),
    ({"act": "rename", "name": "x"}, "new is null"),
]


@pytest.mark.parametrize("message,words", BAD, ids=[str(n) for n in range(len(BAD))])
def test_bad_messages_are_refused_in_one_sentence(
    bench: Bench, message: Dict[str, Any], words: str
) -> None:
    before = dict(bench.link.values)
    with pytest.raises(UserError) as caught:
        bench.do(**message)
    assert words in str(caught.value) and "\n" not in str(caught.value)
    assert bench.link.values == before and bench.desk.presets() == []


def test_a_module_that_remembers_nothing_knows_no_presets(bench: Bench) -> None:
    actions = Actions(bench.link, Face(bench.link))
    with pytest.raises(UserError, match='do is "preset", allowed is one of'):
        actions.apply('{"do": "preset", "act": "save", "name": "x"}', Session(), 1.0)
