"""Training of the playable model for sounds with a pitch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from neurorave_train.nets.pitched_encoder import PitchedEncoder
from neurorave_train.nets.stream import Stream
from neurorave_train.training.module import PlayableTraining, Terms

# Share of a run in which the decoder hears the tracker's pitch; then the network's own, as it will play.
TAUGHT = 0.25


class PitchedTraining(PlayableTraining):
    """The playable training, and beside it a network that learns the pitch from a tracker.

    Batches are audio [B, T] with the tracker's pitch and where it is known, both [B, F]. Swaps keep
    the pitch; critic, latent noise, cycle and decorrelation are about the timbre alone.
    """

    def _listen(self, batch: Any) -> tuple[Tensor, Tensor, Terms]:
        audio, tracked, known = batch
        audio = self.whole_frames(audio)
        encoder = self.model.encoder
        assert isinstance(encoder, PitchedEncoder)
        logits, timbre = encoder.hear(self.model.frames(audio), Stream())
        if self.progress() < TAUGHT:
            pitch = tracked.unsqueeze(-1)
        else:
            pitch = encoder.pitch.coordinate(logits.float()).detach()
        taught = {"pitch": encoder.pitch.loss(logits.float(), tracked, known)}
        return audio, torch.cat([pitch.to(timbre), timbre], dim=-1), taught
