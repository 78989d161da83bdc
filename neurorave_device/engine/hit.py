"""One sounding hit: prior and decoder from zero states on, its frame grid, its own noise."""

import math
from typing import NamedTuple, Optional, Tuple

import numpy as np

from neurorave_device.engine.base import Graph
from neurorave_device.mapping.combine import combine
from neurorave_device.mapping.guard import Guard
from neurorave_device.mapping.targets import Targets

# A hit fades in over this many samples (a third of a millisecond at 44.1 kHz): a decoder whose very
# first sample is large then starts with a ramp, and an attack keeps its edge.
ONSET = 16
# What is left of the last good sample dies away over this many samples where a frame is bad.
RESCUE = 128


class FrameReport(NamedTuple):
    """What one frame asked for: absolute `sample` of its start, quantile units, `mask` True = asked."""

    sample: int
    asked: Tuple[float, ...]
    mask: Tuple[bool, ...]


class Hit:
    """Generates the samples of one hit, frame by frame; the frame grid starts at its first sample.

    `prior` and `decoder` must belong to this hit alone.  Synthesis thread.
    """

    def __init__(self, prior: Graph, decoder: Graph, guard: Guard) -> None:
        self._prior = prior
        self._decoder = decoder
        self._guard = guard
        self.hop = decoder.outputs["audio"][1]
        self._prior_noise = np.zeros(prior.inputs["noise"], dtype=np.float32)
        self._noise = np.zeros(decoder.inputs["noise"], dtype=np.float32)
        self._mask = np.zeros(decoder.inputs["mask"], dtype=np.float32)
        self._asked = np.zeros(decoder.inputs["descriptors"], dtype=np.float32)
        self._onset = np.arange(1, ONSET + 1, dtype=np.float32) / ONSET
        self._rescue = np.linspace(1.0, 0.0, min(RESCUE, self.hop), dtype=np.float32)
        self._prior_random = np.random.Generator(np.random.PCG64(0))
        self._random = np.random.Generator(np.random.PCG64(0))
        self._audio = np.zeros(self.hop, dtype=np.float32)
        self._cursor = self.hop
        self._last = np.float32(0.0)
        self._ramp_in = False
        # What a frozen sound stands still on: latents, and what was asked of the frame.
        self._latents = np.zeros(decoder.inputs["latents"], dtype=np.float32)
        self._report: Optional[FrameReport] = None
        self.sounding = False
        self.bad_frames = 0

    def start(self, seed: int, number: int) -> None:
        """Makes ready for variant `number` under `seed`: zero states, noise of these two numbers only."""
        self._prior.reset()
        self._decoder.reset()
        self._guard.reset()
        self._prior_random = _generator(seed, number, 0)
        self._random = _generator(seed, number, 1)
        self._cursor = self.hop
        self._last = np.float32(0.0)
        self._ramp_in = True
        self._report = None
        self.sounding = True

    def stop(self) -> None:
        """Ends at once, before the next frame."""
        self.sounding = False
        self._cursor = self.hop

    @property
    def left(self) -> int:
        """How many samples of the current frame are not read yet."""
        return self.hop - self._cursor

    def frame(
        self, sample: int, targets: Targets, guarded: bool, frozen: bool = False
    ) -> FrameReport:
        """Computes the next frame, the last one having been read; `sample` is its first one.

        A `frozen` one has the latents and the descriptors of the frame before, and the prior rests.
        """
        if frozen and self._report is not None:
            self._decode()
            return self._report._replace(sample=sample)
        self._prior_random.standard_normal(out=self._prior_noise, dtype=np.float32)
        proposed = self._prior.run(
            noise=self._prior_noise,
            temperature=targets.temperature,
            forced=targets.forced,
            force=float(targets.force),
        )
        base = proposed["descriptors"][0, 0]
        if not (_finite(base) and _finite(proposed["latents"][0, 0])):
            # The states of the prior are lost, and zeroing them would start the sound anew.
            self.sounding = False
            self._report = None
            self._rescue_frame()
            return FrameReport(sample, (0.0,) * base.size, (False,) * base.size)
        asked, mask = combine(targets, base)
        if guarded:
            asked = self._guard.limit(asked, mask, base, targets.moved)
        self._asked[0, 0] = asked
        self._mask[0, 0] = mask
        self._latents[...] = proposed["latents"]
        self._decode()
        self._report = FrameReport(sample, tuple(self._asked[0, 0].tolist()), tuple(mask.tolist()))
        return self._report

    def read(self, count: int) -> np.ndarray:
        """Returns the next `count` samples, at most `left`; valid until the next frame is computed."""
        samples = self._audio[self._cursor : self._cursor + count]
        self._cursor += count
        return samples

    def _decode(self) -> None:
        self._random.standard_normal(out=self._noise, dtype=np.float32)
        audio = self._decoder.run(
            latents=self._latents, descriptors=self._asked, mask=self._mask, noise=self._noise
        )["audio"][0]
        if _finite(audio):
            self._take(audio)
        else:
            self._decoder.reset()
            self._rescue_frame()

    def _take(self, audio: np.ndarray) -> None:
        self._audio[...] = audio
        if self._ramp_in:
            self._audio[:ONSET] *= self._onset
            self._ramp_in = False
        self._last = self._audio[-1]
        self._cursor = 0

    def _rescue_frame(self) -> None:
        """Puts a short fade from the last good sample in place of a frame with NaN or infinity."""
        self.bad_frames += 1
        self._audio.fill(0.0)
        self._audio[: self._rescue.size] = self._last * self._rescue
        self._last = np.float32(0.0)
        self._ramp_in = True
        self._cursor = 0


def _finite(values: np.ndarray) -> bool:
    """Whether no value [n] is NaN, infinite or so large (1e19) that no sound has it: its power tells."""
    return math.isfinite(np.dot(values, values))


def _generator(seed: int, number: int, stream: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, number, stream])))
