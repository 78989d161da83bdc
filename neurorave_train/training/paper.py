"""The Lightning module of the published model: three optimisers, two phases."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch.core.optimizer import LightningOptimizer
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

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
from neurorave_train.objectives.spectral import SpectralDistance
from neurorave_train.training.base import SoundTraining
from neurorave_train.training.judging import judging
from neurorave_train.training.paper_augment import random_all_pass
from neurorave_train.training.watch import refuse_nan

Terms = dict[str, Tensor]
CRITIC_TARGETS = ("published", "uniform")


class PaperTraining(SoundTraining):
    """Phase 1: reconstruction, divergence and the latent discriminator. Phase 2, from step
    `paper.warm_up` on: the encoder stands still, and the decoder with its noise plays against a
    waveform discriminator, which learns in every other step.

    `paper.lambda` 0 leaves the latent discriminator out (C-RAVE, and RAVE where no descriptor is followed);
    `paper.critic_target` says what the encoder wants of it.

    `knots` and `floor` come from the prepared data and travel inside the checkpoint.
    """

    def __init__(self, recipe: dict[str, Any], knots: Tensor, floor: Tensor, sample_rate: int):
        super().__init__()
        self.save_hyperparameters()
        self.automatic_optimization = False
        self.recipe: DictConfig = OmegaConf.create(recipe)
        p: Any = recipe["paper"]
        if p["critic_target"] not in CRITIC_TARGETS:
            raise ValueError(
                f"paper.critic_target is {p['critic_target']!r}, allowed: {', '.join(CRITIC_TARGETS)}"
            )
        followed = list(self.recipe.descriptors)
        self.model: PaperModel = PaperModel(
            knots, floor, sample_rate, self.recipe.model.window, p, followed
        )
        self.fader = p["lambda"] > 0.0 and bool(followed)
        self.model.critic.requires_grad_(self.fader)
        self.judge = WaveDiscriminator(**p["discriminator"])
        self.reconstruction = Reconstruction(sample_rate, p["bands"])

    @property
    def distance(self) -> SpectralDistance:
        return self.reconstruction.full

    @property
    def second_phase(self) -> bool:
        """Whether the step to come belongs to phase 2. Tested at every step; the original does so
        at the start of an epoch, whose length nothing fixes.
        """
        return bool(self.global_step >= self.recipe.paper.warm_up)

    def training_step(self, batch: Tensor, index: int) -> None:
        m, p, draws = self.model, self.recipe.paper, self.draws()
        second = self.second_phase
        m.encoder.train(not second)
        m.decoder.noise_level.fill_(float(second))
        audio = self.whole_frames(batch)
        items, frames = len(audio), audio.shape[1] // m.hop
        audio = random_all_pass(audio, m.sample_rate, p.all_pass, draws.shared)
        with torch.no_grad():
            # Measured on what the model hears; the original measures before the augmentation.
            _, q = m.measure(audio)
        with torch.set_grad_enabled(not second):
            mean, deviation = m.posterior(audio)
        z = mean + deviation * draws.normal(items, *mean.shape[1:]).to(mean.device)
        rows, values = m.decoder.noise_shape
        noise = draws.normal(items, frames * rows, values).to(z.device)
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
        total = terms["bands"] + terms["full"] + terms["loudness"]
        total = total + ramp(self.global_step, p.beta, p.beta_delay) * terms["kl"]
        if self.fader:
            name, sign, term = self._against_critic(z, q)
            terms[name] = term
            total = total + sign * ramp(self.global_step, p["lambda"], p.lambda_delay) * term
        refuse_nan(self.global_step, {"total": total, **terms})
        self._learn(0, total)
        if not self.fader:
            return {"total": total, **terms}
        # The critic learns on the very latents it was fooled with. The original shows it those of an
        # encoder in evaluation mode, whose batch statistics are others.
        terms["critic"] = m.critic.loss(m.critic(z.detach()), q, m.followed)
        self._learn(1, terms["critic"])
        return {"total": total, **terms}

    def _against_critic(self, z: Tensor, q: Tensor) -> tuple[str, float, Tensor]:
        """The encoder's term against the latent discriminator: its name, its sign, itself.

        As published the encoder maximises the critic's error. That has no upper bound, and a confident
        wrong code is its optimum. The uniform target asks for ignorance instead.
        """
        critic, followed = self.model.critic, self.model.followed
        with judging(critic, training=False):
            logits = critic(z)
            if self.recipe.paper.critic_target == "uniform":
                return "confusion", 1.0, critic.confusion(logits, followed)
            return "fooled", -1.0, critic.loss(logits, q, followed)

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
        o = self.recipe.optimiser
        full = o.critic_rate if number == 1 else o.rate
        for group in optimiser.optimizer.param_groups:
            group["lr"] = full * self.rate_share(self.global_step)
        optimiser.zero_grad()
        self.manual_backward(loss)
        if o.clip:
            held = [p for group in optimiser.optimizer.param_groups for p in group["params"]]
            torch.nn.utils.clip_grad_norm_(held, o.clip)
        if number == 1:
            # Past Lightning's wrapper, which would count this as a training step of its own.
            optimiser.optimizer.step()
        else:
            optimiser.step()

    def further_figures(self, audio: Tensor, q: Tensor) -> Terms:
        """How wide the latent is, and how well the descriptors are read from it."""
        mean, deviation = self.model.posterior(audio)
        figures = {"kl": divergence(mean, deviation)}
        if self.fader:
            right = self.model.critic(mean).argmax(dim=-1) == self.model.critic.classify(q)
            figures["critic_right"] = right.float().mean()
        return figures

    def configure_optimizers(self) -> Any:
        o, m = self.recipe.optimiser, self.model
        networks = [*m.encoder.parameters(), *m.decoder.parameters()]
        learning = [p for p in networks if p.requires_grad]
        decay = self.recipe.paper.critic_decay
        return [
            torch.optim.Adam(learning, o.rate, betas=tuple(o.betas)),
            torch.optim.Adam([*m.critic.parameters()], o.critic_rate, weight_decay=decay),
            torch.optim.Adam(self.judge.parameters(), o.rate, betas=tuple(o.betas)),
        ]
