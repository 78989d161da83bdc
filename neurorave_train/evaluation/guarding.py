"""What the guard does to abrupt modulators: the same requests with and without it."""

from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Sequence

import numpy as np

from neurorave_device.engine.info import GuardInfo
from neurorave_device.mapping.guard import Guard

from .control import mean
from .curves import eurorack_curves
from .metrics import Array, Bools, Floats, follow
from .realism import Realism, Windows, describe
from .requests import free_but, from_pool
from .steering import in_its_place
from .subject import (
    DESCRIPTORS,
    RMS,
    Codec,
    Reference,
    counted_frames,
    decode_all,
    followed,
    measure_all,
)

# The modulators that the original's page calls strongly altered.
ABRUPT = ("ramp", "saw", "square")
CASES = {
    "one_free": "one modulated, the others free",
    "one_kept": "one modulated, the others asked as they were",
    "all": "all from the published pool at once",
}

# Limits what is asked of one clip: (asked [F, D], mask [F, D], own curves [F, D], moved [D]).
Limiter = Callable[[Floats, Floats, Floats, Bools], Floats]


class Wish(NamedTuple):
    """What a player asks of every clip: the case, asked values, mask, and the descriptors moved."""

    case: str
    label: str
    moved: Sequence[int]
    asked: Floats
    mask: Floats


def wishes(codec: Codec, reference: Reference, seed: int) -> Iterator[Wish]:
    """Abrupt modulators on each descriptor, another shape for each clip; then all of them at once.

    A model that frees nothing is asked no `one_free`: it would be `one_kept` again.
    """
    q = reference.q
    shapes = eurorack_curves(q.shape[0], q.shape[1], codec.sample_rate / codec.hop)
    curve = np.stack([shapes[ABRUPT[i % len(ABRUPT)]][i] for i in range(len(q))])
    steering = followed(codec)
    for d in steering:
        name = DESCRIPTORS[d]
        kept = q.copy()
        kept[..., d] = curve
        if codec.frees:
            # Free ones do not matter to the decoder; rms stays the sound's own, as in the module.
            yield Wish("one_free", f"guard: {name}", [d], kept, free_but(q, d))
        yield Wish("one_kept", f"guard: {name}, others kept", [d], kept, np.ones_like(q))
    rng = np.random.default_rng((seed, 2))
    asked, mask = in_its_place(codec, q, from_pool(q, rng), np.ones_like(q))
    yield Wish("all", "guard: all at once", steering, asked, mask)


def guard_limiter(info: GuardInfo) -> Limiter:
    """The module's own guard, a new sound for every clip."""
    guard = Guard(info, RMS)

    def limit(asked: Floats, mask: Floats, own: Floats, moved: Bools) -> Floats:
        guard.reset()
        rows = [guard.limit(a, m, b, moved) for a, m, b in zip(asked, mask, own)]
        return np.stack(rows).astype(np.float32)

    return limit


def limited(wish: Wish, reference: Reference, limit: Limiter) -> Floats:
    """What the limiter lets through of a wish [N, F, D]."""
    moved = np.isin(np.arange(wish.asked.shape[-1]), list(wish.moved))
    return np.stack([limit(a, m, b, moved) for a, m, b in zip(wish.asked, wish.mask, reference.q)])


def guard_figures(
    codec: Codec,
    reference: Reference,
    realism: Realism,
    limiters: Dict[str, Limiter],
    seed: int,
    step: Callable[[str], None],
) -> Dict[str, Any]:
    """Control and realism of each case without a guard (`off`) and with each limiter.

    `rho` compares what the player asked with what is heard, `obeyed_rho` what was let through with
    what is heard, `held_back` is the mean change that the guard makes to moved descriptors, `realism_change` the
    difference of the distances to the real clips, with its own standard error.
    """
    found: Dict[str, Any] = {}
    gathered: Dict[str, Dict[str, List[Any]]] = {}
    for wish in wishes(codec, reference, seed):
        for name, asked in _versions(wish, reference, limiters):
            step(f"{wish.label}, {name}")
            audio = decode_all(codec, reference.z, asked, wish.mask, seed)
            heard = measure_all(codec, audio).astype(np.float64)
            store = gathered.setdefault(wish.case, {}).setdefault(name, [])
            store.append((wish, asked, heard, describe(audio, codec.sample_rate)))
    for case, versions in gathered.items():
        found[case] = {"what": CASES[case]}
        windows = {name: [part for *_, part in passes] for name, passes in versions.items()}
        for name, passes in versions.items():
            found[case][name] = _figures(codec, realism, passes)
            if name != "off":
                change = realism.change(windows["off"], windows[name])
                found[case][name]["realism_change"] = change
    return found


def _versions(
    wish: Wish, reference: Reference, limiters: Dict[str, Limiter]
) -> Iterator["tuple[str, Floats]"]:
    yield "off", wish.asked
    for name, limit in limiters.items():
        yield name, limited(wish, reference, limit)


def _figures(
    codec: Codec, realism: Realism, passes: "List[tuple[Wish, Floats, Array, Windows]]"
) -> Dict[str, Any]:
    rhos: List[Any] = []
    obeyed: List[Any] = []
    changes: List[float] = []
    for wish, asked, heard, _ in passes:
        for d in wish.moved:
            counted = counted_frames(codec, wish.asked, d)
            rhos.append(follow(wish.asked[..., d], heard[..., d], counted)["rho"])
            obeyed.append(follow(asked[..., d], heard[..., d], counted)["rho"])
            changes.append(float(np.abs(asked[..., d] - wish.asked[..., d]).mean()))
    known = [rho for rho in rhos if rho is not None]
    return {
        "rho": mean(rhos),
        "worst_rho": min(known) if known else None,
        "obeyed_rho": mean(obeyed),
        "held_back": float(np.mean(changes)),
        "realism": realism.block([windows for *_, windows in passes]),
    }


def guard_passes(codec: Codec, limiters: int) -> int:
    """How many passes `guard_figures` makes."""
    return (len(followed(codec)) * (1 + codec.frees) + 1) * (1 + limiters)
