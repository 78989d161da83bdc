"""The virtual panel, in virtual time: no jump in phase, no lost or doubled edge, no bad value."""

import json
import math
import threading
from typing import Any, Dict, List, Tuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.clock import VirtualClock
from neurorave_device.errors import UserError
from neurorave_device.inputs.base import SILENT_VOLTS, Edge
from neurorave_device.inputs.lfo import SOURCES
from neurorave_device.inputs.virtual import VirtualPanel

rates = st.floats(0.05, 40.0)
OSCILLATORS = [name for name in SOURCES if name not in ("none", "manual")]


def panel_at(start: float = 0.0, seed: int = 0) -> Tuple[VirtualClock, VirtualPanel]:
    clock = VirtualClock(start)
    return clock, VirtualPanel(clock, seed)


def alternate(edges: List[Edge]) -> bool:
    wanted = [index % 2 == 0 for index in range(len(edges))]
    return [edge.rising for edge in edges] == wanted


def test_fresh_jacks_are_unplugged() -> None:
    _, panel = panel_at()
    assert panel.read(3.0) == SILENT_VOLTS
    assert panel.take_edges(100.0) == ()


def test_manual_gives_its_value_and_none_gives_zero() -> None:
    _, panel = panel_at()
    panel.set_jack(2, source="manual", value=-3.5)
    assert panel.read(0.0) == (0.0, -3.5, 0.0, 0.0)
    panel.set_jack(2, source="none")
    assert panel.read(0.0) == SILENT_VOLTS
    panel.set_jack(2, source="manual")
    assert panel.read(0.0)[1] == -3.5


@pytest.mark.parametrize(
    "source, wanted",
    [
        ("sine", [0.0, 2.0, 0.0, -2.0]),
        ("ramp up", [-2.0, -1.0, 0.0, 1.0]),
        ("ramp down", [2.0, 1.0, 0.0, -1.0]),
        ("saw", [0.0, 1.0, -2.0, -1.0]),
        ("square", [2.0, 2.0, -2.0, -2.0]),
    ],
)
def test_waves_have_their_shape(source: str, wanted: List[float]) -> None:
    _, panel = panel_at()
    panel.set_jack(1, source=source, value=1.0, rate=0.5, depth=2.0)
    for cycle in (0.0, 4.0):
        volts = [panel.read(cycle + quarter)[0] - 1.0 for quarter in (0.0, 0.5, 1.0, 1.5)]
        assert volts == pytest.approx(wanted, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(OSCILLATORS), rates, st.floats(-10, 10), st.floats(0, 10), st.floats(0, 500))
def test_volts_never_leave_the_rails(
    source: str, rate: float, value: float, depth: float, time: float
) -> None:
    _, panel = panel_at()
    panel.set_jack(3, source=source, rate=rate, value=value, depth=depth)
    volts = panel.read(time)[2]
    assert -10.0 <= volts <= 10.0
    assert abs(volts - value) <= depth + 1e-9


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 3.0), rates), min_size=1, max_size=8))
def test_a_change_of_rate_never_makes_the_voltage_jump(changes: List[Tuple[float, float]]) -> None:
    clock, panel = panel_at(5.0)
    panel.set_jack(1, source="sine", rate=1.0, depth=5.0)
    for wait, rate in changes:
        clock.advance(wait)
        before = panel.read(clock.now())[0]
        panel.set_jack(1, rate=rate)
        assert panel.read(clock.now())[0] == pytest.approx(before, abs=1e-6)


def test_random_holds_for_a_cycle_and_depends_on_the_seed_only() -> None:
    def values(seed: int, jack: int) -> List[float]:
        _, panel = panel_at(seed=seed)
        panel.set_jack(jack, source="random", rate=2.0, depth=5.0)
        return [panel.read(0.25 + 0.5 * cycle)[jack - 1] for cycle in range(400)]

    one = values(7, 1)
    assert one == values(7, 1)
    assert one != values(8, 1) and one != values(7, 2)
    assert len(set(one)) == 400
    assert abs(sum(one) / 400) < 0.6 and min(one) < -4.0 and max(one) > 4.0
    _, panel = panel_at(seed=7)
    panel.set_jack(1, source="random", rate=2.0)
    assert panel.read(0.01) == panel.read(0.49) != panel.read(0.51)


def test_press_and_release_are_edges_at_their_time() -> None:
    clock, panel = panel_at(2.0)
    panel.press(1)
    panel.press(1)
    clock.advance(0.25)
    panel.release(1)
    panel.release(2)
    assert panel.take_edges(2.1) == (Edge(1, True, 2.0),)
    assert panel.take_edges(3.0) == (Edge(1, False, 2.25),)
    assert panel.take_edges(3.0) == ()


def test_a_clock_starts_with_an_edge_and_keeps_exact_time() -> None:
    _clock, panel = panel_at(1.0)
    panel.set_clock(2, on=True, rate=8.0, width=0.25)
    edges = panel.take_edges(1.0 + 1000.0 / 8.0 - 0.01)
    rising = [edge.time for edge in edges if edge.rising]
    assert rising == pytest.approx([1.0 + beat / 8.0 for beat in range(1000)], abs=1e-9)
    falling = [edge.time for edge in edges if not edge.rising]
    assert falling == pytest.approx([1.0 + (beat + 0.25) / 8.0 for beat in range(1000)], abs=1e-9)


actions = st.one_of(
    st.tuples(st.just("press"), st.just(0.0)),
    st.tuples(st.just("release"), st.just(0.0)),
    st.tuples(st.just("rate"), rates),
    st.tuples(st.just("width"), st.floats(0.01, 0.99)),
    st.tuples(st.just("on"), st.sampled_from([0.0, 1.0])),
    st.tuples(st.just("take"), st.floats(0.0, 0.2)),
)


def play(script: List[Tuple[float, Tuple[str, float]]], take: bool) -> List[Edge]:
    clock, panel = panel_at()
    found: List[Edge] = []
    for wait, (action, number) in script:
        clock.advance(wait)
        if action == "press":
            panel.press(1)
        elif action == "release":
            panel.release(1)
        elif action == "take" and take:
            found += panel.take_edges(clock.now())
        elif action == "on":
            panel.set_clock(1, on=bool(number))
        elif action == "rate":
            panel.set_clock(1, rate=number)
        elif action == "width":
            panel.set_clock(1, width=number)
    return found + list(panel.take_edges(clock.now() + 1.0))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 0.7), actions), max_size=14))
def test_edges_alternate_in_order_however_often_they_are_taken(
    script: List[Tuple[float, Tuple[str, float]]],
) -> None:
    seldom, often = play(script, False), play(script, True)
    assert often == seldom
    assert alternate(seldom)
    assert [edge.time for edge in seldom] == sorted(edge.time for edge in seldom)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 0.9), rates), min_size=1, max_size=6))
def test_a_change_of_rate_keeps_the_phase_of_the_clock(changes: List[Tuple[float, float]]) -> None:
    clock, panel = panel_at()
    panel.set_clock(1, on=True, rate=1.0, width=0.5)
    cycles, rate = 0.0, 1.0
    for wait, new_rate in changes:
        clock.advance(wait)
        cycles += wait * rate
        panel.set_clock(1, rate=new_rate)
        rate = new_rate
    clock.advance(3.0)
    cycles += 3.0 * rate
    rising = [edge for edge in panel.take_edges(clock.now()) if edge.rising]
    assert len(rising) in (math.floor(cycles - 1e-6) + 1, math.floor(cycles + 1e-6) + 1)


def test_a_pulse_that_becomes_shorter_than_it_already_is_ends_now() -> None:
    clock, panel = panel_at()
    panel.set_clock(1, on=True, rate=1.0, width=0.9)
    clock.advance(0.5)
    panel.set_clock(1, width=0.1)
    assert panel.take_edges(0.9) == (Edge(1, True, 0.0), Edge(1, False, 0.5))


def test_edges_that_were_given_out_ahead_of_time_are_not_contradicted() -> None:
    _clock, panel = panel_at()
    panel.set_clock(1, on=True, rate=10.0, width=0.5)
    ahead = panel.take_edges(0.22)
    assert ahead[-1] == Edge(1, True, 0.2)
    panel.set_clock(1, on=False)
    assert panel.take_edges(1.0) == (Edge(1, False, 0.22),)
    panel.press(1)
    assert panel.take_edges(2.0) == (Edge(1, True, 1.0),)


def test_edges_of_both_gates_come_in_order_of_time() -> None:
    _clock, panel = panel_at()
    panel.set_clock(2, on=True, rate=3.0)
    panel.set_clock(1, on=True, rate=5.0)
    edges = panel.take_edges(2.0)
    assert [edge.time for edge in edges] == sorted(edge.time for edge in edges)
    assert {edge.gate for edge in edges} == {1, 2}


BAD: List[Tuple[str, Dict[str, Any], str]] = [
    ("set_jack", {"jack": 0}, "CV 0 does not exist, allowed is 1 to 4"),
    ("set_jack", {"jack": True}, "CV True does not exist"),
    ("set_jack", {"jack": 1, "source": "noise"}, "CV 1 source is 'noise', allowed is one of none"),
    ("set_jack", {"jack": 1, "value": 11.0}, "CV 1 value is 11.0, allowed is -10 to 10 V"),
    ("set_jack", {"jack": 1, "value": math.nan}, "CV 1 value is nan"),
    ("set_jack", {"jack": 1, "rate": 0.0}, "CV 1 rate is 0.0, allowed is 0.01 to 50 Hz"),
    ("set_jack", {"jack": 1, "rate": "fast"}, "CV 1 rate is 'fast'"),
    ("set_jack", {"jack": 1, "depth": -1}, "CV 1 depth is -1, allowed is 0 to 10 V"),
    ("set_jack", {"jack": 1, "gain": 0.4}, "CV 1 gain is 0.4, allowed is 0.5 to 1.5 times"),
    ("set_jack", {"jack": 2, "offset": 2.1}, "CV 2 offset is 2.1, allowed is -2 to 2 V"),
    ("set_jack", {"jack": 2, "noise": -1}, "CV 2 noise is -1, allowed is 0 to 1 V"),
    ("set_clock", {"gate": 3}, "gate 3 does not exist, allowed is 1 to 2"),
    ("set_clock", {"gate": 1, "on": "yes"}, "gate 1 clock is 'yes', allowed is true or false"),
    ("set_clock", {"gate": 1, "rate": math.inf}, "gate 1 rate is inf"),
    ("set_clock", {"gate": 1, "width": 1.0}, "gate 1 width is 1.0, allowed is 0.01 to 0.99"),
    ("press", {"gate": "1"}, "gate '1' does not exist"),
    ("release", {"gate": 9}, "gate 9 does not exist"),
]


@pytest.mark.parametrize("name, arguments, sentence", BAD)
def test_bad_values_are_refused_and_change_nothing(
    name: str, arguments: Dict[str, Any], sentence: str
) -> None:
    _, panel = panel_at()
    before = panel.describe()
    full = dict(arguments)
    if "jack" in full:
        full.setdefault("source", "sine")
    with pytest.raises(UserError) as caught:
        getattr(panel, name)(**full)
    assert str(caught.value).startswith(sentence)
    assert panel.describe() == before


def test_describe_is_json_and_tells_what_was_set() -> None:
    _clock, panel = panel_at()
    panel.set_jack(4, source="manual", value=2.5, rate=3.0, depth=1.0)
    panel.set_clock(2, on=True, rate=4.0, width=0.5)
    panel.press(1)
    panel.take_edges(0.01)
    told = json.loads(json.dumps(panel.describe()))
    assert told["jacks"][3] == {
        "jack": 4,
        "source": "manual",
        "value": 2.5,
        "rate": 3.0,
        "depth": 1.0,
        "gain": 1.0,
        "offset": 0.0,
        "noise": 0.0,
        "volts": 2.5,
    }
    assert told["gates"][0]["pressed"] and told["gates"][0]["high"]
    assert told["gates"][1] == {
        "gate": 2,
        "pressed": False,
        "clock": True,
        "rate": 4.0,
        "width": 0.5,
        "high": True,
    }
    assert told["sources"] == list(SOURCES)


def test_a_jack_with_errors_reads_what_its_electronics_make_of_the_voltage() -> None:
    _clock, panel = panel_at()
    panel.set_jack(1, source="manual", value=4.0, gain=1.1, offset=-0.3)
    panel.set_jack(2, gain=0.9, offset=0.25)
    # What is patched is shown, not what is read.
    assert panel.describe()["jacks"][0]["volts"] == 4.0
    assert panel.read(1.0) == pytest.approx((4.1, 0.25, 0.0, 0.0))


def test_the_noise_of_a_jack_has_its_strength_and_depends_on_seed_and_time_only() -> None:
    _clock, panel = panel_at()
    for jack in (1, 2):
        panel.set_jack(jack, noise=0.02)
    times = [0.001 * step for step in range(4000)]
    read = np.array([panel.read(time) for time in times])
    assert read[:, 0].std() == pytest.approx(0.02, rel=0.05)
    assert abs(read[:, 0].mean()) < 0.002
    assert abs(np.corrcoef(read[:, 0], read[:, 1])[0, 1]) < 0.05
    assert not read[:, 2:].any()
    assert [panel.read(time)[0] for time in times] == read[:, 0].tolist()
    _clock, other = panel_at()
    other.set_jack(1, noise=0.02)
    assert other.read(times[7])[0] == read[7, 0]


def test_setters_and_readers_may_run_in_different_threads() -> None:
    _clock, panel = panel_at()
    failures: List[BaseException] = []
    edges: List[Edge] = []

    def turn(number: int) -> None:
        try:
            for step in range(200):
                panel.set_jack(number, source="saw", rate=0.1 + step % 7, depth=step % 10)
                panel.set_clock(1, on=step % 3 > 0, rate=1.0 + step % 5)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=turn, args=(number,)) for number in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for step in range(300):
        panel.read(step * 0.01)
        edges += panel.take_edges(step * 0.01)
    for thread in threads:
        thread.join()
    edges += panel.take_edges(10.0)
    assert not failures
    assert alternate(edges)
