"""The `fit` command: the model, then its prior, with checkpoints after every validation."""

from __future__ import annotations

import argparse
import json
import logging
import warnings
from pathlib import Path

import lightning
from omegaconf import DictConfig, OmegaConf

from neurorave_device.errors import UserError
from neurorave_train.data.prepared import PreparedData
from neurorave_train.training.base import SoundTraining
from neurorave_train.training.data import SegmentData
from neurorave_train.training.families import build_training
from neurorave_train.training.prior import fit_prior
from neurorave_train.training.recipe import load_recipe
from neurorave_train.training.restore import begin_from
from neurorave_train.training.sameness import DATA_FILE, RECIPE_FILE, check_same
from neurorave_train.training.trainer import (
    UNTIL_TIME_IS_UP,
    checkpoint_of,
    compile_networks,
    make_trainer,
    precision_of,
)

MEGABYTE = 1 << 20


def main(args: argparse.Namespace) -> None:
    """Trains one stage or both; arguments as in `neurorave-train fit --help`."""
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*LeafSpec.*|.*treespec.*")
    # A run's folder holds the stages' own folders, and short runs are meant to be short.
    warnings.filterwarnings("ignore", message=".*Checkpoint directory .* exists and is not empty.*")
    # A stage that goes on has no figure yet, and keeps the best one it had.
    warnings.filterwarnings("ignore", message=".*could not find the monitored key.*")
    warnings.filterwarnings("ignore", message=".*smaller than the logging interval.*")
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    run = Path(args.out)
    recipe = load_recipe(args.recipe, args.set)
    if recipe.data.memory_mb < 0:
        raise UserError(f"recipe: data.memory_mb is {recipe.data.memory_mb}, it must be 0 or more")
    prepared = PreparedData(args.data, recipe.data.memory_mb * MEGABYTE)
    stages = [args.stage] if args.stage else ["model", "prior"]
    _check_run(run, args)
    if checkpoint_of(run, "model").exists():
        how = "--resume" if args.resume else f"--stage {args.stage}"
        check_same(run, recipe, prepared, how)
    precision_of(recipe)
    if args.max_seconds is not None:
        # The time decides; the schedules follow it.
        OmegaConf.update(recipe, "steps", UNTIL_TIME_IS_UP)
    if args.max_steps is not None:
        key = "prior.steps" if args.stage == "prior" else "steps"
        OmegaConf.update(recipe, key, args.max_steps)
    lightning.seed_everything(recipe.seed, workers=True, verbose=False)
    # Built before the folder is: a recipe that does not fit its data leaves nothing behind.
    module = build_training(recipe, prepared) if "model" in stages else None
    if args.begin_from is not None and module is not None:
        begin_from(Path(args.begin_from), module, prepared)
    _open_run(run, recipe, prepared, args)
    for stage in stages:
        print(f"training the {stage} of {run}", flush=True)
        if module is not None and stage == "model":
            _fit_model(module, run, recipe, prepared, args)
        else:
            fit_prior(run, recipe, prepared, args)
    print(f"{run} is trained; next: neurorave-train export --run {run} --out BUNDLE", flush=True)


def _check_run(run: Path, args: argparse.Namespace) -> None:
    """Refuses a used folder, which is only entered with --resume or for another stage."""
    stage = args.stage or "model"
    if checkpoint_of(run, stage).exists() and not args.resume:
        raise UserError(
            f"--out {run} already holds a trained {stage}; add --resume to go on, or name another "
            "folder"
        )
    if args.begin_from is not None and (args.resume or args.stage == "prior"):
        raise UserError("--from begins a model: it goes neither with --resume nor --stage prior")
    if args.resume and not checkpoint_of(run, stage).exists():
        raise UserError(f"--resume: {checkpoint_of(run, stage)} does not exist, nothing to resume")


def _open_run(
    run: Path, recipe: DictConfig, prepared: PreparedData, args: argparse.Namespace
) -> None:
    """Creates the run's folder and writes down what is trained on what."""
    run.mkdir(parents=True, exist_ok=True)
    OmegaConf.save(recipe, run / RECIPE_FILE)
    facts = {
        "data": prepared.data,
        "recipe": Path(args.recipe).stem,
        "prepared": str(prepared.folder.resolve()),
        "contents": prepared.contents(),
    }
    (run / DATA_FILE).write_text(json.dumps(facts))


def _fit_model(
    module: SoundTraining,
    run: Path,
    recipe: DictConfig,
    prepared: PreparedData,
    args: argparse.Namespace,
) -> None:
    steps = int(recipe.steps)
    every = min(int(recipe.validate_every), steps)
    # Optimisers that are stepped by hand clip by themselves.
    clip = recipe.optimiser.clip if module.automatic_optimization else 0.0
    compile_networks(recipe, module.model)
    trainer = make_trainer(run, "model", recipe, steps, every, clip, args)
    resume = str(checkpoint_of(run, "model")) if args.resume else None
    trainer.fit(
        module,
        datamodule=SegmentData(prepared, recipe, every),
        ckpt_path=resume,
        weights_only=False,
    )
