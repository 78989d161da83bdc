"""Contacts to detents: exact with any bounces, with one missed step a detent, and never wrong for long."""

from typing import List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurorave_device.front_panel.quadrature import Quadrature

CLOCKWISE = [(True, True), (False, True), (False, False), (True, False)]
turns = st.lists(st.sampled_from((-1, 1)), max_size=30)


def walk(directions: List[int], steps: int) -> List[int]:
    """Return the places in CLOCKWISE that detents of so many steps go through."""
    place, places = 0, []
    for direction in directions:
        for _ in range(steps):
            place += direction
            places.append(place % 4)
    return places


def feed(decoder: Quadrature, places: List[int]) -> int:
    return sum(decoder.feed(*CLOCKWISE[place]) for place in places)


@pytest.mark.parametrize("steps", [1, 2, 4])
@given(turns)
def test_clean_detents_are_counted_one_by_one(steps: int, directions: List[int]) -> None:
    decoder = Quadrature(True, True, steps)
    place = 0
    for direction in directions:
        found = 0
        for _ in range(steps):
            place += direction
            found += decoder.feed(*CLOCKWISE[place % 4])
        assert found == direction


@given(turns, st.lists(st.integers(0, 5), min_size=1))
def test_bounces_add_up_to_nothing(directions: List[int], bounces: List[int]) -> None:
    decoder = Quadrature(True, True)
    before, found = 0, 0
    for number, place in enumerate(walk(directions, 4)):
        for _ in range(bounces[number % len(bounces)]):
            found += feed(decoder, [place, before])
        found += feed(decoder, [place])
        before = place
    assert found == sum(directions)


@given(st.lists(st.tuples(st.sampled_from((-1, 1)), st.sampled_from((0, 1, 2, None))), max_size=30))
def test_one_missed_step_in_a_detent_is_made_up_for(detents: List[Tuple[int, int]]) -> None:
    decoder = Quadrature(True, True)
    for direction, missed in detents:
        places = walk([direction], 4)
        if missed is not None:
            del places[missed]
        assert feed(decoder, places) == direction


@given(turns, turns, st.sampled_from((1, -1)))
def test_a_rest_that_was_missed_is_made_up_for_in_one_direction(
    before: List[int], after: List[int], direction: int
) -> None:
    decoder = Quadrature(True, True)
    feed(decoder, walk(before, 4))
    places = walk([direction] * 3, 4)
    del places[3]
    assert feed(decoder, places) == 3 * direction
    assert feed(decoder, walk(after, 4)) == sum(after)


@given(st.lists(st.integers(0, 3), max_size=60), turns, st.sampled_from((1, 2, 4)))
def test_after_whatever_garbage_the_next_detents_are_right(
    garbage: List[int], directions: List[int], steps: int
) -> None:
    decoder = Quadrature(True, True, steps)
    counted = abs(feed(decoder, garbage))
    assert counted <= len(garbage)
    feed(decoder, [0])
    assert feed(decoder, walk(directions, steps)) == sum(directions)
