"""A codec whose audio carries its latents and descriptors as plain samples, so that answers are known."""

from typing import Callable, List, Sequence, Tuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

HOP, LATENTS, DESCRIPTORS = 64, 3, 5
NAMES = ("rms", "centroid", "bandwidth", "sharpness", "booming")
SAMPLE_RATE = 44100
FRAMES = 48
# What a decoder does with the asked values: (asked [N, F, D], mask, generator) -> heard [N, F, D].
Answer = Callable[[Floats, Floats, np.random.Generator], Floats]


def perfect(asked: Floats, mask: Floats, rng: np.random.Generator) -> Floats:
    """Heard is what was asked; free descriptors wander."""
    free = rng.random(asked.shape, dtype=np.float32)
    return np.where(mask > 0, asked, free).astype(np.float32)


def absent(asked: Floats, mask: Floats, rng: np.random.Generator) -> Floats:
    """Heard has nothing to do with what was asked."""
    return rng.random(asked.shape, dtype=np.float32)


def inverted(asked: Floats, mask: Floats, rng: np.random.Generator) -> Floats:
    """Heard is the opposite."""
    return (1.0 - asked).astype(np.float32)


class FakeCodec:
    """Frame samples 0..4 are the descriptors (quantiles), 5..7 the latents, the rest is a texture."""

    sample_rate, hop, latents, latency_samples = SAMPLE_RATE, HOP, LATENTS, 0

    def __init__(
        self,
        answer: Answer = perfect,
        uses_latents: bool = True,
        follows: Sequence[str] = NAMES,
        frees: bool = True,
    ) -> None:
        self.follows, self.frees = follows, frees
        self.answer = answer
        self.uses_latents = uses_latents
        # rms in dB from -80 to 0, so that a quarter of the scale lies under -60 dB.
        self.quantiles = np.stack([np.linspace(-80.0, 0.0, 25)] * DESCRIPTORS)

    def encode(self, audio: Floats) -> Floats:
        return self._frames(audio)[..., DESCRIPTORS : DESCRIPTORS + LATENTS]

    def measure(self, audio: Floats) -> Tuple[Floats, Floats]:
        q = self._frames(audio)[..., :DESCRIPTORS]
        return (80.0 * q - 80.0).astype(np.float32), q

    def decode(self, z: Floats, q: Floats, mask: Floats, seed: int) -> Floats:
        rng = np.random.default_rng(seed)
        frames = np.zeros((*z.shape[:2], HOP), np.float32)
        frames[..., :DESCRIPTORS] = self.answer(q, mask, rng)
        if self.uses_latents:
            frames[..., DESCRIPTORS : DESCRIPTORS + LATENTS] = z
        frames[..., DESCRIPTORS + LATENTS :] = 0.1 * rng.standard_normal(
            frames[..., DESCRIPTORS + LATENTS :].shape, dtype=np.float32
        )
        return frames.reshape(len(z), -1)

    def _frames(self, audio: Floats) -> Floats:
        return audio.reshape(len(audio), -1, HOP)


def make_clips(count: int, seed: int = 0, lowest: float = 0.3) -> List[Floats]:
    """Clips with random descriptors from `lowest` on and random latents."""
    rng = np.random.default_rng(seed)
    frames = 0.1 * rng.standard_normal((count, FRAMES, HOP))
    frames[..., :DESCRIPTORS] = rng.uniform(lowest, 1.0, (count, FRAMES, DESCRIPTORS))
    frames[..., DESCRIPTORS : DESCRIPTORS + LATENTS] = rng.uniform(-1, 1, (count, FRAMES, LATENTS))
    return [clip.reshape(-1).astype(np.float32) for clip in frames]
