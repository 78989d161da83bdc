"""Which Lightning module trains which family of models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning
import torch
from omegaconf import DictConfig, OmegaConf

from neurorave_device.errors import UserError
from neurorave_train.data.prepared import PreparedData
from neurorave_train.training.module import PlayableTraining


def build_training(recipe: DictConfig, prepared: PreparedData) -> lightning.LightningModule:
    """The Lightning module of a recipe's family over prepared data."""
    plain: Any = OmegaConf.to_container(recipe, resolve=True)
    knots = torch.from_numpy(prepared.quantiles).float()
    floor = torch.from_numpy(prepared.floor).float()
    if recipe.family == "playable":
        return PlayableTraining(plain, knots, floor, prepared.sample_rate, prepared.hop)
    raise UserError(f"recipe: family is {recipe.family!r}, it must be playable or paper")


def load_training(checkpoint: Path) -> PlayableTraining:
    """A trained module with the averaged weights of its checkpoint, ready to evaluate.

    Checkpoints are read with pickle: load your own runs only. The device never reads one.
    """
    if not checkpoint.is_file():
        raise UserError(f"{checkpoint} does not exist: train the model first")
    module = PlayableTraining.load_from_checkpoint(
        checkpoint, map_location="cpu", weights_only=False
    )
    return module.eval()
