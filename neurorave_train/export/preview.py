"""The preview of a bundle: what its prior plays by itself, through the exported graphs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import soundfile

Floats = npt.NDArray[np.float32]


class StreamedGraph:
    """An ONNX graph with its states kept between calls. Thread: one at a time."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self.shapes = {i.name: tuple(i.shape) for i in self.session.get_inputs()}
        self.names = [o.name for o in self.session.get_outputs()]
        self.reset()

    def reset(self) -> None:
        """A fresh start: all states zero."""
        self.states = {
            n: np.zeros(s, np.float32) for n, s in self.shapes.items() if n.startswith("state_in_")
        }

    def __call__(self, **inputs: Floats) -> dict[str, Floats]:
        found = dict(
            zip(self.names, self.session.run(None, {**inputs, **self.states}), strict=True)
        )
        self.states = {n: found.pop(n.replace("_in_", "_out_")) for n in self.states}
        return found


def play_hits(
    folder: Path, hits: int, frames: int, seed: int = 0, temperature: float = 1.0
) -> Floats:
    """Audio of `hits` sounds of the prior, `frames` frames each, one after another."""
    decoder = StreamedGraph(folder / "decoder.onnx")
    prior = StreamedGraph(folder / "prior.onnx")
    rng = np.random.default_rng(seed)
    none = np.zeros((1, 1), np.float32)
    pieces = []
    for _ in range(hits):
        decoder.reset()
        prior.reset()
        for _ in range(frames):
            drawn = prior(
                noise=rng.standard_normal(prior.shapes["noise"]).astype(np.float32),
                temperature=none + np.float32(temperature),
                forced=none,
                force=none,
            )
            curves = drawn["descriptors"]
            mask = np.zeros_like(curves)
            mask[..., 0] = 1.0
            played = decoder(
                latents=drawn["latents"],
                descriptors=curves,
                mask=mask,
                noise=rng.standard_normal(decoder.shapes["noise"]).astype(np.float32),
            )
            pieces.append(played["audio"][0])
    return np.concatenate(pieces)


def write_preview(folder: Path, sample_rate: int, hop: int) -> str:
    """Writes preview.flac, eight sounds of 0.75 s; returns its name."""
    audio = play_hits(folder, hits=8, frames=int(0.75 * sample_rate / hop))
    soundfile.write(folder / "preview.flac", np.clip(audio, -1.0, 1.0), sample_rate, "PCM_16")
    return "preview.flac"
