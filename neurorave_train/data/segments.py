"""Segments of fixed length: drawn at random to train on, joined in order to evaluate on."""

import functools
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np
import numpy.typing as npt
import torch

from .hits import Hit

Floats = npt.NDArray[np.float32]

PEAK = 0.99
# How hits follow one another: the overlap is a share of the hit before (of the segment, if that is
# shorter), the gap one of the segment.
MOST_OVERLAP = 0.5
MOST_GAP = 0.2
START_INSIDE = 0.5
# Cross-over of joined clips in samples, 0.1 s at 44.1 kHz: short enough that tails stay.
JOIN_OVERLAP = 4410
LONGEST_CLIP_SECONDS = 8.0
"""Of a longer recording validation and evaluation take the beginning, so that one roll of minutes
does not outweigh all strokes."""


class HitPool:
    """Hits sorted for drawing: a family with p ~ sqrt(its number of hits), then a hit of it.

    Within a family a hit of n segments' length is drawn sqrt(n) times as often as a short one: a
    minute of playing is worth more than one stroke, but a long roll must not drown the strokes.
    """

    def __init__(self, hits: Sequence[Hit], samples: int) -> None:
        families: Dict[str, List[Hit]] = {}
        for hit in hits:
            families.setdefault(hit.family, []).append(hit)
        if not families:
            raise ValueError("there are no hits to draw segments from")
        self.families = [families[name] for name in sorted(families)]
        self._family_edges = _edges(np.sqrt([len(family) for family in self.families]))
        self._hit_edges = [
            _edges(np.sqrt([max(1.0, hit.samples / samples) for hit in family]))
            for family in self.families
        ]

    def draw(self, rng: np.random.Generator) -> Hit:
        """One hit."""
        f = int(np.searchsorted(self._family_edges[:-1], rng.random(), side="right"))
        h = int(np.searchsorted(self._hit_edges[f][:-1], rng.random(), side="right"))
        return self.families[f][h]


def _edges(weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Upper edges of 0..1 cut in proportion to the weights."""
    edges: npt.NDArray[np.float64] = np.cumsum(weights / weights.sum())
    return edges


def draw_segment(
    hits: Union[HitPool, Sequence[Hit]],
    samples: int,
    rng: np.random.Generator,
    gain_db: float = 8.0,
    dither_db: float = -90.0,
    placed: Optional[List[Tuple[Hit, int]]] = None,
) -> Floats:
    """Draw a training segment [samples]: hits one after another, overlapping or apart.

    Each hit gets its own gain within +-gain_db, the peak stays within 0.99, and white dither of
    `dither_db` dBFS rms lies under everything. Half of the segments start inside a hit. `placed`
    receives each hit and the sample where it begins.
    """
    pool = hits if isinstance(hits, HitPool) else HitPool(hits, samples)
    out = np.zeros(samples, np.float32)
    hit = pool.draw(rng)
    # A long recording has far more insides than beginnings.
    inside = max(START_INSIDE, 1.0 - samples / max(1, hit.samples))
    if rng.random() < inside:
        position = -int(rng.integers(0, max(1, hit.samples)))
    else:
        position = int(rng.random() * MOST_GAP * samples)
    while True:
        _add(out, hit, position, rng.uniform(-gain_db, gain_db))
        if placed is not None:
            placed.append((hit, position))
        end = position + hit.samples
        if rng.random() < 0.5:
            following = end - int(rng.random() * MOST_OVERLAP * min(hit.samples, samples))
        else:
            following = end + int(rng.random() * MOST_GAP * samples)
        # Overlaps must still move on, also after a hit of a few samples.
        position = max(following, position + 1)
        if position >= samples:
            break
        hit = pool.draw(rng)
    return _finished(out, rng, dither_db)


def _add(out: Floats, hit: Hit, position: int, gain_db: float) -> None:
    """Add the part of a hit that falls into the segment, its own peak kept within PEAK."""
    audio = hit.audio[max(0, -position) : len(out) - position]
    if len(audio) == 0:
        return
    gain = 10.0 ** (gain_db / 20.0)
    peak = max(float(audio.max()), -float(audio.min()))
    if gain * peak > PEAK:
        gain = PEAK / peak
    start = max(0, position)
    out[start : start + len(audio)] += np.float32(gain) * audio


def _finished(out: Floats, rng: np.random.Generator, dither_db: float) -> Floats:
    """Dither, then the whole segment lowered where the sum exceeds PEAK."""
    if dither_db > -200.0:
        noise = rng.standard_normal(len(out), dtype=np.float32)
        noise *= np.float32(10.0 ** (dither_db / 20.0))
        out += noise
    peak = max(float(out.max()), -float(out.min()))
    if peak > PEAK:
        out *= np.float32(PEAK / peak)
    return out


def join_clips(
    hits: Sequence[Hit],
    samples: int,
    overlap: int = JOIN_OVERLAP,
    dither_db: float = -90.0,
    seed: int = 0,
    longest: Optional[int] = None,
) -> List[Floats]:
    """Join every hit once into evaluation segments [samples], the same for the same seed and names.

    The order is that of the names, shuffled by the seed. A hit starts `overlap` samples before the
    end of the one before (never more than half of either); both are kept whole and summed. The row
    is cut every `samples`; a last part of less than half a segment is dropped, otherwise filled up
    with dither (or kept anyway if it is the only one). Of a hit of more than `longest` samples only
    the beginning is taken, so that one long roll does not outweigh all strokes.
    """
    rng = np.random.default_rng(seed)
    plan = join_plan(hits, rng, overlap, longest)
    position = plan[-1].start + plan[-1].hit.samples if plan else 0
    count = max(1 if position else 0, (position + samples // 2) // samples)
    row = np.zeros(max(position, count * samples), np.float32)
    for start, hit in plan:
        row[start : start + hit.samples] += hit.audio
    return [
        _finished(row[i * samples : (i + 1) * samples].copy(), rng, dither_db) for i in range(count)
    ]


class Placed(NamedTuple):
    """A hit and the sample of the row that it starts at."""

    start: int
    hit: Hit


def join_plan(
    hits: Sequence[Hit],
    rng: np.random.Generator,
    overlap: int = JOIN_OVERLAP,
    longest: Optional[int] = None,
) -> List[Placed]:
    """Where `join_clips` puts every hit in its row, in order; `rng` shuffles them."""
    order = sorted(hits, key=lambda hit: hit.name)
    if longest is not None:
        order = [_beginning(hit, longest) for hit in order]
    order = [order[i] for i in rng.permutation(len(order))]
    plan: List[Placed] = []
    position = 0
    for i, hit in enumerate(order):
        if i:
            position -= min(overlap, order[i - 1].samples // 2, hit.samples // 2)
        plan.append(Placed(position, hit))
        position += hit.samples
    return plan


def _beginning(hit: Hit, longest: int) -> Hit:
    """The hit, shortened to `longest` samples."""
    if hit.samples <= longest:
        return hit
    return Hit(hit.name, hit.family, longest, functools.partial(_first, hit, longest), hit.group)


def _first(hit: Hit, samples: int) -> Floats:
    """The first samples of a hit."""
    return hit.audio[:samples]


class SegmentDataset(torch.utils.data.Dataset[torch.Tensor]):
    """Endless-looking training data: item `index` is a segment [samples] drawn from (seed, index).

    Which process or worker asks, and after which interruption, changes nothing.
    """

    def __init__(
        self,
        hits: Sequence[Hit],
        samples: int,
        length: int,
        seed: int = 0,
        gain_db: float = 8.0,
        dither_db: float = -90.0,
    ) -> None:
        self.pool = HitPool(hits, samples)
        self.samples = samples
        self.length = length
        self.seed = seed
        self.gain_db = gain_db
        self.dither_db = dither_db

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> torch.Tensor:
        """Segment `index`; IndexError past the length."""
        if not 0 <= index < self.length:
            raise IndexError(index)
        rng = np.random.default_rng((self.seed, index))
        return torch.from_numpy(
            draw_segment(self.pool, self.samples, rng, self.gain_db, self.dither_db)
        )
