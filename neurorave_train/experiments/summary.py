"""A table's results as Markdown: medians over seeds with their range, differences, what is missing."""

from __future__ import annotations

import statistics

from neurorave_train.experiments.comparison import comparison_lines
from neurorave_train.experiments.readings import COLUMNS, Figure, Result
from neurorave_train.experiments.table import Table


def markdown(table: Table, results: list[Result]) -> str:
    """The table as a page; medians over the seeds that are there, the range in brackets."""
    good = [r for r in results if "failed" not in r]
    lines = [
        f"# {table.name}",
        "",
        table.purpose,
        "",
        f"{table.seconds:g} s of processor time in training steps for each run, one thread. Median of the seeds "
        "[least, most]; `seeds` is how many of those wanted are in it. rho is plain; `rescaled` is (rho + 1) / 2, "
        "what the published tables show. Realism is the Frechet distance to the recordings: less is nearer.",
        "",
        f"    python -m neurorave_train.experiments {table.name} --data RECORDINGS --work DIR",
        "",
    ]
    for name in dict.fromkeys(cell.audio.name for cell in table.cells):
        lines += _set(table, name, [r for r in good if r["set"] == name])
    lines += _missing(table, results)
    commits = sorted({str(r.get("commit"))[:10] for r in good})
    if commits:
        lines += ["", f"Commits: {', '.join(commits)}."]
    return "\n".join(lines).rstrip() + "\n"


def _set(table: Table, name: str, results: list[Result]) -> list[str]:
    cells = [cell for cell in table.cells if cell.audio.name == name]
    lines = [
        f"## {name}",
        "",
        "| system | seeds | " + " | ".join(figure.title for figure in COLUMNS) + " |",
        "|---" * (len(COLUMNS) + 2) + "|",
    ]
    runs: dict[str, list[Result]] = {}
    for system in dict.fromkeys(cell.system.name for cell in cells):
        there = runs[system] = [r for r in results if r["system"] == system]
        wanted = sum(cell.system.name == system for cell in cells)
        words = [_cell(there, figure) if there else "missing" for figure in COLUMNS]
        lines.append(f"| {system} | {len(there)} of {wanted} | " + " | ".join(words) + " |")
    lines.append("")
    differences = comparison_lines(table.pairs(), runs, table.published())
    if differences:
        lines += [
            "How far two systems are apart: means over the seeds [95 %, by drawing clips and seeds], **bold** where "
            "the first is better. A single seed says nothing about another training.",
            "",
            *differences,
        ]
    return lines


def _missing(table: Table, results: list[Result]) -> list[str]:
    """The runs that are not there, failed ones with their reasons."""
    there = {(r["set"], r["system"], r["seed"]): r for r in results}
    missing: dict[str, list[str]] = {}
    lines = []
    for cell in table.cells:
        name = f"{cell.audio.name}, {cell.system.name}"
        found = there.get((cell.audio.name, cell.system.name, cell.seed))
        if found is None:
            missing.setdefault(name, []).append(str(cell.seed))
        elif "failed" in found:
            lines.append(f"- {name}, seed {cell.seed} failed: {found['failed']}")
    return lines + [
        f"- {name}: missing seeds {', '.join(seeds)}" for name, seeds in missing.items()
    ]


def _cell(runs: list[Result], figure: Figure) -> str:
    values = [figure.read(r) for r in runs]
    known = [v for v in values if v is not None]
    if not known:
        unsteered = figure.steered and not any(r["figures"]["control"] for r in runs)
        return "not steered" if unsteered else "-"
    middle = f"{statistics.median(known):.{figure.digits}f}"
    if len(known) > 1:
        middle += f" [{min(known):.{figure.digits}f}, {max(known):.{figure.digits}f}]"
    # Fewer than the seeds: in the others the figure could not be told.
    return middle if len(known) == len(values) else f"{middle} ({len(known)} seeds)"
