"""The four graphs of a bundle: one frame per call, explicit state, nothing hidden inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from neurorave_train.nets.ddsp_model import DdspModel
from neurorave_train.nets.model import PlayableModel
from neurorave_train.nets.paper_model import PaperModel
from neurorave_train.nets.prior import Prior
from neurorave_train.nets.sound_model import SoundModel
from neurorave_train.nets.stream import Stream


class Graph(NamedTuple):
    """A module with named example inputs (states last, all zero) and output names."""

    module: nn.Module
    inputs: dict[str, Tensor]
    outputs: list[str]


class Ordering(NamedTuple):
    """Rotation of the latents by variance: c = (z - mean) @ basis.T, z = c @ basis + mean."""

    mean: Tensor
    basis: Tensor


class DecoderGraph(nn.Module):
    """Ordered latents, descriptors, mask and noise to one hop of samples."""

    mean: Tensor
    basis: Tensor

    def __init__(self, model: SoundModel, ordering: Ordering) -> None:
        super().__init__()
        self.decoder = model.decoder
        self.register_buffer("mean", ordering.mean)
        self.register_buffer("basis", ordering.basis)

    def forward(
        self, latents: Tensor, descriptors: Tensor, mask: Tensor, noise: Tensor, *states: Tensor
    ) -> tuple[Tensor, ...]:
        stream = Stream(states)
        z = torch.matmul(latents, self.basis) + self.mean
        audio = self.decoder(z, descriptors, mask, noise, stream)
        return (audio, *stream.states)


class EncoderGraph(nn.Module):
    """One hop of samples to the ordered latents of the frame that lies `latency` samples back."""

    mean: Tensor
    basis: Tensor

    def __init__(self, model: PlayableModel | DdspModel, ordering: Ordering) -> None:
        super().__init__()
        self.encoder, self.past = model.encoder, model.window - model.hop
        self.register_buffer("mean", ordering.mean)
        self.register_buffer("basis", ordering.basis)

    def forward(self, audio: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        stream = Stream(states)
        frame = torch.cat([stream.take(audio, self.past), audio], dim=1)
        stream.give(frame[:, frame.shape[1] - self.past :])
        z = self.encoder(frame.unsqueeze(1), stream, dft_as_matmul=True)
        return (torch.matmul(z - self.mean, self.basis.T), *stream.states)


class SubbandEncoderGraph(nn.Module):
    """The same for the published encoder, which hears bands of samples and not windows."""

    mean: Tensor
    basis: Tensor

    def __init__(self, model: PaperModel, ordering: Ordering) -> None:
        super().__init__()
        self.bank, self.encoder = model.bank, model.encoder
        self.register_buffer("mean", ordering.mean)
        self.register_buffer("basis", ordering.basis)

    def forward(self, audio: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        stream = Stream(states)
        z, _ = self.encoder(self.bank(audio, stream), stream)
        return (torch.matmul(z - self.mean, self.basis.T), *stream.states)


class MeterGraph(nn.Module):
    """One hop of samples to descriptors, with the very code that trained the model."""

    def __init__(self, model: SoundModel) -> None:
        super().__init__()
        self.descriptors, self.quantiles = model.descriptors, model.quantiles
        self.past = model.window - model.hop

    def forward(self, audio: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        stream = Stream(states)
        frame = torch.cat([stream.take(audio, self.past), audio], dim=1)
        stream.give(frame[:, frame.shape[1] - self.past :])
        values = self.descriptors.measure(frame.unsqueeze(1), dft_as_matmul=True)
        return (values, self.quantiles.to_q(values), *stream.states)


class PriorGraph(nn.Module):
    """Noise, temperature and a possibly forced latent 0 to the next latents and base curves."""

    def __init__(self, prior: Prior) -> None:
        super().__init__()
        self.prior = prior

    def forward(
        self, noise: Tensor, temperature: Tensor, forced: Tensor, force: Tensor, *states: Tensor
    ) -> tuple[Tensor, ...]:
        stream = Stream(states)
        z, q = self.prior(noise, temperature, forced, force, stream)
        return (z, q, *stream.states)


def _graph(module: nn.Module, inputs: dict[str, Tensor], outputs: Sequence[str]) -> Graph:
    """Runs the module once on a fresh start to learn the shapes of its states."""
    with torch.no_grad():
        found = module.eval()(*inputs.values())
    states = [torch.zeros_like(s) for s in found[len(outputs) :]]
    named = {f"state_in_{i}": s for i, s in enumerate(states)}
    return Graph(
        module, {**inputs, **named}, [*outputs, *(f"state_out_{i}" for i in range(len(states)))]
    )


def build_graphs(model: SoundModel, prior: Prior, ordering: Ordering) -> dict[str, Graph]:
    """All graphs of a bundle by role."""
    count = int(model.quantiles.knots.shape[0])
    rows, values = model.decoder.noise_shape
    latents, descriptors = torch.zeros(1, 1, model.latents), torch.full((1, 1, count), 0.5)
    audio = torch.zeros(1, model.hop)
    encoder: nn.Module
    if isinstance(model, PaperModel):
        encoder = SubbandEncoderGraph(model, ordering)
    else:
        assert isinstance(model, PlayableModel | DdspModel)
        encoder = EncoderGraph(model, ordering)
    one = torch.zeros(1, 1)
    return {
        "decoder": _graph(
            DecoderGraph(model, ordering),
            {
                "latents": latents,
                "descriptors": descriptors,
                "mask": torch.ones_like(descriptors),
                "noise": torch.zeros(1, rows, values),
            },
            ["audio"],
        ),
        "prior": _graph(
            PriorGraph(prior),
            {
                "noise": torch.zeros(1, prior.noise_size),
                "temperature": one + 1.0,
                "forced": one,
                "force": one,
            },
            ["latents", "descriptors"],
        ),
        "encoder": _graph(encoder, {"audio": audio}, ["latents"]),
        "meter": _graph(MeterGraph(model), {"audio": audio}, ["descriptors", "quantiles"]),
    }
