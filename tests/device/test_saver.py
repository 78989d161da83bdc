"""The screen's sleep, in virtual time: dim at 2 min, saver at 5, blank at 20, and what only wakes it."""

from typing import List

import pytest

from neurorave_device.front_panel.protocols import PRESS, RELEASE, TURN, Action
from neurorave_device.front_panel.saver import AWAKE, BLANK, DIM, SAVER, Saver, Timeouts

MINUTE = 60.0


def do(saver: Saver, kind: str, now: float, steps: int = 0) -> List[str]:
    return [action.kind for action in saver.filter([Action(kind, steps, now)], now)]


def test_states_begin_on_time() -> None:
    saver = Saver(100.0)
    begins = [(0.0, AWAKE), (2 * MINUTE, DIM), (5 * MINUTE, SAVER), (20 * MINUTE, BLANK)]
    for (begin, state), (end, _) in zip(begins, begins[1:] + [(1e6, "")]):
        assert saver.state(100.0 + begin) == state
        assert saver.state(100.0 + end - 0.01) == state


@pytest.mark.parametrize("minutes", [5, 20, 600])
def test_the_waking_click_is_swallowed_with_its_release(minutes: float) -> None:
    saver = Saver(0.0)
    now = minutes * MINUTE
    assert do(saver, PRESS, now) == []
    assert saver.state(now) == AWAKE
    assert do(saver, TURN, now + 1.0, 1) == []
    assert do(saver, RELEASE, now + 2.0) == []
    assert do(saver, PRESS, now + 2.1) == [PRESS]
    assert do(saver, RELEASE, now + 2.2) == [RELEASE]


def test_the_waking_turn_is_swallowed_until_it_is_over() -> None:
    saver = Saver(0.0)
    now = 20 * MINUTE
    assert do(saver, TURN, now, 1) == []
    assert do(saver, TURN, now + 0.1, 3) == []
    assert do(saver, TURN, now + 0.4, 1) == [TURN]
    assert do(saver, PRESS, now + 0.5) == [PRESS]


def test_what_is_done_on_a_dim_page_is_meant() -> None:
    saver = Saver(0.0)
    assert do(saver, PRESS, 4 * MINUTE) == [PRESS]
    assert do(saver, RELEASE, 4 * MINUTE + 0.1) == [RELEASE]
    assert saver.state(4 * MINUTE + 0.1) == AWAKE


def test_a_press_held_into_the_saver_still_ends() -> None:
    saver = Saver(0.0)
    assert do(saver, PRESS, 1.0) == [PRESS]
    assert do(saver, RELEASE, 1.0 + 6 * MINUTE) == [RELEASE]


def test_a_turn_wakes_while_a_press_was_swallowed_before() -> None:
    saver = Saver(0.0)
    assert do(saver, PRESS, 5 * MINUTE) == []
    # The release never came; half an hour later somebody turns.
    assert do(saver, TURN, 40 * MINUTE, 1) == []
    assert do(saver, TURN, 41 * MINUTE, 1) == [TURN]


def test_times_are_set_while_it_runs_and_0_means_never() -> None:
    saver = Saver(0.0)
    saver.timeouts = Timeouts(dim=60.0, saver=0.0, blank=120.0)
    assert [saver.state(now) for now in (59.0, 60.0, 119.0, 120.0)] == [AWAKE, DIM, DIM, BLANK]
    saver.timeouts = Timeouts(0.0, 0.0, 0.0)
    assert saver.state(1e9) == AWAKE
    # The darkest that has begun counts, in whatever order they are set.
    saver.timeouts = Timeouts(dim=300.0, saver=60.0, blank=0.0)
    assert [saver.state(now) for now in (59.0, 61.0, 301.0)] == [AWAKE, SAVER, SAVER]
