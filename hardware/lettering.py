"""Legends as closed polygons from a font's glyphs, so that neither a viewer nor a panel maker needs the font."""

from pathlib import Path
from typing import Any, List, Tuple

import matplotlib
from fontTools.pens.basePen import BasePen
from fontTools.ttLib import TTFont

Point = Tuple[float, float]
Polygon = List[Point]
# Straight pieces of a curve. At 4 mm of height they are shorter than a tenth of a millimetre.
_PIECES = 5


class _Outlines(BasePen):  # type: ignore[misc]
    """Collects glyphs as polygons, in font units."""

    def __init__(self, glyphs: Any) -> None:
        super().__init__(glyphs)
        self.polygons: List[Polygon] = []

    def _moveTo(self, point: Point) -> None:
        self.polygons.append([point])

    def _lineTo(self, point: Point) -> None:
        self.polygons[-1].append(point)

    def _curveToOne(self, first: Point, second: Point, end: Point) -> None:
        start = self.polygons[-1][-1]
        for step in range(1, _PIECES + 1):
            t = step / _PIECES
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            points = (start, first, second, end)
            self.polygons[-1].append(
                (
                    sum(w * p[0] for w, p in zip(weights, points)),
                    sum(w * p[1] for w, p in zip(weights, points)),
                )
            )


class Font:
    """DejaVu Sans, bold, as matplotlib brings it (a free font with the usual signs)."""

    def __init__(self) -> None:
        folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
        self._font = TTFont(folder / "DejaVuSans-Bold.ttf")
        self._glyphs = self._font.getGlyphSet()
        self._names = self._font.getBestCmap()
        self._height = self._font["glyf"]["H"].yMax

    def outlines(self, text: str, x: float, y: float, height: float) -> List[Polygon]:
        """Return a text's polygons in mm: its middle at x, its base line at y (downwards), capitals `height` high.

        KeyError for a sign that the font lacks.
        """
        scale, at, polygons = height / self._height, 0.0, []
        for sign in text:
            glyph = self._glyphs[self._names[ord(sign)]]
            pen = _Outlines(self._glyphs)
            glyph.draw(pen)
            polygons += [[(at + px, py) for px, py in polygon] for polygon in pen.polygons]
            at += glyph.width
        left = x - at * scale / 2
        return [
            [(round(left + px * scale, 3), round(y - py * scale, 3)) for px, py in polygon]
            for polygon in polygons
        ]


def box(polygons: List[Polygon]) -> Tuple[float, float, float, float]:
    """Return left, top, right, bottom."""
    points = [point for polygon in polygons for point in polygon]
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    return min(xs), min(ys), max(xs), max(ys)
