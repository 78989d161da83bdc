"""The figures as lines for a terminal."""

from typing import Any, Dict, List, Optional

from .subject import DESCRIPTORS

TITLES = {
    "all_swapped": "all five curves of another clip",
    "one_kept": "one curve of another clip, the others asked as they were",
    "one_free": "one curve of another clip, the others free",
    "eurorack": "ramp, sine, saw, square on one, the others free",
}
FIGURES = ("rho", "rho_clip_median", "spearman", "l1_quantile", "rho_rescaled")


def number(value: Optional[float], digits: int = 3) -> str:
    """A figure, or a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def lines(result: Dict[str, Any]) -> List[str]:
    """What a person wants to read of an evaluation."""
    made = result["reconstruction"]
    out = [
        f"{result['bundle']}: {result['clips']} clips, {result['seconds']:.1f} s",
        f"reconstruction  mSTFT {number(made['mstft'], 2)} (se {made['mstft_standard_error']:.2f})"
        f"  log-mel {number(made['log_mel_l1'], 2)} dB  loudness {number(made['loudness_l1_db'], 2)}"
        f" dB  latent use {number(made['latent_use'], 2)}  buzz {number(made['buzz_db'], 1)} dB",
        "latent          std " + " ".join(number(s, 2) for s in result["latent"]["std"]),
    ]
    for condition, block in result["control"].items():
        out.append(f"{condition}: {TITLES[condition]}")
        out.append(f"  {'':10}" + "".join(f"{name:>16}" for name in FIGURES))
        for name in DESCRIPTORS:
            row = "".join(f"{number(block[name][figure]):>16}" for figure in FIGURES)
            out.append(f"  {name:10}{row}")
        out.append(f"  {'mean':10}{number(block['mean_rho']):>16}")
    for name, words in result.get("oracle", {}).get("skipped", {}).items():
        out.append(f"oracle: {name} {words}")
    return out
