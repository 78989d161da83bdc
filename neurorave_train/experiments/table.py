"""Tables: YAML files that say which systems are trained on which sets with which seeds."""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from omegaconf import OmegaConf

from neurorave_device.errors import UserError
from neurorave_train.training.recipe import load_recipe

FOLDER = Path(__file__).parent / "tables"
KEYS = (
    "purpose",
    "seconds",
    "seeds",
    "sets",
    "systems",
    "change",
    "quick",
    "oracle",
    "full",
    "limit",
    "compare",
    "published_order",
)
SET_KEYS = ("folders", "exclude", "sample_rate")
SYSTEM_KEYS = ("recipe", "change", "hop", "sets")
DEFAULT_HOP = 512


class AudioSet(NamedTuple):
    """A set of recordings: folders with train/ and valid/ below the data folder."""

    name: str
    folders: tuple[str, ...]
    exclude: tuple[str, ...]
    sample_rate: int


class System(NamedTuple):
    """A recipe with changes under a name of its own; `sets` are those it is for, none means all."""

    name: str
    recipe: str
    change: tuple[str, ...]
    hop: int
    sets: tuple[str, ...] = ()


class Cell(NamedTuple):
    """One run of a table."""

    audio: AudioSet
    system: System
    seed: int

    @property
    def name(self) -> str:
        """Names its files."""
        return f"{self.audio.name}.{self.system.name}.{self.seed}"


class Table(NamedTuple):
    """What is compared; `change` are KEY=VALUE changes to every recipe, the rest is the evaluation's.

    `compare` are pairs of systems whose difference is worth a line, `published_order` systems as the
    publication ranks them, the best first.
    """

    name: str
    purpose: str
    seconds: float
    change: tuple[str, ...]
    quick: bool
    oracle: bool
    full: bool
    limit: int | None
    cells: tuple[Cell, ...]
    compare: tuple[tuple[str, str], ...] = ()
    published_order: tuple[str, ...] = ()

    def published(self) -> list[tuple[str, str]]:
        """Every pair of systems whose first is published as the better one."""
        return list(itertools.combinations(self.published_order, 2))

    def pairs(self) -> list[tuple[str, str]]:
        """Every pair of systems that is compared."""
        return list(dict.fromkeys([*self.compare, *self.published()]))

    def changes(self, cell: Cell) -> list[str]:
        """All changes to a cell's recipe, its seed included."""
        return [*self.change, *cell.system.change, f"seed={cell.seed}"]

    def recipe(self, cell: Cell) -> dict[str, Any]:
        """A cell's recipe in full; UserError where a key or a value is wrong."""
        found: dict[str, Any] = json.loads(_recipe(cell.system.recipe, tuple(self.changes(cell))))
        return found

    def fingerprint(self, cell: Cell) -> str:
        """Changes with everything that a result depends on, save the code."""
        return _digest(
            [self.training_fingerprint(cell), self.quick, self.oracle, self.full, self.limit]
        )

    def training_fingerprint(self, cell: Cell) -> str:
        """Changes with everything that a trained bundle depends on, save the code."""
        return _digest([_in_use(self.recipe(cell)), self.seconds, cell.audio, cell.system.hop])


def _in_use(recipe: dict[str, Any]) -> dict[str, Any]:
    """A recipe without the terms of the objective that weigh nothing, which are not computed.

    So a term that is new, and off, is no reason to run everything again.
    """
    objective = {key: value for key, value in recipe["objective"].items() if value}
    return {**recipe, "objective": objective}


def _digest(known: list[Any]) -> str:
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:16]


@functools.lru_cache
def _recipe(name: str, changes: tuple[str, ...]) -> str:
    """A recipe with changes as JSON, read once."""
    plain = OmegaConf.to_container(load_recipe(name, list(changes)), resolve=True)
    return json.dumps(plain)


def names() -> list[str]:
    """Names of the tables that ship."""
    return sorted(p.stem for p in FOLDER.glob("*.yaml"))


def load_table(
    name_or_file: str,
    seconds: float | None = None,
    seeds: list[int] | None = None,
    sets: list[str] | None = None,
    systems: list[str] | None = None,
) -> Table:
    """A table by name or file, its time replaced and its cells narrowed where that is asked.

    Raises UserError that names file, key and what is allowed.
    """
    path = Path(name_or_file)
    if path.suffix not in (".yaml", ".yml"):
        path = FOLDER / f"{name_or_file}.yaml"
    if not path.is_file():
        raise UserError(f"table {name_or_file!r} is neither a file nor one of {', '.join(names())}")
    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"table {path} is not valid YAML") from error
    _check_keys(path, "", found, KEYS)
    for key in ("seconds", "seeds", "sets", "systems"):
        if not found.get(key):
            raise UserError(f"table {path}: {key} is missing")
    all_sets = [_audio_set(path, name, entry) for name, entry in _entries(path, found, "sets")]
    set_names = [audio.name for audio in all_sets]
    all_systems = [
        _system(path, name, entry, set_names) for name, entry in _entries(path, found, "systems")
    ]
    system_names = [system.name for system in all_systems]
    chosen_sets = _chosen("--set", all_sets, sets)
    chosen_systems = _chosen("--system", all_systems, systems)
    cells = [
        Cell(a, s, seed)
        # Seeds outermost: after a third of the time the whole table is there once.
        for seed in (seeds or found["seeds"])
        for a in chosen_sets
        for s in chosen_systems
        if not s.sets or a.name in s.sets
    ]
    if not cells:
        raise UserError(
            f"{path.stem}: of what is chosen nothing is left, "
            + "; ".join(f"{s.name} is for {', '.join(s.sets)} only" for s in chosen_systems)
        )
    limit = float(seconds if seconds is not None else found["seconds"])
    if not limit > 0.0:
        raise UserError(f"table {path}: seconds is {limit:g}, it must be above 0")
    change = tuple(found.get("change") or ())
    table = Table(
        path.stem,
        str(found.get("purpose", "")),
        limit,
        change,
        bool(found.get("quick", False)),
        bool(found.get("oracle", False)),
        bool(found.get("full", False)),
        int(found["limit"]) if found.get("limit") else None,
        tuple(cells),
        _pairs(path, found.get("compare") or [], all_systems),
        tuple(_known(path, "published_order", found.get("published_order") or [], system_names)),
    )
    for cell in {cell.system: cell for cell in cells}.values():
        table.recipe(cell)
    return table


def _entries(path: Path, found: dict[str, Any], key: str) -> list[tuple[str, dict[str, Any]]]:
    entries = found[key]
    if not isinstance(entries, dict):
        raise UserError(
            f"table {path}: {key} must hold names with their settings (or nothing) each"
        )
    return [(str(name), entry or {}) for name, entry in entries.items()]


def _audio_set(path: Path, name: str, entry: dict[str, Any]) -> AudioSet:
    _check_keys(path, f"sets.{name}.", entry, SET_KEYS)
    return AudioSet(
        name,
        tuple(entry.get("folders") or [name]),
        tuple(entry.get("exclude") or ()),
        int(entry.get("sample_rate", 44100)),
    )


def _system(path: Path, name: str, entry: dict[str, Any], set_names: list[str]) -> System:
    _check_keys(path, f"systems.{name}.", entry, SYSTEM_KEYS)
    hop = int(entry.get("hop", DEFAULT_HOP))
    change = tuple(entry.get("change") or ())
    sets = _known(path, f"systems.{name}.sets", entry.get("sets") or [], set_names)
    return System(name, str(entry.get("recipe", name)), change, hop, tuple(sets))


def _pairs(path: Path, found: Any, systems: list[System]) -> tuple[tuple[str, str], ...]:
    if not isinstance(found, list) or any(
        not isinstance(pair, list) or len(pair) != 2 for pair in found
    ):
        raise UserError(f"table {path}: compare must hold pairs of systems, like [ours, frave]")
    for pair in found:
        _known(path, "compare", pair, [system.name for system in systems])
    return tuple((str(first), str(second)) for first, second in found)


def _known(path: Path, key: str, found: Any, names_there: list[str]) -> list[str]:
    if not isinstance(found, list):
        raise UserError(f"table {path}: {key} must be a list of names: {', '.join(names_there)}")
    for name in found:
        if name not in names_there:
            raise UserError(
                f"table {path}: {key} names {name!r}, allowed: {', '.join(names_there)}"
            )
    return [str(name) for name in found]


def _check_keys(path: Path, prefix: str, found: Any, allowed: tuple[str, ...]) -> None:
    if not isinstance(found, dict):
        raise UserError(
            f"table {path}: {prefix.rstrip('.') or 'it'} must hold keys: {', '.join(allowed)}"
        )
    for key in found:
        if key not in allowed:
            raise UserError(
                f"table {path}: {prefix}{key} is not a key of tables, allowed: {', '.join(allowed)}"
            )


def _chosen(option: str, all_of_them: list[Any], names_wanted: list[str] | None) -> list[Any]:
    known = [one.name for one in all_of_them]
    for name in names_wanted or []:
        if name not in known:
            raise UserError(f"{option} {name}: not in the table, allowed: {', '.join(known)}")
    return [one for one in all_of_them if names_wanted is None or one.name in names_wanted]
