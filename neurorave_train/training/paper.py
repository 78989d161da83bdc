"""The Lightning module of the published model: three optimisers, two phases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import lightning
import torch
from lightning.pytorch.core.optimizer import LightningOptimizer
from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn

from neurorave_train.nets.paper_critics import WaveDiscriminator
from neurorave_train.nets.paper_losses import (
    Reconstruction,
    divergence,
    feature_distance,
    hinge_decoder,
    hinge_discriminator,
    ramp,
)
from neurorave_train.nets.paper_model import PaperModel
from neurorave_train.nets.stream import Stream
from neurorave_train.objectives.requests import RMS, counted
from neurorave_train.training.module import correlation
from neurorave_train.training.paper_augment import random_all_pass
from neurorave_train.training.watch import refuse_nan

Terms = dict[str, Tensor]


@contextmanager
def judging(critic: nn.Module, training: bool) -> Iterator[None]:
    """Lets gradients through a critic that shall not learn from them; `training` of its norms."""
    learning = critic.training
    critic.train(training).requires_grad_(False)
    try:
        yield
    finally:
        critic.train(learning).requires_grad_(True)


class PaperTraining(lightning.LightningModule):
    """Phase 1: reconstruction, divergence and the latent discriminator. Phase 2, from step
    `paper.warm_up` on: the encoder stands still, and the decoder with its noise plays against a
    waveform discriminator, which learns in every other step.

    `knots` and `floor` come from the prepared data and travel inside the checkpoint.
    """

    def __init__(self, recipe: dict[str, Any], knots: Tensor, floor: Tensor, sample_rate: int):
        super().__init__()
        self.save_hyperparameters()
        self.automatic_optimization = False
        self.recipe: DictConfig = OmegaConf.create(recipe)
        p: Any = recipe["paper"]
        self.model = PaperModel(knots, floor, sample_rate, self.recipe.model.window, p)
        self.judge = WaveDiscriminator(**p["discriminator"])
        self.reconstruction = Reconstruction(sample_rate, p["bands"])

    @property
    def second_phase(self) -> bool:
        """Whether the step to come belongs to phase 2. Tested at every step; the original does so
        at the start of an epoch, whose length nothing fixes.
        """
        return bool(self.global_step >= self.recipe.paper.warm_up)

    def _generator(self) -> torch.Generator:
        """Randomness of this step and this process: the same after a resume."""
        seed = (self.recipe.seed * 1_000_003 + self.global_step) * 4096 + self.global_rank
        return torch.Generator().manual_seed(seed % 2**62)

    def training_step(self, batch: Tensor, index: int) -> None:
        m, p, generator = self.model, self.recipe.paper, self._generator()
        second = self.second_phase
        m.encoder.train(not second)
        m.decoder.noise_level.fill_(float(second))
        length = batch.shape[1] // m.hop * m.hop
        audio = random_all_pass(batch[:, :length], m.sample_rate, p.all_pass, generator)
        with torch.no_grad():
            # Measured on what the model hears; the original measures before the augmentation.
            _, q = m.measure(audio)
        with torch.set_grad_enabled(not second):
            mean, deviation = m.posterior(audio)
        drawn = torch.randn(mean.shape, generator=generator).to(mean.device)
        z = mean + deviation * drawn
        noise = m.draw_noise(z.shape[1], z, generator)
        if not second:
            terms = self._first_phase(audio, q, mean, deviation, z, noise)
        elif self.global_step % 2:
            terms = self._judge_step(audio, q, z, noise)
        else:
            terms = self._second_phase(audio, q, z, noise)
        self.log_dict({f"train/{k}": v.detach() for k, v in terms.items()})
        shown = next(iter(terms.values()))
        self.log("loss", shown.detach(), prog_bar=True, logger=False)

    def _first_phase(
        self, audio: Tensor, q: Tensor, mean: Tensor, deviation: Tensor, z: Tensor, noise: Tensor
    ) -> Terms:
        m, p = self.model, self.recipe.paper
        terms = self._reconstruct(audio, q, z, noise)[0]
        terms["kl"] = divergence(mean, deviation)
        with judging(m.critic, training=False):
            # As published the encoder maximises the critic's error. It has no upper bound, and a
            # confident wrong code is its optimum; the playable recipe asks for ignorance instead.
            terms["fooled"] = m.critic.loss(m.critic(z), q)
        total = terms["bands"] + terms["full"] + terms["loudness"]
        total = total + ramp(self.global_step, p.beta, p.beta_delay) * terms["kl"]
        total = total - ramp(self.global_step, p["lambda"], p.lambda_delay) * terms["fooled"]
        refuse_nan(self.global_step, {"total": total, **terms})
        self._learn(0, total)
        # The critic learns on the very latents it was fooled with. The original shows it those of an
        # encoder in evaluation mode, whose batch statistics are others.
        terms["critic"] = m.critic.loss(m.critic(z.detach()), q)
        self._learn(1, terms["critic"])
        return {"total": total, **terms}

    def _second_phase(self, audio: Tensor, q: Tensor, z: Tensor, noise: Tensor) -> Terms:
        terms, y = self._reconstruct(audio, q, z, noise)
        with judging(self.judge, training=True):
            with torch.no_grad():
                real = self.judge(audio)
            fake = self.judge(y)
        terms["adversarial"] = hinge_decoder(fake)
        terms["features"] = feature_distance(real, fake)
        total = terms["bands"] + terms["full"] + terms["loudness"] + terms["adversarial"]
        total = total + self.recipe.paper.feature_matching * terms["features"]
        refuse_nan(self.global_step, {"total": total, **terms})
        self._learn(0, total)
        return {"total": total, **terms}

    def _judge_step(self, audio: Tensor, q: Tensor, z: Tensor, noise: Tensor) -> Terms:
        with torch.no_grad():
            y = self.model.decoder(z, q, torch.ones_like(q), noise, Stream())
        terms = {"judge": hinge_discriminator(self.judge(audio), self.judge(y))}
        refuse_nan(self.global_step, {"decoder output": y, **terms})
        self._learn(2, terms["judge"])
        return terms

    def _reconstruct(
        self, audio: Tensor, q: Tensor, z: Tensor, noise: Tensor
    ) -> tuple[Terms, Tensor]:
        """The three terms of the reconstruction, and the sound itself."""
        decoder = self.model.decoder
        with torch.no_grad():
            target = self.model.bank.target(audio)
        bands = decoder.bands(z, q, noise, Stream())
        y = decoder.bank.inverse(bands, Stream())
        return self.reconstruction(target, audio, bands, y), y

    def _learn(self, number: int, loss: Tensor) -> None:
        """One step of optimiser `number`: networks, latent discriminator, waveform discriminator."""
        optimisers: Any = self.optimizers()
        optimiser: LightningOptimizer = optimisers[number]
        optimiser.zero_grad()
        self.manual_backward(loss)
        if number == 1:
            # Past Lightning's wrapper, which would count this as a training step of its own.
            optimiser.optimizer.step()
        else:
            optimiser.step()

    def validation_step(self, batch: Tensor, index: int) -> None:
        """Reconstruction, latent use, control, and how well the descriptors are read from z."""
        m = self.model
        audio = batch[:, : batch.shape[1] // m.hop * m.hop]
        _, q = m.measure(audio)
        mean, deviation = m.posterior(audio)
        ones = torch.ones_like(q)
        generator = torch.Generator().manual_seed(index)

        def play(latent: Tensor, asked: Tensor) -> Tensor:
            return m.decode(latent, asked, ones, m.draw_noise(latent.shape[1], latent, generator))

        y = play(mean, q)
        distance, mel = self.reconstruction.full(audio, y)
        permuted, _ = self.reconstruction.full(audio, play(mean.roll(1, 0), q))
        other = q.roll(1, 0).clamp(0.0, 1.0)
        level = m.quantiles.to_value(other)[..., RMS]
        _, heard = m.measure(play(mean, other))
        read = m.critic(mean).argmax(dim=-1) == m.critic.classify(q)
        results = {
            "distance": distance,
            "log_mel_db": mel,
            "latent_use": permuted - distance,
            "all_worst": correlation(other, heard, counted(other, level)).min(),
            "kl": divergence(mean, deviation),
            "critic_right": read.float().mean(),
        }
        self.log_dict({f"valid/{k}": v for k, v in results.items()}, sync_dist=True)
        board: Any = getattr(self.logger, "experiment", None)
        if index == 0 and hasattr(board, "add_audio"):
            for i in range(min(4, len(audio))):
                pair = torch.cat([audio[i], y[i]]).clamp(-1.0, 1.0).cpu()
                name = f"recording, then model/{i}"
                board.add_audio(name, pair, self.global_step, m.sample_rate)

    def configure_optimizers(self) -> Any:
        o, m = self.recipe.optimiser, self.model
        networks = [*m.encoder.parameters(), *m.decoder.parameters()]
        learning = [p for p in networks if p.requires_grad]
        decay = self.recipe.paper.critic_decay
        return [
            torch.optim.Adam(learning, o.rate, betas=tuple(o.betas)),
            torch.optim.Adam(m.critic.parameters(), o.critic_rate, weight_decay=decay),
            torch.optim.Adam(self.judge.parameters(), o.rate, betas=tuple(o.betas)),
        ]
