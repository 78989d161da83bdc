"""Graphs in plain Python with the toy bundle's signatures, for sounds that no ONNX file should make."""

from typing import Callable, Dict

import numpy as np

from neurorave_device.engine.base import Graph, Value
from neurorave_device.engine.bundle import Bundle
from neurorave_device.engine.description import read_description

from .toy import TOY

HOP = 512
LATENTS = 8
DESCRIPTORS = 5

# Gives the audio of frame `number` since zero states, float32 [HOP].
Sound = Callable[[int], np.ndarray]


class FakeGraph(Graph):
    """Counts frames since zero states; all other fakes build on it."""

    def __init__(self) -> None:
        self.number = 0

    def run(self, **values: Value) -> Dict[str, np.ndarray]:
        result = self.outputs_of(self.number)
        self.number += 1
        return result

    def outputs_of(self, number: int) -> Dict[str, np.ndarray]:
        raise NotImplementedError

    def reset(self) -> None:
        self.number = 0


class FakePrior(FakeGraph):
    """Proposes the middle of everything; NaN from frame `broken` on."""

    inputs = {"noise": (1, 4), "temperature": (1, 1), "forced": (1, 1), "force": (1, 1)}
    outputs = {"latents": (1, 1, LATENTS), "descriptors": (1, 1, DESCRIPTORS)}

    def __init__(self, broken: int = -1) -> None:
        super().__init__()
        self._broken = broken

    def fork(self) -> "FakePrior":
        return FakePrior(self._broken)

    def outputs_of(self, number: int) -> Dict[str, np.ndarray]:
        value = np.nan if 0 <= self._broken <= number else 0.5
        return {
            "latents": np.zeros((1, 1, LATENTS), dtype=np.float32),
            "descriptors": np.full((1, 1, DESCRIPTORS), value, dtype=np.float32),
        }


class FakeDecoder(FakeGraph):
    """Plays what `sound` says, whatever is asked."""

    inputs = {
        "latents": (1, 1, LATENTS),
        "descriptors": (1, 1, DESCRIPTORS),
        "mask": (1, 1, DESCRIPTORS),
        "noise": (1, 1, 4),
    }
    outputs = {"audio": (1, HOP)}

    def __init__(self, sound: Sound) -> None:
        super().__init__()
        self._sound = sound

    def fork(self) -> "FakeDecoder":
        return FakeDecoder(self._sound)

    def outputs_of(self, number: int) -> Dict[str, np.ndarray]:
        return {"audio": self._sound(number).astype(np.float32)[None]}


def fake_bundle(sound: Sound, broken_prior: int = -1) -> Bundle:
    """Makes the toy bundle with a decoder that plays `sound`, and without a meter."""
    graphs = {"prior": FakePrior(broken_prior), "decoder": FakeDecoder(sound)}
    return Bundle(read_description(TOY), graphs)
