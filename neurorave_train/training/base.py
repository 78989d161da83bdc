"""What the training of every family shares: its random numbers, its rate, and how it is validated."""

from __future__ import annotations

from typing import Any

import lightning
import torch
from omegaconf import DictConfig
from torch import Tensor

from neurorave_train.nets.layers import full_precision
from neurorave_train.nets.sound_model import SoundModel
from neurorave_train.objectives.requests import RMS, counted
from neurorave_train.objectives.spectral import SCALES, SpectralDistance
from neurorave_train.training.draws import Draws
from neurorave_train.training.measures import correlation
from neurorave_train.training.schedule import rate_share


class SoundTraining(lightning.LightningModule):
    """A model with its recipe. `time_share` is how much of a run's processor time is spent (0..1)
    where time and not the number of steps ends it, else None; a callback keeps it.
    """

    recipe: DictConfig
    model: SoundModel
    time_share: float | None = None
    has_free: bool = False
    """Whether descriptors can be left free, so that validation measures it."""

    @property
    def distance(self) -> SpectralDistance:
        """The spectral distance that validation reports."""
        raise NotImplementedError

    def draws(self) -> Draws:
        """Randomness of this step: the same after a resume and for any number of processes."""
        return Draws(self.recipe.seed, self.global_step)

    def progress(self) -> float:
        """How much of the run is done, 0..1."""
        if self.time_share is not None:
            return self.time_share
        return min(1.0, float(self.global_step) / max(1.0, float(self.recipe.steps)))

    def rate_share(self, step: int) -> float:
        """Share of the full learning rate at a step."""
        o = self.recipe.optimiser
        steps: float = self.recipe.steps
        if self.time_share is not None:
            # As many steps as the run will have if it goes on at this speed.
            steps = max(step, 1) / max(self.time_share, 1e-6)
        return rate_share(step, steps, o.warm_up, o.decay_from, o.last)

    def scales(self, draws: Draws) -> tuple[int, ...]:
        """The longest window, which also gives the mel distance, and a draw of the others."""
        others = torch.randperm(len(SCALES) - 1, generator=draws.shared) + 1
        picked = sorted(others[: max(0, self.recipe.objective.scales - 1)].tolist())
        return (SCALES[0], *(SCALES[i] for i in picked))

    def whole_frames(self, batch: Tensor) -> Tensor:
        """Audio [B, T] cut to whole frames."""
        return batch[:, : batch.shape[1] // self.model.hop * self.model.hop]

    def validation_step(self, batch: Tensor, index: int) -> None:
        """Reconstruction, latent use and control of one batch of joined clips."""
        m = self.model
        audio = self.whole_frames(batch)
        _, q = m.measure(audio)
        q = q.clamp(0.0, 1.0)
        z, ones = m.encode(audio), torch.ones_like(q)
        generator = torch.Generator().manual_seed(index)

        def play(latent: Tensor, asked: Tensor, mask: Tensor) -> Tensor:
            noise = m.draw_noise(latent.shape[1], latent, generator)
            return m.decode(latent, asked, mask, noise)

        y = play(z, q, ones)
        with full_precision(audio):
            distance, mel = self.distance(audio, y)
            permuted, _ = self.distance(audio, play(z.roll(1, 0), q, ones))
        results = {"distance": distance, "log_mel_db": mel, "latent_use": permuted - distance}
        followed = torch.nonzero(m.followed).reshape(-1).tolist()
        if followed:
            other = q.roll(1, 0)
            level = m.quantiles.to_value(other)[..., RMS]
            _, heard = m.measure(play(z, other, ones))
            found = correlation(other, heard, counted(other, level))
            results["all_worst"] = found[followed].min()
        if followed and self.has_free:
            results |= self._one_by_one(q, z, play, followed)
        results |= self.further_figures(audio, q)
        self.log_dict({f"valid/{k}": v for k, v in results.items()}, sync_dist=True)
        board: Any = getattr(self.logger, "experiment", None)
        if index == 0 and hasattr(board, "add_audio"):
            for i in range(min(4, len(audio))):
                pair = torch.cat([audio[i], y[i]]).clamp(-1.0, 1.0).float().cpu()
                name = f"recording, then model/{i}"
                board.add_audio(name, pair, self.global_step, m.sample_rate)

    def further_figures(self, audio: Tensor, q: Tensor) -> dict[str, Tensor]:
        """Figures that only one family has."""
        return {}

    def _one_by_one(
        self, q: Tensor, z: Tensor, play: Any, followed: list[int]
    ) -> dict[str, Tensor]:
        """The worst correlation with one descriptor changed, the others free, and kept."""
        m, other, ones = self.model, q.roll(1, 0), torch.ones_like(q)
        free: list[Tensor] = []
        kept: list[Tensor] = []
        for k in followed:
            asked, mask = q.clone(), torch.zeros_like(q)
            asked[..., k] = other[..., k]
            mask[..., RMS] = 1.0
            mask[..., k] = 1.0
            weight = counted(asked, m.quantiles.to_value(asked)[..., RMS])
            for marks, into in ((mask, free), (ones, kept)):
                _, heard = m.measure(play(z, asked, marks))
                into.append(correlation(asked, heard, weight)[k])
        return {
            "one_free_worst": torch.stack(free).min(),
            "one_kept_worst": torch.stack(kept).min(),
        }
