"""The panel as SVG (to look at and to print) and as DXF (for who mills it), both with legends as outlines."""

import io
from typing import Any

import ezdxf
import svgwrite
from ezdxf import units

from hardware.panel import HEIGHT, WIDTH, Panel

LAYERS = {"OUTLINE": 7, "HOLES": 1, "WINDOWS": 1, "LEGENDS": 5}
_PLATE, _INK, _CUT = "#e8e6df", "#1c1c1c", "#8a8a86"
_LINE = 0.4


def svg(panel: Panel) -> str:
    """Return the panel as it looks, one unit a millimetre."""
    drawing = svgwrite.Drawing(size=(f"{WIDTH}mm", f"{HEIGHT}mm"), viewBox=f"0 0 {WIDTH} {HEIGHT}")
    drawing.set_desc(title="neurorave front panel", desc="Made by `make hardware`.")
    drawing.add(drawing.rect((0, 0), (WIDTH, HEIGHT), fill=_PLATE, id="outline"))
    cuts = drawing.add(drawing.g(id="cuts", fill=_CUT))
    for hole in panel.holes:
        cuts.add(drawing.circle((hole.x, hole.y), round(hole.diameter / 2, 3)))
    for window in panel.windows:
        corner = (window.x - window.width / 2, window.y - window.height / 2)
        cuts.add(drawing.rect(corner, (window.width, window.height)))
    print_layer = drawing.add(drawing.g(id="print", fill=_INK))
    for frame in panel.frames:
        size = (round(frame.right - frame.left, 3), round(frame.bottom - frame.top, 3))
        corner = (frame.left, frame.top)
        print_layer.add(drawing.rect(corner, size, fill="none", stroke=_INK, stroke_width=_LINE))
    for legend, polygons in panel.outlines():
        steps = " ".join(
            "M" + " ".join(f"{x:g},{y:g}" for x, y in polygon) + "Z" for polygon in polygons
        )
        group = print_layer.add(drawing.g())
        group.set_desc(title=legend.text)
        group.add(drawing.path(steps))
    out = io.StringIO()
    drawing.write(out, pretty=True)
    return out.getvalue()


def dxf(panel: Panel) -> str:
    """Return the panel for a mill: millimetres, y upwards, a layer for each tool."""
    ezdxf.options.write_fixed_meta_data_for_testing = True
    document: Any = ezdxf.new("R2000", setup=False)
    document.units = units.MM
    for name, colour in LAYERS.items():
        document.layers.add(name, color=colour)
    space = document.modelspace()
    space.add_lwpolyline(_box(0, 0, WIDTH, HEIGHT), close=True, dxfattribs={"layer": "OUTLINE"})
    for hole in panel.holes:
        space.add_circle((hole.x, _up(hole.y)), hole.diameter / 2, dxfattribs={"layer": "HOLES"})
    for window in panel.windows:
        half_x, half_y = window.width / 2, window.height / 2
        corners = _box(window.x - half_x, window.y - half_y, window.x + half_x, window.y + half_y)
        space.add_lwpolyline(corners, close=True, dxfattribs={"layer": "WINDOWS"})
    for frame in panel.frames:
        space.add_lwpolyline(_box(*frame), close=True, dxfattribs={"layer": "LEGENDS"})
    for _, polygons in panel.outlines():
        for polygon in polygons:
            points = [(x, _up(y)) for x, y in polygon]
            space.add_lwpolyline(points, close=True, dxfattribs={"layer": "LEGENDS"})
    out = io.StringIO()
    document.write(out)
    return out.getvalue()


def _up(y: float) -> float:
    return round(HEIGHT - y, 3)


def _box(left: float, top: float, right: float, bottom: float) -> Any:
    return [(left, _up(top)), (right, _up(top)), (right, _up(bottom)), (left, _up(bottom))]
