"""Which Lightning module trains which family of models."""

from __future__ import annotations

import inspect
import math
from pathlib import Path
from typing import Any, TypeAlias

import torch
from omegaconf import DictConfig, OmegaConf

from neurorave_device.errors import UserError
from neurorave_train.data.prepared import PreparedData
from neurorave_train.data.segments import SegmentDataset
from neurorave_train.nets.model import DECODERS, PITCHED
from neurorave_train.nets.paper_layers import fold_weight_norm
from neurorave_train.training.ddsp import DdspTraining
from neurorave_train.training.module import PlayableTraining
from neurorave_train.training.paper import PaperTraining
from neurorave_train.training.pitched import PitchedTraining
from neurorave_train.training.recipe import completed

Training: TypeAlias = PlayableTraining | PaperTraining | DdspTraining
FAMILIES = ("playable", "paper", "ddsp")
# What the model itself gives its decoder.
GIVEN = ("self", "sample_rate", "hop", "latents", "knots", "followed", "gain_shape")


def build_training(recipe: DictConfig, prepared: PreparedData) -> Training:
    """The Lightning module of a recipe's family over prepared data."""
    plain: Any = OmegaConf.to_container(recipe, resolve=True)
    knots = torch.from_numpy(prepared.quantiles).float()
    floor = torch.from_numpy(prepared.floor).float()
    if recipe.family not in FAMILIES:
        raise UserError(f"recipe: family is {recipe.family!r}, allowed: {', '.join(FAMILIES)}")
    if recipe.family == "paper":
        _check_hop(recipe, prepared)
    else:
        _check_options(recipe)
    try:
        if recipe.family == "paper":
            return PaperTraining(plain, knots, floor, prepared.sample_rate)
        return _kind(recipe)(plain, knots, floor, prepared.sample_rate, prepared.hop)
    except (TypeError, ValueError, KeyError, RuntimeError) as error:
        raise UserError(f"recipe: the model cannot be built ({error})") from error


def hears_pitch(recipe: DictConfig) -> bool:
    """Whether a recipe's training needs the pitch of the recordings."""
    pitched = recipe.family == "playable" and recipe.model.decoder == PITCHED
    return bool(recipe.family == "ddsp" or pitched)


def _kind(recipe: DictConfig) -> type[PlayableTraining | DdspTraining]:
    if recipe.family == "ddsp":
        return DdspTraining
    return PitchedTraining if hears_pitch(recipe) else PlayableTraining


def _check_options(recipe: DictConfig) -> None:
    """The decoder is one that there is, and its options are those that it has."""
    name = recipe.model.decoder
    if name not in DECODERS:
        raise UserError(f"recipe: model.decoder is {name!r}, allowed: {', '.join(DECODERS)}")
    known = inspect.signature(DECODERS[name].__init__).parameters
    allowed = [k for k in known if k not in GIVEN]
    for key in recipe.model.decoder_options:
        if key not in allowed:
            raise UserError(
                f"recipe: model.decoder_options.{key} is not an option of the decoder {name}, "
                f"allowed: {', '.join(allowed)}"
            )


def _check_hop(recipe: DictConfig, prepared: PreparedData) -> None:
    """The hop of the published network is what its bands and ratios multiply to."""
    p = recipe.paper
    hop = math.prod([p.bands, *p.ratios])
    if hop != prepared.hop:
        raise UserError(
            f"recipe: paper.bands {p.bands} and paper.ratios {list(p.ratios)} make a hop of {hop} "
            f"samples, but {prepared.folder} was prepared with {prepared.hop}; prepare the "
            f"recordings into another folder with neurorave-train prepare --hop {hop}"
        )


def load_training(checkpoint: Path, prepared: PreparedData) -> Training:
    """A trained module with the averaged weights of its checkpoint, ready to evaluate.

    Checkpoints are read with pickle: load your own runs only. The device never reads one.
    """
    if not checkpoint.is_file():
        raise UserError(f"{checkpoint} does not exist: train the model first")
    # Mapped, not read: only the recipe is wanted here.
    facts = torch.load(checkpoint, map_location="cpu", weights_only=False, mmap=True)
    recipe = completed(facts["hyper_parameters"]["recipe"])
    kind = PaperTraining if recipe["family"] == "paper" else _kind(OmegaConf.create(recipe))
    module = kind.load_from_checkpoint(
        checkpoint, map_location="cpu", weights_only=False, recipe=recipe
    ).eval()
    if isinstance(module, PaperTraining):
        fold_weight_norm(module.model)
    if isinstance(module, PlayableTraining):
        calibrate_latent(module, prepared)
    return module


def calibrate_latent(module: PlayableTraining, prepared: PreparedData, segments: int = 192) -> None:
    """Sets the latent's mean and variance to what the averaged encoder gives on training segments.

    The running statistics belong to the weights of the last step, whose scale drifts because the
    normalisation cancels it; averaged weights need statistics of their own (Izmailov et al., 2018).
    """
    d = module.recipe.data
    dataset = SegmentDataset(
        prepared.split("train").hits, d.segment_frames * prepared.hop, segments, seed=977
    )
    model = module.model
    norm = model.encoder.bound.norm
    heard: list[torch.Tensor] = []
    keep = norm.register_forward_hook(lambda _, inputs, __: heard.append(inputs[0]))
    with torch.no_grad():
        for start in range(0, segments, 16):
            items = range(start, min(start + 16, segments))
            model.encode(torch.stack([dataset[i] for i in items]))
    keep.remove()
    values = torch.cat(heard)
    assert norm.running_mean is not None and norm.running_var is not None
    norm.running_mean.copy_(values.mean(dim=0))
    norm.running_var.copy_(values.var(dim=0))
