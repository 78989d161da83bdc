"""A table's results as Markdown: the median over seeds, and how far they lie apart."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

from neurorave_train.experiments.driver import _worst
from neurorave_train.experiments.table import Table

Result = dict[str, Any]
Reading = Callable[[Result], float | None]


def _rebuilt(key: str) -> Reading:
    return lambda r: r["figures"]["reconstruction"].get(key)


def _worst_rho(condition: str) -> Reading:
    return lambda r: _worst(r["figures"]["control"].get(condition))


def _mean_rho(condition: str) -> Reading:
    return lambda r: (r["figures"]["control"].get(condition) or {}).get("mean_rho")


def _rescaled(result: Result) -> float | None:
    """The mean as the published tables show it."""
    mean = _mean_rho("all_swapped")(result)
    return None if mean is None else (mean + 1.0) / 2.0


COLUMNS: tuple[tuple[str, int, Reading], ...] = (
    ("mSTFT", 2, _rebuilt("mstft")),
    ("log-mel dB", 2, _rebuilt("log_mel_l1")),
    ("latent use", 2, _rebuilt("latent_use")),
    ("buzz dB", 1, _rebuilt("buzz_db")),
    ("all swapped: worst", 3, _worst_rho("all_swapped")),
    ("mean", 3, _mean_rho("all_swapped")),
    ("mean, rescaled", 3, _rescaled),
    ("one free: worst", 3, _worst_rho("one_free")),
    ("one kept: worst", 3, _worst_rho("one_kept")),
    ("Eurorack: mean", 3, _mean_rho("eurorack")),
    ("steps", 0, lambda r: float(r["steps"])),
    ("MMAC/s", 0, lambda r: r["cost"]["mac_per_second"] / 1e6),
)


def markdown(table: Table, results: list[Result]) -> str:
    """The table as a page; medians over the seeds that are there, the range in brackets."""
    lines = [
        f"# {table.name}",
        "",
        table.purpose,
        "",
        f"{table.seconds:g} s of processor time in training steps for each run, one thread. Median of the seeds "
        "[least, most]. rho is plain; `rescaled` is (rho + 1) / 2, what the published tables show.",
        "",
        f"    python -m neurorave_train.experiments {table.name} --data RECORDINGS --work DIR",
        "",
    ]
    good = [r for r in results if "failed" not in r]
    for name in dict.fromkeys(cell.audio.name for cell in table.cells):
        rows = [r for r in good if r["set"] == name]
        if not rows:
            continue
        lines += [
            f"## {name}",
            "",
            "| system | seeds | " + " | ".join(c[0] for c in COLUMNS) + " |",
        ]
        lines.append("|---" * (len(COLUMNS) + 2) + "|")
        for system in dict.fromkeys(cell.system.name for cell in table.cells):
            runs = [r for r in rows if r["system"] == system]
            if runs:
                cells = [_cell(runs, digits, reading) for _, digits, reading in COLUMNS]
                lines.append(f"| {system} | {len(runs)} | " + " | ".join(cells) + " |")
        lines.append("")
    failed = [r for r in results if "failed" in r]
    lines += [
        f"- {r['set']}, {r['system']}, seed {r['seed']} failed: {r['failed']}" for r in failed
    ]
    commits = sorted({str(r.get("commit"))[:10] for r in good})
    if commits:
        lines += ["", f"Commits: {', '.join(commits)}."]
    return "\n".join(lines).rstrip() + "\n"


def _cell(runs: list[Result], digits: int, reading: Reading) -> str:
    values = [reading(r) for r in runs]
    known = [v for v in values if v is not None]
    if not known:
        unsteered = not any(r["figures"]["control"] for r in runs)
        return "not steered" if unsteered else "-"
    middle = f"{statistics.median(known):.{digits}f}"
    if len(known) == 1:
        return middle
    return f"{middle} [{min(known):.{digits}f}, {max(known):.{digits}f}]"
