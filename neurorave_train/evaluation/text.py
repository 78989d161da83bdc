"""The figures as lines for a terminal."""

from typing import Any, Dict, Iterator, List, Optional, Sequence

from .subject import DESCRIPTORS

TITLES = {
    "all_swapped": "all five curves of another clip",
    "one_kept": "one curve of another clip, the others asked as they were",
    "one_free": "one curve of another clip, the others free",
    "eurorack": "ramp, sine, saw, square on one, the others free",
    "pool_one": "one curve of the published pool, the others asked as they were",
    "pool_all": "all five from the published pool",
    "sets_2": "two at once from the published pool, the others asked as they were",
    "sets_3": "three at once from the published pool, the others asked as they were",
    "sets_4": "four at once from the published pool, the other asked as it was",
    "sets_2_free": "two curves of other clips at once, the others free",
    "sets_3_free": "three curves of other clips at once, the others free",
    "sets_4_free": "four curves of other clips at once, the other free",
    "another_added": "all five curves of another clip, added to the clip's own",
    "cumulative": "the first two, three, four curves of another clip, the others as they were",
    "modulators": "ramp up and down, sine, saw, square, 1 to 8 Hz, replaced and added",
}
FIGURES = (
    "rho",
    "rho_clip_median",
    "spearman",
    "l1_quantile",
    "l1_physical",
    "gain",
    "rho_rescaled",
)


def number(value: Optional[float], digits: int = 3) -> str:
    """A figure, or a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def span(interval: Optional[Sequence[float]], digits: int = 3) -> str:
    """An interval as words, or nothing where there is none."""
    return "" if interval is None else f"{interval[0]:.{digits}f} to {interval[1]:.{digits}f}"


def steering_words(steering: Dict[str, Any]) -> List[str]:
    """What the reader of control figures must know of this model; nothing where it follows all and frees."""
    if not steering["follows"]:
        return ["Not steered: no descriptor reaches this model, so it has no control figures."]
    said = []
    if steering["not_steered"]:
        said.append(f"Not steered, and not asked: {', '.join(steering['not_steered'])}.")
    if not steering["frees"]:
        said.append(
            "This model follows every value that it gets: what others leave free is asked as it was in "
            "the clip."
        )
    return said


def lines(result: Dict[str, Any]) -> List[str]:
    """What a person wants to read of an evaluation."""
    made = result["reconstruction"]
    out = [
        f"{result['bundle']}: {result['clips']} clips, {result['seconds']:.1f} s",
        f"reconstruction  mSTFT {number(made['mstft'], 2)} (se {made['mstft_standard_error']:.2f})"
        f"  log-mel {number(made['log_mel_l1'], 2)} dB  loudness {number(made['loudness_l1_db'], 2)}"
        f" dB  latent use {number(made['latent_use'], 2)}  buzz {number(made['buzz_db'], 1)} dB",
        f"                published mel {number(made['mel_l1'])}"
        f"  specific loudness {number(made['specific_loudness_sone'], 2)} sone"
        f" ({number(100 * made['specific_loudness_relative'], 0)} %)"
        + (f"  JND {number(made['jnd'])}" if "jnd" in made else ""),
        "latent          std " + " ".join(number(s, 2) for s in result["latent"]["std"]),
    ]
    out.extend(steering_words(result["steering"]))
    for condition, block in result["control"].items():
        out.extend(_condition(condition, block, result["realism"][condition]))
    out.extend(_rest(result))
    for name, words in result.get("oracle", {}).get("skipped", {}).items():
        out.append(f"oracle: {name} {words}")
    return out


def _condition(condition: str, block: Dict[str, Any], realism: Dict[str, Any]) -> Iterator[str]:
    yield f"{condition}: {TITLES[condition]}"
    yield f"  {'':10}" + "".join(f"{name:>16}" for name in FIGURES)
    for name in DESCRIPTORS:
        if name in block:
            row = "".join(f"{number(block[name][figure]):>16}" for figure in FIGURES)
            yield f"  {name:10}{row}"
    yield (
        f"  {'mean':10}{number(block['mean_rho']):>16}"
        f"  95 %: {span(block['mean_rho_interval'])}; realism {number(realism['distance'], 2)}"
    )
    for name, reason in block["excluded"].items():
        yield f"  {name} is left out: {reason}"


def _rest(result: Dict[str, Any]) -> Iterator[str]:
    realism = result["realism"]
    yield (
        f"realism (Frechet, 0 is real; half of the recordings against the other: "
        f"{number(realism['real_halves'], 2)})  reconstruction "
        f"{number(realism['reconstruction']['distance'], 2)}"
    )
    if "cycle" in result:
        cycle = result["cycle"]
        yield (
            f"cycle           mSTFT {number(cycle['mstft'], 2)}  over reconstruction "
            f"{number(cycle['over_reconstruction']['mstft'], 2)}"
            f"  latent heard again R2 {number(cycle['latent_r2'], 2)}"
        )
    for case, block in result.get("guard", {}).items():
        for state in ("off", "on"):
            found = block[state]
            yield (
                f"guard {state:3} {case:9} rho {number(found['rho'])}  worst "
                f"{number(found['worst_rho'])}  realism {number(found['realism']['distance'], 2)}"
            )
    for name, found in result.get("transfer", {}).items():
        for block in (found[mode] for mode in ("all", "rms") if mode in found):
            yield (
                f"transfer of {name}, {block['what']}: timbre moved "
                f"{number(block['timbre_moved'], 2)}, modulation kept "
                f"{number(block['modulation_kept'], 2)}"
            )
