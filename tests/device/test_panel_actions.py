"""Messages of a page: each is done, or refused with one sentence and nothing changed."""

import json
from typing import Any, Dict, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.clock import VirtualClock
from neurorave_device.errors import UserError
from neurorave_device.face.face import Face
from neurorave_device.face.link import SOURCES
from neurorave_device.face.panel.actions import Actions, Session
from neurorave_device.inputs import lfo
from neurorave_device.parameters import PARAMETERS, default_values

from .fake_link import FakeLink


def _panel() -> Tuple[FakeLink, Face, Actions]:
    link = FakeLink(VirtualClock(5.0))
    face = Face(link)
    return link, face, Actions(link, face)


def _do(actions: Actions, session: Session, now: float = 5.0, **message: Any) -> None:
    actions.apply(json.dumps(message), session, now)


def test_the_panel_knows_the_sources_of_the_virtual_jacks() -> None:
    assert SOURCES == lfo.SOURCES


def test_jacks_gates_clocks_and_parameters_are_set() -> None:
    link, _, actions = _panel()
    session = Session()
    _do(actions, session, do="jack", index=3, source="ramp up", rate=0.5, depth=2, volts=-1.5)
    changed = {"source": "ramp up", "volts": -1.5, "rate": 0.5, "depth": 2.0}
    assert link.cv[2] == dict(changed, gain=1.0, offset=0.0, noise=0.0)
    _do(actions, session, do="gate", index=1, down=True)
    assert link.gates[0]["down"] is True and session.gates == {1}
    _do(actions, session, do="gate", index=1, down=False)
    assert link.gates[0]["down"] is False and session.gates == set()
    _do(actions, session, do="clock", index=2, on=True, rate=4)
    assert link.gates[1] == {"down": False, "clock": True, "rate": 4.0}
    _do(actions, session, do="set", id="level", value=-12.5)
    assert link.values["level"] == -12.5


def test_the_encoder_turns_clicks_and_holds() -> None:
    link, face, actions = _panel()
    session = Session()
    _do(actions, session, do="turn", steps=-2)
    assert link.values["level"] == -1.0
    _do(actions, session, do="turn", steps=-1, fine=True, now=7.0)
    assert link.values["level"] == pytest.approx(-1.1)
    _do(actions, session, do="arrow", steps=1, now=7.5)
    assert link.values["level"] > -1.05
    _do(actions, session, do="press", now=8.0)
    _do(actions, session, do="release", now=8.1)
    assert face.menu.level == 2
    _do(actions, session, do="press", now=9.0)
    face.refresh(9.8)
    _do(actions, session, do="release", now=9.9)
    assert face.menu.level == 1


def test_what_a_page_held_is_let_go_when_it_disappears() -> None:
    link, face, actions = _panel()
    session = Session()
    _do(actions, session, do="gate", index=1, down=True)
    _do(actions, session, do="gate", index=2, down=True)
    _do(actions, session, do="press")
    actions.let_go(session)
    assert [gate["down"] for gate in link.gates] == [False, False]
    face.refresh(50.0)
    face.turn(1, 51.0)
    # Neither home nor a press-turn: the press is forgotten.
    assert link.values["level"] == 0.5
    actions.let_go(session)


BAD = [
    ("", "JSON"),
    ("{", "JSON"),
    ("[" * 9000, "JSON"),
    ("[1,2]", "object"),
    ("null", "object"),
    ("{}", "do is null"),
    ('{"do": 5}', "do is 5"),
    ('{"do": "explode"}', '"explode"'),
    ('{"do": ["gate"]}', "do is"),
    ('{"do": "gate"}', "index"),
    ('{"do": "gate", "index": 3, "down": true}', "index is 3"),
    ('{"do": "gate", "index": true, "down": true}', "index is true"),
    ('{"do": "gate", "index": 1.5, "down": true}', "1.5"),
    ('{"do": "gate", "index": 1, "down": 1}', "down is 1"),
    ('{"do": "gate", "index": 1, "down": true, "hard": 1}', "hard"),
    ('{"do": "jack", "index": 0}', "index is 0"),
    ('{"do": "jack", "index": 1, "source": "noise"}', "noise"),
    ('{"do": "jack", "index": 1, "source": {}}', "source"),
    ('{"do": "jack", "index": 1, "volts": 11}', "volts is 11"),
    ('{"do": "jack", "index": 1, "volts": NaN}', "volts is NaN"),
    ('{"do": "jack", "index": 1, "depth": -1}', "depth"),
    ('{"do": "jack", "index": 1, "rate": 0}', "rate is 0"),
    ('{"do": "jack", "index": 1, "rate": 1e400}', "rate"),
    ('{"do": "jack", "index": 1, "gain": 2}', "gain is 2"),
    ('{"do": "jack", "index": 1, "offset": -2.5}', "offset is -2.5"),
    ('{"do": "jack", "index": 1, "noise": -0.1}', "noise is -0.1"),
    ('{"do": "clock", "index": 1, "on": true}', "rate is null"),
    ('{"do": "clock", "index": 1, "on": "yes", "rate": 2}', "on is"),
    ('{"do": "set", "id": "volume", "value": 1}', "volume"),
    ('{"do": "set", "id": "level", "value": 99}', "level"),
    ('{"do": "set", "id": "level", "value": "loud"}', "loud"),
    ('{"do": "set", "id": "level", "value": 1%s}' % ("0" * 400), "value"),
    ('{"do": "set", "id": 5, "value": 1}', "id is 5"),
    ('{"do": "set", "id": "%s", "value": 1}' % ("x" * 5000), "id is"),
    ('{"do": "turn", "steps": 1000}', "steps"),
    ('{"do": "turn", "steps": 0.5}', "steps"),
    ('{"do": "turn", "steps": 1, "fine": 0}', "fine"),
    ('{"do": "arrow", "steps": 1, "fine": 0}', "fine"),
    ('{"do": "arrow"}', "steps"),
    ('{"do": "press", "hard": true}', "hard"),
]


@pytest.mark.parametrize("text,names", BAD, ids=[str(index) for index in range(len(BAD))])
def test_bad_messages_are_refused_in_one_sentence(text: str, names: str) -> None:
    link, _, actions = _panel()
    before = (dict(link.values), link.jacks())
    with pytest.raises(UserError) as caught:
        actions.apply(text, Session(), 5.0)
    sentence = str(caught.value)
    assert names in sentence
    assert "allowed" in sentence
    assert "\n" not in sentence
    assert (dict(link.values), link.jacks()) == before


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 120),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(SOURCES + tuple(default_values())),
    st.lists(st.integers(), max_size=2),
)
ACTIONS = st.sampled_from(
    ["turn", "arrow", "press", "release", "set", "jack", "gate", "clock", "other"]
)
FIELDS = st.dictionaries(
    st.sampled_from(["index", "down", "id", "value", "steps", "source", "rate", "volts", "on"]),
    VALUES,
    max_size=4,
)


@settings(max_examples=100, deadline=None)
@given(action=ACTIONS, fields=FIELDS)
def test_no_message_breaks_anything(action: str, fields: Dict[str, Any]) -> None:
    message = dict(fields, do=action)
    link, face, actions = _panel()
    try:
        actions.apply(json.dumps(message), Session(), 5.0)
    except UserError:
        pass
    for row in PARAMETERS:
        assert row.low <= link.values[row.id] <= row.high
    for jack in link.jacks()["cv"]:
        assert -10 <= jack["volts"] <= 10 and 0.01 <= jack["rate"] <= 50
    assert face.refresh(6.0) is not None
