"""The menu: three levels, every parameter reachable, values stay in range, home from everywhere."""

from typing import List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.face.encoder import CLICK, HOME, TURN, Gesture
from neurorave_device.face.face import PICTURES_PER_SECOND
from neurorave_device.face.groups import groups, shown
from neurorave_device.face.link import FAULT
from neurorave_device.face.menu import MESSAGE_SECONDS, Place
from neurorave_device.face.steps import round_step, stepped
from neurorave_device.parameter import Parameter, number
from neurorave_device.parameters import PARAMETERS, by_id

from .page_states import Hand

NUMBERS = [row for row in PARAMETERS if row.measured]
CHOICES = [row for row in PARAMETERS if not row.measured]


def test_every_parameter_is_in_one_group() -> None:
    found = [entry.parameter.id for group in groups(PARAMETERS) for entry in group.entries]
    assert sorted(found) == sorted(row.id for row in PARAMETERS)
    titles = [group.title for group in groups(PARAMETERS)]
    first = ["CV 1", "CV 2", "CV 3", "CV 4", "Gates", "Descriptors", "Sound"]
    assert titles == first + ["Motion", "Screen", "Encoder", "Midi"]


def test_a_parameter_that_is_new_in_the_table_gets_a_page_by_itself() -> None:
    new = number("echo.time", "Echo time", "s", 0.0, 1.0, 0.5, "echo", "How long an echo takes.")
    last = groups(PARAMETERS + (new,))
    assert [g.title for g in last if any(e.parameter is new for e in g.entries)] == ["Echo"]


def test_each_group_opens_two_clicks_from_the_play_page() -> None:
    for line, group in enumerate(groups(PARAMETERS), 1):
        hand = Hand()
        hand.open(line)
        assert hand.face.menu.place is Place.GROUP
        # The page's first value: one click edits it, a turn changes it.
        first = group.entries[0].parameter
        before = hand.link.get(first.id)
        hand.click()
        assert hand.face.menu.editing
        hand.turn(1 if before < first.high else -1)
        assert hand.link.get(first.id) != before, first.id
        hand.click()
        assert not hand.face.menu.editing


def test_up_raises_a_value_and_goes_up_a_list() -> None:
    hand = Hand()
    menu = hand.face.menu
    first = {line: group.entries[0].parameter for line, group in enumerate(groups(PARAMETERS), 1)}
    line = next(line for line, parameter in first.items() if parameter.id.startswith("cv2"))

    def up(steps: int) -> None:
        hand.face.arrow(steps, hand.clock.now())
        hand.clock.advance(1.0)

    before = hand.link.get("level")
    up(1)
    assert hand.link.get("level") > before
    hand.click()
    up(-(line - 1))
    assert menu.cursor == line
    up(1)
    assert menu.cursor == line - 1
    up(-1)
    hand.click()
    up(1)
    assert (menu.place, menu.cursor) == (Place.GROUP, 0)
    up(-1)
    hand.click()
    assert menu.editing
    chosen = hand.link.get(first[line].id)
    up(1)
    assert hand.link.get(first[line].id) == chosen + 1


def test_back_is_the_first_line_of_every_page() -> None:
    hand = Hand()
    hand.open(3)
    hand.turn(-20)
    assert hand.face.menu.cursor == 0
    places = []
    hand.click()
    places.append(hand.face.menu.place)
    hand.turn(-20)
    hand.click()
    places.append(hand.face.menu.place)
    assert places == [Place.LIST, Place.PLAY]


def test_hold_goes_home_from_the_deepest_place() -> None:
    hand = Hand()
    hand.open(2)
    hand.click()
    hand.face.press(hand.clock.now())
    hand.clock.advance(0.8)
    hand.face.refresh(hand.clock.now())
    assert hand.face.menu.place is Place.PLAY and not hand.face.menu.editing
    hand.face.release(hand.clock.now())
    assert hand.face.menu.place is Place.PLAY


def test_turning_on_the_play_page_moves_the_level() -> None:
    hand = Hand()
    hand.turn(-4)
    assert hand.link.get("level") == -2.0
    hand.turn(-1, fine=True)
    assert hand.link.get("level") == pytest.approx(-2.1)
    assert hand.face.menu.place is Place.PLAY


def test_a_message_is_dismissed_by_a_click_that_does_nothing_else() -> None:
    hand = Hand()
    hand.link.state = FAULT
    hand.link.message = "The sound process ended."
    calm = Hand().picture()
    assert hand.picture() != calm
    hand.click()
    assert hand.face.menu.place is Place.PLAY
    hand.link.state = "playing"
    assert hand.picture() == calm
    # The same words again after a calm while are news again.
    hand.link.message = ""
    hand.clock.advance(1.0)
    hand.picture()
    hand.link.message = "The sound process ended."
    hand.clock.advance(1.0)
    assert hand.picture() != calm


def test_a_message_of_our_own_goes_away_by_itself() -> None:
    hand = Hand()
    calm = hand.picture()
    hand.clock.advance(1.0)
    hand.face.say("That cannot be done.", hand.clock.now())
    assert hand.picture() != calm
    hand.clock.advance(MESSAGE_SECONDS + 0.1)
    assert hand.picture() == calm


def test_a_value_that_the_sound_refuses_becomes_a_message() -> None:
    hand = Hand()
    calm = hand.picture()

    def refuse(parameter_id: str, value: float) -> None:
        by_id("no such parameter")

    hand.link.set = refuse  # type: ignore[method-assign]
    hand.clock.advance(1.0)
    hand.turn(1)
    assert hand.picture() != calm


def test_pictures_come_only_when_changed_and_not_too_often() -> None:
    hand = Hand()
    assert hand.face.refresh(10.0) is not None
    assert hand.face.refresh(11.0) is None
    count = 0
    for tick in range(200):
        now = 12.0 + tick * 0.005
        hand.link.set_jack(1, volts=-5.0 + 0.05 * tick)
        count += hand.face.refresh(now) is not None
    assert 10 <= count <= PICTURES_PER_SECOND


GESTURES = st.lists(
    st.one_of(
        st.just((CLICK, 0)), st.just((HOME, 0)), st.tuples(st.just(TURN), st.integers(-6, 6))
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(gestures=GESTURES, fine=st.booleans())
def test_no_gestures_leave_the_allowed_values(gestures: List[Tuple[str, int]], fine: bool) -> None:
    hand = Hand()
    for kind, steps in gestures:
        hand.face.menu.handle(Gesture(kind, steps, 5 * steps, fine), hand.clock.now())
        hand.clock.advance(0.1)
    assert len(hand.picture()) == 1024
    for row in PARAMETERS:
        assert row.low <= hand.link.get(row.id) <= row.high
    hand.face.menu.handle(Gesture(HOME), hand.clock.now())
    assert hand.face.menu.place is Place.PLAY


@pytest.mark.parametrize("row", NUMBERS, ids=lambda row: row.id)
@pytest.mark.parametrize("fine", [False, True])
def test_numbers_step_both_ways_over_their_whole_range(row: Parameter, fine: bool) -> None:
    value = row.low
    seen = [value]
    while value < row.high and len(seen) < 20000:
        value = stepped(row, value, Gesture(TURN, 1, 1, fine))
        seen.append(value)
    assert value == row.high
    assert all(a < b for a, b in zip(seen, seen[1:]))
    for _ in range(len(seen)):
        value = stepped(row, value, Gesture(TURN, -1, -1, fine))
    assert value == row.low


@pytest.mark.parametrize("row", CHOICES, ids=lambda row: row.id)
def test_choices_move_one_entry_a_detent_however_fast(row: Parameter) -> None:
    assert stepped(row, row.low, Gesture(TURN, 1, 5, False)) == row.low + 1.0
    assert stepped(row, row.high, Gesture(TURN, 1, 5, False)) == row.high


def test_coarse_turns_land_on_round_numbers_after_fine_ones() -> None:
    level = by_id("level")
    assert stepped(level, -2.3, Gesture(TURN, 1, 1, False)) == -2.0
    assert stepped(level, -2.3, Gesture(TURN, -1, -1, False)) == -2.5
    assert stepped(level, -2.0, Gesture(TURN, 3, 9, False)) == 2.5


@settings(deadline=None)
@given(span=st.floats(1e-6, 1e6))
def test_steps_are_round(span: float) -> None:
    step = round_step(span)
    assert step <= span * (1.0 + 1e-6)
    assert span < step * 2.5 * (1.0 + 1e-6)
    assert float("%.0e" % step) == pytest.approx(step)


def test_values_are_shown_in_the_players_words() -> None:
    assert shown(by_id("cv3.destination"), 2.0) == "brightness"
    assert shown(by_id("cv1.range"), 0.0) == "\u00b15 V"
    assert shown(by_id("cv1.amount"), 0.5) == "50 %"
