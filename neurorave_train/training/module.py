"""The Lightning module of the playable model: one optimiser, one backward pass a step."""

from __future__ import annotations

from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor
from torch.func import functional_call

from neurorave_train.nets.layers import full_precision
from neurorave_train.nets.model import PlayableModel
from neurorave_train.nets.spectral_judge import SpectralJudge
from neurorave_train.objectives.balance import DescriptorBalance
from neurorave_train.objectives.buzz import EnvelopeBuzz
from neurorave_train.objectives.requests import (
    RMS,
    Requests,
    control_loss,
    counted,
    draw_mask,
    draw_requests,
)
from neurorave_train.objectives.spectral import SpectralDistance
from neurorave_train.together import items_of_all, own_items
from neurorave_train.training.base import SoundTraining
from neurorave_train.training.draws import Draws
from neurorave_train.training.measures import mean_over, off_diagonal
from neurorave_train.training.watch import refuse_nan

Terms = dict[str, Tensor]
# What is learnt beside the model's loss.
APART = ("critic", "judge", "pitch")


class PlayableTraining(SoundTraining):
    """Reconstruction, swap-and-measure and a confused critic, from step 0 to the end.

    A term of the objective whose weight is zero is not computed. `knots` and `floor` come from the
    prepared data and travel inside the checkpoint.
    """

    def __init__(
        self, recipe: dict[str, Any], knots: Tensor, floor: Tensor, sample_rate: int, hop: int
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.recipe: DictConfig = OmegaConf.create(recipe)
        r = self.recipe
        o = r.objective
        self.model: PlayableModel = PlayableModel(
            knots,
            floor,
            sample_rate,
            hop,
            r.model.window,
            r.model.latents,
            r.model.encoder_width,
            r.model.decoder,
            OmegaConf.to_container(r.model.decoder_options),  # type: ignore[arg-type]
            list(r.descriptors),
            r.model.level_free,
            r.model.gain_shape,
        )
        # What nothing teaches must not wait for gradients where several processes train.
        self.model.critic.requires_grad_(bool(o.confusion))
        self.judge = SpectralJudge() if o.adversarial else None
        self.buzz = EnvelopeBuzz(sample_rate, hop) if o.buzz else None
        self.balance = DescriptorBalance(len(knots), o.balance) if o.balance else None
        self.spectral = SpectralDistance(sample_rate)
        self.frame_rate = sample_rate / hop
        self.has_free = bool(o.free_share)

    @property
    def distance(self) -> SpectralDistance:
        return self.spectral

    def training_step(self, batch: Tensor | list[Tensor], index: int) -> Tensor:
        o, m, draws = self.recipe.objective, self.model, self.draws()
        audio, z, taught = self._listen(batch)
        items = audio.shape[0]
        with torch.no_grad():
            values, q = m.measure(audio)
            q = q.clamp(-0.1, 1.1)
            request, mask = self._requests(q, draws)
        swapped = self._swapped(items)
        heard_z = z
        if o.latent_noise:
            timbre = self._timbre(z)
            noise = draws.normal(items, *timbre.shape[1:]).to(z.device)
            parts = [z[..., : m.fixed_latents], timbre + o.latent_noise * noise]
            heard_z = torch.cat(parts, dim=-1)
        y = m.decode(
            torch.cat([heard_z, heard_z[:swapped]]),
            torch.cat([q, request.asked[:swapped]]),
            torch.cat([mask, request.mask[:swapped]]),
            self._noise(items, swapped, z, draws),
        )
        # The descriptors look values up in tables and cannot measure what is not a number.
        refuse_nan(self.global_step, {"decoder output": y})
        with full_precision(audio):
            terms, weights = self._sound_terms(audio, y, draws)
            self._control_terms(terms, weights, y, q, values, mask, request, z)
            weight = counted(q, values[..., RMS])
            terms |= self._latent_terms(self._timbre(z), self._timbre(heard_z), q, weight, weights)
            terms |= taught
        refuse_nan(self.global_step, terms)
        self.log_dict({f"train/{k}": v.detach() for k, v in terms.items()})
        total = torch.stack([w * terms[name] for name, w in weights.items()]).sum()
        self.log("loss", total.detach(), prog_bar=True, logger=False)
        # What the adversaries and the pitch's network learn themselves is no part of the model's loss.
        return total + sum(v for k, v in terms.items() if k in APART)

    def _listen(self, batch: Any) -> tuple[Tensor, Tensor, Terms]:
        """The audio of a batch, its latents, and what is taught of them beside the objective."""
        audio = self.whole_frames(batch)
        return audio, self.model.encode(audio), {}

    def _timbre(self, z: Tensor) -> Tensor:
        """The latents without those that have a meaning of their own."""
        return z[..., self.model.fixed_latents :]

    def _swapped(self, items: int) -> int:
        """How many items get a request, which costs a second decoding."""
        o = self.recipe.objective
        wanted = bool(o.swap or o.cycle) and bool(self.model.followed.any())
        return min(o.swap_items, items) if wanted else 0

    def _requests(self, q: Tensor, draws: Draws) -> tuple[Requests, Tensor]:
        """What is asked of this process's items, and the mask of their reconstruction."""
        o, m = self.recipe.objective, self.model
        everyone = items_of_all(q)
        mask = draw_mask(everyone, draws.shared, o.free_share, m.followed)
        if not bool(m.followed.any()):
            return Requests(q, own_items(mask), torch.zeros_like(q)), own_items(mask)
        request = draw_requests(
            everyone.clamp(0.0, 1.0),
            self.frame_rate,
            m.quantiles,
            draws.shared,
            followed=m.followed,
            free=bool(o.free_share),
        )
        return Requests(*map(own_items, request)), own_items(mask)

    def _noise(self, items: int, swapped: int, like: Tensor, draws: Draws) -> Tensor:
        """The decoder's noise for the items and then the requests of some of them."""
        rows, values = self.model.decoder.noise_shape
        shape = (like.shape[1] * rows, values)
        parts = [draws.normal(items, *shape)]
        if swapped:
            parts.append(draws.normal(swapped, *shape))
        return torch.cat(parts).to(like.device)

    def _sound_terms(
        self, audio: Tensor, y: Tensor, draws: Draws
    ) -> tuple[Terms, dict[str, float]]:
        """How far the reconstruction is from the sound, and the weights of these terms."""
        o, own = self.recipe.objective, y[: len(audio)]
        spectral, mel = self.spectral(audio, own, self.scales(draws))
        terms = {"spectral": spectral, "log_mel_db": mel}
        weights = {"spectral": 1.0, "log_mel_db": float(o.log_mel)}
        if self.buzz is not None:
            terms["buzz"] = self.buzz(audio, own)
            weights["buzz"] = o.buzz
        if self.judge is not None and self.progress() >= o.adversarial_from:
            frozen = {k: v.detach() for k, v in self.judge.named_parameters()}
            with torch.no_grad():
                real = self.judge(audio)
            fake = functional_call(self.judge, frozen, (own,))
            terms["adversarial"] = self.judge.convince(real, fake)
            weights["adversarial"] = o.adversarial
            terms["judge"] = self.judge.loss(self.judge(audio), self.judge(own.detach()))
        return terms, weights

    def _control_terms(
        self,
        terms: Terms,
        weights: dict[str, float],
        y: Tensor,
        q: Tensor,
        values: Tensor,
        mask: Tensor,
        request: Requests,
        z: Tensor,
    ) -> None:
        """Asked against measured, on the reconstruction and on the requests; latent cycle."""
        o, m, items = self.recipe.objective, self.model, len(q)
        swapped = len(y) - items
        if o.keep or (o.swap and swapped):
            _, heard = m.measure(y)
            lean = 1.0 if self.balance is None else self.balance(m.followed)
            if o.keep:
                weight = counted(q, values[..., RMS]) * mask * lean
                terms["keep"], weights["keep"] = control_loss(heard[:items], q, weight), o.keep
            if o.swap and swapped:
                asked, weight = request.asked[:swapped], request.weight[:swapped]
                terms["swap"] = control_loss(heard[items:], asked, weight * lean)
                weights["swap"] = o.swap
                if self.balance is not None:
                    self.balance.update(heard[items:], asked, weight)
        if o.cycle and swapped:
            # A latent that cannot be heard again under other descriptors would be a knob without effect.
            again = self._timbre(m.recognise(y[items:]) - z[:swapped].detach())
            level = m.quantiles.to_value(request.asked[:swapped])[..., RMS]
            terms["cycle"] = mean_over(again.square().mean(dim=-1), level > -60.0)
            weights["cycle"] = o.cycle

    def _latent_terms(
        self,
        z: Tensor,
        heard_z: Tensor,
        q: Tensor,
        weight: Tensor,
        weights: dict[str, float],
    ) -> Terms:
        """What the latent shall hide, and that its coordinates differ."""
        o, m, terms = self.recipe.objective, self.model, {}
        if o.confusion:
            weight = weight * m.followed
            frozen = {k: v.detach() for k, v in m.critic.named_parameters()}
            logits = functional_call(m.critic, frozen, (heard_z,))
            terms["confusion"], weights["confusion"] = (
                m.critic.confusion(logits, weight),
                o.confusion,
            )
            terms["critic"] = m.critic.loss(m.critic(heard_z.detach()), q, weight)
        if o.decorrelate:
            terms["overlap"], weights["overlap"] = off_diagonal(z), o.decorrelate
        return terms

    def configure_optimizers(self) -> Any:
        o = self.recipe.optimiser
        adversaries = [*self.model.critic.parameters()]
        if self.judge is not None:
            adversaries += [*self.judge.parameters()]
        own = {id(p) for p in adversaries}
        rest = [p for p in self.model.parameters() if p.requires_grad and id(p) not in own]
        optimiser = torch.optim.Adam(
            [{"params": rest, "lr": o.rate}, {"params": adversaries, "lr": o.critic_rate}],
            betas=tuple(o.betas),
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, self.rate_share)
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }
