"""The light tells its states apart by more than colour."""

import itertools
from typing import Tuple

import pytest

from neurorave_device.clock import VirtualClock
from neurorave_device.face.led import (
    FAULT_LIGHT,
    GATE_LIGHT,
    LEARNING_LIGHT,
    LIGHTS,
    PLAYING_LIGHT,
    STARTING_LIGHT,
    WARNING_LIGHT,
    WARNING_SECONDS,
    Lamp,
    brightness,
    colour_now,
)
from neurorave_device.face.link import FAULT, PLAYING, STARTING

from .fake_link import FakeLink


@pytest.mark.parametrize("one,other", list(itertools.combinations(LIGHTS, 2)))
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
    assert Lamp().light(telemetry, 0.0, False, False) is expected


@pytest.mark.parametrize(
    "changes,learning,missing,expected",
    [
        ({"eased": 1}, False, False, WARNING_LIGHT),
        ({"peak": 0.96}, False, False, WARNING_LIGHT),
        ({"peak": 0.8}, False, False, PLAYING_LIGHT),
        ({}, False, True, WARNING_LIGHT),
        ({}, True, True, LEARNING_LIGHT),
        ({"gates": (False, True)}, True, True, LEARNING_LIGHT),
        # Playing must be seen; between two gates the warning shows.
        ({"gates": (False, True), "eased": 3}, False, True, GATE_LIGHT),
        ({"state": FAULT}, True, True, FAULT_LIGHT),
        ({"state": STARTING}, True, True, STARTING_LIGHT),
    ],
)
def test_what_outranks_what(changes, learning: bool, missing: bool, expected) -> None:  # type: ignore[no-untyped-def]
    telemetry = FakeLink(VirtualClock()).telemetry()._replace(**changes)
    assert Lamp().light(telemetry, 0.0, learning, missing) is expected


def test_a_late_frame_and_a_clipped_block_are_warned_of_for_a_while() -> None:
    lamp = Lamp()
    telemetry = FakeLink(VirtualClock()).telemetry()
    # What was late before the face was there is no news.
    telemetry = telemetry._replace(late=7)

    def shown(now: float) -> str:
        return lamp.light(telemetry, now, False, False).word

    assert shown(0.0) == "playing"
    telemetry = telemetry._replace(underruns=1)
    assert [shown(1.0), shown(1.0 + WARNING_SECONDS - 0.1)] == ["warning", "warning"]
    assert shown(1.0 + WARNING_SECONDS) == "playing"
    telemetry = telemetry._replace(peak=0.96)
    assert shown(10.0) == "warning"
    telemetry = telemetry._replace(peak=0.1)
    assert shown(11.0) == "warning"
    # A sound process that was started again counts from nothing.
    telemetry = telemetry._replace(late=0, underruns=0)
    assert shown(20.0) == "playing"


def test_a_rhythm_repeats_and_dims_the_colour() -> None:
    period = sum(seconds for seconds, _ in FAULT_LIGHT.rhythm)
    for step in range(30):
        now = 0.04 * step + 0.001
        assert brightness(FAULT_LIGHT, now) == brightness(FAULT_LIGHT, now + 3 * period)
    assert colour_now(FAULT_LIGHT, 0.01) == FAULT_LIGHT.colour
    assert colour_now(FAULT_LIGHT, 0.2) == (0, 0, 0)
    assert colour_now(PLAYING_LIGHT, 0.5)[1] < PLAYING_LIGHT.colour[1]
