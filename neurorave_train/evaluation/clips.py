"""The evaluation clips of a folder: everything in it that is audio, joined to segments of 1.30 s."""

from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence

import numpy as np
import soundfile

from neurorave_device.errors import UserError

from ..data.hits import Hit
from ..data.loading import SILENCE_PEAK, Refused, pieces, probe
from ..data.scan import Source, scan_folders
from ..data.segments import LONGEST_CLIP_SECONDS, join_clips
from .metrics import Floats

# A folder with one recording of hours must neither fill the memory nor drown the other files.
LONGEST_SECONDS = 600.0


class Clips(NamedTuple):
    """Clips of one length, the number of files in them, and sentences about what was left out."""

    audio: List[Floats]
    files: int
    notes: List[str]


def load_clips(
    folder: str,
    sample_rate: int,
    samples: int,
    exclude: Sequence[str] = (),
    limit: Optional[int] = None,
) -> Clips:
    """Read every recording below a folder, at the wanted rate, joined to clips of `samples`.

    The same folder gives the same clips, `limit` the first of them. Raises UserError where there are
    fewer than two clips.
    """
    scan = scan_folders([Path(folder)], exclude)
    notes = list(scan.notes)
    hits: List[Hit] = []
    refused: List[str] = []
    files = 0
    for source in scan.sources:
        try:
            found = _hits(source, sample_rate, notes)
        except (Refused, soundfile.LibsndfileError) as reason:
            refused.append(f"{source.name}: {reason}")
            continue
        files += 1
        hits.extend(found)
    if not hits:
        there = "there are no audio files" if not scan.sources else "no recording can be used"
        raise UserError(
            f"--data {folder}: {there}{_reasons(refused)}; allowed is what soundfile reads, such as "
            "WAV, FLAC, OGG and MP3."
        )
    longest = round(LONGEST_CLIP_SECONDS * sample_rate)
    audio = join_clips(hits, samples, longest=longest)[:limit]
    if len(audio) < 2:
        raise UserError(
            f"--data {folder}: its recordings make {len(audio)} clip of "
            f"{samples / sample_rate:.2f} s{_reasons(refused)}; 2 or more are needed."
        )
    return Clips(audio, files, notes + [f"refused {reason}." for reason in refused])


def _reasons(refused: Sequence[str]) -> str:
    """The first refusals in brackets, so that none is without its reason."""
    more = f"; and {len(refused) - 3} more" if len(refused) > 3 else ""
    return f" ({'; '.join(refused[:3])}{more})" if refused else ""


def _hits(source: Source, sample_rate: int, notes: List[str]) -> List[Hit]:
    """The audible pieces of one recording."""
    looked = probe(source.path)
    hits: List[Hit] = []
    used = 0
    for number, piece in enumerate(pieces(source.path, looked, sample_rate)):
        if used >= LONGEST_SECONDS * sample_rate:
            notes.append(f"{source.name}: the first {LONGEST_SECONDS / 60.0:.0f} minutes are used.")
            break
        used += len(piece)
        if len(piece) and float(np.abs(piece).max()) >= SILENCE_PEAK:
            hits.append(Hit.of(f"{source.name}#{number:04d}", piece))
    return hits
