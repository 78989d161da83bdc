"""The page about what plays and where: delays, load, heat, versions, a test of the machine, facts for support."""

import math
from typing import Any, Callable, Dict, List

from ..reach import Reach
from ..words import title, word
from .lines import Deed, Line, Text
from .list_page import ListPage
from .page import Move


class InfoPage(ListPage):
    """Facts first, then what can be done, then the model in its own words."""

    heading = "Info"

    def __init__(self, reach: Reach) -> None:
        super().__init__()
        self._reach = reach
        self._about: Dict[str, Any] = {}
        self._model: List[Line] = []
        self._deeds: List[Line] = []
        self._told = ("", "")
        if reach.workshop is not None:
            work = reach.workshop
            self._deeds = [
                Deed("Self-test", _doer(work.test), lambda: work.tested()[0]),
                Deed("Support bundle", _doer(work.pack), lambda: work.packed()[0]),
            ]
            self._told = (work.tested()[1], work.packed()[1])

    def entries(self) -> List[Line]:
        about = self._reach.link.info()
        if about != self._about:
            self._about = about
            self._model = [_fact(text, self._reach) for text in model_texts(about)]
        return self._facts(about) + self._deeds + self._model

    def _facts(self, about: Dict[str, Any]) -> List[Line]:
        telemetry = self._reach.link.telemetry()
        facts = [
            ("Gate to sound", "%.0f ms" % about["latency_ms"]),
            ("Knob to sound", "%.0f ms" % about["knob_ms"]),
            ("Load", "%.0f %%" % (100.0 * telemetry.load)),
            ("Late frames", "%d" % (telemetry.late + telemetry.underruns)),
        ]
        work = self._reach.workshop
        if work is not None:
            celsius = work.celsius()
            facts.append(("Temperature", "-" if celsius is None else "%.0f \u00b0C" % celsius))
            facts.append(("neurorave", work.version()))
        return [Text(name, value, self._reach) for name, value in facts]

    def follow(self, now: float) -> None:
        """Tell what has come of a test or a support bundle, once."""
        work = self._reach.workshop
        if work is None:
            return
        for found in (work.tested()[1], work.packed()[1]):
            if found and found not in self._told:
                self._reach.say(found, now)
        self._told = (work.tested()[1], work.packed()[1])


def _doer(begin: Callable[[], None]) -> Callable[[float], Move]:
    def do(now: float) -> Move:
        begin()
        return None

    return do


def _fact(text: str, reach: Reach) -> Line:
    return Text(text, "", reach, text)


def model_texts(about: Dict[str, Any]) -> List[str]:
    """Return what a model says of itself, a text for each line."""
    rate = int(about["sample_rate"])
    texts = [
        title(str(about["name"])),
        "by " + str(about.get("author", "")),
        str(about.get("licence", "")),
        "%.1f kHz, frame %.0f ms" % (rate / 1000.0, 1000.0 * about["hop"] / rate),
        "%d latents" % about["latents"],
    ]
    for descriptor in about["descriptors"]:
        knots = descriptor["quantiles"]
        ends = (_range(knots[0], knots[-1]), descriptor["unit"])
        texts.append((word(descriptor["name"]).full + " %s %s" % ends).rstrip())
    return texts + [text for text in [str(about.get("description", ""))] if text]


def _range(low: float, high: float) -> str:
    """Return both ends as exact as each other: two digits of the larger one, whole numbers whole."""
    larger = max(abs(low), abs(high))
    decimals = max(0, 1 - math.floor(math.log10(larger))) if larger else 0
    # What is rounded to zero has no sign.
    return "%.*f..%.*f" % (
        decimals,
        round(low, decimals) + 0.0,
        decimals,
        round(high, decimals) + 0.0,
    )
