"""Training the prior on whole sounds: latents and base curves of each recorded hit."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from neurorave_device.errors import UserError
from neurorave_train.data.hits import Hit
from neurorave_train.data.prepared import PreparedData
from neurorave_train.export.bundle import order_latents, sounding_latents
from neurorave_train.export.graphs import Ordering
from neurorave_train.nets.prior import Prior
from neurorave_train.nets.sound_model import SoundModel
from neurorave_train.training.families import load_training
from neurorave_train.training.schedule import rate_share
from neurorave_train.training.trainer import checkpoint_of, make_trainer

VALID_NLL = "valid/nll"
DITHER = 10.0 ** (-90.0 / 20.0)
# Peaks of the sounds the prior learns from, dBFS, and the most they are amplified for it.
LOUDEST, SOFTEST = -1.0, -13.0
MOST_GAIN: float = 10.0 ** (30.0 / 20.0)


class WholeSounds(Dataset[tuple[Tensor, Tensor]]):
    """Each recorded sound from its first sample on, followed by silence, as latents and curves.

    Items: z [frames, L] in ordered coordinates, q [frames, D] in 0..1. Every item of an epoch is
    drawn with equal weight per family, as in the model's own training.
    """

    def __init__(
        self,
        model: SoundModel,
        ordering: Ordering,
        prepared: PreparedData,
        split: str,
        frames: int,
    ) -> None:
        hits = prepared.split(split).hits
        if not hits:
            raise UserError(f"{prepared.folder} has no recordings in the {split} split")
        length = frames * model.hop
        generator = torch.Generator().manual_seed(0)
        self.items: list[tuple[Tensor, Tensor]] = []
        with torch.no_grad():
            for hit in hits:
                audio = torch.randn(1, length, generator=generator) * DITHER
                sound = torch.from_numpy(np.array(hit.audio[:length])) * self._gain(hit, generator)
                audio[0, : len(sound)] += sound
                _, q = model.measure(audio)
                z = (model.encode(audio)[0] - ordering.mean) @ ordering.basis.T
                self.items.append((z, q[0].clamp(0.0, 1.0)))
        families = [hit.family for hit in hits]
        counts = {f: families.count(f) for f in families}
        self.weights = torch.tensor([counts[f] ** -0.5 for f in families], dtype=torch.double)

    @staticmethod
    def _gain(hit: Hit, generator: torch.Generator) -> float:
        """Brings a stroke into the range a trigger should have.

        Libraries hold many whispering strokes. A trigger has no velocity: loudness is the player's
        to take away by a voltage, so the prior itself plays out.
        """
        share = float(torch.rand(1, generator=generator))
        peak = 10.0 ** ((SOFTEST + (LOUDEST - SOFTEST) * share) / 20.0)
        loudest = max(float(np.abs(hit.audio).max()), 1e-6)
        return min(float(peak) / loudest, MOST_GAIN)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.items[index]


class PriorTraining(lightning.LightningModule):
    """Maximum likelihood of whole sounds; the ordering of the latents travels in the checkpoint."""

    def __init__(
        self, recipe: dict[str, Any], latents: int, descriptors: int, mean: Tensor, basis: Tensor
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.recipe: DictConfig = OmegaConf.create(recipe)
        p = self.recipe.prior
        self.prior = Prior(latents, descriptors, p.width, p.components)

    def _loss(self, batch: tuple[Tensor, Tensor], noise: float) -> Tensor:
        z, q = batch
        likelihood = self.prior.log_likelihood(z, q, noise)
        # Silence after the end is easy and long: it counts a tenth, the sound itself in full.
        weight = torch.where(q[..., 0] > 0.03, 1.0, 0.1)
        return -(likelihood * weight).sum() / weight.sum()

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        z, q = batch
        loss = self._loss((z, q), float(self.recipe.prior.input_noise))
        if not bool(torch.isfinite(loss)):
            raise UserError(
                f"training of the prior stopped at step {self.global_step}: its loss is not finite; "
                "resume with a smaller prior.rate"
            )
        self.log("train/nll", loss)
        self.log("loss", loss.detach(), prog_bar=True, logger=False)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        self.log(VALID_NLL, self._loss(batch, 0.0), sync_dist=True)

    def configure_optimizers(self) -> Any:
        p = self.recipe.prior
        optimiser = torch.optim.Adam(self.parameters(), p.rate)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: rate_share(step, p.steps, 50, 0.5, 0.03)
        )
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


class _SoundData(lightning.LightningDataModule):
    def __init__(self, train: WholeSounds, valid: WholeSounds, recipe: DictConfig, every: int):
        super().__init__()
        self.train, self.valid, self.recipe, self.every = train, valid, recipe, every

    def train_dataloader(self) -> DataLoader[tuple[Tensor, Tensor]]:
        assert self.trainer is not None
        seed = self.recipe.seed * 100_003 + self.trainer.current_epoch
        sampler = torch.utils.data.WeightedRandomSampler(
            self.train.weights.tolist(),
            self.every * self.recipe.prior.batch * self.trainer.world_size,
            generator=torch.Generator().manual_seed(seed),
        )
        return DataLoader(self.train, batch_size=self.recipe.prior.batch, sampler=sampler)

    def val_dataloader(self) -> DataLoader[tuple[Tensor, Tensor]]:
        return DataLoader(self.valid, batch_size=64)


def fit_prior(
    run: Path, recipe: DictConfig, prepared: PreparedData, args: argparse.Namespace
) -> None:
    """Trains the prior of a run whose model is trained."""
    p = recipe.prior
    model = load_training(checkpoint_of(run, "model"), prepared).model
    ordering = order_latents(*sounding_latents(model, prepared), model.fixed_latents)
    train = WholeSounds(model, ordering, prepared, "train", p.frames)
    has_valid = bool(prepared.split("valid").hits)
    valid = WholeSounds(model, ordering, prepared, "valid", p.frames) if has_valid else train
    plain: Any = OmegaConf.to_container(recipe, resolve=True)
    module = PriorTraining(
        plain, model.latents, len(prepared.quantiles), ordering.mean, ordering.basis
    )
    every = min(int(p.validate_every), int(p.steps))
    # Small sets are soon known by heart, and then the prior of the last step knows nothing else.
    trainer = make_trainer(run, "prior", recipe, int(p.steps), every, 1.0, args, VALID_NLL)
    checkpoint = checkpoint_of(run, "prior")
    # A run that was interrupted before its prior began has none to resume.
    resume = str(checkpoint) if args.resume and checkpoint.exists() else None
    data = _SoundData(train, valid, recipe, every)
    trainer.fit(module, datamodule=data, ckpt_path=resume, weights_only=False)


def load_prior(checkpoint: Path) -> tuple[Prior, Ordering]:
    """A trained prior and the ordering of the latents it speaks; our own runs only (pickle)."""
    if not checkpoint.is_file():
        raise UserError(f"{checkpoint} does not exist: train the prior (fit --stage prior)")
    module = PriorTraining.load_from_checkpoint(
        checkpoint, map_location="cpu", weights_only=False
    ).eval()
    return module.prior, Ordering(module.hparams["mean"], module.hparams["basis"])
