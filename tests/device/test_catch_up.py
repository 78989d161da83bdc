"""What is being turned does not jump when a preset is loaded, and catches up when the hand has let go."""

import pytest

from neurorave_device.face.catch_up import TURN_SECONDS, CatchUp

from .hand import Hand


def _loaded(at: float) -> Hand:
    """A player who turns the level from 0 to -1 dB; `at` seconds later a preset with -20 dB is loaded."""
    hand = Hand()
    hand.memory.save_preset("quiet")
    hand.memory.kept["quiet"].update(level=-20.0, seed=7.0)
    hand.face.turn(-1, hand.clock.now())
    hand.clock.advance(0.1)
    hand.face.turn(-1, hand.clock.now())
    hand.clock.advance(at)
    hand.memory.load_preset("quiet")
    return hand


def _level(hand: Hand) -> float:
    hand.face.refresh(hand.clock.now())
    return hand.link.get("level")


def test_in_the_middle_of_a_turn_only_what_is_turned_waits() -> None:
    hand = _loaded(0.5)
    assert (_level(hand), hand.link.get("seed")) == (-1.0, 7.0)


def test_without_a_further_detent_it_catches_up_when_the_turn_is_over() -> None:
    hand = _loaded(0.5)
    hand.clock.advance(0.49)
    assert _level(hand) == -1.0
    hand.clock.advance(0.02)
    assert _level(hand) == -20.0
    # Once: what is set later by others stays.
    hand.link.set("level", -3.0)
    hand.clock.advance(5.0)
    assert _level(hand) == -3.0


def test_a_further_detent_goes_on_from_the_hand_and_is_the_last_word() -> None:
    hand = _loaded(0.5)
    hand.face.turn(-1, hand.clock.now())
    assert _level(hand) == -1.5
    hand.clock.advance(10.0)
    assert _level(hand) == -1.5


@pytest.mark.parametrize("at", [TURN_SECONDS, 30.0])
def test_after_a_turn_a_preset_is_taken_at_once(at: float) -> None:
    assert _level(_loaded(at)) == -20.0


def test_of_two_presets_the_last_one_is_caught_up_with() -> None:
    catch_up = CatchUp()
    catch_up.turned("level", 0.0)
    assert catch_up.loaded({"level": -20.0, "seed": 1.0}, 0.2) == {"seed": 1.0}
    assert catch_up.loaded({"level": -30.0}, 0.4) == {}
    assert catch_up.due(0.9) == []
    assert catch_up.due(1.0) == [("level", -30.0)]
    assert catch_up.due(1.1) == []
    # One that is loaded between the end of a turn and the next look leaves nothing to catch up with.
    catch_up.turned("level", 2.0)
    catch_up.loaded({"level": -20.0}, 2.1)
    assert catch_up.loaded({"level": -5.0}, 3.0) == {"level": -5.0}
    assert catch_up.due(3.1) == []
