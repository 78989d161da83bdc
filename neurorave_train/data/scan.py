"""Finding the recordings: folders, exclusions, split folders and manifests."""

import csv
import fnmatch
import os
import re
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

import soundfile

from neurorave_device.errors import UserError

from .splits import TRAIN, VALID

SPLIT_FOLDERS = {"train": TRAIN, "valid": VALID, "validation": VALID, "val": VALID, "test": "test"}
MANIFESTS = ("manifest.tsv", "manifest.csv")
# Header-less and matrix formats cannot be told from other data, so they are no audio here.
_NOT_BY_NAME = {"raw", "mat4", "mat5", "nist", "wavex", "mpc2k", "ircam", "svx", "sds", "htk"}
_MORE_ENDINGS = {"aif", "aifc", "oga", "opus", "snd", "sph", "iff", "bwf", "wave", "sf", "mp2"}
# Audio that soundfile does not read: named as refused instead of passed over in silence.
UNREADABLE_ENDINGS = {"m4a", "mp4", "aac", "wma", "ape", "wv", "dsf", "dff", "amr", "mka", "webm"}


class Source(NamedTuple):
    """One recording on disk; `name` and `group` start with the data folder's name."""

    path: Path
    name: str
    group: str
    fixed_split: Optional[str]
    size: int
    mtime_ns: int


class Scan(NamedTuple):
    """What the folders hold: sources in name order, sentences worth saying, folder names."""

    sources: List[Source]
    notes: List[str]
    folders: List[str]


def audio_endings() -> Set[str]:
    """Endings that soundfile may read, lower case, without the dot."""
    formats = {name.lower() for name in soundfile.available_formats()}
    return (formats - _NOT_BY_NAME) | _MORE_ENDINGS


def family_of(name: str) -> str:
    """Leading alphabetic word of the file name ("cajon" in "x/cajon_sl5.flac"), lower case."""
    word = re.match(r"[^\W\d_]+", os.path.basename(name))
    return word.group(0).lower() if word else "other"


def scan_folders(folders: Sequence[Path], exclude: Sequence[str] = ()) -> Scan:
    """Find every recording below the folders; UserError where a folder or a manifest is unusable."""
    sources: List[Source] = []
    notes: List[str] = []
    seen: Set[str] = set()
    unused = set(exclude)
    names = _folder_names(folders)
    for folder, folder_name in zip(folders, names):
        if not folder.is_dir():
            found = "this is a file, a folder is needed" if folder.exists() else "no such folder"
            raise UserError(f"--data {folder}: {found}.")
        manifest = read_manifest(folder)
        closed: List[str] = []
        paths, unheard = _audio_below(folder, exclude, unused, closed)
        notes.extend(f"{folder_name}/{where}: cannot be opened, skipped." for where in closed)
        layout, more = _split_layout(folder, paths)
        notes.extend(f"{folder_name}: {sentence}" for sentence in more)
        unlisted = 0
        for relative in paths:
            path = folder / relative
            split: Optional[str] = None
            if layout is not None:
                part = relative.split("/", 1)[0] if "/" in relative else ""
                if SPLIT_FOLDERS.get(part) not in layout:
                    continue
                split = SPLIT_FOLDERS[part] if VALID in layout else None
            # One file reached by two ways must not land in two splits.
            real = os.path.realpath(path)
            if real in seen:
                notes.append(f"{folder_name}/{relative}: met twice, taken once.")
                continue
            seen.add(real)
            if manifest is not None and relative not in manifest:
                unlisted += 1
            group = (manifest or {}).get(relative) or os.path.splitext(relative)[0]
            try:
                stat = path.stat()
            except OSError:
                # A dangling link: reading it later refuses it by name.
                size, mtime = -1, 0
            else:
                size, mtime = stat.st_size, stat.st_mtime_ns
            sources.append(
                Source(
                    path,
                    f"{folder_name}/{relative}",
                    f"{folder_name}/{group}",
                    split,
                    size,
                    mtime,
                )
            )
        if unlisted and manifest:
            notes.append(
                f"{folder_name}: {unlisted} files are not in its manifest; each is a group."
            )
        if unheard:
            notes.append(f"{folder_name}: {unheard} files that are not audio are passed over.")
    for pattern in sorted(unused):
        notes.append(f"--exclude {pattern} fits no file.")
    sources.sort(key=lambda source: source.name)
    notes.extend(_crossing_groups(sources))
    return Scan(sources, notes, names)


def read_manifest(folder: Path) -> Optional[Dict[str, str]]:
    """Relative path -> group of a manifest.tsv or manifest.csv; None where there is none.

    The group is the column `group`, else `source_file`; a row with an empty cell has none.
    """
    for file_name in MANIFESTS:
        path = folder / file_name
        if not path.is_file():
            continue
        try:
            with open(path, newline="", encoding="utf-8-sig") as stream:
                rows = list(csv.reader(stream, delimiter="\t" if path.suffix == ".tsv" else ","))
        except (UnicodeDecodeError, csv.Error) as error:
            raise UserError(f"{path}: not a readable UTF-8 table ({error}).") from error
        if not rows or "file" not in rows[0]:
            raise UserError(f"{path}: the first line must name the columns, one of them `file`.")
        column = next((c for c in ("group", "source_file") if c in rows[0]), None)
        if column is None:
            return None
        file_at, group_at = rows[0].index("file"), rows[0].index(column)
        table = {}
        for number, row in enumerate(rows[1:], start=2):
            if not row:
                continue
            if len(row) <= max(file_at, group_at):
                raise UserError(
                    f"{path}: line {number} has {len(row)} columns, the first line {len(rows[0])}."
                )
            table[row[file_at].replace("\\", "/").removeprefix("./")] = row[group_at].strip()
        return table
    return None


def _folder_names(folders: Sequence[Path]) -> List[str]:
    """Names without their paths, told apart by a number where two are alike."""
    names: List[str] = []
    for folder in folders:
        base = folder.resolve().name or "data"
        name, number = base, 2
        while name in names:
            name, number = f"{base}-{number}", number + 1
        names.append(name)
    return names


def _audio_below(
    folder: Path, exclude: Sequence[str], unused: Set[str], closed: List[str]
) -> Tuple[List[str], int]:
    """Relative paths of everything named like audio, and the number of other files."""
    endings = audio_endings() | UNREADABLE_ENDINGS
    found, others = [], 0
    for relative in _walk(folder, closed):
        ending = relative.rsplit(".", 1)[-1].lower() if "." in relative else ""
        if ending not in endings:
            others += relative not in MANIFESTS
            continue
        base = relative.rsplit("/", 1)[-1]
        fitting = [p for p in exclude if fnmatch.fnmatch(relative, p) or fnmatch.fnmatch(base, p)]
        unused.difference_update(fitting)
        if not fitting:
            found.append(relative)
    return sorted(found), others


def _walk(folder: Path, closed: List[str]) -> Iterator[str]:
    """Relative paths of all files that are not hidden; links to folders are followed once.

    Folders that cannot be opened are added to `closed`.
    """

    def note(error: OSError) -> None:
        closed.append(os.path.relpath(str(error.filename), folder))

    visited: Set[str] = set()
    for base, directories, files in os.walk(folder, followlinks=True, onerror=note):
        real = os.path.realpath(base)
        if real in visited:
            directories.clear()
            continue
        visited.add(real)
        directories[:] = sorted(d for d in directories if not d.startswith("."))
        for file in files:
            if not file.startswith("."):
                yield os.path.relpath(os.path.join(base, file), folder).replace(os.sep, "/")


def _split_layout(folder: Path, paths: List[str]) -> Tuple[Optional[Set[str]], List[str]]:
    """Which parts of a folder with train/ are used (None: it has no train/), and what to say."""
    parts = {entry for entry in SPLIT_FOLDERS if (folder / entry).is_dir()}
    if "train" not in parts:
        return None, []
    used = {SPLIT_FOLDERS[part] for part in parts} - {"test"}
    notes = []
    skipped = sum(path.startswith("test/") for path in paths)
    if "test" in parts:
        notes.append(f"test/ is kept apart: its {skipped} files are skipped.")
    if VALID not in used:
        notes.append("there is no valid/ beside train/, so train/ is split by group.")
    outside = sum(path.split("/", 1)[0] not in parts or "/" not in path for path in paths)
    if outside:
        notes.append(f"{outside} files lie outside train/ and valid/ and are skipped.")
    return used, notes


def _crossing_groups(sources: Sequence[Source]) -> List[str]:
    """Groups that the user's own train/ and valid/ folders put on both sides."""
    splits: Dict[str, Set[str]] = {}
    for source in sources:
        if source.fixed_split is not None:
            splits.setdefault(source.group, set()).add(source.fixed_split)
    crossing = sorted(group for group, found in splits.items() if len(found) > 1)
    if not crossing:
        return []
    return [
        f"{len(crossing)} groups of the manifest are in both train/ and valid/ (the folders decide):"
        f" {', '.join(crossing[:5])}{' ...' if len(crossing) > 5 else ''}."
    ]
