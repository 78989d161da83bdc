"""A playable F-RAVE model: encoder, decoder, critic and the descriptors they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.func import functional_call

from neurorave_train.descriptors import DESCRIPTORS, Descriptors, QuantileMap
from neurorave_train.descriptors.spectrum import centred_frames
from neurorave_train.nets.carrier_decoder import CarrierDecoder
from neurorave_train.nets.conditioning import ALL_NAMES
from neurorave_train.nets.critic import LatentCritic
from neurorave_train.nets.encoder import FrameEncoder
from neurorave_train.nets.harmonic_decoder import HarmonicDecoder
from neurorave_train.nets.pitched_encoder import PitchedEncoder
from neurorave_train.nets.pqmf_decoder import PqmfDecoder
from neurorave_train.nets.sound_model import SoundModel
from neurorave_train.nets.stream import Stream

DECODERS: dict[str, type[CarrierDecoder] | type[HarmonicDecoder] | type[PqmfDecoder]] = {
    "carriers": CarrierDecoder,
    "harmonics": HarmonicDecoder,
    "pqmf": PqmfDecoder,
}
# Its first latent is the pitch, and its training needs a tracker's.
PITCHED = "harmonics"


class PlayableModel(SoundModel):
    """The playable presets of the F-RAVE family.

    knots [D, 25] are the training set's descriptor quantiles, floor [window // 2 + 1] the spectrum
    under which sound counts as silence. Frame t of every sequence is centred on output frame t.
    `followed` are the descriptors that steer the decoder. Without the loudness among them the encoder
    hears the level, because nothing else tells it to the decoder.
    """

    frees = True

    def __init__(
        self,
        knots: Tensor,
        floor: Tensor | None,
        sample_rate: int = 44100,
        hop: int = 512,
        window: int = 2048,
        latents: int = 8,
        encoder_width: int = 128,
        decoder: str = "carriers",
        decoder_options: dict[str, Any] | None = None,
        followed: Sequence[str] = ALL_NAMES,
        level_free: bool = True,
        gain_shape: bool = True,
    ) -> None:
        super().__init__()
        self.sample_rate, self.hop, self.window, self.latents = sample_rate, hop, window, latents
        self.latency = (window - hop) // 2
        self.quantiles = QuantileMap(knots)
        self.descriptors = Descriptors(sample_rate, hop, window, floor)
        level_free = level_free and ALL_NAMES[0] in followed
        encoder = PitchedEncoder if decoder == PITCHED else FrameEncoder
        self.fixed_latents = 1 if decoder == PITCHED else 0
        self.encoder: FrameEncoder | PitchedEncoder = encoder(
            sample_rate, hop, window, latents, encoder_width, level_free
        )
        options: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in (decoder_options or {}).items()
        }
        self.decoder = DECODERS[decoder](
            sample_rate, hop, latents, knots, followed, gain_shape, **options
        )
        self.critic = LatentCritic(latents - self.fixed_latents, len(DESCRIPTORS))

    def frames(self, audio: Tensor) -> Tensor:
        """Analysis frames [B, T // hop, window], frame t centred on samples [t * hop, (t+1) * hop)."""
        return centred_frames(audio, self.hop, self.window)

    def encode(self, audio: Tensor) -> Tensor:
        """Audio [B, T] to latents [B, T // hop, L]."""
        z: Tensor = self.encoder(self.frames(audio), Stream())
        return z

    def recognise(self, audio: Tensor) -> Tensor:
        """Latents [B, T // hop, L] that the present encoder hears, without teaching it anything.

        Gradients reach the audio only, and the running statistics stay as they are.
        """
        frozen = {k: v.detach() for k, v in self.encoder.named_parameters()}
        learning = self.encoder.bound.training
        self.encoder.bound.eval()
        z: Tensor = functional_call(self.encoder, frozen, (self.frames(audio), Stream()))
        self.encoder.bound.train(learning)
        return z
