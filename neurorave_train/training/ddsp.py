"""The Lightning module of the harmonic-plus-noise baselines."""

from __future__ import annotations

from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from neurorave_train.nets.ddsp_model import DdspModel
from neurorave_train.nets.layers import full_precision
from neurorave_train.nets.stream import Stream
from neurorave_train.objectives.ddsp import LinearLogDistance
from neurorave_train.objectives.spectral import SpectralDistance
from neurorave_train.training.base import SoundTraining
from neurorave_train.training.judging import judging
from neurorave_train.training.watch import refuse_nan

# Share of a run in which the decoder hears the tracker's pitch; then the network's own, as it will play.
TAUGHT = 0.25


class DdspTraining(SoundTraining):
    """Reconstruction, the pitch head, and with `ddsp.lambda` the published latent discriminator.

    Batches are audio [B, T] with the tracker's pitch and where it is known, both [B, F].
    """

    def __init__(
        self, recipe: dict[str, Any], knots: Tensor, floor: Tensor, sample_rate: int, hop: int
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.recipe: DictConfig = OmegaConf.create(recipe)
        r, followed = self.recipe, list(self.recipe.descriptors)
        options: Any = recipe["ddsp"]
        self.model: DdspModel = DdspModel(
            knots, floor, sample_rate, hop, r.model.window, options, followed
        )
        self.fader = options["lambda"] > 0.0 and bool(followed)
        self.model.critic.requires_grad_(self.fader)
        self.reconstruction = LinearLogDistance()
        self.spectral = SpectralDistance(sample_rate)

    @property
    def distance(self) -> SpectralDistance:
        return self.spectral

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], index: int) -> Tensor:
        m, draws = self.model, self.draws()
        audio, taught, known = batch
        audio = self.whole_frames(audio)
        with torch.no_grad():
            _, q = m.measure(audio)
        frames = m.frames(audio)
        timbre = m.encoder.timbre(frames, Stream())
        logits = m.encoder.pitch.logits(frames, Stream())
        heard = m.encoder.pitch.coordinate(logits).detach()
        pitch = taught.unsqueeze(-1) if self.progress() < TAUGHT else heard
        rows, values = m.decoder.noise_shape
        noise = draws.normal(len(audio), timbre.shape[1] * rows, values).to(audio.device)
        y = m.decode(torch.cat([pitch, timbre], dim=-1), q, torch.ones_like(q), noise)
        with full_precision(audio):
            terms = {"spectral": self.reconstruction(audio, y)}
            terms["pitch"] = m.encoder.pitch.loss(logits.float(), taught, known)
            total = terms["spectral"] + terms["pitch"]
            if self.fader:
                with judging(m.critic, training=False):
                    terms["fooled"] = m.critic.loss(m.critic(timbre.float()), q, m.followed)
                # As published, without a bound; see the published model's training.
                total = total - self.recipe.ddsp["lambda"] * terms["fooled"]
                terms["critic"] = m.critic.loss(m.critic(timbre.detach().float()), q, m.followed)
        refuse_nan(self.global_step, {"decoder output": y, **terms})
        self.log_dict({f"train/{k}": v.detach() for k, v in terms.items()})
        self.log("loss", total.detach(), prog_bar=True, logger=False)
        learning: Tensor = total + terms["critic"] if self.fader else total
        return learning

    def configure_optimizers(self) -> Any:
        o, m = self.recipe.optimiser, self.model
        networks = [*m.encoder.parameters(), *m.decoder.parameters()]
        optimiser = torch.optim.Adam(
            [
                {"params": networks, "lr": o.rate},
                {"params": [*m.critic.parameters()], "lr": o.critic_rate},
            ],
            betas=tuple(o.betas),
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, self.rate_share)
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }
