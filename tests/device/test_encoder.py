"""The encoder's gestures in virtual time."""

from typing import List, Tuple

from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.face.encoder import CLICK, HOLD_SECONDS, HOME, TURN, Encoder, Gesture


def test_a_short_press_is_a_click_on_release() -> None:
    encoder = Encoder()
    assert encoder.press(1.0) == []
    assert encoder.poll(1.3) == []
    assert encoder.release(1.4) == [Gesture(CLICK)]
    assert encoder.release(1.5) == []


def test_a_hold_goes_home_once_while_it_is_held() -> None:
    encoder = Encoder()
    encoder.press(1.0)
    assert encoder.poll(1.0 + HOLD_SECONDS - 0.01) == []
    assert encoder.poll(1.0 + HOLD_SECONDS) == [Gesture(HOME)]
    assert encoder.poll(9.0) == []
    assert encoder.release(9.1) == []


def test_a_hold_that_nobody_polled_still_goes_home_on_release() -> None:
    encoder = Encoder()
    encoder.press(1.0)
    assert encoder.release(2.0) == [Gesture(HOME)]


def test_press_turn_is_fine_and_neither_click_nor_home() -> None:
    encoder = Encoder()
    encoder.press(1.0)
    assert encoder.turn(2, 1.1) == [Gesture(TURN, 2, 2, True)]
    assert encoder.poll(3.0) == []
    assert encoder.release(3.1) == []
    assert encoder.turn(1, 4.0) == [Gesture(TURN, 1, 1, False)]


def test_turning_after_home_has_fired_does_not_click_either() -> None:
    encoder = Encoder()
    encoder.press(0.0)
    assert encoder.turn(1, 1.0) == [Gesture(HOME), Gesture(TURN, 1, 1, True)]
    assert encoder.release(1.1) == []


def test_fast_turns_accelerate_only_the_number() -> None:
    encoder = Encoder()
    found = [encoder.turn(1, 0.01 * index)[0] for index in range(5)]
    assert [gesture.steps for gesture in found] == [1, 1, 1, 1, 1]
    assert [gesture.accelerated for gesture in found] == [1, 5, 5, 5, 5]


def test_acceleration_grades_with_speed_and_ends_when_the_direction_changes() -> None:
    for interval, gain in ((0.2, 1), (0.05, 2), (0.02, 3), (0.01, 5)):
        encoder = Encoder()
        encoder.turn(1, 0.0)
        assert encoder.turn(1, interval)[0].accelerated == gain
        assert encoder.turn(-1, interval + 0.001)[0].accelerated == -1


def test_several_detents_in_one_event_count_as_the_speed_they_had() -> None:
    encoder = Encoder()
    encoder.turn(1, 0.0)
    assert encoder.turn(4, 0.1)[0].accelerated == 4 * 3
    assert encoder.turn(0, 0.2) == []


def test_fine_turns_never_accelerate() -> None:
    encoder = Encoder()
    encoder.turn(1, 0.0, fine=True)
    assert encoder.turn(1, 0.001, fine=True) == [Gesture(TURN, 1, 1, True)]


def test_cancel_forgets_the_press() -> None:
    encoder = Encoder()
    encoder.press(0.0)
    encoder.cancel()
    assert not encoder.pressed
    assert encoder.poll(5.0) == []
    assert encoder.release(5.0) == []


EVENTS = st.lists(
    st.tuples(st.sampled_from(["press", "release", "poll", "turn"]), st.floats(0.0, 1.5)),
    max_size=40,
)


@settings(deadline=None)
@given(events=EVENTS)
def test_each_press_gives_at_most_one_of_click_and_home(events: List[Tuple[str, float]]) -> None:
    encoder = Encoder()
    now, presses, turns = 0.0, 0, 0
    found: List[Gesture] = []
    for kind, wait in events:
        now += wait
        if kind == "press":
            presses += 0 if encoder.pressed else 1
            found += encoder.press(now)
        elif kind == "release":
            found += encoder.release(now)
        elif kind == "poll":
            found += encoder.poll(now)
        else:
            turns += 1
            found += encoder.turn(1, now)
    assert sum(gesture.kind in (CLICK, HOME) for gesture in found) <= presses
    assert sum(gesture.kind == TURN for gesture in found) == turns
