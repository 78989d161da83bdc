"""The figures of an evaluation as tables for the page."""

from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence

from .subject import DESCRIPTORS
from .text import FIGURES, TITLES, number, span

RECONSTRUCTION = {
    "mstft": ("mSTFT", 2),
    "log_mel_l1": ("log-mel L1, dB", 2),
    "mel_l1": ("mel L1 as published (power)", 3),
    "loudness_l1_db": ("A-weighted loudness L1, dB", 2),
    "specific_loudness_sone": ("specific loudness, sone", 3),
    "specific_loudness_relative": ("specific loudness, share of the original's", 3),
    "jnd": ("JND (CDPAM)", 3),
    "latent_use": ("latent use (mSTFT)", 2),
    "buzz_db": ("buzz over the original, dB", 1),
}


class Table(NamedTuple):
    """A table with its heading; `folded` ones are opened by whoever wants them."""

    title: str
    head: Sequence[str]
    rows: List[List[str]]
    folded: bool = False


def tables(result: Dict[str, Any]) -> Iterator[Table]:
    """All tables, the short ones first."""
    yield _reconstruction("Reconstruction", result["reconstruction"], result.get("cycle"))
    yield _overview(result)
    yield from _guard(result.get("guard"))
    yield from _transfer(result.get("transfer", {}), result["steering"]["follows"])
    for condition, block in result["control"].items():
        yield _condition(condition, block, result["steering"]["not_steered"])
        yield from _by_group(condition, block)
    yield from _oracle(result.get("oracle"))
    yield from _latent(result["latent"])
    buzz = [
        [number(b["hz"], 0), number(b["original_db"]), number(b["model_db"])]
        for b in result["reconstruction"]["buzz"]
    ]
    head = ["Hz", "original", "model"]
    yield Table("Flutter at the frame rate and its multiples, dB", head, buzz, True)


def _reconstruction(title: str, made: Dict[str, Any], cycle: Optional[Dict[str, Any]]) -> Table:
    rows = []
    for key, (name, digits) in RECONSTRUCTION.items():
        if key not in made:
            continue
        row = [name, number(made[key], digits), span(made["intervals"].get(key), digits)]
        if cycle is not None:
            row.append(number(cycle.get(key), digits))
        rows.append(row)
    head = ["figure", "value", "95 % interval"] + (["after a cycle"] if cycle is not None else [])
    return Table(title, head, rows)


def _overview(result: Dict[str, Any]) -> Table:
    rows = []
    for condition, block in result["control"].items():
        realism = result["realism"][condition]
        near = number(realism["distance"], 1)
        if realism["standard_error"] is not None:
            near += f" ± {number(realism['standard_error'], 1)}"
        rows.append(
            [
                TITLES[condition],
                number(block["mean_rho"]),
                span(block["mean_rho_interval"]),
                number(block["worst_rho"]),
                near,
            ]
        )
    if not result["control"]:
        rows.append(["not steered: no descriptor reaches this model", "-", "", "-", ""])
    real = result["realism"]
    rows.append(["reconstruction", "", "", "", number(real["reconstruction"]["distance"], 1)])
    rows.append(
        ["half of the recordings against the other", "", "", "", number(real["real_halves"], 1)]
    )
    head = ["asked", "mean rho", "95 % interval", "worst rho", "Frechet distance to real clips"]
    return Table("Control and realism", head, rows)


def _condition(condition: str, block: Dict[str, Any], not_steered: Sequence[str]) -> Table:
    rows = []
    for name in DESCRIPTORS:
        if name not in block:
            continue
        found = block[name]
        unit = f" ({found['unit']})" if found["unit"] else ""
        cells = [f"{name}{unit}", number(found["rho"]), span(found["rho_interval"])]
        cells += [number(found[figure]) for figure in FIGURES[1:]]
        rows.append(cells)
    for name, reason in block["excluded"].items():
        rows.append([f"{name} is left out: {reason}"] + [""] * (len(FIGURES) + 1))
    for name in not_steered:
        rows.append([f"{name}: not steered"] + [""] * (len(FIGURES) + 1))
    head = ["descriptor", "rho", "95 % interval", *FIGURES[1:]]
    return Table(f"{condition}: {TITLES[condition]}", head, rows, True)


def _by_group(condition: str, block: Dict[str, Any]) -> Iterator[Table]:
    for key, means in block.items():
        if not key.startswith("mean_rho_by_"):
            continue
        way = key[len("mean_rho_by_") :]
        inside = "curves" if way == "curve" else way
        labels = list(means)
        rows = [
            [name, *(number(block[name][inside].get(label)) for label in labels)]
            for name in DESCRIPTORS
            if name in block and inside in block[name]
        ]
        rows.append(["mean", *(number(means[label]) for label in labels)])
        title = f"{condition}: rho by {way.replace('_hz', ' in Hz')}"
        yield Table(title, ["descriptor", *labels], rows, True)


def _guard(found: Optional[Dict[str, Any]]) -> Iterator[Table]:
    if found is None:
        return
    rows = []
    for block in found.values():
        for state, words in (("off", "without"), ("on", "with")):
            part = block[state]
            rows.append(
                [
                    f"{block['what']}, {words}",
                    number(part["rho"]),
                    number(part["worst_rho"]),
                    number(part["held_back"]),
                    number(part["realism"]["distance"], 1),
                    _change(part.get("realism_change")),
                ]
            )
    head = ["abrupt modulators", "mean rho", "worst rho", "held back", "Frechet distance", "change"]
    yield Table("The guard", head, rows)


def _change(found: Optional[Dict[str, Any]]) -> str:
    if found is None or found["distance"] is None:
        return ""
    return f"{found['distance']:+.2f} ± {found['standard_error']:.2f}"


def _transfer(found: Dict[str, Any], follows: Sequence[str]) -> Iterator[Table]:
    rows = []
    for name, block in found.items():
        for mode in (mode for mode in ("all", "rms") if mode in block):
            part = block[mode]
            asked = follows if mode == "all" else ["rms"]
            kept = [part["descriptors_kept"][d]["rho"] for d in asked]
            known = [rho for rho in kept if rho is not None]
            rows.append(
                [
                    f"{name}: {part['what']}",
                    number(part["timbre_moved"], 2),
                    number(part["modulation_kept"], 2),
                    span(part["modulation_kept_interval"], 2),
                    number(min(known) if known else None),
                ]
            )
    if rows:
        head = ["other set", "timbre moved", "modulation kept", "95 % interval", "worst rho asked"]
        yield Table("Timbre transfer", head, rows)


def _oracle(found: Optional[Dict[str, Any]]) -> Iterator[Table]:
    if found is None:
        return
    rows = []
    for name in DESCRIPTORS:
        pair = found["agreement"][name]
        words = found["skipped"].get(name, "")
        rows.append([name, number(pair["rho"]), number(pair["difference"]), words])
    title = "The answers were measured by the oracles; they and the bundle's meter on the originals"
    yield Table(title, ["descriptor", "rho", "difference (quantiles)", ""], rows)


def _latent(found: Dict[str, Any]) -> Iterator[Table]:
    rows = [[str(i), number(s)] for i, s in enumerate(found["std"])]
    yield Table("Spread of the latents over the clips", ["coordinate", "std"], rows, True)
    probes = ["probe_r2"] + (["probe_network_r2"] if "probe_network_r2" in found else [])
    names = {"probe_r2": "straight line", "probe_network_r2": "small network"}
    rows = [[d, *(number(found[probe][d]) for probe in probes)] for d in DESCRIPTORS]
    head = ["descriptor", *(names[probe] for probe in probes)]
    yield Table("What can be read from the latents (R², 0 is best for control)", head, rows, True)
