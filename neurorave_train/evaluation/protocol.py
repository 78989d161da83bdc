"""The evaluation itself, for anything that can encode, decode and measure.

`evaluate_codec` is the way in. The figures and the conditions are those of docs/evaluation.md.
"""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence

import numpy as np

from neurorave_device.engine.info import GuardInfo

from .control import control_scores
from .cycle import cycle_figures
from .guarding import guard_figures, guard_limiter, guard_passes
from .intervals import LEVEL, RESAMPLES
from .intervals import SEED as INTERVAL_SEED
from .metrics import Array, Floats
from .probe import probe_network_r2, probe_r2
from .realism import FEATURES, Realism, Windows, describe
from .reconstruction import Distance, reconstruct, reconstruction_figures
from .requests import Request, eurorack, swaps, whole_protocol
from .steering import steered, steering
from .subject import Codec, Ears, Progress, Reference, decode_all, measure_all, refer
from .transfer import transfer_figures


class Extras(NamedTuple):
    """What an evaluation may be given beside the clips; everything is optional.

    `jnd` is a distance for the publication's JND column, `guard` the bundle's (for `full`),
    `transfer` clips of other sets by name.
    """

    jnd: Optional[Distance] = None
    guard: Optional[GuardInfo] = None
    transfer: Dict[str, Sequence[Floats]] = {}


def evaluate_codec(
    codec: Codec,
    clips: Sequence[Floats],
    quick: bool = False,
    seed: int = 0,
    ears: Optional[Ears] = None,
    progress: Optional[Progress] = None,
    full: bool = False,
    extras: Optional[Extras] = None,
) -> Dict[str, Any]:
    """All figures of a codec on clips of one length (whole frames, at its rate), as plain JSON data.

    `quick` leaves out the Eurorack curves and the cycle, `full` adds the published pool, sets of two
    to four, all modulators, the network that reads the latents, and the guard. `ears` measure the
    answers in place of codec.measure; what is asked always comes from codec.measure. Raises
    ValueError on fewer than two clips (another clip's curves and latents are needed) or on a length
    that is not whole frames.
    """
    extras = extras or Extras()
    reference = refer(codec, clips)
    requests = control_requests(codec, reference, quick, full, seed)
    guarded = full and extras.guard is not None and len(requests) > 0
    steps = _Steps(
        progress,
        2 + len(requests) + (not quick) + len(extras.transfer) + guard_passes(codec, 1) * guarded,
    )
    realism = Realism(reference.audio, codec.sample_rate)
    rebuilt = reconstruct(codec, reference, seed)
    reconstruction = reconstruction_figures(codec, reference, rebuilt, seed, extras.jnd)
    steps.done(2, "reconstruction")
    answers: List[Array] = []
    windows: List[Windows] = []
    swapped = rebuilt
    for request in requests:
        audio = decode_all(codec, reference.z, request.asked, request.mask, seed)
        answers.append(_heard(codec, audio, request, ears))
        windows.append(describe(audio, codec.sample_rate))
        if request.condition == "all_swapped":
            swapped = audio
        steps.done(1, request.label)
    control = control_scores(codec, requests, answers)
    result: Dict[str, Any] = {
        "clips": len(reference.audio),
        "seconds": reference.audio.size / codec.sample_rate,
        "protocol": _settings(quick, full, seed, ears is not None),
        "steering": steering(codec),
        "reconstruction": reconstruction,
        "control": control,
        "excluded_descriptors": excluded(control),
        "latent": _latent(reference, full),
        "realism": _realism(realism, rebuilt, requests, windows),
    }
    if not quick:
        result["cycle"] = cycle_figures(codec, reference, rebuilt, swapped, seed, extras.jnd)
        steps.done(1, "cycle")
    if guarded and extras.guard is not None:
        limiters = {"on": guard_limiter(extras.guard)}
        result["guard"] = guard_figures(
            codec, reference, realism, limiters, seed, lambda label: steps.done(1, label)
        )
    if extras.transfer:
        result["transfer"] = {}
    for name, others in extras.transfer.items():
        result["transfer"][name] = transfer_figures(codec, reference.audio, realism, others, seed)
        steps.done(1, f"transfer from {name}")
    return result


class _Steps:
    """Tells how far the evaluation is."""

    def __init__(self, progress: Optional[Progress], total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0
        self.done(0, "reconstruction")

    def done(self, count: int, label: str) -> None:
        """Count steps that are behind us."""
        self._done += count
        if self._progress is not None:
            self._progress(self._done, self._total, label)


def _settings(quick: bool, full: bool, seed: int, oracle: bool) -> Dict[str, Any]:
    """What somebody who repeats the evaluation has to know beside the list of the clips."""
    return {
        "extent": "full" if full else "quick" if quick else "ordinary",
        "seed": seed,
        "measured_by": "oracle" if oracle else "the model's meter",
        "interval": {"level": LEVEL, "resamples": RESAMPLES, "seed": INTERVAL_SEED},
    }


def control_requests(
    codec: Codec, reference: Reference, quick: bool, full: bool = False, seed: int = 0
) -> List[Request]:
    """Every pass of the control conditions, in order; none for a model that nothing steers."""
    requests = list(swaps(reference))
    if not quick:
        requests.extend(eurorack(codec, reference))
    if full:
        requests.extend(whole_protocol(codec, reference, seed))
    return list(steered(codec, reference.q, requests))


def _heard(codec: Codec, audio: Floats, request: Request, ears: Optional[Ears]) -> Array:
    """Heard quantiles [N, F, D] of an answer."""
    if ears is not None:
        return ears(audio, request.targets)
    return measure_all(codec, audio).astype(np.float64)


def excluded(control: Dict[str, Any]) -> Dict[str, Any]:
    """The descriptors of which nothing can be said on these clips, with the reason; and how many."""
    names = control.get("all_swapped", {}).get("excluded", {})
    return {"count": len(names), "names": names}


def _latent(reference: Reference, full: bool) -> Dict[str, Any]:
    """How much the latents are alive, and what they tell of the descriptors."""
    z = reference.z
    found: Dict[str, Any] = {
        "std": [float(s) for s in z.reshape(-1, z.shape[-1]).std(axis=0)],
        "probe_r2": probe_r2(z, reference.q),
    }
    if full:
        found["probe_network_r2"] = probe_network_r2(z, reference.q)
    return found


def _realism(
    realism: Realism, rebuilt: Floats, requests: Sequence[Request], windows: Sequence[Windows]
) -> Dict[str, Any]:
    """Distance to the real clips of the reconstruction and of every condition."""
    found: Dict[str, Any] = {
        "features": list(FEATURES),
        "real_halves": realism.halves(),
        "reconstruction": realism.block([describe(rebuilt, realism.sample_rate)]),
    }
    for condition in dict.fromkeys(request.condition for request in requests):
        passes = [w for r, w in zip(requests, windows) if r.condition == condition]
        found[condition] = realism.block(passes)
    return found
