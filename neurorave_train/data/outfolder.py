"""The output folder's state: whose it is, whether it is finished, and how it becomes so."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Dict, List, NamedTuple, Optional, Sequence, Tuple, Type

import yaml

from neurorave_device.errors import UserError

from .files import replacing, sync, write_json
from .measure import WINDOW, probe_reading, same_reading
from .scan import Source

SCHEMA = 1
REPORT = "prepared.yaml"
RATES = (8000, 96000)
HOPS = (16, WINDOW)


class Arguments(NamedTuple):
    """Everything that decides what the folder will hold, besides the recordings themselves."""

    folders: Tuple[str, ...]
    exclude: Tuple[str, ...]
    sample_rate: int
    hop: int
    valid_share: float
    seed: int

    @classmethod
    def checked(
        cls,
        folders: Sequence[str],
        exclude: Sequence[str],
        sample_rate: int,
        hop: int,
        valid_share: float,
        seed: int,
    ) -> "Arguments":
        """Arguments within their ranges; UserError otherwise."""
        if not RATES[0] <= sample_rate <= RATES[1]:
            raise UserError(
                f"--sample-rate {sample_rate}: allowed are {RATES[0]} to {RATES[1]} Hz."
            )
        if not HOPS[0] <= hop <= HOPS[1] or hop % 2:
            raise UserError(f"--hop {hop}: allowed are even numbers from {HOPS[0]} to {HOPS[1]}.")
        if not 0.0 <= valid_share <= 0.5:
            raise UserError(f"--valid-share {valid_share:g}: allowed are 0 to 0.5.")
        return cls(tuple(folders), tuple(sorted(set(exclude))), sample_rate, hop, valid_share, seed)

    def with_folders(self, names: Sequence[str]) -> "Arguments":
        """The same with folder names instead of paths, so that nothing written tells a path."""
        return self._replace(folders=tuple(names))

    def plain(self) -> Dict[str, Any]:
        """As JSON and YAML hold it."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in self._asdict().items()}


def signature(sources: Sequence[Source]) -> str:
    """One hash over names, sizes and times of the recordings."""
    listing = [[s.name, s.group, s.fixed_split, s.size, s.mtime_ns] for s in sources]
    return hashlib.sha256(json.dumps(listing).encode()).hexdigest()


class OutFolder:
    """An output folder held by this process; UserError where it belongs to something else.

    New files are written as `<name>.new` and get their names together in `publish`, so that what
    an earlier run made stays whole until then.
    """

    def __init__(self, path: Path, arguments: Arguments) -> None:
        self.path = path
        self.work = path / "work"
        self.arguments = arguments
        self._lock: Optional[BinaryIO] = None
        self._new: List[str] = []

    def __enter__(self) -> "OutFolder":
        self._check_arguments()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except FileNotFoundError as error:
            raise UserError(f"--out {self.path}: no folder can be made there.") from error
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        if error is not None:
            # On a full disk half-written files would only be in the way of going on.
            for name in self._new:
                with contextlib.suppress(OSError):
                    (self.path / f"{name}.new").unlink()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _check_arguments(self) -> None:
        """Refuse a folder that was begun or finished with other arguments."""
        begun = self.work / "arguments.json"
        if self.path.exists() and not self.path.is_dir():
            raise UserError(f"--out {self.path}: this is a file, a folder is needed.")
        if self.work.is_dir() and not begun.exists() and any(self.work.iterdir()):
            raise UserError(f"--out {self.path}: its folder work/ is not one of prepare's.")
        try:
            if begun.exists():
                earlier = json.loads(begun.read_text("utf-8"))
            else:
                report = self.report()
                earlier = None if report is None else report["arguments"]
        except (ValueError, KeyError, TypeError, yaml.YAMLError) as error:
            raise UserError(
                f"--out {self.path}: what an earlier run left there cannot be read; choose another "
                "folder or delete this one."
            ) from error
        if earlier is None or earlier == self.arguments.plain():
            return
        now = self.arguments.plain()
        key = next(k for k in now if earlier.get(k) != now[k])
        raise UserError(
            f"--out {self.path}: was made with {key} {earlier.get(key)}, asked is {now[key]}; "
            "choose another folder or delete this one."
        )

    def report(self) -> Optional[Dict[str, Any]]:
        """The report of a finished run, None where there is none."""
        path = self.path / REPORT
        if not path.exists():
            return None
        found = yaml.safe_load(path.read_text("utf-8"))
        if not isinstance(found, dict):
            raise ValueError("not a mapping")
        return found

    def is_finished(self, sources: Sequence[Source]) -> bool:
        """Whether the folder holds these very recordings, measured by the descriptors of today.

        Otherwise it is opened for work.
        """
        report = self.report()
        if report is not None and report.get("inputs") == signature(sources):
            sizes = report.get("files", {})
            whole = all(_size(self.path / name) == size for name, size in sizes.items())
            reading = probe_reading(self.arguments.sample_rate, self.arguments.hop)
            if whole and same_reading(report.get("probe", []), reading):
                # An interruption between the last file and the cleaning leaves this behind.
                shutil.rmtree(self.work, ignore_errors=True)
                return True
        self.work.mkdir(exist_ok=True)
        write_json(self.work / "arguments.json", self.arguments.plain())
        self._lock = open(self.work / "lock", "wb")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UserError(f"--out {self.path}: another prepare is writing there.") from error
        return False

    def new(self, name: str) -> Path:
        """Where to write a file that `publish` will name `name`."""
        if name not in self._new:
            self._new.append(name)
        return self.path / f"{name}.new"

    def publish(self, report: Dict[str, Any]) -> None:
        """Name all new files, the report last, and remove the per-recording results.

        An interruption in between leaves no report, so that the mixture is not taken for whole.
        """
        report["files"] = {name: _size(self.path / f"{name}.new") for name in self._new}
        for name in self._new:
            sync(self.path / f"{name}.new")
        earlier = self.report() or {}
        (self.path / REPORT).unlink(missing_ok=True)
        # An earlier, larger set may have had more files of audio.
        for name in set(earlier.get("files", {})) - set(self._new):
            (self.path / name).unlink(missing_ok=True)
        for name in self._new:
            os.replace(self.path / f"{name}.new", self.path / name)
        with replacing(self.path / REPORT) as stream:
            text = yaml.safe_dump(report, sort_keys=False, allow_unicode=True, width=100)
            stream.write(text.encode())
        shutil.rmtree(self.work, ignore_errors=True)


def _size(path: Path) -> int:
    """Bytes of a file, -1 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return -1
