"""The page shown while playing: what is asked and heard, which CV moves it, and whether time is kept."""

import math
from typing import Sequence, Tuple

from neurorave_device.parameters import CV_COUNT, by_id

from ..canvas import WIDTH, Canvas
from ..encoder import Gesture
from ..link import Telemetry
from ..link import sounding as is_sounding
from ..reach import Reach
from ..words import title, word
from .lines import turn_setting
from .page import Move, Page

LEVEL_SECONDS = 1.5
_TURN_SECONDS = 2.0

ROW_HEIGHT = 8
_FIRST_ROW = 9
_LABEL_X = 14
_BAR_X = 50
_BAR_WIDTH = WIDTH - _BAR_X
_STATUS_Y = 57
_CV_SPAN = 5.0
_SCALE_WIDTH = 16


class PlayPage(Page):
    """Turning changes the output level; a click opens the list of pages."""

    edge = _STATUS_Y - 1

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._level_until = float("-inf")

    @property
    def changing(self) -> bool:
        return True

    def turn(self, gesture: Gesture, now: float) -> None:
        turn_setting(self._reach, "level", gesture, now)
        self._level_until = now + LEVEL_SECONDS

    def click(self, now: float) -> Move:
        # The menu opens the list of all pages.
        return None

    def draw(self, canvas: Canvas, now: float) -> None:
        link = self._reach.link
        about = link.info()
        level = by_id("level")
        notice = "Level " + level.format(link.get(level.id)) if now < self._level_until else ""
        names = ["cv%d.destination" % number for number in range(1, CV_COUNT + 1)]
        draw(
            canvas,
            str(about["name"]),
            [str(descriptor["name"]) for descriptor in about["descriptors"]],
            [by_id(name).format(link.get(name)) for name in names],
            link.telemetry(),
            notice,
            is_sounding(link),
            int(now / _TURN_SECONDS),
            link.morph() is not None,
            about["pitched"],
        )


def draw(
    canvas: Canvas,
    name: str,
    descriptors: Sequence[str],
    destinations: Sequence[str],
    telemetry: Telemetry,
    notice: str = "",
    sounding: bool = True,
    turn: int = 0,
    morphing: bool = False,
    pitched: bool = False,
) -> None:
    """Draw the play page.

    name: the bundle's. descriptors: their names in the bundle's order. destinations: of CV 1-4, as in the
    parameter table. notice: a word that replaces the status line, such as the level while it is turned.
    sounding: False leaves asked and heard away. Where nothing is measured the bars are gone, and the head says so.
    turn: whose turn it is on the last row, where the CVs that move no descriptor share one.
    morphing: two presets are played between; a small scale in the head says where.
    pitched: the first latent is a pitch.
    """
    if not sounding:
        telemetry = telemetry._replace(asked=(), heard=())
    elif not telemetry.measured:
        telemetry = telemetry._replace(heard=())
    load = "%d%%" % round(100.0 * max(0.0, telemetry.load))
    if not telemetry.measured:
        load = "no meter " + load
    if telemetry.frozen:
        load = "frozen " + load
    left = canvas.text_right(WIDTH, 0, load)
    if morphing:
        left = _morph_scale(canvas, left - 6, telemetry.morph)
    canvas.text_fit(0, 0, title(name), left - 4)
    for row, descriptor in enumerate(descriptors[:5]):
        _descriptor_row(
            canvas, _FIRST_ROW + row * ROW_HEIGHT, row, descriptor, destinations, telemetry
        )
    others = [d for d in dict.fromkeys(destinations) if d not in descriptors and d != "none"]
    if len(descriptors) < 6 and others:
        y = _FIRST_ROW + 5 * ROW_HEIGHT
        other = others[turn % len(others)]
        _other_row(canvas, y, other, word(other, pitched).short, destinations, telemetry)
    if notice:
        canvas.text_fit(0, _STATUS_Y, notice, WIDTH)
    else:
        _status(canvas, telemetry)


def _morph_scale(canvas: Canvas, right: int, position: float) -> int:
    """Draw A and B with dots between them and a tick where the morph is; returns its left x."""
    end = canvas.text_right(right, 0, "B")
    start = end - _SCALE_WIDTH - 4
    canvas.dots(start, 4, _SCALE_WIDTH + 1, 4)
    share = min(max(position, 0.0), 1.0) if position == position else 0.0
    canvas.fill(start + round(share * _SCALE_WIDTH), 1, 1, 6)
    return canvas.text_right(start - 3, 0, "A")


def _cable_mark(
    canvas: Canvas, y: int, name: str, destinations: Sequence[str], telemetry: Telemetry
) -> str:
    """Write which CVs move ``name``, with a dot where a cable is in one of them; returns their numbers."""
    cables = _cables(destinations, name)
    end = canvas.text(0, y, cables)
    if any(telemetry.patched[int(cable) - 1] for cable in cables):
        canvas.fill(end, y + 3, 2, 2)
    return cables


def _cables(destinations: Sequence[str], name: str) -> str:
    """Return the numbers of the CVs that move ``name``, at most two (no room for more)."""
    return "".join(str(i + 1) for i, destination in enumerate(destinations) if destination == name)[
        :2
    ]


def _column(share: float) -> int:
    """Return how many columns of the bar a value 0..1 lights; a NaN counts as nothing."""
    if not share > 0.0:
        return 0
    return round(min(share, 1.0) * _BAR_WIDTH)


def _descriptor_row(
    canvas: Canvas,
    y: int,
    index: int,
    name: str,
    destinations: Sequence[str],
    telemetry: Telemetry,
) -> None:
    """Draw one descriptor: its cables, its name, the heard value as a bar and the asked one as a tick."""
    _cable_mark(canvas, y, name, destinations, telemetry)
    canvas.text(_LABEL_X, y, word(name).short)
    if telemetry.measured:
        canvas.dots(_BAR_X, y + 3, _BAR_WIDTH, 15)
    if index < len(telemetry.heard):
        canvas.fill(_BAR_X, y + 3, _column(telemetry.heard[index]), 2)
    if index < len(telemetry.asked) and index < len(telemetry.mask) and telemetry.mask[index]:
        column = min(_column(telemetry.asked[index]), _BAR_WIDTH - 1)
        canvas.fill(_BAR_X + column, y, 1, 7)


def _other_row(
    canvas: Canvas,
    y: int,
    name: str,
    label: str,
    destinations: Sequence[str],
    telemetry: Telemetry,
) -> None:
    """Draw what is moved and is no descriptor: the volts that move it, from the middle to either side."""
    cables = _cable_mark(canvas, y, name, destinations, telemetry)
    canvas.text(_LABEL_X, y, label)
    middle, reach = _swing(telemetry.volts[int(cables[0]) - 1])
    canvas.dots(_BAR_X, y + 3, _BAR_WIDTH, 15)
    canvas.fill(middle, y, 1, 7)
    canvas.fill(min(middle, middle + reach), y + 3, abs(reach), 2)


def _swing(volts: float) -> Tuple[int, int]:
    """Return the bar's middle column and the signed columns that a voltage covers, full at 5 V."""
    half = _BAR_WIDTH // 2
    share = volts / _CV_SPAN if volts == volts else 0.0
    return _BAR_X + half, round(max(-1.0, min(1.0, share)) * (half - 1))


def _status(canvas: Canvas, telemetry: Telemetry) -> None:
    """Draw the bottom line: gates, output level, blocks that came late."""
    for index, high in enumerate(telemetry.gates):
        x = 10 * index
        if high:
            canvas.fill(x, _STATUS_Y, 8, 7)
            canvas.text(x + 2, _STATUS_Y, str(index + 1), lit=False)
        else:
            canvas.frame(x, _STATUS_Y, 8, 7)
    late = canvas.text_right(WIDTH, _STATUS_Y, "late %d" % (telemetry.late + telemetry.underruns))
    room = late - 6 - 24
    canvas.dots(24, _STATUS_Y + 3, room, 8)
    canvas.fill(24, _STATUS_Y + 3, round(_loudness(telemetry.peak) * room), 2)


def _loudness(peak: float) -> float:
    """Return a peak's place on the level bar, 0 at -60 dB and below, 1 at full scale and above."""
    if not peak > 0.001:
        return 0.0
    return 1.0 + math.log10(min(peak, 1.0)) / 3.0
