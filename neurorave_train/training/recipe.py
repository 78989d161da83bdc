"""Recipes: short YAML files that state only what differs from the defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from neurorave_device.errors import UserError

FOLDER = Path(__file__).resolve().parent.parent / "recipes"
BASE = "base"


def names() -> list[str]:
    """Names of the recipes that ship."""
    return sorted(p.stem for p in FOLDER.glob("*.yaml") if p.stem != BASE)


def load_recipe(name_or_file: str, changes: list[str] | None = None) -> DictConfig:
    """The base recipe with the differences of a recipe and then of KEY=VALUE changes merged in.

    Raises UserError for an unknown recipe, broken YAML, an unknown key or a value of another type.
    """
    path = Path(name_or_file)
    if path.suffix not in (".yaml", ".yml"):
        path = FOLDER / f"{name_or_file}.yaml"
    if not path.is_file():
        raise UserError(
            f"recipe {name_or_file!r} is neither a file nor one of {', '.join(names())}"
        )
    base = _read(FOLDER / f"{BASE}.yaml")
    OmegaConf.set_struct(base, True)
    # Each decoder has options of its own; it checks them itself when it is built.
    OmegaConf.set_struct(base.model.decoder_options, False)
    try:
        merged = OmegaConf.merge(base, _read(path))
        merged = OmegaConf.merge(merged, OmegaConf.from_dotlist(list(changes or [])))
        _check_types(base, merged, path)
    except OmegaConfBaseException as error:
        detail = str(error).splitlines()[0]
        raise UserError(f"recipe {path.name}: {detail}; see recipes/{BASE}.yaml") from error
    assert isinstance(merged, DictConfig)
    return merged


def _read(path: Path) -> DictConfig:
    try:
        loaded = OmegaConf.load(path)
    except Exception as error:
        raise UserError(f"recipe {path} is not valid YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(loaded, DictConfig):
        raise UserError(f"recipe {path} must be a list of key: value lines")
    return loaded


def _check_types(base: DictConfig, merged: Any, path: Path, prefix: str = "") -> None:
    """Every value keeps the kind of its default, so that a typing slip is not found hours later."""
    for key, default in base.items():
        value = merged[key]
        if isinstance(default, DictConfig):
            if key != "decoder_options":
                _check_types(default, value, path, f"{prefix}{key!s}.")
            continue
        kinds = (int, float) if type(default) is float else (type(default),)
        if default is not None and (
            not isinstance(value, kinds) or type(value) is bool is not type(default) is bool
        ):
            wanted = "number" if type(default) is float else type(default).__name__
            raise UserError(
                f"recipe {path.name}: {prefix}{key!s} is {value!r}, it must be a {wanted}"
            )
