"""The published F-RAVE: encoder, decoder and latent discriminator of the `paper` recipe."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from neurorave_train.descriptors import DESCRIPTORS, Descriptors, QuantileMap
from neurorave_train.nets.conditioning import ALL_NAMES
from neurorave_train.nets.paper_critics import LatentDiscriminator
from neurorave_train.nets.paper_decoder import PaperDecoder
from neurorave_train.nets.paper_encoder import PaperEncoder
from neurorave_train.nets.paper_layers import SubbandBank
from neurorave_train.nets.sound_model import SoundModel
from neurorave_train.nets.stream import Stream


class PaperModel(SoundModel):
    """F-RAVE as published (Devis et al., 2023), with causal convolutions so that it streams.

    knots [D, 25] are the training set's descriptor quantiles, floor [window // 2 + 1] the spectrum
    under which sound counts as silence, `options` the recipe's `paper:` block. Frame t of every
    sequence is centred on output frame t; the hop is bands * prod(ratios). The mask has no effect.
    `followed` are the descriptors beside the latent: none makes it RAVE.
    """

    def __init__(
        self,
        knots: Tensor,
        floor: Tensor | None,
        sample_rate: int,
        window: int,
        options: dict[str, Any],
        followed: Sequence[str] = ALL_NAMES,
    ) -> None:
        super().__init__()
        o = options
        self.sample_rate, self.window, self.latents = sample_rate, window, int(o["latents"])
        self.hop = o["bands"] * math.prod(o["ratios"])
        # The encoder hears as far ahead as the meter does; that is more than the bank's delay.
        self.latency = (window - self.hop) // 2
        self.quantiles = QuantileMap(knots)
        self.descriptors = Descriptors(sample_rate, self.hop, window, floor)
        self.encoder = PaperEncoder(o["bands"], self.latents, o["capacity"], o["ratios"])
        self.decoder = PaperDecoder(
            self.latents,
            knots,
            o["bands"],
            o["attenuation"],
            o["capacity"],
            o["ratios"],
            o["dilations"],
            o["noise_ratios"],
            o["noise_bins"],
            followed,
        )
        self.critic = LatentDiscriminator(
            self.latents, len(DESCRIPTORS), o["classes"], o["critic_layers"]
        )

    @property
    def bank(self) -> SubbandBank:
        """The filter bank of encoder and decoder."""
        bank: SubbandBank = self.decoder.bank
        return bank

    def posterior(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Audio [B, T] to mean and deviation of the latents, both [B, T // hop, L]."""
        # Whole frames of silence less the latency go before, so that the beginning is heard, too.
        before = -(-self.latency // self.hop)
        ahead = F.pad(audio, (before * self.hop - self.latency, self.latency))
        mean, deviation = self.encoder(self.bank(ahead, Stream()), Stream())
        return mean[:, before:], deviation[:, before:]

    def encode(self, audio: Tensor) -> Tensor:
        """Audio [B, T] to the most likely latents [B, T // hop, L]."""
        return self.posterior(audio)[0]
