"""Two systems on one set: how far they are apart, with intervals over clips and trainings."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neurorave_train.evaluation.intervals import RESAMPLES, SEED, interval
from neurorave_train.experiments.readings import COMPARED, Figure, Floats, Result


class Difference(NamedTuple):
    """First minus second: means over the seeds, and the middle 95 % of what other clips and seeds give."""

    value: float
    low: float
    high: float

    def verdict(self, figure: Figure) -> str:
        """Whether the first is better, worse, or the two are not told apart."""
        sign = -1.0 if figure.lower_is_better else 1.0
        low, high = sorted((sign * self.low, sign * self.high))
        return "better" if low > 0.0 else "worse" if high < 0.0 else "undecided"


def difference(first: list[Result], second: list[Result], figure: Figure) -> Difference | None:
    """How far the runs of two systems lie apart, None where that cannot be told.

    The same clips are drawn on both sides, the seeds of each side for themselves: with one seed
    the interval says nothing about another training. Runs on different clips are not compared.
    """
    if not first or not second or not _same_clips(first + second):
        return None
    sides = []
    rng = np.random.default_rng(SEED)
    for runs in (first, second):
        values, drawn = [figure.read(r) for r in runs], [_redrawn(r, figure, rng) for r in runs]
        known = [v for v in values if v is not None]
        redrawn = [d for d in drawn if d is not None]
        if len(known) < len(values) or len(redrawn) < len(drawn):
            return None
        sides.append((float(np.mean(known)), _seeds_drawn(np.stack(redrawn), rng)))
    span = interval(sides[0][1] - sides[1][1])
    return None if span is None else Difference(sides[0][0] - sides[1][0], span[0], span[1])


def _redrawn(result: Result, figure: Figure, rng: np.random.Generator) -> Floats | None:
    """The figure on other draws of clips [RESAMPLES]; normal ones where only its error is known.

    Those of two systems know nothing of each other although their clips are the same, so the
    interval of such a figure's difference is rather too wide.
    """
    if figure.redrawn is not None:
        return figure.redrawn(result)
    value, error = figure.read(result), figure.error(result) if figure.error else None
    if value is None or error is None:
        return None
    return value + error * rng.standard_normal(RESAMPLES)


def _seeds_drawn(redrawn: Floats, rng: np.random.Generator) -> Floats:
    """Means [RESAMPLES] over seeds that are drawn, too, of figures [seeds, RESAMPLES]."""
    seeds = len(redrawn)
    chosen = rng.integers(0, seeds, (seeds, RESAMPLES))
    return np.asarray(redrawn[chosen, np.arange(RESAMPLES)].mean(axis=0))


def _same_clips(runs: list[Result]) -> bool:
    lists = [run["figures"].get("clip_list", {}).get("clips") for run in runs]
    return all(one == lists[0] for one in lists)


def comparison_lines(
    pairs: list[tuple[str, str]], runs: dict[str, list[Result]], order: list[tuple[str, str]]
) -> list[str]:
    """A Markdown table of differences; `order` are the pairs whose first is published as the better."""
    rows = []
    for first, second in pairs:
        a, b = runs.get(first, []), runs.get(second, [])
        found = [(figure, difference(a, b, figure)) for figure in COMPARED]
        if all(one is None for _, one in found):
            continue
        seeds = f"{len(a)}, {len(b)}"
        cells = [_cell(figure, one) for figure, one in found]
        claim = _claim(dict(zip((f.title for f, _ in found), found, strict=True)))
        rows.append(
            f"| {first} - {second} | {seeds} | {' | '.join(cells)} | "
            f"{claim if (first, second) in order else ''} |"
        )
    if not rows:
        return []
    head = " | ".join(figure.title for figure in COMPARED)
    return [
        f"| first - second | seeds | {head} | published order |",
        "|---" * (len(COMPARED) + 3) + "|",
        *rows,
        "",
    ]


def _claim(found: dict[str, tuple[Figure, Difference | None]]) -> str:
    """What became of a published order, by the figure nearest to the publication's own."""
    figure, one = found["all swapped: mean"]
    if one is None:
        return "not measured"
    return {"better": "reproduced", "worse": "refuted", "undecided": "undecided"}[
        one.verdict(figure)
    ]


def _cell(figure: Figure, found: Difference | None) -> str:
    if found is None:
        return "-"
    d = figure.digits
    words = f"{found.value:+.{d}f} [{found.low:+.{d}f}, {found.high:+.{d}f}]"
    return f"**{words}**" if found.verdict(figure) == "better" else words
