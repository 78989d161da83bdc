"""The resumable half of preparing: one result per recording, kept in OUT/work."""

import hashlib
import json
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

import numpy as np
import numpy.typing as npt
import soundfile

from .files import replacing, write_array, write_json
from .loading import CLIPPED_SHARE, SILENCE_PEAK, Refused, Tick, pieces, probe, to_int16
from .scan import Source


class Result(NamedTuple):
    """What became of one recording: the lengths of its pieces in samples, or why it is refused."""

    name: str
    pieces: List[int]
    refused: Optional[str]
    note: Optional[str]


class WorkFolder:
    """Per-recording results in a folder; a recording whose size or time changed has none.

    The samples are raw little-endian int16 (`.pcm`), all pieces back to back. The `.json` beside
    them is written last and says that they are whole.
    """

    def __init__(self, folder: Path, sample_rate: int) -> None:
        self.folder = folder
        self.sample_rate = sample_rate

    def _path(self, name: str, ending: str) -> Path:
        return self.folder / (hashlib.sha256(name.encode()).hexdigest()[:20] + ending)

    def load(self, source: Source) -> Optional[Result]:
        """The finished result of a recording, None where there is none that still holds."""
        try:
            found: Dict[str, Any] = json.loads(self._path(source.name, ".json").read_text("utf-8"))
            stamp = [found["name"], found["size"], found["mtime_ns"], found["sample_rate"]]
            if stamp != [source.name, source.size, source.mtime_ns, self.sample_rate]:
                return None
            result = Result(source.name, found["pieces"], found["refused"], found["note"])
            if result.pieces:
                size = self._path(source.name, ".pcm").stat().st_size
                if size != 2 * sum(result.pieces):
                    return None
            return result
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def make(self, source: Source, shortest: int, tick: Tick) -> Result:
        """Read a recording and keep its result; `shortest` is the least length in samples.

        `tick` hears shares of the recording, twice 1 for long ones, which are read twice.
        """
        lengths: List[int] = []
        refused: Optional[str] = None
        note: Optional[str] = None
        try:
            found = probe(source.path, tick)
            with replacing(self._path(source.name, ".pcm")) as stream:
                for piece in pieces(source.path, found, self.sample_rate, tick):
                    # A long recording may be silent for a while; that part teaches nothing.
                    if len(piece) < shortest or float(np.abs(piece).max()) < SILENCE_PEAK:
                        continue
                    stream.write(to_int16(piece).astype("<i2").tobytes())
                    lengths.append(len(piece))
            if not lengths:
                raise Refused(
                    f"it is shorter than one frame ({1000.0 * shortest / self.sample_rate:.1f} ms)"
                )
            if found.gain < 1.0:
                note = f"over full scale (peak {found.peak:.3g}), lowered to it"
            elif found.clipped > CLIPPED_SHARE:
                share = 100.0 * found.clipped
                note = f"clipped ({share:.1f} % of its samples at full scale), and so will the model sound"
        except (Refused, soundfile.LibsndfileError) as reason:
            refused, lengths = str(reason), []
            self._path(source.name, ".pcm").unlink(missing_ok=True)
        write_json(
            self._path(source.name, ".json"),
            {
                "name": source.name,
                "size": source.size,
                "mtime_ns": source.mtime_ns,
                "sample_rate": self.sample_rate,
                "pieces": lengths,
                "refused": refused,
                "note": note,
            },
        )
        return Result(source.name, lengths, refused, note)

    def finished(self, sources: Sequence[Source]) -> int:
        """How many recordings have a result that holds."""
        return sum(self.load(source) is not None for source in sources)

    def samples(self, name: str) -> npt.NDArray[np.int16]:
        """All samples of a finished recording, mapped from disk."""
        return np.memmap(self._path(name, ".pcm"), dtype="<i2", mode="r")

    def descriptors(self, name: str, tag: str) -> Optional[npt.NDArray[np.float32]]:
        """Kept descriptors [frames, D] of a recording; `tag` names what they depend on."""
        try:
            found: npt.NDArray[np.float32] = np.load(self._path(name, f".{tag}.npy"))
            return found
        except (OSError, ValueError, EOFError):
            return None

    def keep_descriptors(self, name: str, tag: str, values: npt.NDArray[np.float32]) -> None:
        """Keep the descriptors of a recording."""
        with replacing(self._path(name, f".{tag}.npy")) as stream:
            write_array(stream, values)
