"""The `fit` command: the model, then its prior, with checkpoints after every validation."""

from __future__ import annotations

import argparse
import json
import logging
import time
import warnings
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import (
    Callback,
    EMAWeightAveraging,
    ModelCheckpoint,
    RichProgressBar,
)
from lightning.pytorch.loggers import TensorBoardLogger
from omegaconf import DictConfig, OmegaConf

from neurorave_device.errors import UserError
from neurorave_train.data.prepared import PreparedData
from neurorave_train.training.data import SegmentData
from neurorave_train.training.recipe import load_recipe

RECIPE_FILE = "recipe.yaml"
DATA_FILE = "data.json"
TIMES_FILE = "seconds.json"


class Stopwatch(Callback):
    """Adds up the seconds spent in training over all resumes, for the model card."""

    def __init__(self, file: Path, stage: str) -> None:
        self.file, self.stage = file, stage
        self.before: dict[str, float] = json.loads(file.read_text()) if file.exists() else {}
        self.started = time.monotonic()

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self.started = time.monotonic()

    def on_validation_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        if trainer.is_global_zero and not trainer.sanity_checking:
            spent = self.before.get(self.stage, 0.0) + time.monotonic() - self.started
            self.file.write_text(json.dumps({**self.before, self.stage: round(spent, 1)}))


class ValidationLine(Callback):
    """Prints one line of figures per validation, so that a log file alone tells the story."""

    def on_validation_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        if trainer.is_global_zero and not trainer.sanity_checking:
            figures = {
                k.split("/")[-1]: round(float(v), 4)
                for k, v in trainer.callback_metrics.items()
                if k.startswith("valid")
            }
            print(f"step {trainer.global_step}: {figures}", flush=True)


def checkpoint_of(run: Path, stage: str) -> Path:
    """Where a run keeps the newest checkpoint of a stage ("model" or "prior")."""
    return run / stage / "last.ckpt"


def make_trainer(
    run: Path,
    stage: str,
    recipe: DictConfig,
    steps: int,
    every: int,
    clip: float,
    args: argparse.Namespace,
) -> lightning.Trainer:
    """A Lightning trainer that validates and saves every `every` steps into run/stage."""
    checkpoints = ModelCheckpoint(
        run / stage,
        save_last=True,
        save_top_k=1,
        save_on_train_epoch_end=True,
        # A run that was moved to another folder would otherwise write last-v1.ckpt beside the old.
        enable_version_counter=False,
    )
    average = float(recipe.optimiser.average)
    callbacks: list[Callback] = [
        checkpoints,
        Stopwatch(run / TIMES_FILE, stage),
        ValidationLine(),
        RichProgressBar(leave=True),
    ]
    if average:
        # Buffers are copied rather than averaged: they are constants and running statistics.
        callbacks.append(
            EMAWeightAveraging(use_buffers=False, decay=average**4, update_every_n_steps=4)
        )
    processes = args.devices * args.num_nodes
    return lightning.Trainer(
        accelerator="auto",
        devices=args.devices,
        num_nodes=args.num_nodes,
        strategy=_strategy(recipe, stage) if processes > 1 else "auto",
        max_steps=steps,
        gradient_clip_val=clip,
        callbacks=callbacks,
        logger=TensorBoardLogger(run, name=None, version=f"{stage}/log"),
        reload_dataloaders_every_n_epochs=1,
        check_val_every_n_epoch=1,
        limit_train_batches=every,
        num_sanity_val_steps=0,
        log_every_n_steps=20,
        enable_model_summary=False,
    )


def _strategy(recipe: DictConfig, stage: str) -> str:
    """How several processes share a step; the published training uses a part of its networks in
    each backward pass, and which part changes.
    """
    parts = recipe.family == "paper" and stage == "model"
    return "ddp_find_unused_parameters_true" if parts else "ddp"


def main(args: argparse.Namespace) -> None:
    """Trains one stage or both; arguments as in `neurorave-train fit --help`."""
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*LeafSpec.*|.*treespec.*")
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    run = Path(args.out)
    recipe = load_recipe(args.recipe, args.set)
    prepared = PreparedData(args.data)
    stages = [args.stage] if args.stage else ["model", "prior"]
    _open_run(run, recipe, prepared, args)
    lightning.seed_everything(recipe.seed, workers=True, verbose=False)
    for stage in stages:
        if stage == "model":
            _fit_model(run, recipe, prepared, args)
        else:
            from neurorave_train.training.prior import fit_prior

            fit_prior(run, recipe, prepared, args)


def _open_run(
    run: Path, recipe: DictConfig, prepared: PreparedData, args: argparse.Namespace
) -> None:
    """Creates the run's folder; a used one is only entered with --resume or for another stage."""
    stage = args.stage or "model"
    if checkpoint_of(run, stage).exists() and not args.resume:
        raise UserError(
            f"--out {run} already holds a trained {stage}; add --resume to go on, or name another "
            "folder"
        )
    if args.resume and not checkpoint_of(run, stage).exists():
        raise UserError(f"--resume: {checkpoint_of(run, stage)} does not exist, nothing to resume")
    if args.max_steps is not None:
        OmegaConf.update(recipe, "prior.steps" if stage == "prior" else "steps", args.max_steps)
    run.mkdir(parents=True, exist_ok=True)
    OmegaConf.save(recipe, run / RECIPE_FILE)
    facts = {
        "data": prepared.data,
        "recipe": Path(args.recipe).stem,
        "prepared": str(prepared.folder.resolve()),
    }
    (run / DATA_FILE).write_text(json.dumps(facts))


def _fit_model(
    run: Path, recipe: DictConfig, prepared: PreparedData, args: argparse.Namespace
) -> None:
    from neurorave_train.training.families import build_training

    module = build_training(recipe, prepared)
    steps = int(recipe.steps)
    every = min(int(recipe.validate_every), steps)
    trainer = make_trainer(run, "model", recipe, steps, every, recipe.optimiser.clip, args)
    resume = str(checkpoint_of(run, "model")) if args.resume else None
    trainer.fit(
        module,
        datamodule=SegmentData(prepared, recipe, every),
        ckpt_path=resume,
        weights_only=False,
    )


def load_averaged(path: Path) -> dict[str, Any]:
    """A checkpoint of our own run with its averaged weights as `state_dict`."""
    if not path.is_file():
        raise UserError(f"{path} does not exist: train this stage first")
    loaded: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=False)
    return loaded
