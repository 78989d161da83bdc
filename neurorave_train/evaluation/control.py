"""Scores of the control conditions: asked against heard, with intervals over the clips."""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence

import numpy as np

from neurorave_device.engine.quantiles import QuantileTable

from .intervals import (
    SUMS,
    interval,
    mean_resamples,
    pearson_resamples,
    pearson_sums,
    rounded,
)
from .metrics import Array, Bools, Floats, follow
from .requests import Request
from .subject import DESCRIPTORS, UNITS, Codec, counted_frames

# Figures by group, in the JSON: `curves` is a key that others rely on.
GROUP_KEYS = {"curve": "curves"}


class Pass(NamedTuple):
    """One pass and one descriptor: curves and counted frames [N, F], and labels of the clips."""

    asked: Floats
    heard: Array
    counted: Bools
    groups: Dict[str, List[str]]


def control_scores(
    codec: Codec, requests: Sequence[Request], answers: Sequence[Array]
) -> Dict[str, Any]:
    """Scores by condition and descriptor; the passes of a descriptor are pooled.

    `answers` are the heard quantile units [N, F, D] of each request.
    """
    found: Dict[str, Any] = {}
    for condition in dict.fromkeys(request.condition for request in requests):
        pairs = [(r, a) for r, a in zip(requests, answers) if r.condition == condition]
        found[condition] = _condition(codec, pairs)
    return found


def _condition(codec: Codec, pairs: "Sequence[tuple[Request, Array]]") -> Dict[str, Any]:
    block: Dict[str, Any] = {}
    resampled: List[Array] = []
    excluded: Dict[str, str] = {}
    clips = len(pairs[0][0].asked)
    for d, name in enumerate(DESCRIPTORS):
        passes = [_pass(codec, r, a, d) for r, a in pairs if d in r.targets]
        if not passes:
            continue
        block[name] = _scores(QuantileTable(codec.quantiles[d]), passes)
        block[name]["unit"] = UNITS[d]
        if block[name]["rho"] is None:
            block[name]["rho_interval"] = None
            excluded[name] = _reason(passes)
            continue
        asked, heard, counted = _pooled(passes)
        sums = pearson_sums(asked, heard, counted, clips)
        block[name]["per_clip"] = dict(zip(SUMS, (rounded(row) for row in sums)))
        draws = pearson_resamples(sums)
        block[name]["rho_interval"] = interval(draws)
        if block[name]["rho_interval"] is not None:
            resampled.append(draws)
    scored = [name for name in DESCRIPTORS if name in block]
    rhos = [block[name]["rho"] for name in scored]
    known = [rho for rho in rhos if rho is not None]
    block["mean_rho"] = mean(rhos)
    block["worst_rho"] = min(known) if known else None
    for key in ("mean_rho", "worst_rho"):
        # As the published tables show it.
        block[f"{key}_rescaled"] = None if block[key] is None else (block[key] + 1.0) / 2.0
    means = mean_resamples(resampled)
    block["mean_rho_interval"] = None if means is None else interval(means)
    # Named here, never a NaN in a mean.
    block["excluded"] = excluded
    block.update(_group_means(block, scored))
    return block


def _pass(codec: Codec, request: Request, answer: Array, d: int) -> Pass:
    counted = counted_frames(codec, request.asked, d) & np.isfinite(answer[..., d])
    if request.chosen is not None:
        counted = counted & request.chosen[:, d, None]
    heard = np.where(np.isfinite(answer[..., d]), answer[..., d], 0.0)
    return Pass(request.asked[..., d], heard, counted, request.groups or {})


def _pooled(passes: Sequence[Pass]) -> "tuple[Floats, Array, Bools]":
    return (
        np.concatenate([p.asked for p in passes]),
        np.concatenate([p.heard for p in passes]),
        np.concatenate([p.counted for p in passes]),
    )


def _scores(table: QuantileTable, passes: Sequence[Pass]) -> Dict[str, Any]:
    asked, heard, counted = _pooled(passes)
    found: Dict[str, Any] = dict(follow(asked, heard, counted))
    error = np.abs(table.to_value(asked[counted]) - table.to_value(heard[counted]))
    found["l1_physical"] = float(error.mean()) if error.size else None
    for way in dict.fromkeys(way for p in passes for way in p.groups):
        found[GROUP_KEYS.get(way, way)] = _by_group(passes, way)
    return found


def _by_group(passes: Sequence[Pass], way: str) -> Dict[str, Optional[float]]:
    """Pooled rho of the clips with each label; the empty label stands for none."""
    labels = np.concatenate([np.asarray(p.groups[way]) for p in passes])
    asked, heard, counted = _pooled(passes)
    found = {}
    for label in dict.fromkeys(labels.tolist()):
        rows = labels == label
        if label:
            found[label] = follow(asked[rows], heard[rows], counted[rows])["rho"]
    return dict(sorted(found.items())) if way != "curve" else found


def _reason(passes: Sequence[Pass]) -> str:
    frames = sum(int(p.counted.sum()) for p in passes)
    if frames == 0:
        return "no frame of it could be measured"
    return "what was asked of it is constant"


def _group_means(block: Dict[str, Any], scored: Sequence[str]) -> Dict[str, Any]:
    """Mean over the descriptors of every rho by group: mean_rho_by_<way>."""
    found: Dict[str, Any] = {}
    ways = {"curves": "curve", **{way: way for way in ("swapped", "shape", "speed_hz", "mode")}}
    for key, way in ways.items():
        tables = [block[name][key] for name in scored if key in block[name]]
        if tables:
            labels = dict.fromkeys(label for table in tables for label in table)
            found[f"mean_rho_by_{way}"] = {
                label: mean([table[label] for table in tables if label in table])
                for label in labels
            }
    return found


def mean(values: "Sequence[Optional[float]]") -> Optional[float]:
    """Mean of the figures that there are."""
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None
