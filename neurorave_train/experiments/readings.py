"""What the page of a table shows of a result: figures, and how they come out on other draws of clips."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from neurorave_train.evaluation.intervals import SUMS, draws, pearson_resamples

Result = dict[str, Any]
Floats = npt.NDArray[np.float64]


class Figure(NamedTuple):
    """A column: its name, digits, what it reads; `steered` ones exist only where descriptors do.

    `redrawn` gives the figure for every resampling of the clips, where that can be told, `error` its
    standard error where only that is known.
    """

    title: str
    digits: int
    read: Callable[[Result], float | None]
    steered: bool = False
    redrawn: Callable[[Result], Floats | None] | None = None
    lower_is_better: bool = False
    error: Callable[[Result], float | None] | None = None


def _condition(result: Result, condition: str) -> dict[str, Any]:
    found: dict[str, Any] = result["figures"]["control"].get(condition) or {}
    return found


def _rebuilt(key: str, title: str, lower: bool) -> Figure:
    def redrawn(result: Result) -> Floats | None:
        values = result["figures"]["reconstruction"].get("per_clip", {}).get(key)
        return None if values is None else draws(len(values)) @ np.array(values) / len(values)

    return Figure(
        title,
        2,
        lambda result: result["figures"]["reconstruction"].get(key),
        redrawn=redrawn,
        lower_is_better=lower,
    )


def _control(condition: str, key: str, title: str) -> Figure:
    def redrawn(result: Result) -> Floats | None:
        blocks = [b for b in _condition(result, condition).values() if isinstance(b, dict)]
        sums = [[b["per_clip"][name] for name in SUMS] for b in blocks if "per_clip" in b]
        if not sums:
            return None
        rhos = np.stack([pearson_resamples(np.array(one)) for one in sums])
        return np.asarray(rhos.min(axis=0) if key == "worst_rho" else rhos.mean(axis=0))

    return Figure(title, 3, lambda result: _condition(result, condition).get(key), True, redrawn)


def _rescaled(result: Result) -> float | None:
    return _condition(result, "all_swapped").get("mean_rho_rescaled")


def _realism(name: str, title: str, steered: bool) -> Figure:
    def read(key: str) -> Callable[[Result], float | None]:
        return lambda r: (r["figures"].get("realism", {}).get(name) or {}).get(key)

    error = read("standard_error")
    return Figure(title, 1, read("distance"), steered, lower_is_better=True, error=error)


MSTFT = _rebuilt("mstft", "mSTFT", True)
LATENT_USE = _rebuilt("latent_use", "latent use", False)
SWAPPED_WORST = _control("all_swapped", "worst_rho", "all swapped: worst")
SWAPPED_MEAN = _control("all_swapped", "mean_rho", "all swapped: mean")
FREE_WORST = _control("one_free", "worst_rho", "one free: worst")
KEPT_WORST = _control("one_kept", "worst_rho", "one kept: worst")
SWAPPED_REALISM = _realism("all_swapped", "realism: all swapped", True)
EURORACK_MEAN = _control("eurorack", "mean_rho", "Eurorack: mean")

COLUMNS: tuple[Figure, ...] = (
    MSTFT,
    _rebuilt("log_mel_l1", "log-mel dB", True),
    LATENT_USE,
    Figure("buzz dB", 1, lambda r: r["figures"]["reconstruction"].get("buzz_db")),
    SWAPPED_WORST,
    SWAPPED_MEAN,
    Figure("the same, rescaled", 3, _rescaled, True),
    FREE_WORST,
    KEPT_WORST,
    EURORACK_MEAN,
    _realism("reconstruction", "realism: rebuilt", False),
    SWAPPED_REALISM,
    Figure("steps", 0, lambda r: float(r["steps"])),
    Figure("MMAC/s", 0, lambda r: r["cost"]["mac_per_second"] / 1e6),
)
# Two systems are told apart by these.
COMPARED = (
    MSTFT,
    LATENT_USE,
    SWAPPED_MEAN,
    SWAPPED_WORST,
    FREE_WORST,
    KEPT_WORST,
    EURORACK_MEAN,
    SWAPPED_REALISM,
)
