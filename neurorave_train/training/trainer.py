"""The trainer of a stage: how often it validates and saves, and what it tells while it runs."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any, Literal

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging, ModelCheckpoint, ProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from omegaconf import DictConfig
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from neurorave_device.errors import UserError
from neurorave_train.training.budget import Budget

TIMES_FILE = "seconds.json"
BEST = "best"
# The number of steps of a run that a budget of time ends.
UNTIL_TIME_IS_UP = 10**9


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

    def __init__(self, stage: str) -> None:
        self.stage = stage

    def on_validation_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        if trainer.is_global_zero and not trainer.sanity_checking:
            figures = {
                k.split("/")[-1]: round(float(v), 4)
                for k, v in trainer.callback_metrics.items()
                if k.startswith("valid")
            }
            text = ", ".join(f"{name} {value:g}" for name, value in figures.items())
            step = f"step {trainer.global_step}"
            if trainer.max_steps < UNTIL_TIME_IS_UP:
                step += f" of {trainer.max_steps}"
            print(f"{self.stage}, {step}: {text}", flush=True)


class StepBar(ProgressBar):
    """A bar of the steps of a whole stage, where stdout is a terminal.

    Elsewhere there is none: a log file shows the line of each validation. Lightning's own bars count
    within the steps between two validations, which they call epochs.
    """

    def __init__(self, stage: str, console: Console | None = None) -> None:
        super().__init__()
        self.stage = stage
        console = console or Console()
        self.progress = Progress(
            TextColumn("{task.description}, step {task.fields[place]}"),
            BarColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
            console=console,
            disable=not console.is_terminal,
        )

    def disable(self) -> None:
        self.progress.disable = True

    def enable(self) -> None:
        self.progress.disable = not self.progress.console.is_terminal

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        step = trainer.global_step
        steps = trainer.max_steps if trainer.max_steps < UNTIL_TIME_IS_UP else None
        self.of = "" if steps is None else f" of {steps}"
        self.task = self.progress.add_task(
            self.stage, total=steps, completed=step, place=f"{step}{self.of}", figures=""
        )
        self.progress.start()

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        figures = [f"{k} {float(v):.3f}" for k, v in trainer.progress_bar_metrics.items()]
        self.progress.update(
            self.task,
            completed=trainer.global_step,
            place=f"{trainer.global_step}{self.of}",
            figures=", ".join(figures),
            refresh=False,
        )

    def teardown(
        self, trainer: lightning.Trainer, module: lightning.LightningModule, stage: str
    ) -> None:
        self.progress.stop()

    def on_exception(
        self,
        trainer: lightning.Trainer,
        module: lightning.LightningModule,
        exception: BaseException,
    ) -> None:
        self.progress.stop()


class SaveWhenInterrupted(Callback):
    """Ctrl-C keeps what was learnt since the last validation; `words` then say how to go on."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.words = ""

    def on_exception(
        self,
        trainer: lightning.Trainer,
        module: lightning.LightningModule,
        exception: BaseException,
    ) -> None:
        # Several processes would have to save together, and the others may be gone already.
        if not isinstance(exception, KeyboardInterrupt) or trainer.world_size > 1:
            return
        step = trainer.global_step
        kept = "nothing was learnt yet"
        if step:
            trainer.save_checkpoint(self.file)
            kept = f"{self.file} is written, the same command with --resume goes on from there"
        self.words = f"interrupted at step {step}: {kept}."


class Trainer(lightning.Trainer):
    """Lightning's, but Ctrl-C goes on to the caller as KeyboardInterrupt with what there is to say.

    Lightning ends the whole process itself then, with the status of a failure.
    """

    saver: SaveWhenInterrupted

    def fit(self, *arguments: Any, **options: Any) -> None:
        """As Lightning's; raises KeyboardInterrupt where it was interrupted."""
        try:
            super().fit(*arguments, **options)
        except SystemExit:
            if not self.interrupted:
                raise
            raise KeyboardInterrupt(self.saver.words) from None


def checkpoint_of(run: Path, stage: str) -> Path:
    """Where a run keeps the newest checkpoint of a stage ("model" or "prior")."""
    return run / stage / "last.ckpt"


def best_of(run: Path, stage: str) -> Path:
    """Where a run keeps a stage's best checkpoint (`make_trainer`); the newest where it keeps none."""
    best = run / stage / f"{BEST}.ckpt"
    return best if best.is_file() else checkpoint_of(run, stage)


def make_trainer(
    run: Path,
    stage: str,
    recipe: DictConfig,
    steps: int,
    every: int,
    clip: float,
    args: argparse.Namespace,
    keep_best: str | None = None,
) -> Trainer:
    """A Lightning trainer that validates and saves every `every` steps into run/stage.

    `keep_best` is a figure of validation: the checkpoint where it was lowest is kept beside the newest.
    """
    checkpoints = ModelCheckpoint(
        run / stage,
        save_last=True,
        save_top_k=1,
        save_on_train_epoch_end=True,
        # A run that was moved to another folder would otherwise write last-v1.ckpt beside the old.
        enable_version_counter=False,
    )
    saver = SaveWhenInterrupted(checkpoint_of(run, stage))
    average = float(recipe.optimiser.average)
    callbacks: list[Callback] = [
        checkpoints,
        Stopwatch(run / TIMES_FILE, stage),
        ValidationLine(stage),
        saver,
        StepBar(stage),
    ]
    if keep_best:
        # One of its own: Lightning's writes no newest checkpoint where the figure has not become better.
        callbacks.append(
            ModelCheckpoint(
                run / stage,
                filename=BEST,
                monitor=keep_best,
                save_on_train_epoch_end=True,
                enable_version_counter=False,
            )
        )
    budget = getattr(args, "max_seconds", None)
    if budget is not None and stage == "model":
        callbacks.append(Budget(budget))
    if average:
        # Buffers are copied rather than averaged: they are constants and running statistics.
        callbacks.append(
            EMAWeightAveraging(use_buffers=False, decay=average**4, update_every_n_steps=4)
        )
    processes = args.devices * args.num_nodes
    trainer = Trainer(
        accelerator="auto",
        devices=args.devices,
        num_nodes=args.num_nodes,
        strategy=_strategy(recipe, stage) if processes > 1 else "auto",
        max_steps=steps,
        gradient_clip_val=clip,
        precision=precision_of(recipe),
        callbacks=callbacks,
        logger=TensorBoardLogger(run, name=None, version=f"{stage}/log"),
        reload_dataloaders_every_n_epochs=1,
        check_val_every_n_epoch=1,
        limit_train_batches=every,
        num_sanity_val_steps=0,
        log_every_n_steps=20,
        enable_model_summary=False,
    )
    trainer.saver = saver
    return trainer


PRECISIONS = ("auto", "full", "half")


def precision_of(recipe: DictConfig) -> Literal["bf16-mixed", "32-true"]:
    """How Lightning shall round the networks; `auto` rounds only where that is faster.

    Raises UserError for a word that is not known.
    """
    wanted = recipe.precision
    if wanted not in PRECISIONS:
        raise UserError(f"recipe: precision is {wanted!r}, allowed: {', '.join(PRECISIONS)}")
    if wanted == "auto":
        wanted = "half" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "full"
    return "bf16-mixed" if wanted == "half" else "32-true"


def compile_networks(recipe: DictConfig, model: torch.nn.Module) -> None:
    """Compiles encoder and decoder where the recipe says so and there is a GPU.

    On a processor the compiler takes longer than a short training, so there the switch does nothing.
    """
    if recipe.compile and torch.cuda.is_available():
        for name in ("encoder", "decoder"):
            getattr(model, name).compile(dynamic=False)


def _strategy(recipe: DictConfig, stage: str) -> str:
    """How several processes share a step; the published training uses a part of its networks in
    each backward pass, and which part changes; so does one whose adversary plays from some step on.
    """
    parts = stage == "model" and (recipe.family == "paper" or bool(recipe.objective.adversarial))
    return "ddp_find_unused_parameters_true" if parts else "ddp"
