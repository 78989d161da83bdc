"""Roles of the gates: triggers, the macro, and no second sound from contact bounce."""

from typing import Dict, List

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.inputs.base import Edge
from neurorave_device.mapping.gates import REFRACTORY_SECONDS, GateRoles
from neurorave_device.parameters import by_id, default_values


def roles(**changes: str) -> GateRoles:
    return GateRoles(patch(**changes))


def patch(**changes: str) -> Dict[str, float]:
    values = default_values()
    for gate, role in changes.items():
        key = gate + ".role"
        values[key] = by_id(key).parse(role)
    return values


def test_gate_1_starts_sounds_and_gate_2_holds_the_macro() -> None:
    gates = roles()
    assert gates.feed(Edge(1, True, 1.0))
    assert not gates.feed(Edge(1, False, 1.1))
    assert not gates.macro
    assert not gates.feed(Edge(2, True, 1.2))
    assert gates.macro and gates.levels == (False, True)
    gates.feed(Edge(2, False, 1.3))
    assert not gates.macro


def test_gates_that_are_off_do_nothing() -> None:
    gates = roles(gate1="off", gate2="off")
    assert not gates.feed(Edge(1, True, 1.0))
    assert not gates.feed(Edge(2, True, 1.0))
    assert not gates.macro and gates.levels == (True, True)


def test_both_gates_may_trigger_but_one_clock_on_both_is_one_sound() -> None:
    gates = roles(gate2="trigger")
    assert gates.feed(Edge(1, True, 1.0))
    assert not gates.feed(Edge(2, True, 1.0))
    assert not gates.macro
    gates.feed(Edge(2, False, 1.2))
    assert gates.feed(Edge(2, True, 1.5))


def test_a_new_role_counts_at_once_for_a_held_gate() -> None:
    gates = roles()
    gates.feed(Edge(2, True, 1.0))
    gates.update(patch(gate2="off"))
    assert not gates.macro
    gates.update(patch())
    assert gates.macro


@pytest.mark.parametrize("gap, sounds", [(0.0005, 1), (0.0019, 1), (0.002, 2), (0.01, 2)])
def test_bounce_within_two_milliseconds_is_ignored(gap: float, sounds: int) -> None:
    gates = roles()
    started = [gates.feed(Edge(1, True, 5.0))]
    gates.feed(Edge(1, False, 5.0 + gap / 2.0))
    started.append(gates.feed(Edge(1, True, 5.0 + gap)))
    assert sum(started) == sounds


def test_a_stream_that_starts_afresh_triggers_again() -> None:
    gates = roles()
    assert gates.feed(Edge(1, True, 5.0))
    assert gates.feed(Edge(1, True, 0.0))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.0, 0.02), max_size=40))
def test_sounds_are_never_closer_than_the_refractory_time_and_slow_ones_never_lost(
    gaps: List[float],
) -> None:
    gates, now, started, slow = roles(), 0.0, [], 0
    for gap in gaps:
        now += gap
        slow += gap >= REFRACTORY_SECONDS
        if gates.feed(Edge(1, True, now)):
            started.append(now)
    apart = [later - earlier for earlier, later in zip(started, started[1:])]
    assert all(gap >= REFRACTORY_SECONDS - 1e-8 for gap in apart)
    assert len(started) >= slow
