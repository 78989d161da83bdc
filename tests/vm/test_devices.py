"""What the real drivers did on real device nodes: judges the records of one run of the virtual machine.

`make test-vm` and `make test` make them anew. Where the machine cannot be had these tests are skipped and say why.
"""

import numpy as np
import pytest

from neurorave_device.face.led import GATE_LIGHT, PLAYING_LIGHT
from tests.vm.guest.scenario import FOUR_VOLTS, GATES
from tests.vm.records import Records, shown_at

# No hit belongs to a gate that was so long ago: the next one follows sooner.
LONGEST = 0.1
_DARK = (0, 0, 0)


def test_the_daemon_starts_and_ends_as_a_player_expects(records: Records) -> None:
    assert "neurorave plays toy." in records.said()
    assert records.value("status") == 0
    assert "died" not in records.said()


def test_the_converter_understood_every_transfer(records: Records) -> None:
    assert records.value("transfers") > 10000
    assert records.value("refused") == 0


def test_volts_at_the_jacks_are_those_that_are_patched(records: Records) -> None:
    # At first, and when the converter and /dev/spidev0.0 have been away.
    for patched in (records.times("volts", list(FOUR_VOLTS))[0], records.step("back: encoder")):
        told = shown_at(records.heard, records.seen_after(patched))
        # Half a count of the converter is 1.4 mV at the jack.
        assert told["volts"] == pytest.approx(FOUR_VOLTS, abs=0.0015)


def test_every_gate_of_both_jacks_is_heard(records: Records) -> None:
    hits = records.hits()
    gates = records.times("gate")
    assert len(gates) == GATES
    delays = [hits[(hits > gate) & (hits < gate + LONGEST)] for gate in gates]
    found = [float(near[0] - gate) for near, gate in zip(delays, gates) if near.size]
    print(
        "%d of %d gates heard, after %.1f to %.1f ms"
        % (len(found), GATES, 1e3 * min(found), 1e3 * max(found))
    )
    assert len(found) == GATES
    # And nothing is heard that nobody has played.
    begin, end = gates[0], gates[-1] + LONGEST
    assert np.sum((hits > begin) & (hits < end)) == GATES


def test_a_step_of_a_cv_is_followed_in_the_heard_descriptor(records: Records) -> None:
    centroid = []
    for kind in ("low", "high"):
        (asked, *_, last) = records.times(kind)
        told = [row["heard"][1] for when, row in records.heard if asked + 0.1 < when < last + 0.1]
        centroid.append(float(np.median(told)))
    # The toy's tone of 200 to 1600 Hz is the lowest quarter of its scale.
    assert centroid[1] > 2.5 * centroid[0]
    # The same in the recording itself: the tone crosses zero more often.
    crossings = []
    for kind in ("low", "high"):
        part = records.part(records.times(kind)[-1] + 0.05, 0.06)
        crossings.append(int(np.sum(np.diff(np.sign(part)) != 0)))
    assert crossings[1] > 3 * crossings[0]


def test_the_screen_shows_what_the_panel_shows(records: Records) -> None:
    screen = records.screen()
    quiet = records.step("gates, and meanwhile")
    play = shown_at(records.pictures, quiet)
    assert shown_at(screen, quiet) == play
    # A page is drawn piece by piece, so not everything that was ever seen is a whole picture; most is.
    whole = {picture for _, picture in records.pictures}
    seen = {shown_at(screen, when + 0.06) for when, _ in records.pictures if when > quiet}
    assert len(seen & whole) > 20


def test_the_encoder_and_its_switch_move_the_menu(records: Records) -> None:
    screen = records.screen()
    pressed = records.seen_after(records.times("press")[1])
    right = records.seen_after(records.times("turn", 1)[0])
    left = records.seen_after(records.times("turn", -1)[0])
    menu, moved, again = (shown_at(screen, when) for when in (pressed, right, left))
    assert menu != shown_at(screen, records.step("gates, and meanwhile"))
    assert moved != menu
    assert again == menu


def test_the_light_tells_gates_and_is_dark_at_the_end(records: Records) -> None:
    colours = [colour for _, colour in records.light()]
    playing = tuple(round(part * PLAYING_LIGHT.rhythm[0][1]) for part in PLAYING_LIGHT.colour)
    assert playing in colours
    assert GATE_LIGHT.colour in colours
    assert colours[-1] == _DARK
    assert not any(records.screen()[-1][1])


def test_what_goes_away_is_said_and_comes_back(records: Records) -> None:
    for names, sentences in (
        ("screen, spidev", ("The screen at 0x3C on I2C bus 1", "The CV inputs on /dev/spidev0.0")),
        (
            "encoder, converter",
            (
                "The encoder at 0x0F on I2C bus 1",
                "The CV inputs on /dev/spidev0.0 read all zeros",
            ),
        ),
    ):
        away = records.step("away: " + names)
        back = records.step("back: " + names)
        for sentence in sentences:
            # Once on the terminal when it begins, and once when it is over.
            lines = [line for line in records.said().splitlines() if sentence in line]
            assert lines[0].startswith("neurorave: " + sentence)
            assert lines[-1].startswith("neurorave: This is over: ")
            assert len(lines) == len(set(lines))
            # The screen's own message comes before what the panel is told, and the panel is told of the jacks.
            if sentence.startswith("The CV inputs"):
                assert sentence in records.messages(away, back + 1.0)
    # The screen has its picture again, the encoder its light.
    screen, seen = records.screen(), records.seen_after(records.step("back: screen"))
    assert any(shown_at(screen, seen))
    light = records.light()
    assert any(when > records.step("back: encoder") and colour != _DARK for when, colour in light)
