"""The panel has Eurorack's measures, all of the netlist that a hand or a cable reaches, and nothing that overlaps."""

import io
import math
from typing import Any, List, Tuple

import ezdxf
import numpy as np
import pytest
import resvg_py
from PIL import Image

from hardware import panel as measures
from hardware import panel_files, power
from hardware.design import Design
from hardware.lettering import Font, box
from hardware.panel import HEIGHT, WIDTH, Hole, Panel, panel

Box = Tuple[float, float, float, float]
# Free space that a drill or a screen print needs.
GAP = 0.8
PIXELS = 10  # a millimetre


@pytest.fixture(scope="module")
def plate() -> Panel:
    return panel()


@pytest.fixture(scope="module")
def picture(plate: Panel) -> Any:
    """The panel as an image, y downwards, 10 pixels a millimetre."""
    png = resvg_py.svg_to_bytes(svg_string=panel_files.svg(plate), dpi=25.4 * PIXELS, zoom=1)
    return np.asarray(Image.open(io.BytesIO(bytes(png))).convert("L")).astype(int)


def boxes(plate: Panel) -> List[Tuple[str, Box]]:
    """What takes room on the plate, as boxes."""
    found = []
    for hole in plate.holes:
        half = hole.keep / 2
        found.append(
            (hole.ref or "screw", (hole.x - half, hole.y - half, hole.x + half, hole.y + half))
        )
    for window in plate.windows:
        half_x, half_y = window.width / 2, window.height / 2
        found.append(
            (
                window.ref,
                (window.x - half_x, window.y - half_y, window.x + half_x, window.y + half_y),
            )
        )
    return found + [(legend.text, box(polygons)) for legend, polygons in plate.outlines()]


def overlapping(plate: Panel) -> List[Tuple[str, str]]:
    """Pairs that are nearer to each other than the gap."""
    pairs = []
    all_boxes = boxes(plate)
    for place, (name, a) in enumerate(all_boxes):
        for other, b in all_boxes[place + 1 :]:
            if a[0] - GAP < b[2] and b[0] - GAP < a[2] and a[1] - GAP < b[3] and b[1] - GAP < a[3]:
                pairs.append((name, other))
    return pairs


def test_measures_are_eurorack(plate: Panel) -> None:
    assert (measures.HP, WIDTH, HEIGHT) == (20, 101.3, 128.5)
    screws = [(hole.x, hole.y) for hole in plate.holes if not hole.ref]
    assert {y for _, y in screws} == {3.0, 125.5}
    xs = sorted({x for x, _ in screws})
    assert xs[0] == 7.5 and (xs[1] - xs[0]) / 5.08 == pytest.approx(measures.HP - 3)
    # The second screw is as far from its edge as one may be: the thread's place in the rail, not the edge, counts.
    assert 6.5 < WIDTH - xs[1] < 8.5
    width, height = measures.KIT
    assert width < WIDTH and height < HEIGHT - 2 * measures.RAIL


def test_nothing_overlaps_or_leaves_the_plate(plate: Panel) -> None:
    assert overlapping(plate) == []
    for name, (left, top, right, bottom) in boxes(plate):
        assert left > 0 and top >= 0 and right < WIDTH and bottom <= HEIGHT, name


def test_what_is_behind_the_plate_stays_off_the_rails(plate: Panel) -> None:
    refs = {hole.ref for hole in plate.holes} | {window.ref for window in plate.windows}
    for name, (_, top, _, bottom) in boxes(plate):
        if name in refs and name:
            assert top >= measures.RAIL and bottom <= HEIGHT - measures.RAIL, name


def test_frames_cut_through_nothing(plate: Panel) -> None:
    for frame in plate.frames:
        for name, (left, top, right, bottom) in boxes(plate):
            inside = (
                left > frame.left + GAP
                and right < frame.right - GAP
                and top > frame.top + GAP
                and bottom < frame.bottom - GAP
            )
            outside = (
                right < frame.left - GAP
                or left > frame.right + GAP
                or bottom < frame.top - GAP
                or top > frame.bottom + GAP
            )
            assert inside or outside, name
        framed = [
            legend.text
            for legend in plate.legends
            if frame.left < legend.x < frame.right and frame.top < legend.y < frame.bottom
        ]
        assert framed == ["OUT L", "OUT R"]


def test_plugs_and_fingers_have_room(plate: Panel) -> None:
    """Plugs are 10 to 12 mm thick; between knob and button a finger has to fit."""
    jacks = [hole for hole in plate.holes if hole.ref.startswith("J")]
    for place, a in enumerate(jacks):
        for b in jacks[place + 1 :]:
            assert math.hypot(a.x - b.x, a.y - b.y) > 14
    knob, button = (next(h for h in plate.holes if h.ref == ref) for ref in ("A2", "SW1"))
    assert button.y - knob.y - (knob.keep + button.keep) / 2 > 6


def test_the_overlap_test_can_fail(plate: Panel) -> None:
    moved = plate._replace(holes=(*plate.holes, Hole("X", 20.0, 77.0, 6.2, 10.0)))
    assert ("J1", "X") in overlapping(moved)


def test_all_that_is_reached_from_outside_is_there_once(plate: Panel, module: Design) -> None:
    outside = {"jack", "encoder", "screen", "button", "light"}
    wanted = sorted(part.ref for part in module.parts.values() if part.kind in outside)
    there = [hole.ref for hole in plate.holes if hole.ref] + [
        window.ref for window in plate.windows
    ]
    assert sorted(there) == wanted


def test_each_jack_has_its_name_above_it(plate: Panel, module: Design) -> None:
    for hole in plate.holes:
        if not hole.ref.startswith("J"):
            continue
        near = min(
            plate.legends, key=lambda legend: math.hypot(legend.x - hole.x, legend.y - hole.y)
        )
        tip = module.parts[hole.ref].pins["TIP"]
        assert tip.replace("_TIP", "") == near.text.replace(" ", "").replace("OUT", "OUT_"), hole
        assert near.y < hole.y


def test_the_declared_currents_are_on_the_plate(plate: Panel) -> None:
    declared = power.rails()
    text = next(legend.text for legend in plate.legends if "12 V" in legend.text)
    assert text.split() == [
        "+12", "V", f"{declared['P12'].declared / 1000:g}", "A", "−12", "V", f"{declared['N12'].declared:g}", "mA",
    ]  # fmt: skip


def test_legends_can_be_read(plate: Panel, picture: Any) -> None:
    """Capitals of 2 mm and more, printed dark in their place, and nothing is printed elsewhere."""
    dark = picture < 80
    allowed = np.zeros_like(dark)
    for legend, polygons in plate.outlines():
        assert legend.height >= 2.0, legend
        left, top, right, bottom = (round(edge * PIXELS) for edge in box(polygons))
        ink = dark[top:bottom, left:right]
        assert 0.2 < ink.mean() < 0.6, legend
        # Strokes thinner than a quarter of a millimetre do not print.
        runs = [len(run) for row in ink for run in "".join("#" if p else " " for p in row).split()]
        assert np.median(runs) >= 0.25 * PIXELS, legend
        allowed[top - 1 : bottom + 1, left - 1 : right + 1] = True
    for frame in plate.frames:
        left, top, right, bottom = (round(edge * PIXELS) for edge in frame)
        allowed[top - 4 : bottom + 4, left - 4 : right + 4] = True
    assert not (dark & ~allowed).any()


def test_a_sign_that_the_font_lacks_is_no_gap() -> None:
    with pytest.raises(KeyError):
        Font().outlines("\u4e00", 0, 0, 3)


def test_the_mill_gets_the_same_measures(plate: Panel) -> None:
    text = panel_files.dxf(plate)
    document: Any = ezdxf.read(io.StringIO(text))
    assert document.audit().has_errors is False and document.units == ezdxf.units.MM
    space = document.modelspace()
    circles = {
        (round(c.dxf.center.x, 3), round(HEIGHT - c.dxf.center.y, 3), round(2 * c.dxf.radius, 3))
        for c in space.query('CIRCLE[layer=="HOLES"]')
    }
    assert circles == {(hole.x, hole.y, hole.diameter) for hole in plate.holes}
    (outline,) = space.query('LWPOLYLINE[layer=="OUTLINE"]')
    assert {point[:2] for point in outline.get_points()} == {
        (0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT),
    }  # fmt: skip
    assert len(space.query('LWPOLYLINE[layer=="WINDOWS"]')) == len(plate.windows)
    polygons = sum(len(outlines) for _, outlines in plate.outlines()) + len(plate.frames)
    assert len(space.query('LWPOLYLINE[layer=="LEGENDS"]')) == polygons
    assert {entity.dxf.layer for entity in space} == set(panel_files.LAYERS)


def test_the_same_panel_makes_the_same_files(plate: Panel) -> None:
    assert panel_files.dxf(plate) == panel_files.dxf(panel())
    assert panel_files.svg(plate) == panel_files.svg(panel())
