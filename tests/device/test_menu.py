"""The menu: three levels, every parameter reachable, values stay in range, home from everywhere."""

from typing import List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.face.encoder import CLICK, HOME, LONG, TURN, Gesture
from neurorave_device.face.groups import groups, shown
from neurorave_device.face.link import FAULT, PLAYING, STARTING
from neurorave_device.face.menu import LEVELS, MESSAGE_SECONDS, Menu
from neurorave_device.face.pages.dialog_page import DialogPage, ordered
from neurorave_device.face.pages.lines import Setting
from neurorave_device.face.steps import round_step, stepped
from neurorave_device.parameter import Parameter, number
from neurorave_device.parameters import PARAMETERS, by_id

from .hand import Hand

NUMBERS = [row for row in PARAMETERS if row.measured]
CHOICES = [row for row in PARAMETERS if not row.measured]


def titles(menu: Menu) -> List[str]:
    return [line.name for line in menu.contents.lines()][1:]


def reached() -> List[Tuple[str, str, str]]:
    """Return title, line and id of every setting that a player finds by opening each page of the list."""
    found = []
    for title in titles(Hand().face.menu):
        hand = Hand()
        hand.open(title)
        assert hand.face.menu.level == LEVELS, title
        if isinstance(hand.page, DialogPage):
            assert ordered(hand.page.view())[0].id == "leave"
            continue
        lines = hand.page.lines()
        assert lines[0].name == "Back"
        found += [(title, x.name, x.parameter.id) for x in lines if isinstance(x, Setting)]
    return found


def test_every_parameter_stands_on_one_page_of_the_third_level() -> None:
    assert sorted(row for _, _, row in reached()) == sorted(row.id for row in PARAMETERS)


def test_the_pages_come_in_the_order_of_use() -> None:
    found = titles(Hand().face.menu)
    assert found[:2] == ["Models", "Presets"] and found[-2:] == ["System", "Info"]
    order = ["CV 1", "CV 4", "Gates", "Descriptors", "Macro", "Motion", "Sound", "MIDI", "Screen"]
    assert [title for title in found if title in order] == order


@pytest.mark.parametrize("row", PARAMETERS, ids=lambda row: row.id)
def test_each_parameter_is_shown_changed_and_restored(row: Parameter) -> None:
    title, _, _ = next(place for place in reached_once() if place[2] == row.id)
    hand = Hand()
    hand.open(title)
    lines = hand.page.lines()
    place = next(n for n, x in enumerate(lines) if isinstance(x, Setting) and x.parameter is row)
    hand.turn(place - hand.page.cursor)
    before = hand.link.get(row.id)
    assert lines[place].value == shown(row, before)
    hand.click()
    assert hand.page.editing
    way = 1 if before < row.high else -1
    hand.turn(way)
    changed = hand.link.get(row.id)
    assert changed != before
    assert lines[place].value == shown(row, changed)
    if row.id == "encoder.direction":
        # From here on the other way round.
        way = -way
    hand.turn(-way)
    assert hand.link.get(row.id) == pytest.approx(before, abs=1e-9)
    hand.click()
    assert not hand.page.editing and hand.face.menu.level == LEVELS


_REACHED: List[Tuple[str, str, str]] = []


def reached_once() -> List[Tuple[str, str, str]]:
    if not _REACHED:
        _REACHED.extend(reached())
    return _REACHED


def test_a_parameter_that_is_new_in_the_table_gets_a_page_by_itself() -> None:
    new = number("echo.time", "Echo time", "s", 0.0, 1.0, 0.5, "echo", "How long an echo takes.")
    group = groups(PARAMETERS + (new,))[-1]
    assert (group.title, [entry.name for entry in group.entries]) == ("Echo", ["Time"])
    menu = Menu(Hand().link, parameters=PARAMETERS + (new,))
    assert titles(menu).index("Echo") == titles(menu).index("Sound") + 1


def test_qualities_are_written_alike_on_every_page() -> None:
    pages = {group.key: [entry.name for entry in group.entries] for group in groups(PARAMETERS)}
    qualities = ["loudness", "brightness", "width", "sharpness", "boom"]
    assert pages["macro"] == ["Amount", "Time"] + qualities
    assert [name for name in pages["descriptors"] if name[0] != " "] == qualities


def test_up_raises_a_value_and_goes_up_a_list() -> None:
    hand = Hand()

    def up(steps: int) -> None:
        hand.face.arrow(steps, hand.clock.now())
        hand.clock.advance(1.0)

    before = hand.link.get("level")
    up(1)
    assert hand.link.get("level") > before
    hand.click()
    line = titles(hand.face.menu).index("CV 2") + 1
    up(-(line - 1))
    assert hand.page.cursor == line
    up(1)
    assert hand.page.cursor == line - 1
    up(-1)
    hand.click()
    up(1)
    assert (hand.face.menu.level, hand.page.cursor) == (3, 0)
    up(-1)
    hand.click()
    assert hand.page.editing
    chosen = hand.link.get("cv2.destination")
    up(1)
    assert hand.link.get("cv2.destination") == chosen + 1


def test_back_is_the_first_line_of_every_page_and_one_detent_away() -> None:
    for title in titles(Hand().face.menu):
        hand = Hand()
        hand.open(title)
        hand.turn(5)
        hand.turn(-20)
        assert hand.page.cursor == 0
        hand.click()
        assert hand.face.menu.level == 2
        # The same page once more: the list remembers it, and it begins at its first entry.
        hand.click()
        assert hand.face.menu.level == 3 and hand.page.cursor == 1
        hand.turn(-1)
        hand.click()
        hand.turn(-40)
        hand.click()
        assert hand.face.menu.level == 1


def test_hold_goes_home_from_the_deepest_place() -> None:
    hand = Hand()
    hand.open("CV 2")
    hand.click()
    hand.press(0.8)
    assert hand.face.menu.level == 1
    hand.face.release(hand.clock.now())
    assert hand.face.menu.level == 1
    hand.open("CV 2")
    assert not hand.page.editing


def test_the_encoder_turns_the_other_way_where_that_is_set() -> None:
    hand = Hand()
    hand.link.set("encoder.direction", 1.0)
    hand.turn(-2)
    assert hand.link.get("level") == 1.0
    # The keys of a panel say which way is up, whatever the encoder does.
    hand.face.arrow(-2, hand.clock.now())
    assert hand.link.get("level") == 0.0


def test_acceleration_can_be_switched_off() -> None:
    found = []
    for on in (0.0, 1.0):
        hand = Hand()
        hand.link.set("encoder.acceleration", on)
        for _ in range(4):
            hand.face.turn(-1, hand.clock.now())
            hand.clock.advance(0.01)
        found.append(hand.link.get("level"))
    assert found == [-2.0, -8.0]


def test_turning_on_the_play_page_moves_the_level() -> None:
    hand = Hand()
    hand.turn(-4)
    assert hand.link.get("level") == -2.0
    hand.turn(-1, fine=True)
    assert hand.link.get("level") == pytest.approx(-2.1)
    assert hand.face.menu.level == 1


def test_a_message_is_dismissed_by_a_click_that_does_nothing_else() -> None:
    hand = Hand()
    hand.link.state = FAULT
    hand.link.message = "The sound process ended."
    calm = Hand().picture()
    assert hand.picture() != calm
    hand.click()
    assert hand.face.menu.level == 1
    hand.link.state = "playing"
    assert hand.picture() == calm
    # The same words again after a calm while are news again.
    hand.link.message = ""
    hand.clock.advance(1.0)
    hand.picture()
    hand.link.message = "The sound process ended."
    hand.clock.advance(1.0)
    assert hand.picture() != calm


def test_what_the_start_said_is_not_said_again_when_the_sound_is_started_again() -> None:
    hand = Hand()
    pictures = []
    for state, message in [
        (STARTING, "ONNX Runtime plays."),
        (PLAYING, ""),
        (FAULT, "The sound has stopped."),
        # So quick that nobody saw it starting.
        (PLAYING, "ONNX Runtime plays."),
    ]:
        hand.link.state, hand.link.message = state, message
        hand.clock.advance(1.0)
        pictures.append(hand.picture())
    assert pictures[2] != pictures[1]
    assert pictures[3] == pictures[1]


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


GESTURES = st.lists(
    st.one_of(
        st.just((CLICK, 0)),
        st.just((LONG, 0)),
        st.just((HOME, 0)),
        st.tuples(st.just(TURN), st.integers(-6, 6)),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(gestures=GESTURES, fine=st.booleans())
def test_no_gestures_leave_the_allowed_values(gestures: List[Tuple[str, int]], fine: bool) -> None:
    hand = Hand()
    for kind, steps in gestures:
        hand.face.menu.handle(Gesture(kind, steps, 5 * steps, fine), hand.clock.now())
        assert 1 <= hand.face.menu.level <= LEVELS
        hand.clock.advance(0.1)
    assert len(hand.picture()) == 1024
    for row in PARAMETERS:
        assert row.low <= hand.link.get(row.id) <= row.high
    hand.face.menu.handle(Gesture(HOME), hand.clock.now())
    assert hand.face.menu.level == 1


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
