"""Calibration and MIDI learn on the screen: from the first question to what is kept, and left at any moment."""

from pathlib import Path
from typing import List

import pytest

from neurorave_device.errors import UserError
from neurorave_device.face.canvas import HEIGHT, WIDTH, Canvas
from neurorave_device.face.font import wrap
from neurorave_device.face.happenings import Happenings
from neurorave_device.face.led import LEARNING_LIGHT, PLAYING_LIGHT
from neurorave_device.face_process.midi_desk import MidiDesk
from neurorave_device.face_process.procedure_desk import ProcedureDesk
from neurorave_device.inputs.calibration import Calibration
from neurorave_device.link.events import CONTROLLER, Event
from neurorave_device.parameters import by_id

from .hand import Hand


def _calibrate(hand: Hand, finish: bool = True) -> None:
    """Calibrate all four with 5 V as far as the result."""
    hand.open("Calibrate")
    hand.choose("All four")
    hand.choose("5 V")
    hand.look(0.3)
    hand.choose("Measure")
    hand.look(3.0)
    for number in range(1, 5):
        hand.patch(*[5.0 if n == number else 0.0 for n in range(1, 5)])
        hand.look(0.3)
        hand.choose("Measure")
        hand.look(3.0)
    if finish:
        hand.choose("Finish")


def _readable(hand: Hand, text: str) -> bool:
    """Return whether a text is on the screen to its end, at the left edge, on lines below each other."""
    canvas = Canvas()
    lines = wrap(text, WIDTH)
    for row, line in enumerate(lines):
        canvas.text(0, 9 * row, line)
    # A row of points is 16 bytes.
    wanted = canvas.pixels()[: 16 * (9 * len(lines) - 1)]
    picture = hand.picture()
    return any(picture[16 * y : 16 * y + len(wanted)] == wanted for y in range(HEIGHT))


def test_what_is_asked_and_all_results_are_read_to_their_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    hand = Hand(tmp_path / "file")
    told: List[str] = []

    def read() -> None:
        view = hand.page.view()
        for text in (view.sentence,) + view.rows:
            assert _readable(hand, text), text
        told.append(view.step)

    _calibrate(hand, finish=False)
    assert len(hand.page.view().rows) == 4
    read()
    hand.choose("Finish")
    read()
    # What went wrong takes the room of the results, not that of what is asked.
    hand.choose("Save")
    hand.look(0.5)
    view = hand.page.view()
    assert view.problem and view.rows
    assert _readable(hand, view.sentence)
    assert _readable(hand, wrap(view.problem, WIDTH)[0])
    assert told == ["negative", "result"]


def test_what_is_asked_is_whole_beside_many_controllers(tmp_path: Path) -> None:
    hand = Hand()
    midi = MidiDesk(hand.link, str(tmp_path), None, lambda sentence: None)
    hand.link.set("midi.on", 1.0)
    hand.procedures.learn = midi.learn  # type: ignore[method-assign]
    hand.open("MIDI learn")
    for number, name in enumerate(("Vary", "Seed", "Level", "Temperature")):
        hand.choose("Sound")
        hand.choose(name)
        midi.controller(Event(CONTROLLER, 20 + number, 0.5))
        hand.choose("One more")
    view = hand.page.view()
    assert len(view.rows) == 4
    assert _readable(hand, view.sentence) and _readable(hand, view.rows[0])


def test_calibrating_on_the_screen_ends_in_volts_that_are_true(tmp_path: Path) -> None:
    hand = Hand(tmp_path)
    hand.patch(0.0, 0.0, 0.0, 0.0)
    begun = hand.clock.now()
    _calibrate(hand)
    hand.choose("Save")
    hand.look(0.5)
    # Under two minutes, with a second or so for each click.
    assert hand.clock.now() - begun < 120.0
    view = hand.page.view()
    assert view.ended and view.step == "saved"
    found = hand.link.calibration()
    assert found.gain == pytest.approx((1.0 / 1.02,) * 4, abs=1e-6)
    assert found.offset == pytest.approx((-0.03 / 1.02,) * 4, abs=1e-6)
    # A click on the last word leads back to the list.
    hand.click()
    assert hand.face.menu.level == 2
    assert hand.procedures.file.load().kept


@pytest.mark.parametrize("by", ["home", "leave"])
@pytest.mark.parametrize("steps", range(8))
def test_it_can_be_left_at_any_moment_and_the_old_stays(
    by: str, steps: int, tmp_path: Path
) -> None:
    hand = Hand(tmp_path)
    hand.link.present = old = Calibration((1.0,) * 4, (0.25,) * 4)
    hand.open("Calibrate")
    # The waits end in the middle of a measurement and after it.
    for what in ("All four", "5 V", "Measure", 0.5, 3.0, "Measure", 0.5)[:steps]:
        if isinstance(what, str):
            hand.choose(what)
        else:
            hand.look(what)
    if by == "home":
        hand.home()
        assert hand.face.menu.level == 1
    else:
        hand.choose("Leave")
        assert hand.face.menu.level == 2
    hand.look(5.0)
    assert hand.link.calibration() == old
    assert not hand.procedures.file.load().kept
    # It begins anew, whatever was left behind.
    hand.home()
    hand.open("Calibrate")
    assert hand.page.view().step == "channels"


def test_taking_the_calibration_away_takes_four_seconds(tmp_path: Path) -> None:
    hand = Hand(tmp_path)
    hand.procedures.file.save(Calibration((1.1,) * 4, (0.1,) * 4))
    hand.link.present = Calibration((1.1,) * 4, (0.1,) * 4)
    hand.open("Calibrate")
    hand.choose("No calibration")
    # The cursor stands on the way out.
    assert [choice.id for choice in hand.page.view().choices][hand.page.cursor] == "leave"
    hand.choose("Take it away")
    assert hand.page.view().step == "sure"
    hand.hold(3.0)
    # Let go before: a way home, as everywhere.
    assert hand.face.menu.level == 1
    hand.open("Calibrate")
    hand.choose("No calibration")
    hand.turn(1)
    hand.hold(4.2)
    hand.look(0.5)
    assert hand.page.view().step == "saved"
    assert hand.link.calibration() == Calibration() and not hand.procedures.file.load().kept


def test_the_light_says_that_the_module_waits() -> None:
    hand = Hand()
    assert hand.face.light(hand.clock.now()) is PLAYING_LIGHT
    for title in ("Calibrate", "MIDI learn"):
        hand.open(title)
        assert hand.face.light(hand.clock.now()) is LEARNING_LIGHT
        hand.home()
        assert hand.face.light(hand.clock.now()) is PLAYING_LIGHT


def test_learning_is_left_with_its_page() -> None:
    hand = Hand()
    hand.open("MIDI learn")
    steps = hand.procedures.steps
    hand.choose("Learn")
    assert steps.step == 1 and not steps.left
    hand.home()
    assert steps.left


def test_what_cannot_begin_says_why_and_opens_nothing(tmp_path: Path) -> None:
    hand = Hand()
    said: List[str] = []
    midi = MidiDesk(hand.link, str(tmp_path), None, said.append)
    desk = ProcedureDesk(None, midi)
    hand.procedures.calibrate = desk.calibrate  # type: ignore[method-assign]
    hand.open("Calibrate")
    assert hand.face.menu.level == 2
    calm = hand.picture()
    with pytest.raises(UserError, match="nothing to calibrate"):
        desk.calibrate()
    hand.clock.advance(10.0)
    assert hand.picture() != calm and said == []


@pytest.mark.parametrize("pitched, name", [(False, "timbre"), (True, "pitch")])
def test_what_is_learnt_is_called_as_on_its_page(pitched: bool, name: str, tmp_path: Path) -> None:
    hand = Hand()
    hand.link.pitched = pitched
    hand.link.set("midi.on", 1.0)
    midi = MidiDesk(hand.link, str(tmp_path), None, lambda sentence: None)
    dialog = midi.learn()
    dialog.choose("motion")
    labels = [choice.label for choice in dialog.view().choices]
    assert labels[1:5] == [name, name + " rate", name + " depth", "loudness"]


def test_a_controller_is_learnt_on_the_screen_and_moves_its_parameter(tmp_path: Path) -> None:
    hand = Hand()
    midi = MidiDesk(hand.link, str(tmp_path), None, lambda sentence: None)
    desk = ProcedureDesk(None, midi)
    hand.procedures.learn = desk.learn  # type: ignore[method-assign]
    happenings = Happenings(hand.link, hand.face.say, hand.memory, midi.controller)

    def move(number: int, value: float) -> None:
        hand.link.events.append(Event(CONTROLLER, number, value))
        happenings.follow(hand.clock.now())
        desk.follow(hand.clock.now())

    hand.open("MIDI learn")
    hand.choose("Switch on")
    desk.follow(hand.clock.now())
    assert hand.link.get("midi.on") == 1.0
    hand.choose("Sound")
    hand.choose("Vary")
    move(20, 0.3)
    assert hand.page.view().sentence == "Controller 20 moves Vary."
    assert midi.controllers == {20: "vary"}
    row, moved = by_id("vary"), "vary"
    hand.link.set(moved, 0.5)
    before = hand.link.get(moved)
    for step in range(11):
        move(20, step / 10.0)
    assert hand.link.get(moved) == row.high != before
    # What forgets them all is held for four seconds, and the others stay as they are.
    hand.choose("One more")
    hand.choose("Forget all")
    assert midi.controllers == {20: "vary"}
    hand.hold(4.2)
    assert midi.controllers == {20: "vary"}
    hand.choose("Back")
    assert midi.controllers == {20: "vary"}
    hand.hold(4.2)
    hand.choose("Forget all")
    assert midi.controllers == {}
