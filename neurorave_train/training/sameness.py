"""Whether a run may go on: with the recordings and the network it began with."""

from __future__ import annotations

import json
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from neurorave_device.errors import UserError
from neurorave_train.data.prepared import PreparedData

RECIPE_FILE = "recipe.yaml"
DATA_FILE = "data.json"
# What a checkpoint depends on: with another value its weights have no place.
NETWORK = ("family", "descriptors", "model")
SIZES = {
    "paper": ("bands", "capacity", "latents", "ratios", "dilations", "noise_ratios", "noise_bins"),
    "ddsp": ("latents", "width", "harmonics", "bands", "blocks"),
}


def check_same(run: Path, recipe: DictConfig, prepared: PreparedData, how: str) -> None:
    """Refuses to go on with a run whose recordings or network are not those of now.

    `how` names the option with which it was to go on. Runs of versions that kept less are taken at
    their word.
    """
    facts, began = run / DATA_FILE, run / RECIPE_FILE
    if not (facts.exists() and began.exists()):
        return
    instead = f"name another --out, and `--from {run}` to begin with its weights"
    known = json.loads(facts.read_text()).get("contents") or {}
    here = prepared.contents()
    for key, value in known.items():
        if here.get(key) != value:
            raise UserError(
                f"{how}: the recordings changed since {run} began: {key} was {value}, "
                f"{prepared.folder} has {here.get(key)}; {instead}"
            )
    old = OmegaConf.load(began)
    assert isinstance(old, DictConfig)
    keys = [*NETWORK, *(f"{recipe.family}.{k}" for k in SIZES.get(recipe.family, ()))]
    for key in keys:
        was, now = OmegaConf.select(old, key), OmegaConf.select(recipe, key)
        if was is None or was == now:
            continue
        if isinstance(was, DictConfig):
            changed = (
                next(k for k in now if was.get(k, now[k]) != now[k]) if _differ(was, now) else None
            )
            if changed is None:
                continue
            key, was, now = f"{key}.{changed}", was.get(changed), now[changed]
        raise UserError(f"{how}: {key} was {was} when {run} began and is {now} now; {instead}")


def _differ(was: DictConfig, now: DictConfig) -> bool:
    """Whether a key that both have has another value; keys that came later do not count."""
    return any(was.get(k, now[k]) != now[k] for k in now)
