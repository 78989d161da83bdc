"""The page about the bundle: lines of text that scroll."""

from typing import Any, Dict, List

from ..canvas import WIDTH, Canvas
from ..font import wrap
from ..words import title, word

_ROW_HEIGHT = 9
_FIRST_ROW = 10
VISIBLE_ROWS = 6


def lines(info: Dict[str, Any]) -> List[str]:
    """Return what ``FaceLink.info`` says, as lines that fit the screen."""
    rate = int(info["sample_rate"])
    texts = [
        "by " + str(info.get("author", "")),
        str(info.get("licence", "")),
        "%.1f kHz, frame %.1f ms" % (rate / 1000.0, 1000.0 * info["hop"] / rate),
        "gate to sound %.0f ms" % info["latency_ms"],
        "knob to sound %.0f ms" % info["knob_ms"],
        "%d latents" % info["latents"],
    ]
    for descriptor in info["descriptors"]:
        knots = descriptor["quantiles"]
        texts.append(
            "%s %s..%s %s"
            % (
                word(descriptor["name"]).full,
                _short(knots[0]),
                _short(knots[-1]),
                descriptor["unit"],
            )
        )
    texts.append(str(info.get("description", "")))
    return [line for text in texts for line in wrap(text, WIDTH - 4)]


def _short(value: float) -> str:
    """Return a number in as few characters as tell it apart: 1234 -> 1.2k, 0.53 -> 0.53."""
    if abs(value) >= 1000.0:
        return "%.1fk" % (value / 1000.0)
    return "%.0f" % value if abs(value) >= 10.0 else "%.2f" % value


def draw(canvas: Canvas, name: str, text: List[str], top: int) -> None:
    """Draw the lines from number ``top`` on, below the bundle's name."""
    canvas.text_fit(0, 0, title(name), WIDTH)
    for row, line in enumerate(text[top : top + VISIBLE_ROWS]):
        canvas.text(0, _FIRST_ROW + row * _ROW_HEIGHT, line)
    if len(text) > VISIBLE_ROWS:
        height = _ROW_HEIGHT * VISIBLE_ROWS - 2
        size = max(4, height * VISIBLE_ROWS // len(text))
        offset = (height - size) * top // (len(text) - VISIBLE_ROWS)
        canvas.fill(WIDTH - 1, _FIRST_ROW + offset, 1, size)
