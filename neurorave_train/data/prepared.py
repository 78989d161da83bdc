"""Typed access to what `neurorave-train prepare` wrote."""

import bisect
import functools
import hashlib
import itertools
import json
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt
import yaml

from neurorave_device.errors import UserError

from .hits import Floats, Hit, to_float
from .measure import probe_reading, same_reading
from .outfolder import REPORT, SCHEMA
from .splits import TRAIN, VALID, shard_name
from .statistics import GuardRanges

# A split is decoded to float32 once up to this size, else hit by hit.
HELD_BYTES = 1 << 30


class DescriptorTable(NamedTuple):
    """Name, unit and the 25 knots of one descriptor."""

    name: str
    unit: str
    quantiles: Tuple[float, ...]


class Split:
    """One split: its hits and their descriptors. Thread: any, after the first use."""

    def __init__(
        self,
        folder: Path,
        name: str,
        held_bytes: int = HELD_BYTES,
        shards: Optional[Sequence[int]] = None,
    ) -> None:
        self.name = name
        self._held_bytes = held_bytes
        self._folder = folder
        self._index: List[Dict[str, Any]] = json.loads(
            (folder / f"index.{name}.json").read_text("utf-8")
        )
        # Where each file of audio ends in the split, and the files that were opened.
        ends = [self.samples] if shards is None else list(itertools.accumulate(shards))
        self._ends: List[int] = ends
        self._maps: Dict[int, npt.NDArray[np.int16]] = {}
        self._held: Optional[Floats] = None
        self._hits: Optional[List[Hit]] = None
        self._descriptors: Optional[Floats] = None

    def __getstate__(self) -> Dict[str, Any]:
        """Without the arrays: another process maps or decodes them itself."""
        return {**self.__dict__, "_maps": {}, "_held": None, "_descriptors": None}

    @property
    def samples(self) -> int:
        """Length of all hits together."""
        return sum(int(entry["samples"]) for entry in self._index)

    @property
    def audio(self) -> npt.NDArray[np.int16]:
        """All samples back to back: mapped from disk, or put together where there are several files."""
        if self.samples == 0:
            return np.zeros(0, np.int16)
        parts = [self._shard(number) for number in range(len(self._ends))]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _shard(self, number: int) -> npt.NDArray[np.int16]:
        """A file of audio, mapped from disk."""
        if number not in self._maps:
            path = self._folder / shard_name(self.name, number)
            self._maps[number] = np.load(path, mmap_mode="r")
        return self._maps[number]

    @property
    def descriptors(self) -> Floats:
        """Descriptors [frames, D] of all hits, physical units."""
        if self._descriptors is None:
            self._descriptors = np.load(self._folder / f"descriptors.{self.name}.npy")
        return self._descriptors

    @property
    def hits(self) -> List[Hit]:
        """The hits in index order; their audio is decoded at the first use."""
        if self._hits is None:
            self._hits = [self._hit(entry) for entry in self._index]
        return self._hits

    def descriptors_of(self, number: int) -> Floats:
        """Descriptors [frames, D] of hit `number`."""
        entry = self._index[number]
        start = int(entry["frame_start"])
        return self.descriptors[start : start + int(entry["frames"])]

    def _hit(self, entry: Dict[str, Any]) -> Hit:
        start, samples = int(entry["start"]), int(entry["samples"])
        return Hit(
            entry["name"],
            entry["family"],
            samples,
            functools.partial(self._floats, start, start + samples),
            entry["group"],
        )

    def _floats(self, start: int, end: int) -> Floats:
        if self._held is None:
            if 4 * self.samples > self._held_bytes:
                # No recording lies in two files.
                number = bisect.bisect_right(self._ends, start)
                before = self._ends[number - 1] if number else 0
                return to_float(self._shard(number)[start - before : end - before])
            self._held = to_float(self.audio)
            self._held.flags.writeable = False
        return self._held[start:end]


class PreparedData:
    """A prepared folder; UserError where it is missing, unfinished, damaged or of another schema.

    A split of more than `held_bytes` of decoded audio is read from disk hit by hit.
    """

    def __init__(self, folder: "Path | str", held_bytes: int = HELD_BYTES) -> None:
        self.folder = Path(folder)
        self.report = _read_report(self.folder)
        try:
            self.sample_rate = int(self.report["sample_rate"])
            self.hop = int(self.report["hop"])
            self.window = int(self.report["window"])
            self.data: List[str] = list(self.report["data"])
            self.descriptors = [
                DescriptorTable(d["name"], d["unit"], tuple(d["quantiles"]))
                for d in self.report["descriptors"]
            ]
            #: Knots [D, 25], ascending, physical units.
            self.quantiles = np.array([d.quantiles for d in self.descriptors], np.float64)
            found = self.report["guard"]
            self.guard = GuardRanges(
                np.array(found["mean"]),
                np.array(found["covariance"]),
                float(found["limit"]),
                np.array(found["rate"]),
            )
            #: Power spectrum [window / 2 + 1] for Descriptors(floor=...).
            self.floor: Floats = np.load(self.folder / "floor.npy")
            shards = self.report.get("shards") or {}
            self._splits = {
                name: Split(self.folder, name, held_bytes, shards.get(name))
                for name in (TRAIN, VALID)
            }
            self._check()
        except (KeyError, TypeError, ValueError, OSError) as error:
            raise UserError(
                f"{self.folder / REPORT}: damaged ({type(error).__name__}: {error}); "
                "run neurorave-train prepare again."
            ) from error

    def contents(self) -> Dict[str, Any]:
        """What tells this folder's recordings and their tables from another's, as plain data."""
        files = {f"{k} in bytes": v for k, v in self.report["files"].items()}
        knots = hashlib.sha256(self.quantiles.tobytes()).hexdigest()[:16]
        facts = {"sample_rate": self.sample_rate, "hop": self.hop, "quantile tables": knots}
        return {**facts, **files}

    def split(self, name: str) -> Split:
        """The split `train` or `valid`."""
        return self._splits[name]

    def _check(self) -> None:
        """Compare file sizes and shapes with the report."""
        for name, size in self.report["files"].items():
            path = self.folder / name
            there = path.stat().st_size if path.is_file() else -1
            if there != size:
                raise UserError(
                    f"{path}: {'missing' if there < 0 else f'{there} bytes'}, {REPORT} says "
                    f"{size} bytes; run neurorave-train prepare again."
                )
        # Tables of other descriptors would be asked for with one meaning and trained with another.
        reading = self.report.get("probe")
        if reading is not None:
            today = probe_reading(self.sample_rate, self.hop)
            if not same_reading(reading, today):
                raise UserError(
                    f"{self.folder}: was measured by other descriptors than this version has; run "
                    "neurorave-train prepare again."
                )
        if self.quantiles.ndim != 2 or not (np.diff(self.quantiles) > 0).all():
            raise ValueError("the quantile tables do not ascend")
        if self.floor.shape != (self.window // 2 + 1,):
            raise ValueError(f"floor.npy has shape {self.floor.shape}")
        for name, split in self._splits.items():
            if split.samples != self.report["splits"][name]["samples"]:
                raise ValueError(f"index.{name}.json holds {split.samples} samples")


def _read_report(folder: Path) -> Dict[str, Any]:
    """The report; UserError where there is none of this schema."""
    path = folder / REPORT
    if not path.is_file():
        if (folder / "work").is_dir():
            raise UserError(f"{folder}: preparing is not finished; run the same prepare again.")
        raise UserError(f"{folder}: holds no {REPORT}; make it with neurorave-train prepare.")
    try:
        report = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: is not YAML; run neurorave-train prepare again.") from error
    schema = report.get("schema") if isinstance(report, dict) else None
    if schema != SCHEMA or not isinstance(report, dict):
        raise UserError(f"{path}: schema is {schema!r}, this version reads {SCHEMA}.")
    return report
