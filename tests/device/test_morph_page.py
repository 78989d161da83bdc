"""The morph's page: two presets from the shelf, a position, an end; and what ends a morph besides."""

import pytest

from .hand import Hand


def _shelf() -> Hand:
    hand = Hand()
    for number, name in enumerate(("amber", "birch", "cedar")):
        hand.link.set("seed", 1.0 + number)
        hand.memory.save_preset(name)
    hand.wait()
    hand.open("Morph")
    return hand


def _choose(hand: Hand, line: str, steps: int) -> None:
    hand.line(line)
    hand.click()
    hand.turn(steps)
    hand.click()


def test_it_plays_as_soon_as_both_ends_are_chosen() -> None:
    hand = _shelf()
    _choose(hand, "A", 1)
    assert hand.link.morphing is None and hand.page.ends() == ("birch", "")
    _choose(hand, "B", 9)
    morph = hand.link.morphing
    assert morph is not None and morph.names == ("birch", "cedar")
    assert (morph.first["seed"], morph.second["seed"]) == (2.0, 3.0)
    # One of them is changed while it plays.
    _choose(hand, "A", -1)
    morph = hand.link.morphing
    assert morph is not None and morph.names == ("amber", "cedar")
    assert [line.value for line in hand.page.lines()][1:3] == ["amber", "cedar"]


def test_it_is_ended_on_its_page_and_by_a_reset() -> None:
    hand = _shelf()
    _choose(hand, "A", 0)
    _choose(hand, "B", 1)
    hand.line("End the morph")
    hand.click()
    assert hand.link.morphing is None
    assert "End the morph" not in [line.name for line in hand.page.lines()]
    hand.memory.morph_presets("amber", "birch")
    hand.home()
    hand.open("System")
    hand.hold(4.2)
    hand.turn(1)
    hand.click()
    assert hand.link.morphing is None


@pytest.mark.parametrize("line", ["A", "B"])
def test_without_presets_it_says_what_is_missing(line: str) -> None:
    hand = Hand()
    hand.open("Morph")
    hand.line(line)
    calm = hand.picture()
    hand.click()
    assert not hand.page.editing and hand.picture() != calm


def test_a_choice_that_is_not_ended_by_a_click_is_none() -> None:
    hand = _shelf()
    hand.line("A")
    hand.click()
    hand.turn(2)
    hand.home()
    hand.open("Morph")
    assert hand.page.ends() == ("", "") and hand.page.lines()[1].value == "choose"


def test_a_shelf_that_empties_under_the_hand_breaks_nothing() -> None:
    hand = _shelf()
    hand.line("B")
    hand.click()
    hand.memory.kept.clear()
    hand.turn(1)
    hand.click()
    assert hand.link.morphing is None and hand.page.ends() == ("", "")
