"""The front panel: what is where, in millimetres from the top left corner, by Eurorack's measures.

Doepfer's construction details: 3 U are 128.5 mm high, n HP are n times 5.08 mm wide less some tenths for the next one,
the screws sit 3 mm from the edges, the first 7.5 mm from the left. The rails behind take 10 mm at either end.
"""

from typing import List, NamedTuple, Tuple

from hardware.lettering import Font, Polygon
from hardware.power import rails

HP = 20
WIDTH = round(HP * 5.08 - 0.3, 2)
HEIGHT = 128.5
RAIL = 10.0
# The kit's board, which has to find room behind: 100 mm upright between the rails.
KIT = (80.0, 100.0)
_SCREW_X = (7.5, round(7.5 + (HP - 3) * 5.08, 2))
_SCREW_Y = (3.0, HEIGHT - 3.0)
_COLUMNS = (16.0, 39.1, 62.2, 85.3)
_CV_ROW, _LOWER_ROW = 77.0, 101.0


class Hole(NamedTuple):
    """A round hole. `ref` is the part behind it ('' for a screw), `keep` the diameter that nut, knob or finger take."""

    ref: str
    x: float
    y: float
    diameter: float
    keep: float


class Window(NamedTuple):
    """A rectangular opening around a middle."""

    ref: str
    x: float
    y: float
    width: float
    height: float


class Legend(NamedTuple):
    """A text: its middle, its base line, the height of its capitals."""

    text: str
    x: float
    y: float
    height: float


class Frame(NamedTuple):
    """A printed frame: left, top, right, bottom."""

    left: float
    top: float
    right: float
    bottom: float


class Panel(NamedTuple):
    """All of it."""

    holes: Tuple[Hole, ...]
    windows: Tuple[Window, ...]
    legends: Tuple[Legend, ...]
    frames: Tuple[Frame, ...]

    def outlines(self) -> List[Tuple[Legend, List[Polygon]]]:
        """Return each legend with its polygons."""
        font = Font()
        return [
            (legend, font.outlines(legend.text, legend.x, legend.y, legend.height))
            for legend in self.legends
        ]


def panel() -> Panel:
    """Return the panel. The current that it says it takes is the declared one."""
    holes = [Hole("", x, y, 3.2, 6.0) for y in _SCREW_Y for x in _SCREW_X]
    legends = [Legend("neurorave", WIDTH / 2, 12.0, 4.0)]
    screen = Window("A3", 32.0, 34.0, 25.0, 14.0)
    holes.append(Hole("A2", 75.0, 34.0, 7.2, 16.0))
    holes.append(Hole("SW1", 75.0, 54.0, 4.5, 8.0))
    holes.append(Hole("D201", 32.0, 54.0, 3.2, 4.0))
    legends += [Legend("PRESS", 75.0, 62.0, 2.4), Legend("ON", 32.0, 62.0, 2.4)]
    for number, x in enumerate(_COLUMNS, 1):
        holes.append(Hole(f"J{number}", x, _CV_ROW, 6.2, 10.0))
        legends.append(Legend(f"CV {number}", x, _CV_ROW - 7.0, 2.6))
    lower = ("GATE 1", "GATE 2", "OUT L", "OUT R")
    for number, (x, text) in enumerate(zip(_COLUMNS, lower), 5):
        holes.append(Hole(f"J{number}", x, _LOWER_ROW, 6.2, 10.0))
        legends.append(Legend(text, x, _LOWER_ROW - 7.0, 2.6))
    # Outputs are framed, as is usual.
    frame = Frame(_COLUMNS[2] - 10.0, _LOWER_ROW - 11.5, _COLUMNS[3] + 10.0, _LOWER_ROW + 7.5)
    declared = rails()
    supply = (
        f"+12 V  {declared['P12'].declared / 1000:g} A     −12 V  {declared['N12'].declared:g} mA"
    )
    legends.append(Legend(supply, WIDTH / 2, 116.0, 2.0))
    return Panel(tuple(holes), (screen,), tuple(legends), (frame,))
