"""The presets on the module: made, loaded, replaced and deleted with one encoder, and nothing lost by a slip."""

from .hand import Hand


def _shelf() -> Hand:
    hand = Hand()
    hand.link.set("seed", 5.0)
    hand.memory.save_preset("amber")
    hand.link.set("seed", 6.0)
    hand.memory.save_preset("birch")
    hand.wait()
    hand.open("Presets")
    return hand


def _do(hand: Hand, name: str, steps: int) -> None:
    """Click a preset and turn on from *load*: 0 load, 1 replace, 2 delete, -1 back."""
    hand.line(name)
    hand.click()
    hand.turn(steps)


def test_it_is_loaded_with_two_clicks() -> None:
    hand = _shelf()
    _do(hand, "amber", 0)
    assert hand.link.get("seed") == 6.0
    hand.click()
    assert hand.link.get("seed") == 5.0
    _do(hand, "birch", -1)
    hand.click()
    assert hand.link.get("seed") == 5.0 and not hand.page.editing


def test_replacing_asks_and_the_cursor_stands_on_no() -> None:
    hand = _shelf()
    hand.link.set("seed", 7.0)
    for sure, kept in ((False, 5.0), (True, 7.0)):
        _do(hand, "amber", 1)
        hand.click()
        hand.turn(1 if sure else -1)
        hand.click()
        assert hand.memory.kept["amber"]["seed"] == kept


def test_deleting_takes_four_seconds_and_a_yes() -> None:
    hand = _shelf()
    _do(hand, "amber", 2)
    # A click does not, nor a press that ends before: that is a way home.
    hand.click()
    assert hand.memory.presets() == ["amber", "birch"]
    _do(hand, "amber", 2)
    hand.hold(3.5)
    assert hand.face.menu.level == 1 and hand.memory.presets() == ["amber", "birch"]
    for sure, left in ((False, ["amber", "birch"]), (True, ["birch"])):
        hand.home()
        hand.open("Presets")
        _do(hand, "amber", 2)
        hand.hold(4.2)
        hand.turn(1 if sure else -1)
        hand.click()
        assert hand.memory.presets() == left


def test_where_nothing_is_destroyed_a_long_press_is_home() -> None:
    hand = _shelf()
    _do(hand, "amber", 1)
    hand.press(0.9)
    assert hand.face.menu.level == 1
    hand.look(4.0)
    hand.face.release(hand.clock.now())
    assert hand.face.menu.level == 1 and hand.memory.presets() == ["amber", "birch"]


def test_a_new_one_has_a_free_name_without_a_letter_written() -> None:
    hand = _shelf()
    for number in (1, 2):
        hand.line("Save as new")
        hand.click()
        hand.click()
        assert "hand percussion %d" % number in hand.memory.presets()
    # Back on the wheel leaves it alone.
    hand.line("Save as new")
    hand.click()
    hand.turn(-5)
    hand.click()
    assert len(hand.memory.presets()) == 4 and not hand.page.changing
