"""The Lightning module of the playable model: one optimiser, one backward pass a step."""

from __future__ import annotations

from typing import Any

import lightning
import numpy as np
import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor
from torch.func import functional_call

from neurorave_train.nets.model import PlayableModel
from neurorave_train.objectives.requests import (
    RMS,
    control_loss,
    counted,
    draw_mask,
    draw_requests,
)
from neurorave_train.objectives.spectral import SCALES, SpectralDistance
from neurorave_train.training.schedule import rate_share
from neurorave_train.training.watch import refuse_nan


class PlayableTraining(lightning.LightningModule):
    """Reconstruction, swap-and-measure and a confused critic, from step 0 to the end.

    `knots` and `floor` come from the prepared data and travel inside the checkpoint.
    """

    def __init__(
        self, recipe: dict[str, Any], knots: Tensor, floor: Tensor, sample_rate: int, hop: int
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.recipe: DictConfig = OmegaConf.create(recipe)
        r = self.recipe
        self.model = PlayableModel(
            knots,
            floor,
            sample_rate,
            hop,
            r.model.window,
            r.model.latents,
            r.model.encoder_width,
            r.model.decoder,
            OmegaConf.to_container(r.model.decoder_options),  # type: ignore[arg-type]
        )
        self.distance = SpectralDistance(sample_rate)
        self.frame_rate = sample_rate / hop

    def _generator(self) -> torch.Generator:
        """Randomness of this step and this process: the same after a resume."""
        seed = (self.recipe.seed * 1_000_003 + self.global_step) * 4096 + self.global_rank
        return torch.Generator().manual_seed(seed % 2**62)

    def _scales(self, generator: torch.Generator) -> tuple[int, ...]:
        """The longest window, which also gives the mel distance, and a draw of the others."""
        others = torch.randperm(len(SCALES) - 1, generator=generator) + 1
        picked = sorted(others[: max(0, self.recipe.objective.scales - 1)].tolist())
        return (SCALES[0], *(SCALES[i] for i in picked))

    def training_step(self, batch: Tensor, index: int) -> Tensor:
        o = self.recipe.objective
        generator = self._generator()
        m = self.model
        length = batch.shape[1] // m.hop * m.hop
        audio = batch[:, :length]
        items = audio.shape[0]
        swapped = min(o.swap_items, items)
        with torch.no_grad():
            values, q = m.measure(audio)
            q = q.clamp(-0.1, 1.1)
            mask = draw_mask(q, generator, o.free_share)
            request = draw_requests(q.clamp(0.0, 1.0), self.frame_rate, m.quantiles, generator)
        z = m.encode(audio)
        noise = torch.randn(z.shape, generator=generator).to(z.device)
        heard_z = z + o.latent_noise * noise
        y = m.decode(
            torch.cat([heard_z, heard_z[:swapped]]),
            torch.cat([q, request.asked[:swapped]]),
            torch.cat([mask, request.mask[:swapped]]),
            m.draw_noise(z.shape[1], torch.cat([z, z[:swapped]]), generator),
        )
        # The descriptors look values up in tables and cannot measure what is not a number.
        refuse_nan(self.global_step, {"decoder output": y})
        spectral, mel = self.distance(audio, y[:items], self._scales(generator))
        _, heard = m.measure(y)
        weight = counted(q, values[..., RMS])
        keep = control_loss(heard[:items], q, weight * mask)
        swap = control_loss(heard[items:], request.asked[:swapped], request.weight[:swapped])
        # A latent that cannot be heard again under other descriptors would be a knob without effect.
        again = m.recognise(y[items:]) - z[:swapped].detach()
        level = m.quantiles.to_value(request.asked[:swapped])[..., RMS]
        cycle = mean_over(again.square().mean(dim=-1), level > -60.0)
        frozen = {k: v.detach() for k, v in m.critic.named_parameters()}
        confusion = m.critic.confusion(functional_call(m.critic, frozen, (heard_z,)), weight)
        critic = m.critic.loss(m.critic(heard_z.detach()), q, weight)
        overlap = off_diagonal(z)
        total: Tensor = (
            spectral + o.log_mel * mel + o.keep * keep + o.swap * swap + o.confusion * confusion
        ) + (o.decorrelate * overlap + o.cycle * cycle)
        terms = {
            "spectral": spectral,
            "log_mel_db": mel,
            "keep": keep,
            "swap": swap,
            "cycle": cycle,
            "confusion": confusion,
            "critic": critic,
            "overlap": overlap,
        }
        refuse_nan(self.global_step, terms)
        self.log_dict({f"train/{k}": v.detach() for k, v in terms.items()})
        self.log("loss", total.detach(), prog_bar=True, logger=False)
        return total + critic

    def validation_step(self, batch: Tensor, index: int) -> None:
        """Reconstruction, latent use and control of one batch of joined clips."""
        m = self.model
        audio = batch[:, : batch.shape[1] // m.hop * m.hop]
        _, q = m.measure(audio)
        q = q.clamp(0.0, 1.0)
        z, ones = m.encode(audio), torch.ones_like(q)
        generator = torch.Generator().manual_seed(index)

        def play(latent: Tensor, asked: Tensor, mask: Tensor) -> Tensor:
            noise = m.draw_noise(latent.shape[1], latent, generator)
            return m.decode(latent, asked, mask, noise)

        y = play(z, q, ones)
        distance, mel = self.distance(audio, y)
        permuted, _ = self.distance(audio, play(z.roll(1, 0), q, ones))
        other = q.roll(1, 0)
        level = m.quantiles.to_value(other)[..., RMS]
        _, heard = m.measure(play(z, other, ones))
        count = q.shape[-1]
        results = {
            "distance": distance,
            "log_mel_db": mel,
            "latent_use": permuted - distance,
            "all_worst": correlation(other, heard, counted(other, level)).min(),
        }
        free, kept = [], []
        for k in range(count):
            asked, mask = q.clone(), torch.zeros_like(q)
            asked[..., k] = other[..., k]
            mask[..., RMS] = 1.0
            mask[..., k] = 1.0
            weight = counted(asked, m.quantiles.to_value(asked)[..., RMS])
            _, heard = m.measure(play(z, asked, mask))
            free.append(correlation(asked, heard, weight)[k])
            _, heard = m.measure(play(z, asked, ones))
            kept.append(correlation(asked, heard, weight)[k])
        results["one_free_worst"] = torch.stack(free).min()
        results["one_kept_worst"] = torch.stack(kept).min()
        self.log_dict({f"valid/{k}": v for k, v in results.items()}, sync_dist=True)
        if index == 0:
            self._log_audio(audio, y)

    def _log_audio(self, audio: Tensor, y: Tensor) -> None:
        board = getattr(self.logger, "experiment", None)
        if board is None or not hasattr(board, "add_audio"):
            return
        for i in range(min(4, audio.shape[0])):
            pair = torch.cat([audio[i], y[i]]).clamp(-1.0, 1.0).detach().cpu()
            board.add_audio(
                f"recording, then model/{i}", pair, self.global_step, self.model.sample_rate
            )

    def configure_optimizers(self) -> Any:
        o = self.recipe.optimiser
        critic = list(self.model.critic.parameters())
        own = {id(p) for p in critic}
        rest = [p for p in self.model.parameters() if p.requires_grad and id(p) not in own]
        optimiser = torch.optim.Adam(
            [{"params": rest, "lr": o.rate}, {"params": critic, "lr": o.critic_rate}],
            betas=tuple(o.betas),
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser,
            lambda step: rate_share(step, self.recipe.steps, o.warm_up, o.decay_from, o.last),
        )
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


def off_diagonal(z: Tensor) -> Tensor:
    """Mean squared correlation between different latent coordinates of z [B, F, L].

    Fixed variances alone would let all coordinates carry the same thing; at zero here each of them
    has something of its own to say (Barlow twins, Zbontar et al., 2021).
    """
    flat = z.reshape(-1, z.shape[-1])
    centred = flat - flat.mean(dim=0)
    unit = centred / centred.square().mean(dim=0).add(1e-6).sqrt()
    c = unit.T @ unit / unit.shape[0]
    count = c.shape[0]
    return (c.square().sum() - c.diagonal().square().sum()) / (count * (count - 1))


def mean_over(values: Tensor, where: Tensor) -> Tensor:
    """Mean of values [B, F] over the frames where `where` [B, F] holds, zero if there is none."""
    weight = where.to(values.dtype)
    return (values * weight).sum() / weight.sum().clamp(min=1.0)


def correlation(asked: Tensor, heard: Tensor, weight: Tensor) -> Tensor:
    """Plain pooled Pearson correlation per descriptor [D] over the counted frames."""
    values = []
    for k in range(asked.shape[-1]):
        counted_frames = weight[..., k] > 0
        a = asked[..., k][counted_frames].double().cpu().numpy()
        b = heard[..., k][counted_frames].double().cpu().numpy()
        defined = len(a) > 2 and a.std() > 0 and b.std() > 0
        values.append(float(np.corrcoef(a, b)[0, 1]) if defined else 0.0)
    return torch.tensor(values)
