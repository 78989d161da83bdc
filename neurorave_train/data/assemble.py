"""Putting the folder together: audio, index, floor, descriptors and what is known of them."""

import json
from typing import Any, BinaryIO, Dict, Iterator, List, NamedTuple, Sequence

import numpy as np
import numpy.typing as npt

from neurorave_device.errors import UserError

from . import measure, statistics
from .files import write_array
from .hits import to_float
from .outfolder import SCHEMA, OutFolder, signature
from .progress import Progress, Step
from .scan import Source, family_of
from .splits import TRAIN, VALID, shard_name
from .work import Result, WorkFolder

SPLITS = (TRAIN, VALID)
COPY_SAMPLES = 1 << 22
# Audio goes into files of about this many samples (2 GB), which any disk and any copy can take.
SHARD_SAMPLES = 1 << 30
# Statistics over fewer audible frames than this would describe the recordings' accidents.
LEAST_FRAMES = 32


class Member(NamedTuple):
    """A usable recording and the split that it belongs to."""

    source: Source
    result: Result
    split: str


def assemble(
    target: OutFolder,
    work: WorkFolder,
    sources: Sequence[Source],
    members: Sequence[Member],
    results: Sequence[Result],
    notes: Sequence[str],
    progress: Progress,
) -> Dict[str, Any]:
    """Write every file of the folder and return the report that `prepared.yaml` holds.

    Two passes: audio and its mean spectrum, then descriptors, whose floor needs that spectrum.
    Everything that statistics are taken of is the train split's.
    """
    arguments = target.arguments
    parts = {split: [m for m in members if m.split == split] for split in SPLITS}
    if not parts[TRAIN]:
        raise UserError(
            f"--data {', '.join(arguments.folders)}: no usable audio is left for training."
        )
    indices, shards = {}, {}
    for split in SPLITS:
        indices[split] = _index(parts[split], arguments.hop)
        shards[split] = _write_audio(target, split, parts[split], work)
        target.new(f"index.{split}.json").write_text(
            json.dumps(indices[split], ensure_ascii=False, indent=0), "utf-8"
        )

    with progress.task("spectrum", len(indices[TRAIN])) as step:
        meter = measure.Meter.trained_on(
            _each_piece(parts[TRAIN], work, step), arguments.sample_rate, arguments.hop
        )
    with open(target.new("floor.npy"), "wb") as stream:
        write_array(stream, meter.floor)

    frames: Dict[str, npt.NDArray[np.float32]] = {}
    with progress.task("descriptors", sum(map(len, indices.values()))) as step:
        for split in SPLITS:
            rows = [_described(m, work, meter, step) for m in parts[split]]
            frames[split] = np.concatenate([np.zeros((0, measure.COUNT), np.float32), *rows])
            with open(target.new(f"descriptors.{split}.npy"), "wb") as stream:
                write_array(stream, frames[split])

    train = frames[TRAIN]
    audible = train[:, 0] > statistics.AUDIBLE_DB
    if int(audible.sum()) < LEAST_FRAMES:
        raise UserError(
            f"--data {', '.join(arguments.folders)}: only {int(audible.sum())} frames over "
            f"{statistics.AUDIBLE_DB:.0f} dB are left for training, at least {LEAST_FRAMES} "
            "are needed."
        )
    quantiles = statistics.quantiles(train)
    lengths = [entry["frames"] for entry in indices[TRAIN]]
    guard = statistics.guard(train, lengths, quantiles)
    report = {
        "schema": SCHEMA,
        "sample_rate": arguments.sample_rate,
        "hop": arguments.hop,
        "window": measure.WINDOW,
        "data": list(arguments.folders),
        "shards": shards,
        "splits": {split: _counts(indices[split], arguments.sample_rate) for split in SPLITS},
        "descriptors": [
            {"name": name, "unit": unit, "quantiles": [float(v) for v in knots]}
            for (name, unit), knots in zip(measure.NAMES_UNITS, quantiles)
        ],
        "probe": measure.probe_reading(arguments.sample_rate, arguments.hop),
        "guard": guard.plain(),
        "refused": [{"name": r.name, "reason": r.refused} for r in results if r.refused],
        "notes": list(notes) + _notes(results, indices),
        "arguments": arguments.plain(),
        "inputs": signature(sources),
    }
    target.publish(report)
    return report


def _each_piece(
    members: Sequence[Member], work: WorkFolder, step: Step
) -> Iterator[npt.NDArray[np.float32]]:
    """The pieces of all members, one after another."""
    for member in members:
        for piece in _pieces(member, work):
            yield piece
            step(1, member.source.name)


def _pieces(member: Member, work: WorkFolder) -> Iterator[npt.NDArray[np.float32]]:
    """The pieces of a recording as float32 in -1..1."""
    samples = work.samples(member.source.name)
    start = 0
    for length in member.result.pieces:
        yield to_float(samples[start : start + length])
        start += length


def _described(
    member: Member, work: WorkFolder, meter: measure.Meter, step: Step
) -> npt.NDArray[np.float32]:
    """Descriptors [frames, D] of all pieces of a recording, measured once for one floor."""
    name = member.source.name
    frames = sum(-(-samples // meter.hop) for samples in member.result.pieces)
    values = work.descriptors(name, meter.tag)
    if values is None or values.shape != (frames, measure.COUNT):
        rows = []
        for piece in _pieces(member, work):
            rows.append(meter.measure(piece))
            step(1, name)
        values = np.concatenate(rows)
        work.keep_descriptors(name, meter.tag, values)
    else:
        step(len(member.result.pieces), name)
    return values


def _counts(index: Sequence[Dict[str, Any]], sample_rate: int) -> Dict[str, Any]:
    """How much a split holds."""
    samples = sum(entry["samples"] for entry in index)
    return {
        "files": len({entry["name"].split("#")[0] for entry in index}),
        "pieces": len(index),
        "groups": len({entry["group"] for entry in index}),
        "seconds": round(samples / sample_rate, 3),
        "samples": samples,
        "frames": sum(entry["frames"] for entry in index),
    }


def _notes(results: Sequence[Result], indices: Dict[str, List[Dict[str, Any]]]) -> List[str]:
    """What the trainer should know about the recordings."""
    notes = [f"{r.name}: {r.note}." for r in results if r.note]
    if not indices[VALID]:
        notes.append(
            "Nothing is left for validation: add recordings of another group, or more of them."
        )
    return notes


def _index(members: Sequence[Member], hop: int) -> List[Dict[str, Any]]:
    """Where each piece lies: samples in the audio file, frames in the descriptor file."""
    index: List[Dict[str, Any]] = []
    start = frame = 0
    for member in members:
        many = len(member.result.pieces) > 1
        for number, samples in enumerate(member.result.pieces):
            frames = -(-samples // hop)
            index.append(
                {
                    "name": member.source.name + (f"#{number:04d}" if many else ""),
                    "group": member.source.group,
                    "family": family_of(member.source.name),
                    "start": start,
                    "samples": samples,
                    "frame_start": frame,
                    "frames": frames,
                }
            )
            start += samples
            frame += frames
    return index


def _write_audio(
    target: OutFolder, split: str, members: Sequence[Member], work: WorkFolder
) -> List[int]:
    """The int16 audio of a split back to back in shards, copied without holding it; their lengths.

    A recording is never cut between two.
    """
    groups: List[List[Member]] = [[]]
    lengths = [0]
    for member in members:
        samples = sum(member.result.pieces)
        if lengths[-1] and lengths[-1] + samples > SHARD_SAMPLES:
            groups.append([])
            lengths.append(0)
        groups[-1].append(member)
        lengths[-1] += samples
    for number, (group, total) in enumerate(zip(groups, lengths)):
        with open(target.new(shard_name(split, number)), "wb") as stream:
            np.lib.format.write_array_header_1_0(
                stream, {"descr": "<i2", "fortran_order": False, "shape": (total,)}
            )
            for member in group:
                _copy(work.samples(member.source.name), stream)
    return lengths


def _copy(samples: npt.NDArray[np.int16], stream: BinaryIO) -> None:
    for at in range(0, len(samples), COPY_SAMPLES):
        stream.write(samples[at : at + COPY_SAMPLES].tobytes())
