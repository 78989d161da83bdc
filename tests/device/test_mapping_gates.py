"""Roles of the gates: what each edge asks for, and nothing twice from contact bounce."""

from typing import Dict, List, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.inputs.base import Edge
from neurorave_device.mapping.gates import REFRACTORY_SECONDS, Act, GateRoles
from neurorave_device.parameters import GATE_ROLES, by_id, default_values


def roles(**changes: str) -> GateRoles:
    return GateRoles(patch(**changes))


def patch(**changes: str) -> Dict[str, float]:
    values = default_values()
    for gate, role in changes.items():
        key = gate + ".role"
        values[key] = by_id(key).parse(role)
    return values


def pulse(gates: GateRoles, gate: int, time: float, width: float = 0.01) -> List[Optional[Act]]:
    return [gates.feed(Edge(gate, True, time)), gates.feed(Edge(gate, False, time + width))]


def test_gate_1_starts_sounds_and_gate_2_holds_the_macro() -> None:
    gates = roles()
    assert pulse(gates, 1, 1.0) == [Act.START, None]
    assert not gates.macro
    assert gates.feed(Edge(2, True, 1.2)) is None
    assert gates.macro and gates.levels == (False, True)
    gates.feed(Edge(2, False, 1.3))
    assert not gates.macro


@pytest.mark.parametrize(
    "role, rise, fall",
    [
        ("trigger", Act.START, None),
        ("hold", Act.START, Act.RELEASE),
        ("toggle", Act.START, None),
        ("sample", Act.SAMPLE, None),
        ("reset", Act.RESET, None),
        ("freeze", None, None),
        ("macro", None, None),
        ("next preset", Act.NEXT_PRESET, None),
        ("next model", Act.NEXT_MODEL, None),
        ("off", None, None),
    ],
)
@pytest.mark.parametrize("gate", [1, 2])
def test_each_role_on_either_gate_and_on_both(
    role: str, rise: Optional[Act], fall: Optional[Act], gate: int
) -> None:
    other = "gate%d" % (3 - gate)
    assert pulse(roles(**{"gate%d" % gate: role, other: "off"}), gate, 1.0) == [rise, fall]
    both = roles(gate1=role, gate2=role)
    assert pulse(both, gate, 1.0) == [rise, fall]
    assert both.levels == (False, False)


def test_every_role_of_the_table_is_known() -> None:
    tested = {"trigger", "hold", "toggle", "sample", "reset", "freeze", "macro"}
    assert tested | {"next preset", "next model", "off"} == set(GATE_ROLES)


def test_both_gates_may_trigger_but_one_clock_on_both_is_one_sound() -> None:
    gates = roles(gate2="trigger")
    assert gates.feed(Edge(1, True, 1.0)) is Act.START
    assert gates.feed(Edge(2, True, 1.0)) is None
    gates.feed(Edge(2, False, 1.2))
    assert gates.feed(Edge(2, True, 1.5)) is Act.START


def test_one_clock_on_both_toggles_is_one_toggle() -> None:
    gates = roles(gate1="toggle", gate2="toggle")
    for time, act in ((1.0, Act.START), (2.0, Act.RELEASE), (3.0, Act.START)):
        assert pulse(gates, 1, time, 0.5)[0] is act
        assert pulse(gates, 2, time + 0.0005, 0.5)[0] is None
    # They work on one sound: what the one has started the other one ends.
    assert pulse(gates, 2, 4.0)[0] is Act.RELEASE


def test_a_sound_dies_when_the_last_gate_that_holds_it_falls() -> None:
    gates = roles(gate1="hold", gate2="hold")
    assert gates.feed(Edge(1, True, 1.0)) is Act.START
    assert gates.feed(Edge(2, True, 2.0)) is Act.START
    assert gates.feed(Edge(1, False, 3.0)) is None
    assert gates.feed(Edge(2, False, 4.0)) is Act.RELEASE


def test_a_hold_that_comes_with_a_trigger_holds_its_sound() -> None:
    gates = roles(gate1="trigger", gate2="hold")
    assert gates.feed(Edge(1, True, 1.0)) is Act.START
    assert gates.feed(Edge(2, True, 1.0001)) is Act.HOLD
    assert gates.feed(Edge(1, False, 1.1)) is None
    assert gates.feed(Edge(2, False, 1.5)) is Act.RELEASE


@pytest.mark.parametrize("clock", [0.0, 0.0005, 0.001])
def test_a_clock_that_comes_with_a_reset_is_no_second_hit(clock: float) -> None:
    gates = roles(gate1="trigger", gate2="reset")
    pulse(gates, 1, 1.0)
    assert pulse(gates, 2, 2.0, 0.1)[0] is Act.RESET
    assert pulse(gates, 1, 2.0 + clock)[0] is None
    assert pulse(gates, 1, 2.5)[0] is Act.START


def test_a_reset_acts_also_right_after_a_clock() -> None:
    gates = roles(gate1="trigger", gate2="reset")
    assert gates.feed(Edge(1, True, 1.0)) is Act.START
    assert gates.feed(Edge(2, True, 1.0005)) is Act.RESET


def test_a_new_role_counts_at_once_for_a_held_gate() -> None:
    gates = roles()
    gates.feed(Edge(2, True, 1.0))
    gates.update(patch(gate2="freeze"))
    assert gates.frozen and not gates.macro
    gates.update(patch())
    assert gates.macro and not gates.frozen


def test_what_was_toggled_is_forgotten_with_the_role() -> None:
    gates = roles(gate1="toggle")
    pulse(gates, 1, 1.0)
    gates.update(patch())
    gates.update(patch(gate1="toggle"))
    assert pulse(gates, 1, 2.0)[0] is Act.START


@pytest.mark.parametrize("gap, sounds", [(0.0005, 1), (0.0019, 1), (0.002, 2), (0.01, 2)])
@pytest.mark.parametrize("role", ["trigger", "hold"])
def test_bounce_within_two_milliseconds_is_ignored(role: str, gap: float, sounds: int) -> None:
    gates = roles(gate1=role)
    first = gates.feed(Edge(1, True, 5.0))
    gates.feed(Edge(1, False, 5.0 + gap / 2.0))
    second = gates.feed(Edge(1, True, 5.0 + gap))
    assert [first, second].count(Act.START) == sounds
    # A gate that bounced and is high holds its sound.
    assert sounds == 2 or second is (Act.HOLD if role == "hold" else None)


@pytest.mark.parametrize("role", ["toggle", "sample", "reset", "next preset", "next model"])
def test_bounce_asks_for_nothing_twice(role: str) -> None:
    gates = roles(gate1=role)
    assert pulse(gates, 1, 1.0, 0.0003)[0] is not None
    assert pulse(gates, 1, 1.001, 0.0003)[0] is None
    assert pulse(gates, 1, 1.1)[0] is not None


def test_a_stream_that_starts_afresh_triggers_again() -> None:
    gates = roles()
    assert gates.feed(Edge(1, True, 5.0)) is Act.START
    assert gates.feed(Edge(1, True, 0.0)) is Act.START


def test_the_next_model_goes_on_with_what_is_held() -> None:
    for role, goes_on in (("trigger", True), ("hold", True), ("freeze", False), ("off", False)):
        old = roles(gate1=role)
        old.feed(Edge(1, True, 1.0))
        new = roles(gate1=role)
        assert new.follow(old) is goes_on and new.levels == (True, False)
    old, new = roles(gate1="toggle"), roles(gate1="toggle")
    pulse(old, 1, 1.0)
    assert new.follow(old)
    assert pulse(new, 1, 2.0)[0] is Act.RELEASE


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.0, 0.02), max_size=40))
def test_sounds_are_never_closer_than_the_refractory_time_and_slow_ones_never_lost(
    gaps: List[float],
) -> None:
    gates, now, started, slow = roles(), 0.0, [], 0
    for gap in gaps:
        now += gap
        slow += gap >= REFRACTORY_SECONDS
        if gates.feed(Edge(1, True, now)) is Act.START:
            started.append(now)
    apart = [later - earlier for earlier, later in zip(started, started[1:])]
    assert all(gap >= REFRACTORY_SECONDS - 1e-8 for gap in apart)
    assert len(started) >= slow


EDGES = st.lists(
    st.tuples(st.integers(1, 2), st.booleans(), st.floats(0.0, 0.01)), min_size=1, max_size=30
)


@settings(max_examples=60, deadline=None)
@given(EDGES, st.sampled_from(GATE_ROLES), st.sampled_from(GATE_ROLES))
def test_what_an_edge_would_do_is_what_it_does(edges: List[object], one: str, two: str) -> None:
    gates, now = roles(gate1=one, gate2=two), 0.0
    for gate, rising, gap in edges:  # type: ignore[misc]
        now += gap
        edge = Edge(gate, rising, now)
        foreseen = gates.act(edge)
        assert gates.act(edge) is foreseen
        assert gates.feed(edge) is foreseen
        assert gates.levels[gate - 1] is rising
