"""The evaluation clips of a folder: everything in it that is audio, joined to segments of 1.30 s."""

import hashlib
import json
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

import numpy as np
import soundfile

from neurorave_device.errors import UserError

from ..data.hits import Hit
from ..data.loading import SILENCE_PEAK, Refused, pieces, probe
from ..data.scan import Source, scan_folders
from ..data.segments import LONGEST_CLIP_SECONDS, join_clips, join_plan
from .metrics import Floats

# A folder with one recording of hours must neither fill the memory nor drown the other files.
LONGEST_SECONDS = 600.0
# More samples than this share at full scale are no peaks any more.
FULL_SCALE, CLIPPED_SHARE = 0.999, 0.002
# Of the shuffle that joins the recordings.
SEED = 0


class Clips(NamedTuple):
    """Clips of one length, the number of files, sentences about what was left out, and the list.

    `listed` is plain data: by which files, in what order, with which seed the clips are made.
    """

    audio: List[Floats]
    files: int
    notes: List[str]
    listed: Dict[str, Any]


def load_clips(
    folder: str,
    sample_rate: int,
    samples: int,
    exclude: Sequence[str] = (),
    limit: Optional[int] = None,
    only: Optional[Dict[str, Any]] = None,
) -> Clips:
    """Read every recording below a folder, at the wanted rate, joined to clips of `samples`.

    The same folder gives the same clips, `limit` the first of them. `only` is the list of an earlier
    evaluation: its files are used, in its way, and each must be what it was. Raises UserError where
    there are fewer than two clips.
    """
    scan = scan_folders([Path(folder)], exclude)
    sources, seed = scan.sources, SEED
    if only is not None:
        seed = only["seed"]
        sources = _listed(folder, sources, only)
    notes = list(scan.notes)
    hits: List[Hit] = []
    refused: List[str] = []
    used: List[Source] = []
    for source in sources:
        try:
            found = _hits(source, sample_rate, notes)
        except (Refused, soundfile.LibsndfileError) as reason:
            refused.append(f"{source.name}: {reason}")
            continue
        used.append(source)
        hits.extend(found)
    if not hits:
        there = "there are no audio files" if not sources else "no recording can be used"
        raise UserError(
            f"--data {folder}: {there}{_reasons(refused)}; allowed is what soundfile reads, such as "
            "WAV, FLAC, OGG and MP3."
        )
    longest = round(LONGEST_CLIP_SECONDS * sample_rate)
    audio = join_clips(hits, samples, seed=seed, longest=longest)[:limit]
    if len(audio) < 2:
        raise UserError(
            f"--data {folder}: its recordings make {len(audio)} clip of "
            f"{samples / sample_rate:.2f} s{_reasons(refused)}; 2 or more are needed."
        )
    notes += [f"refused {reason}." for reason in refused]
    listed = {
        "seed": seed,
        "sample_rate": sample_rate,
        "samples": samples,
        "files": [{"name": _name(source), "sha256": _digest(source)} for source in used],
        "clips": _contents(hits, samples, seed, longest, len(audio)),
    }
    return Clips(audio, len(used), notes, listed)


def read_list(path: str) -> Dict[str, Any]:
    """The clip list in the figures of an earlier evaluation; UserError where there is none."""
    try:
        found = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) else "it is no JSON"
        raise UserError(f"--clips {path}: cannot be read ({words}).") from error
    try:
        listed = found["clip_list"]
        names = [(str(row["name"]), str(row["sha256"])) for row in listed["files"]]
        return {"seed": int(listed["seed"]), "files": dict(names)}
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"--clips {path}: there is no clip list in it; allowed is what --json has written."
        ) from error


def _listed(folder: str, sources: Sequence[Source], only: Dict[str, Any]) -> List[Source]:
    """The sources of a list; UserError where one is not there or has other contents."""
    there = {_name(source): source for source in sources}
    for name, digest in only["files"].items():
        if name not in there:
            raise UserError(f"--data {folder}: {name} of the clip list is not there.")
        if _digest(there[name]) != digest:
            raise UserError(
                f"--data {folder}: {name} is not the file of the clip list (other sha256)."
            )
    return [source for source in sources if _name(source) in only["files"]]


def _name(source: Source) -> str:
    """Path below the data folder, wherever that lies and whatever it is called."""
    return source.name.split("/", 1)[-1]


def _digest(source: Source) -> str:
    return hashlib.sha256(source.path.read_bytes()).hexdigest()


def _contents(
    hits: Sequence[Hit], samples: int, seed: int, longest: int, clips: int
) -> List[List[str]]:
    """The names of the pieces that sound in each clip; a piece's number follows its file's name."""
    plan = join_plan(hits, np.random.default_rng(seed), longest=longest)
    found: List[List[str]] = []
    for i in range(clips):
        begin, end = i * samples, (i + 1) * samples
        inside = [p for p in plan if p.start < end and p.start + p.hit.samples > begin]
        found.append([p.hit.name.split("/", 1)[-1] for p in inside])
    return found


def _reasons(refused: Sequence[str]) -> str:
    """The first refusals in brackets, so that none is without its reason."""
    more = f"; and {len(refused) - 3} more" if len(refused) > 3 else ""
    return f" ({'; '.join(refused[:3])}{more})" if refused else ""


def _hits(source: Source, sample_rate: int, notes: List[str]) -> List[Hit]:
    """The audible pieces of one recording."""
    looked = probe(source.path)
    hits: List[Hit] = []
    used = clipped = 0
    for number, piece in enumerate(pieces(source.path, looked, sample_rate)):
        if used >= LONGEST_SECONDS * sample_rate:
            notes.append(f"{source.name}: the first {LONGEST_SECONDS / 60.0:.0f} minutes are used.")
            break
        used += len(piece)
        clipped += int((np.abs(piece) >= FULL_SCALE).sum())
        if len(piece) and float(np.abs(piece).max()) >= SILENCE_PEAK:
            hits.append(Hit.of(f"{source.name}#{number:04d}", piece))
    if looked.peak > 1.0:
        over = 20.0 * np.log10(looked.peak)
        notes.append(f"{source.name}: {over:.1f} dB over full scale; lowered by that.")
    elif clipped > CLIPPED_SHARE * used:
        notes.append(
            f"{source.name}: clipped, {100.0 * clipped / used:.1f} % of its samples stand at full "
            "scale; used as it is."
        )
    return hits
