"""The picture rate in virtual time: all of the fifteen a second that are allowed, and never one more."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.face.face import PICTURES_PER_SECOND
from neurorave_device.face.pace import Pace

from .hand import Hand


@pytest.mark.parametrize("tick", [0.005, 0.01, 0.025])
@pytest.mark.parametrize("hertz", [15.0, 22.0, 60.0])
def test_a_turned_encoder_gets_every_picture_that_is_allowed(tick: float, hertz: float) -> None:
    hand = Hand()
    # From the middle, so that no end is reached.
    hand.link.set("seed", 5000.0)
    hand.open("Sound")
    hand.line("Seed")
    hand.click()
    taken = []
    start = now = hand.clock.now()
    turned = 0
    while now - start < 20.0:
        while turned < (now - start) * hertz:
            hand.face.turn(1 if turned % 40 < 20 else -1, now)
            turned += 1
        if hand.face.refresh(now) is not None:
            taken.append(now)
        hand.clock.advance(tick)
        now = hand.clock.now()
    assert len(taken) >= 0.98 * PICTURES_PER_SECOND * 20.0
    for first, last in zip(taken, taken[PICTURES_PER_SECOND:]):
        assert last - first >= 1.0 - 1e-6


def test_what_moves_by_itself_is_drawn_at_the_full_rate_too() -> None:
    hand = Hand()
    hand.link.set_jack(1, source="ramp up", rate=0.11, depth=5.0)
    hand.picture()
    count = 0
    for _ in range(400):
        hand.clock.advance(0.025)
        count += hand.face.refresh(hand.clock.now()) is not None
    assert 0.8 * 150 <= count <= 150 + PICTURES_PER_SECOND


def test_a_still_page_sends_nothing() -> None:
    hand = Hand()
    assert hand.face.refresh(10.0) is not None
    hand.clock.advance(1.0)
    assert [hand.face.refresh(11.0 + 0.01 * tick) for tick in range(300)] == [None] * 300


def test_a_turn_after_a_rest_is_seen_at_once() -> None:
    hand = Hand()
    hand.picture()
    for tick in range(30):
        hand.clock.advance(0.5 + 0.001 * tick)
        hand.face.turn(-1, hand.clock.now())
        assert hand.face.refresh(hand.clock.now()) is not None


def test_an_eased_face_draws_five_times_a_second() -> None:
    hand = Hand()
    hand.link.eased = 2
    hand.link.set_jack(1, source="ramp up", rate=0.5, depth=5.0)
    count = 0
    for _ in range(1000):
        hand.clock.advance(0.01)
        count += hand.face.refresh(hand.clock.now()) is not None
    assert 45 <= count <= 55


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), rate=st.sampled_from([5, 15]))
def test_never_more_than_the_rate_in_any_second(seed: int, rate: int) -> None:
    dice = random.Random(seed)
    pace = Pace(15)
    now, taken = 0.0, []
    for _ in range(400):
        now += dice.choice([0.001, 0.01, 0.025, 0.066, 0.1, 0.9])
        if pace.permitted(now, rate):
            pace.took(now, rate)
            taken.append(now)
    assert taken
    for first, last in zip(taken, taken[rate:]):
        assert last - first >= 1.0 - 1e-6
