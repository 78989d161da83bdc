"""The light tells its states apart by more than colour."""

import itertools
from typing import Tuple

import pytest

from neurorave_device.clock import VirtualClock
from neurorave_device.face.led import (
    FAULT_LIGHT,
    GATE_LIGHT,
    PLAYING_LIGHT,
    STARTING_LIGHT,
    brightness,
    colour_now,
    light_for,
)
from neurorave_device.face.link import FAULT, PLAYING, STARTING

from .fake_link import FakeLink

ALL = (STARTING_LIGHT, PLAYING_LIGHT, GATE_LIGHT, FAULT_LIGHT)


@pytest.mark.parametrize("one,other", list(itertools.combinations(ALL, 2)))
def test_two_states_differ_in_rhythm_word_and_colour(one, other) -> None:  # type: ignore[no-untyped-def]
    assert one.word != other.word
    assert one.colour != other.colour
    times = [0.05 * step for step in range(48)]
    assert [brightness(one, t) for t in times] != [brightness(other, t) for t in times]


@pytest.mark.parametrize(
    "state,gates,expected",
    [
        (STARTING, (False, False), STARTING_LIGHT),
        (STARTING, (True, True), STARTING_LIGHT),
        (PLAYING, (False, False), PLAYING_LIGHT),
        (PLAYING, (True, False), GATE_LIGHT),
        (PLAYING, (False, True), GATE_LIGHT),
        (FAULT, (True, False), FAULT_LIGHT),
        ("stopping", (False, False), STARTING_LIGHT),
    ],
)
def test_each_state_has_its_light(state: str, gates: Tuple[bool, bool], expected) -> None:  # type: ignore[no-untyped-def]
    telemetry = FakeLink(VirtualClock()).telemetry()._replace(state=state, gates=gates)
    assert light_for(telemetry) is expected


def test_a_rhythm_repeats_and_dims_the_colour() -> None:
    period = sum(seconds for seconds, _ in FAULT_LIGHT.rhythm)
    for step in range(30):
        now = 0.04 * step + 0.001
        assert brightness(FAULT_LIGHT, now) == brightness(FAULT_LIGHT, now + 3 * period)
    assert colour_now(FAULT_LIGHT, 0.01) == FAULT_LIGHT.colour
    assert colour_now(FAULT_LIGHT, 0.2) == (0, 0, 0)
    assert colour_now(PLAYING_LIGHT, 0.5)[1] < PLAYING_LIGHT.colour[1]
