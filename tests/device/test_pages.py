"""Each page equals its reference picture, point by point, on every Pillow."""

import os
from typing import Dict, List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.face import font
from neurorave_device.face import rows as listing
from neurorave_device.face.canvas import HEIGHT, WIDTH, Canvas
from neurorave_device.face.catch_up import CatchUp
from neurorave_device.face.link import PLAYING, Telemetry
from neurorave_device.face.menu import Menu
from neurorave_device.face.pages import message, play, splash
from neurorave_device.face.pages.info import model_texts
from neurorave_device.face.pages.name_wheel import WHEEL, NameWheel
from neurorave_device.face.pages.system import SystemPage, version_lines
from neurorave_device.face.reach import Reach
from neurorave_device.update.trial import Standing

from .hand import Hand
from .page_states import FOLDER, STATES, load

WORDS = st.text(alphabet="abcdefgh WMij_.,0123456789\u00b1\u4e2d", max_size=80)
ANY = st.floats(allow_nan=True, allow_infinity=True, width=32)


@pytest.mark.parametrize("name", sorted(STATES))
def test_page_equals_its_reference(name: str) -> None:
    size, expected = load(name)
    assert size == (WIDTH, HEIGHT)
    drawn = STATES[name]()
    different = sum(bin(a ^ b).count("1") for a, b in zip(drawn, expected))
    assert len(drawn) == 1024
    assert different == 0, "%d points differ from %s.png" % (different, name)


def test_every_reference_has_a_state() -> None:
    stored = {name[:-4] for name in os.listdir(FOLDER) if name.endswith(".png")}
    assert stored == set(STATES)


def test_references_differ_from_each_other() -> None:
    assert len({load(name)[1] for name in STATES}) == len(STATES)


@pytest.mark.parametrize("name", sorted(STATES))
def test_few_points_are_lit(name: str) -> None:
    lit = sum(bin(byte).count("1") for byte in STATES[name]())
    assert 0 < lit < 0.25 * WIDTH * HEIGHT


def test_pixels_are_rows_with_the_left_point_in_the_high_bit() -> None:
    canvas = Canvas()
    canvas.fill(0, 0, 1, 1)
    canvas.fill(127, 63, 1, 1)
    canvas.fill(9, 1, 1, 1)
    pixels = canvas.pixels()
    assert pixels[0] == 0x80 and pixels[1023] == 0x01 and pixels[17] == 0x40
    assert sum(pixels) == 0x80 + 0x01 + 0x40
    assert canvas.lit_share() == pytest.approx(3.0 / 8192.0)


def test_font_has_every_printable_character() -> None:
    table = font.glyphs()
    for code in range(32, 127):
        assert chr(code) in table, chr(code)
    shapes: Dict[Tuple[str, ...], str] = {}
    for character, rows in table.items():
        assert len(rows) == font.HEIGHT
        assert len({len(row) for row in rows}) == 1, character
        assert set("".join(rows)) <= {"#", "."}, character
        assert rows not in shapes, "%r looks like %r" % (character, shapes.get(rows))
        shapes[rows] = character


@settings(deadline=None)
@given(text=WORDS, width=st.integers(20, 128))
def test_text_never_runs_past_its_width(text: str, width: int) -> None:
    assert font.text_width(font.fit(text, width)) <= width
    lines = font.wrap(text, width)
    assert all(font.text_width(line) <= width for line in lines)
    if all(font.text_width(word) <= width for word in text.split()):
        assert " ".join(lines).split() == text.split()


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(ANY, min_size=0, max_size=8),
    volts=st.tuples(ANY, ANY, ANY, ANY),
    peak=ANY,
    load=st.floats(0, 100),
    late=st.integers(0, 2**40),
    name=WORDS,
)
def test_play_page_draws_whatever_is_measured(values, volts, peak, load, late, name) -> None:  # type: ignore[no-untyped-def]
    telemetry = Telemetry(
        time=0.0,
        state=PLAYING,
        level=0.0,
        peak=peak,
        load=load,
        late=late,
        underruns=0,
        asked=tuple(values),
        heard=tuple(values),
        measured=True,
        eased=0,
        mask=tuple(True for _ in values),
        volts=volts,
        gates=(True, False),
        message="",
    )
    canvas = Canvas()
    play.draw(canvas, name, ["rms", "odd_one"], ["latent_0", "rms", "none", "rms"], telemetry)
    assert canvas.lit_share() < 0.5


@pytest.mark.parametrize("pitched, name", [(False, "timbre"), (True, "pitch")])
def test_the_first_latent_is_called_a_pitch_only_where_it_is_one(pitched: bool, name: str) -> None:
    hand = Hand()
    hand.link.pitched = pitched
    written = Canvas()
    written.text(14, 49, name)
    drawn, wanted = hand.picture(), written.pixels()
    for y in range(49, 56):
        assert _row(drawn, y)[14:48] == _row(wanted, y)[14:48]
    hand.open("CV 1")
    assert hand.page.heading.endswith(" " + name)
    assert name in [line.value for line in hand.page.lines()]
    hand.home()
    hand.open("Motion")
    motion = [line.name for line in hand.page.lines()][1:]
    assert motion[:4] == [name, "  rate", "  depth", "loudness"]
    # Another model is chosen in the browser while the page is open.
    hand.link.pitched = not pitched
    assert hand.page.lines()[1].name != name


def test_heard_bar_and_asked_tick_stand_where_the_values_are() -> None:
    hand = Hand()
    hand.link.peak = 0.1
    hand.link.set_jack(3, volts=0.0)
    at_zero = _row(hand.picture(), 17)
    hand.link.set_jack(3, volts=5.0)
    hand.clock.advance(1.0)
    at_full = _row(hand.picture(), 17)
    # Only asked ticks are lit in a row's first line, right of the labels.
    assert [x for x in range(50, 128) if at_zero[x]] == [50 + 39]
    assert [x for x in range(50, 128) if at_full[x]] == [127]


@pytest.mark.parametrize("level", [0.0, -60.0, 6.0])
def test_in_silence_nothing_is_asked_and_nothing_heard(level: float) -> None:
    hand = Hand()
    hand.link.set("level", level)
    gain = 10.0 ** (level / 20.0)
    # Between hits the model's own floor is left, far under any sound.
    for peak in (0.0, 1e-4 * gain, float("nan")):
        hand.link.peak = peak
        silent = hand.picture()
        assert [x for y in range(9, 49) for x in range(50, 128) if _row(silent, y)[x]] == [
            x for _ in range(5) for x in range(50, 128, 15)
        ]
        hand.clock.advance(1.0)
    hand.link.peak = 1e-3 * gain
    sounding = hand.picture()
    assert sum(_row(sounding, 9)) > sum(_row(silent, 9))
    assert sum(_row(sounding, 20)) > sum(_row(silent, 20))


def test_what_is_not_measured_is_not_shown_as_heard() -> None:
    hand = Hand()
    hand.link.peak = 0.1
    measured = hand.picture()
    hand.clock.advance(1.0)
    hand.link.measured = False
    picture = hand.picture()
    for row in range(5):
        y = 9 + 8 * row
        # The tick of what is asked stays, bars and their dotted lines go.
        assert _row(picture, y)[50:] == _row(measured, y)[50:]
        assert [x for x in range(50, 128) if _row(picture, y + 3)[x]] == [
            x for x in range(50, 128) if _row(measured, y)[x]
        ]
    # The head says so, in the room of a long name.
    assert sum(map(sum, (_row(picture, y)[70:] for y in range(7)))) > sum(
        map(sum, (_row(measured, y)[70:] for y in range(7)))
    )


def _row(picture: bytes, y: int) -> List[bool]:
    return [bool(picture[y * 16 + x // 8] >> (7 - x % 8) & 1) for x in range(128)]


@pytest.mark.parametrize("count", [0, 1, 5, 6, 7, 40])
def test_the_cursor_is_always_in_view(count: int) -> None:
    entries = [listing.Row("entry %d" % index, str(index)) for index in range(count)]
    for cursor in range(count):
        with_cursor = Canvas()
        listing.draw(with_cursor, "list", entries, cursor)
        marked = [y for y in range(HEIGHT) if _row(with_cursor.pixels(), y)[0]]
        assert marked, "no cursor on line %d of %d" % (cursor, count)


@settings(deadline=None)
@given(text=WORDS)
def test_texts_of_any_length_are_drawn(text: str) -> None:
    canvas = Canvas()
    message.draw(canvas, text, text * 3)
    splash.draw(canvas, text, 2)
    assert canvas.lit_share() < 0.6


@settings(max_examples=40, deadline=None)
@given(name=WORDS, value=WORDS, editing=st.booleans())
def test_name_and_value_of_a_line_never_run_into_each_other(
    name: str, value: str, editing: bool
) -> None:
    both, alone = Canvas(), Canvas()
    row = listing.Row(name, value)
    listing.draw(both, "", [row], 0, editing)
    listing.draw(alone, "", [listing.Row("", listing.fitting_value(row))], 0, editing)
    assert listing.fitting_value(row) == value or "\u2026" in listing.fitting_value(row)
    value_left = min(
        [x for x in range(8, 128) if any(_row(alone.pixels(), y)[x] for y in LINE)] or [128]
    )
    # One dark column at least, and the value is drawn as it is without a name.
    for y in LINE:
        found, plain = _row(both.pixels(), y), _row(alone.pixels(), y)
        assert not found[value_left - 1]
        assert found[value_left:] == plain[value_left:]
        assert not any(found[124:]) or editing


LINE = range(10, 19)


@settings(deadline=None)
@given(text=WORDS)
def test_a_notice_stays_at_the_lower_edge_and_a_longer_text_takes_the_page(text: str) -> None:
    hand = Hand()
    before = hand.picture()
    hand.clock.advance(1.0)
    hand.face.say(text, hand.clock.now())
    after = hand.picture()
    if len(font.wrap(text, WIDTH - 2)) <= 2:
        assert after[: 16 * 44] == before[: 16 * 44]
    else:
        assert after[: 16 * 8] != before[: 16 * 8]
    hand.clock.advance(10.0)
    assert hand.picture() == before


def test_every_name_can_be_made_on_the_wheel() -> None:
    wheel = NameWheel(["abc", "xyz"])

    def pick(item: str) -> str:
        wheel.turn(WHEEL.index(item) - wheel.place)
        return wheel.click()

    assert pick("other") == "" and wheel.text == "xyz"
    for _ in range(5):
        pick("del")
    # Nothing is no name.
    assert pick("OK") == "" and not wheel.done
    for item in ("R", "space", "2", "space"):
        pick(item)
    assert pick("OK") == "R 2" and wheel.done
    for item in WHEEL:
        wheel.turn(WHEEL.index(item) - wheel.place)
        canvas = Canvas()
        wheel.draw(canvas)
        assert canvas.lit_share() < 0.1
    for _ in range(60):
        pick("W")
    assert len(wheel.text) == 24
    wheel.draw(Canvas())


@pytest.mark.parametrize("title", [line.name for line in Menu(Hand().link).contents.lines()][1:])
def test_few_points_are_lit_wherever_the_cursor_is(title: str) -> None:
    hand = Hand()
    hand.link.name = "a_bundle_with_a_very_long_name_indeed"
    hand.link.shelf = [(hand.link.name, "its fault is long " * 9)] * 5
    for number in range(9):
        hand.memory.kept["%d the longest name that was ever given to a preset" % number] = {}
    hand.open(title)
    for _ in range(len(hand.page.lines()) + 1):
        hand.picture()
        lit = sum(bin(byte).count("1") for byte in hand.picture())
        assert 0 < lit < 0.25 * WIDTH * HEIGHT
        hand.turn(1)


@pytest.mark.parametrize(
    "low,high,written",
    [
        (-87.9, -13.6, "-88..-14"),
        (200.0, 6000.0, "200..6000"),
        (0.219, 1.64, "0.2..1.6"),
        (0.014, 55.4, "0..55"),
        (-61.0, -0.3, "-61..0"),
        (0.0123, 0.0987, "0.012..0.099"),
        (-0.004, 2.0, "0.0..2.0"),
        (0.0, 0.0, "0..0"),
    ],
)
def test_both_ends_of_a_range_are_as_exact_as_each_other(
    low: float, high: float, written: str
) -> None:
    hand = Hand()
    about = dict(hand.link.info())
    about["descriptors"] = [{"name": "booming", "unit": "", "quantiles": [low, high]}]
    assert "boom " + written in model_texts(about)


@settings(deadline=None)
@given(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)))
def test_a_range_is_told_to_two_digits_of_its_larger_end(ends: Tuple[float, float]) -> None:
    about = dict(Hand().link.info())
    low, high = sorted(ends)
    about["descriptors"] = [{"name": "booming", "unit": "", "quantiles": [low, high]}]
    (text,) = [text for text in model_texts(about) if text.startswith("boom ")]
    told = [float(end) for end in text[len("boom ") :].split("..")]
    larger = max(abs(low), abs(high))
    assert told == [pytest.approx(end, abs=0.051 * larger) for end in (low, high)]
    decimals = {len(end.partition(".")[2]) for end in text[len("boom ") :].split("..")}
    assert len(decimals) == 1


def test_the_info_page_has_no_broken_milliseconds() -> None:
    hand = Hand()
    hand.open("Info")
    told = [line.name + " " + line.value for line in hand.page.lines()]
    assert "Gate to sound 9 ms" in told and "44.1 kHz, frame 12 ms " in told


def test_the_system_page_tells_of_versions_while_it_is_open() -> None:
    hand = Hand()
    hand.open("System")

    def told() -> List[str]:
        return [("%s %s" % (line.name, line.value)).rstrip() for line in hand.page.lines()[3:]]

    assert told() == ["Version 0.1.0"]
    hand.workshop.versions = Standing("0.1.0", update="0.2.0")
    assert told() == ["Version 0.1.0", "Update 0.2.0 waits"]
    hand.workshop.versions = Standing("0.2.0", on_trial=True)
    assert told() == ["Version 0.2.0 on trial"]
    hand.workshop.versions = Standing("0.1.0", update="0.2.0", why="it never played.")
    assert told() == ["Version 0.1.0", "Update 0.2.0 not taken", "  it never played."]
    # The lines stay the same ones, so that what is done to one is not lost.
    assert hand.page.lines()[4] is hand.page.lines()[4]


@pytest.mark.parametrize(
    "versions,line,text",
    [
        (
            Standing("0.2.0", on_trial=True),
            "Version",
            "Version 0.2.0 is on trial: it stays once it has played for 30 s.",
        ),
        (
            Standing("0.1.0", update="0.2.0"),
            "Update",
            "Version 0.2.0 is installed: the next start tries it.",
        ),
        (
            Standing("0.1.0", update="0.2.0", why="its folder is gone"),
            "  its folder is gone",
            "Version 0.2.0 is not taken: its folder is gone.",
        ),
    ],
)
def test_a_click_tells_of_a_version_in_full(versions: Standing, line: str, text: str) -> None:
    said: List[str] = []
    hand = Hand()
    reach = Reach(hand.link, lambda told, now: said.append(told), CatchUp())
    (found,) = [found for found in version_lines(versions, reach) if found.name == line]
    assert found.click(0.0) is None
    assert said == [text]


def test_without_a_workshop_the_system_page_has_its_resets() -> None:
    hand = Hand()
    page = SystemPage(Reach(hand.link, hand.face.say, CatchUp()))
    assert [line.name for line in page.lines()] == ["Back", "Reset patch", "Reset setup"]
