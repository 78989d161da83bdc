"""A bundle as a codec: its graphs run frame by frame on ONNX Runtime, as the module runs them."""

from typing import Any, Dict, Sequence, Tuple

import numpy as np

from neurorave_device.engine.bundle import Bundle, load_bundle
from neurorave_device.errors import UserError

from .metrics import Floats
from .subject import DESCRIPTORS

ROLES = ("decoder", "encoder", "meter")


def _steering(folder: str, document: Dict[str, Any]) -> Tuple[Sequence[str], bool]:
    """`follows` and `frees` of bundle.yaml; where they are not said, all descriptors and yes."""
    follows, frees = document.get("follows", list(DESCRIPTORS)), document.get("frees", True)
    known = isinstance(follows, list) and all(name in DESCRIPTORS for name in follows)
    if not known or len(set(follows)) != len(follows):
        raise UserError(
            f"{folder}/bundle.yaml: follows is {follows!r}; it must be a list of some of "
            f"{', '.join(DESCRIPTORS)}, each once."
        )
    if not isinstance(frees, bool):
        raise UserError(f"{folder}/bundle.yaml: frees is {frees!r}; it must be true or false.")
    return tuple(follows), frees


class BundleCodec:
    """Encodes, decodes and measures with the graphs of a bundle; see subject.Codec.

    Every clip starts from zero states. Not for two threads at once. Raises UserError where the folder
    is no bundle, or one without the descriptors or the graphs that an evaluation needs.
    """

    def __init__(self, folder: str) -> None:
        self.bundle: Bundle = load_bundle(folder, roles=ROLES)
        info = self.bundle.info
        missing = [role for role in ROLES if role not in self.bundle.graphs]
        if missing:
            raise UserError(
                f"{folder}: the bundle has no {' and no '.join(missing)}; an evaluation needs "
                f"{', '.join(ROLES)}."
            )
        names = tuple(descriptor.name for descriptor in info.descriptors)
        if names != DESCRIPTORS:
            raise UserError(
                f"{folder}/bundle.yaml: descriptors are {', '.join(names)}; an evaluation knows "
                f"{', '.join(DESCRIPTORS)} in this order."
            )
        self.name = info.name
        self.version = info.version
        self.sample_rate = info.sample_rate
        self.hop = info.hop
        self.latents = info.latents
        self.latency_samples = info.latency_samples
        self.follows, self.frees = _steering(folder, self.bundle.document)
        self.quantiles = np.array([d.quantiles for d in info.descriptors], dtype=np.float64)

    def encode(self, audio: Floats) -> Floats:
        """Latents [N, F, L] of audio [N, F*hop]."""
        return self._analyse("encoder", audio, ("latents",))[0]

    def measure(self, audio: Floats) -> Tuple[Floats, Floats]:
        """Descriptors of audio [N, F*hop] in physical and in quantile units, [N, F, D] both."""
        values, quantiles = self._analyse("meter", audio, ("descriptors", "quantiles"))
        return values, quantiles

    def decode(self, z: Floats, q: Floats, mask: Floats, seed: int) -> Floats:
        """Audio [N, F*hop]; clip i of the batch gets the noise of seed + i."""
        graph = self.bundle.graphs["decoder"]
        shape = graph.inputs["noise"]
        clips, frames = z.shape[:2]
        audio = np.empty((clips, frames, self.hop), dtype=np.float32)
        for i in range(clips):
            rng = np.random.default_rng(seed + i)
            graph.reset()
            for t in range(frames):
                found = graph.run(
                    latents=z[i, t].reshape(1, 1, -1),
                    descriptors=q[i, t].reshape(1, 1, -1),
                    mask=mask[i, t].reshape(1, 1, -1),
                    noise=rng.standard_normal(shape, dtype=np.float32),
                )
                audio[i, t] = found["audio"][0]
        return audio.reshape(clips, frames * self.hop)

    def _analyse(self, role: str, audio: Floats, names: Tuple[str, ...]) -> Tuple[Floats, ...]:
        """Outputs [N, F, size] of an analysis graph, its delay taken out.

        The graph's window ends with its frame, latency_samples too late to be centred on a frame.
        The clip is pushed back to the next whole frame, and that many first frames are dropped.
        """
        graph = self.bundle.graphs[role]
        late = -(-self.latency_samples // self.hop)
        shift = late * self.hop - self.latency_samples
        padded = np.pad(audio, ((0, 0), (shift, self.latency_samples)))
        pieces = padded.reshape(len(audio), -1, 1, self.hop)
        results = tuple(
            np.empty((len(audio), pieces.shape[1], graph.outputs[name][-1]), dtype=np.float32)
            for name in names
        )
        for i, clip in enumerate(pieces):
            graph.reset()
            for t, piece in enumerate(clip):
                found = graph.run(audio=piece)
                for result, name in zip(results, names):
                    result[i, t] = found[name][0, 0]
        return tuple(result[:, late:] for result in results)
