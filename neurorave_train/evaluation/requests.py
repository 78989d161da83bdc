"""What the model is asked: the passes of every control condition, in order."""

from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence

import numpy as np

from .curves import eurorack_curves, modulate, modulators, published_pool
from .metrics import Bools, Floats
from .subject import DESCRIPTORS, HELD_RMS, NEUTRAL, RMS, Codec, Reference, donors, followed

MODULATOR_PASSES = 5
SET_SIZES = (2, 3, 4)


class Request(NamedTuple):
    """One pass through the decoder: what is asked of every clip, and which descriptors count.

    `chosen` [N, D] narrows that down clip by clip. `groups` tell the clips apart in ways worth a
    figure of their own: name of the way -> label of each clip.
    """

    condition: str
    label: str
    targets: Sequence[int]
    asked: Floats
    mask: Floats
    chosen: Optional[Bools] = None
    groups: Optional[Dict[str, List[str]]] = None


def free_but(q: Floats, d: int) -> Floats:
    """Mask with only rms and descriptor d asked."""
    mask = np.zeros_like(q)
    mask[..., [RMS, d]] = 1.0
    return mask


def swaps(reference: Reference) -> Iterator[Request]:
    """Curves of another clip: all five, one with the others kept, one with the others free."""
    q = reference.q
    ones = np.ones_like(q)
    count = len(q)
    everything = range(len(DESCRIPTORS))
    yield Request("all_swapped", "all swapped", everything, q[donors(count, 0)], ones)
    for d, name in enumerate(DESCRIPTORS):
        kept = q.copy()
        kept[..., d] = q[donors(count, d), :, d]
        yield Request("one_kept", f"{name}, others kept", [d], kept, ones)
    for d, name in enumerate(DESCRIPTORS):
        mask = free_but(q, d)
        asked = np.where(mask > 0.0, q, np.float32(NEUTRAL))
        asked[..., d] = q[donors(count, d), :, d]
        yield Request("one_free", f"{name}, others free", [d], asked, mask)


def eurorack(codec: Codec, reference: Reference) -> Iterator[Request]:
    """A ramp and a 2 Hz sine, saw and square on one descriptor, the others free, rms held."""
    q = reference.q
    shapes = eurorack_curves(q.shape[0], q.shape[1], codec.sample_rate / codec.hop)
    for d, name in enumerate(DESCRIPTORS):
        for shape, curve in shapes.items():
            groups = {"curve": [shape] * len(q)}
            asked = held(q, d, curve)
            yield Request("eurorack", f"{name}, {shape}", [d], asked, free_but(q, d), groups=groups)


def held(q: Floats, d: int, curve: Floats) -> Floats:
    """Asked values [N, F, D] with a curve [N, F] on descriptor d and rms held unless it is that one."""
    asked = np.full_like(q, NEUTRAL)
    asked[..., RMS] = HELD_RMS
    asked[..., d] = curve
    return asked


def whole_protocol(codec: Codec, reference: Reference, seed: int) -> Iterator[Request]:
    """What `--full` asks beside the four conditions."""
    rng = np.random.default_rng((seed, 1))
    yield from _pool(reference, rng)
    yield from _sets(codec, reference, rng)
    yield from _another_clip(reference)
    yield from _modulators(codec, reference)


def _pool(reference: Reference, rng: np.random.Generator) -> Iterator[Request]:
    """One curve of the published pool, the others kept; then all five from the pool."""
    q = reference.q
    ones = np.ones_like(q)
    for d, name in enumerate(DESCRIPTORS):
        asked = q.copy()
        asked[..., d] = _drawn(q[..., d], rng)
        yield Request("pool_one", f"{name} from the pool", [d], asked, ones)
    everything = range(len(DESCRIPTORS))
    yield Request("pool_all", "all from the pool", everything, from_pool(q, rng), ones)


def from_pool(q: Floats, rng: np.random.Generator) -> Floats:
    """Asked values [N, F, D] with a curve of the published pool for every clip and descriptor."""
    return np.stack([_drawn(q[..., d], rng) for d in range(q.shape[-1])], axis=-1)


def _drawn(own: Floats, rng: np.random.Generator) -> Floats:
    """One curve of the pool for each clip [N, F]."""
    pool = published_pool(own, rng)
    return pool[rng.integers(0, len(pool), len(own))]


def _sets(codec: Codec, reference: Reference, rng: np.random.Generator) -> Iterator[Request]:
    """2, 3 and 4 descriptors at once, others for each clip: pool with the rest kept; swap, rest free."""
    q = reference.q
    clips, _, count = q.shape
    steering = followed(codec)
    for size in SET_SIZES:
        if size > len(steering):
            continue
        chosen = np.zeros((clips, count), dtype=np.bool_)
        for row in chosen:
            row[rng.choice(steering, size, replace=False)] = True
        wanted = np.broadcast_to(chosen[:, None], q.shape)
        asked = np.where(wanted, from_pool(q, rng), q)
        everything = range(count)
        yield Request(
            f"sets_{size}",
            f"{size} at once from the pool",
            everything,
            asked,
            np.ones_like(q),
            chosen,
        )
        swapped = np.stack([q[donors(clips, d), :, d] for d in range(count)], axis=-1)
        mask = wanted.astype(np.float32)
        mask[..., RMS] = 1.0
        asked = np.where(wanted, swapped, np.where(mask > 0.0, q, np.float32(NEUTRAL)))
        yield Request(
            f"sets_{size}_free", f"{size} at once, others free", everything, asked, mask, chosen
        )


def _another_clip(reference: Reference) -> Iterator[Request]:
    """All five curves of another clip added to the clip's own; then the first 2, 3, 4 in its place."""
    q = reference.q
    ones = np.ones_like(q)
    everything = range(q.shape[-1])
    other = q[donors(len(q), 0)]
    added = np.clip(q + other - other.mean(axis=1, keepdims=True), 0.0, 1.0)
    yield Request("another_added", "another clip's curves added", everything, added, ones)
    for size in SET_SIZES:
        asked = q.copy()
        asked[..., :size] = other[..., :size]
        groups = {"swapped": [str(size)] * len(q)}
        label = f"the first {size} of another clip"
        yield Request("cumulative", label, range(size), asked, ones, groups=groups)


def _modulators(codec: Codec, reference: Reference) -> Iterator[Request]:
    """Every Eurorack modulator, slow to fast, replaced and added; another for each clip and pass."""
    q = reference.q
    rate = codec.sample_rate / codec.hop
    starts = np.random.default_rng(0).random((MODULATOR_PASSES, len(q)))
    for d, name in enumerate(DESCRIPTORS):
        for turn in range(MODULATOR_PASSES):
            chosen = modulators(len(q), turn)
            asked = np.full_like(q, NEUTRAL)
            for i, modulator in enumerate(chosen):
                asked[i, :, RMS] = q[i, :, RMS] if modulator.mode == "added" else HELD_RMS
                asked[i, :, d] = modulate(modulator, q[i, :, d], rate, starts[turn, i])
            groups = {
                "shape": [m.shape for m in chosen],
                "speed_hz": ["" if "ramp" in m.shape else f"{m.speed_hz:g}" for m in chosen],
                "mode": [m.mode for m in chosen],
            }
            label = f"{name}, modulators {turn + 1}"
            yield Request("modulators", label, [d], asked, free_but(q, d), groups=groups)
