"""The figures of `benchmarks.peers` as Markdown, and their place in a page of the documentation."""

from pathlib import Path
from typing import Any, Dict, List

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
NAMES = {"ours": "neurorave", "peer 1": "peer, 1 thread", "peer 2": "peer, 2 threads"}
MODES = {"paced": "paced", "burst": "back to back"}


def table(document: Dict[str, Any]) -> str:
    """All tables of a document."""
    versions = ", ".join(f"{name} {version}" for name, version in document["versions"].items())
    counts = [row["rounds"] for row in document["networks"].values()]
    rounds = f"{min(counts)} to {max(counts)}"
    stolen = max(row["stolen"] for row in document["networks"].values())
    parts = [
        f"Measured on {document['date']} at commit {document['commit']}: {document['machine']}; {versions}; "
        f"{rounds} rounds; load average at the end {document['load_average']:.1f}; "
        f"the host took up to {100 * stolen:.0f} % of a processor.",
        _goals(document["goals"]),
    ]
    parts += [_engines(document["networks"], mode) for mode in MODES]
    return "\n\n".join([*parts, _floors(document["networks"])])


def _goals(goals: List[Dict[str, Any]]) -> str:
    rows = ["| figure | measured | wanted | |", "|---|---|---|---|"]
    for goal in goals:
        sign = "at most" if goal["most"] else "at least"
        reached = "reached" if goal["reached"] else "**missed**"
        rows.append(
            f"| {goal['what']} | {goal['value']:.2f} | {sign} {goal['wanted']} | {reached} |"
        )
    return "\n".join(rows)


def _engines(networks: Dict[str, Any], mode: str) -> str:
    rows = [
        f"Milliseconds per frame, {MODES[mode]}:",
        "",
        "| network (a frame lasts) | engine | p50 | p99 | max | processor | late frames | peer / ours | by processor "
        "time |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in networks.values():
        for label, name in NAMES.items():
            found = row[mode][label]
            title = f"{row['title']} ({row['deadline_ms']:.1f} ms)" if label == "ours" else ""
            late = f"{found['misses']} of {found['frames']}" if mode == "paced" else ""
            ratio = row[mode]["ratios"].get(label)
            times = (
                f"{ratio['median']:.1f} [{ratio['low']:.1f}, {ratio['high']:.1f}]" if ratio else ""
            )
            cpu = row[mode]["cpu_ratio"]["median"]
            spent = f"{cpu:.1f}" if label == "peer 1" else ""
            values = " | ".join(f"{found[k]:.2f}" for k in ("p50", "p99", "max", "cpu"))
            rows.append(f"| {title} | {name} | {values} | {late} | {times} | {spent} |")
    return "\n".join(rows)


def _floors(networks: Dict[str, Any]) -> str:
    rows = [
        "The floor, in milliseconds, and how far above it our median is:",
        "",
        "| network | values | products | GFLOP/s | GB/s: memory, cache | products take | weights take: from memory, "
        "cache | paced / floor | back to back / floor | back to back / floor with weights in cache |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in networks.values():
        rates, floor = row["rates"], row["floor_ms"]
        paced, burst = (row[mode]["ours"]["p50"] for mode in MODES)
        rows.append(
            f"| {row['title']} | {row['parameters'] / 1e6:.2f} M | {row['macs'] / 1e6:.1f} M "
            f"| {rates['gflops']:.0f} | {rates['gbytes']:.0f}, {rates['cached_gbytes']:.0f} "
            f"| {floor['compute']:.2f} | {floor['weights']:.2f}, {floor['weights_cached']:.2f} "
            f"| {paced / floor['floor']:.1f} | {burst / floor['floor']:.1f} | {burst / floor['cached']:.1f} |"
        )
    return "\n".join(rows)


def write_page(path: Path, document: Dict[str, Any]) -> None:
    """Replaces what is between the marks of a page; raises ValueError where it has none."""
    text = path.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise ValueError(f"{path} has no place for figures: {BEGIN} and {END} are missing")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    path.write_text(f"{before}{BEGIN}\n\n{table(document)}\n\n{END}{after}", encoding="utf-8")
