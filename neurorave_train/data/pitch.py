"""The pitch of prepared recordings, tracked once with librosa's pYIN and kept beside them."""

from __future__ import annotations

import hashlib
import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import librosa
import numpy as np
import numpy.typing as npt
import torch

from ..nets.harmonics import CENTRE_HZ, REACH
from .files import replacing
from .hits import Hit
from .prepared import PreparedData
from .progress import Progress
from .segments import SegmentDataset, draw_segment

Floats = npt.NDArray[np.float32]
LOWEST, HIGHEST = 40.0, 1900.0
WINDOW_SECONDS = 0.09
# Coarser than the defaults, which take as long as the sound lasts: a fifth of a semitone.
RESOLUTION, THRESHOLDS = 0.2, 50
VERSION = 1


class Pitch(NamedTuple):
    """coordinate [frames] in octaves from 250 Hz, known [frames] 1 where the tracker heard a pitch."""

    coordinate: Floats
    known: Floats


def track(audio: Floats, sample_rate: int, hop: int) -> Pitch:
    """The pitch of each frame; between and around what is known it goes straight on."""
    frames = -(-len(audio) // hop)
    window = 1 << round(np.log2(WINDOW_SECONDS * sample_rate))
    padded = np.zeros(frames * hop + window, np.float32)
    # The tracker's frame t is centred on sample t * hop, ours on the middle of a hop.
    padded[window // 2 - hop // 2 :][: len(audio)] = audio
    top = min(HIGHEST, 0.45 * sample_rate)
    hertz, voiced, _ = librosa.pyin(
        padded,
        fmin=LOWEST,
        fmax=top,
        sr=sample_rate,
        frame_length=window,
        hop_length=hop,
        center=False,
        resolution=RESOLUTION,
        n_thresholds=THRESHOLDS,
    )
    hertz, known = hertz[:frames], np.asarray(voiced[:frames])
    coordinate = np.zeros(frames)
    if known.any():
        at = np.flatnonzero(known)
        heard = np.clip(np.log2(hertz[at] / CENTRE_HZ), -REACH, REACH)
        coordinate = np.interp(np.arange(frames), at, heard)
    return Pitch(coordinate.astype(np.float32), known.astype(np.float32))


def pitches_of(prepared: PreparedData, split: str) -> list[Pitch]:
    """The pitch of every hit of a split, in index order; kept as a file where the folder allows it."""
    hits = prepared.split(split).hits
    path = prepared.folder / f"pitch.{split}.npz"
    frames = [-(-hit.samples // prepared.hop) for hit in hits]
    tag = _tag(prepared)
    known = _kept(path, sum(frames), tag)
    if known is None:
        progress = Progress()
        try:
            with progress.task("pitch", len(hits)) as step:
                rows = []
                for hit in hits:
                    found = track(np.array(hit.audio), prepared.sample_rate, prepared.hop)
                    rows.append(np.stack(found))
                    step(1, hit.name)
        finally:
            progress.stop()
        known = np.concatenate([np.zeros((2, 0), np.float32), *rows], axis=1)
        _keep(path, known, tag)
    cuts = np.cumsum(frames)[:-1]
    return [Pitch(*part) for part in np.split(known, cuts, axis=1)]


def _tag(prepared: PreparedData) -> str:
    """Names what was tracked, and how."""
    known = json.dumps([VERSION, version("librosa"), prepared.hop, prepared.report.get("inputs")])
    return hashlib.sha256(known.encode()).hexdigest()


def _kept(path: Path, frames: int, tag: str) -> Floats | None:
    try:
        with np.load(path) as found:
            values: Floats = found["pitch"]
            if str(found["tag"]) == tag and values.shape == (2, frames):
                return values
    except (OSError, KeyError, ValueError):
        pass
    return None


def _keep(path: Path, values: Floats, tag: str) -> None:
    if os.access(path.parent, os.W_OK):
        with replacing(path) as stream:
            np.savez(stream, pitch=values, tag=np.array(tag))


class PitchedSegments(SegmentDataset):
    """Training segments with the pitch of the hit that began last: audio [T], pitch and known [F]."""

    def __init__(
        self,
        hits: list[Hit],
        pitches: list[Pitch],
        hop: int,
        samples: int,
        length: int,
        seed: int,
        gain_db: float,
    ) -> None:
        super().__init__(hits, samples, length, seed, gain_db)
        self.hop = hop
        self.pitches = {id(hit): pitch for hit, pitch in zip(hits, pitches, strict=True)}

    def __getitem__(self, index: int) -> tuple[torch.Tensor, ...]:  # type: ignore[override]
        if not 0 <= index < self.length:
            raise IndexError(index)
        rng = np.random.default_rng((self.seed, index))
        placed: list[tuple[Hit, int]] = []
        audio = draw_segment(
            self.pool, self.samples, rng, self.gain_db, self.dither_db, placed=placed
        )
        curve = np.zeros((2, self.samples // self.hop), np.float32)
        for hit, position in placed:
            first = round(position / self.hop)
            part = np.stack(self.pitches[id(hit)])[:, max(0, -first) :]
            start = max(0, first)
            part = part[:, : max(0, curve.shape[1] - start)]
            curve[:, start : start + part.shape[1]] = part
        return torch.from_numpy(audio), torch.from_numpy(curve[0]), torch.from_numpy(curve[1])
