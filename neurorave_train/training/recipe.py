"""Recipes: short YAML files that state only what differs from the defaults."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import (
    GrammarParseError,
    InterpolationKeyError,
    InterpolationToMissingValueError,
    OmegaConfBaseException,
    UnsupportedInterpolationType,
)
from yaml import YAMLError

from neurorave_device.errors import UserError

FOLDER = Path(__file__).resolve().parent.parent / "recipes"
BASE = "base"
# Each decoder has options of its own; it checks them itself when it is built.
FREE = "model.decoder_options"


def names() -> list[str]:
    """Names of the recipes that ship."""
    found = (p.relative_to(FOLDER).with_suffix("") for p in FOLDER.rglob("*.yaml"))
    return sorted(str(name) for name in found if str(name) != BASE)


def load_recipe(name_or_file: str, changes: list[str] | None = None) -> DictConfig:
    """The base recipe with the differences of a recipe and then of KEY=VALUE changes merged in.

    Where a recipe `extends` another one, that one's differences come before its own.

    Raises UserError for an unknown recipe, broken YAML, an unknown key or a value of another type;
    it names the file or the change, the key, and what is allowed.
    """
    base = _read(FOLDER / f"{BASE}.yaml")
    OmegaConf.set_struct(base, True)
    OmegaConf.set_struct(base.model.decoder_options, False)
    layers = [(f"recipe {path}", layer) for path, layer in _layers(name_or_file, Path(), ())]
    layers += [(f"--set {change}", _change(change)) for change in changes or []]
    merged = base
    for source, layer in layers:
        try:
            _check(source, base, layer)
            merged = OmegaConf.merge(merged, layer)  # type: ignore[assignment]
            # What refers to another key has its value and its kind only now.
            OmegaConf.resolve(merged)
            _check(source, base, merged)
        except OmegaConfBaseException as error:
            raise UserError(f"{source}: {_in_our_words(error)}") from error
    return merged


def completed(recipe: dict[str, Any]) -> dict[str, Any]:
    """The recipe of a run with the defaults of the keys that it lacks, because it is older than they are."""
    whole = OmegaConf.merge(_read(FOLDER / f"{BASE}.yaml"), recipe)
    found: dict[str, Any] = OmegaConf.to_container(whole)  # type: ignore[assignment]
    return found


def _layers(
    name_or_file: object, beside: Path, inside: tuple[Path, ...]
) -> list[tuple[Path, DictConfig]]:
    """The recipe's file and what it extends, the farthest first."""
    path = Path(str(name_or_file))
    if path.suffix in (".yaml", ".yml"):
        path = beside / path
    else:
        path = FOLDER / f"{name_or_file}.yaml"
    if not path.is_file():
        whose = f"{inside[-1]}: extends" if inside else "recipe"
        raise UserError(
            f"{whose} {name_or_file!r} is neither a file nor one of {', '.join(names())}"
        )
    if path.resolve() in (p.resolve() for p in inside):
        raise UserError(f"recipe {path}: extends leads back to itself")
    layer = _read(path)
    parent = layer.pop("extends", None)
    if parent is None:
        return [(path, layer)]
    return [*_layers(parent, path.parent, (*inside, path)), (path, layer)]


def _in_our_words(error: OmegaConfBaseException) -> str:
    """What a value that cannot be worked out means, without the library's inner names."""
    key = getattr(error, "full_key", None) or getattr(error, "key", None) or "a value"
    if isinstance(error, InterpolationKeyError | InterpolationToMissingValueError):
        missing = re.search(r"'([^']+)'", str(error))
        what = f"{missing.group(1)}, which" if missing else "a key that"
        return f"{key} refers to {what} recipes do not have"
    if isinstance(error, GrammarParseError | UnsupportedInterpolationType):
        return f"{key} is not a value: only ${{another.key}} may stand between dollar and braces"
    return f"{key} is not allowed as it is written"


def _read(path: Path) -> DictConfig:
    try:
        loaded = OmegaConf.load(path)
    except Exception as error:
        raise UserError(f"recipe {path} is not valid YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(loaded, DictConfig):
        raise UserError(f"recipe {path} must be a list of key: value lines")
    return loaded


def _change(text: str) -> DictConfig:
    try:
        return OmegaConf.from_dotlist([text])
    except (OmegaConfBaseException, YAMLError) as error:
        raise UserError(f"--set {text}: the value is not valid YAML") from error


def _check(source: str, base: DictConfig, layer: DictConfig, prefix: str = "") -> None:
    """Every key is one of the defaults' and every value of the kind of its default, so that a typing
    slip is not found hours later.
    """
    for name in layer:
        key = f"{prefix}{name!s}"
        if name not in base:
            raise UserError(f"{source}: {key} is not a key of recipes, {_near(base, key, prefix)}")
        if OmegaConf.is_interpolation(layer, str(name)):
            continue
        default, value = base[name], layer[name]
        if isinstance(default, DictConfig):
            if not isinstance(value, DictConfig):
                keys = ", ".join(map(str, default)) or "the decoder's options"
                raise UserError(f"{source}: {key} is {value!r}, it holds keys: {keys}")
            if key != FREE:
                _check(source, default, value, f"{key}.")
        elif not _same_kind(default, value):
            raise UserError(f"{source}: {key} is {value!r}, it must be a {_kind(default)}")


def _near(base: DictConfig, key: str, prefix: str) -> str:
    """What was probably meant: the nearest keys beside it or, of the same name, elsewhere."""
    beside = [f"{prefix}{name!s}" for name in base]
    everywhere = _all_keys(_read(FOLDER / f"{BASE}.yaml"))
    last = key.rsplit(".", 1)[-1]
    found = difflib.get_close_matches(key, beside, n=3)
    found += [known for known in everywhere if known.rsplit(".", 1)[-1] == last]
    found += difflib.get_close_matches(key, everywhere, n=3)
    if not found:
        return f"allowed: {', '.join(beside)}"
    return f"the nearest: {', '.join(dict.fromkeys(found))}"


def _all_keys(part: DictConfig, prefix: str = "") -> list[str]:
    keys = []
    for name, value in part.items():
        keys.append(f"{prefix}{name!s}")
        if isinstance(value, DictConfig):
            keys += _all_keys(value, f"{prefix}{name!s}.")
    return keys


def _same_kind(default: object, value: object) -> bool:
    # True is a whole number to Python.
    if isinstance(value, bool) or isinstance(default, bool):
        return type(value) is type(default)
    return isinstance(value, (int, float) if isinstance(default, float) else type(default))


def _kind(default: object) -> str:
    kinds = {float: "number", int: "whole number", str: "word", bool: "true or false"}
    return "list" if isinstance(default, ListConfig) else kinds[type(default)]
