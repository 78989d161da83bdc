"""What is compared: the shipped model, and the published shapes with random weights.

Each shape is written as our ONNX graph and as the peer's scripted model into a folder, after a check that
both give the same samples. Sizes of the shapes: RAVE (Caillon and Esling, 2021), F-RAVE (Devis et al.,
2023), BRAVE (Caspe et al., 2025), all causal.
"""

from pathlib import Path
from typing import Any, Dict, NamedTuple, Tuple

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.peer_hand import make_instrument
from benchmarks.peer_rave import PeerRave
from neurorave_device.engine.base import Graph
from neurorave_device.engine.bundle import load_bundle
from neurorave_device.engine.onnx_engine import OnnxGraph
from neurorave_train.export.graphs import _graph
from neurorave_train.export.onnx_file import count_macs, count_parameters, write_onnx
from neurorave_train.nets.paper_decoder import PaperDecoder
from neurorave_train.nets.paper_frame import decode_frame
from neurorave_train.nets.paper_layers import fold_weight_norm
from neurorave_train.nets.stream import Stream

# Largest difference of samples, as a part of the largest sample.
TOLERANCE = 1e-4
CHECKED_FRAMES = 8
KNOTS = 25


class Shape(NamedTuple):
    """A published decoder: rates in Hz, `params` and `mmacs` as counted in the earlier study."""

    title: str
    sample_rate: int
    inputs: int
    bands: int
    attenuation: float
    capacity: int
    ratios: Tuple[int, ...]
    dilations: Tuple[int, ...]
    noise: bool
    params: float
    mmacs: float


SHAPES = {
    "paper": Shape(
        "F-RAVE, `paper`, 16 kHz",
        16000,
        133,
        8,
        100.0,
        64,
        (4, 4, 4, 2),
        (1, 3, 9),
        True,
        12.80,
        82.95,
    ),
    "rave_v1": Shape(
        "RAVE v1, 48 kHz", 48000, 128, 16, 100.0, 64, (4, 4, 4, 2), (1, 3, 9), True, 12.77, 84.20
    ),
    "brave": Shape(
        "BRAVE, 44.1 kHz", 44100, 128, 16, 40.0, 32, (2, 2, 2, 1), (1, 4, 12, 36), False, 3.25, 7.17
    ),
}


class Prepared(NamedTuple):
    """Files of one comparison and what the network costs per frame."""

    title: str
    sample_rate: int
    hop: int
    files: Dict[str, str]
    parameters: int
    macs: int
    difference: float


class FrameGraph(nn.Module):
    """Latents and, where there is noise, noise to one hop of samples."""

    def __init__(self, decoder: PaperDecoder, noise: bool) -> None:
        super().__init__()
        self.decoder, self.noise = decoder, noise

    def forward(self, latents: Tensor, *rest: Tensor) -> Tuple[Tensor, ...]:
        noise = rest[0] if self.noise else None
        stream = Stream(rest[1:] if self.noise else rest)
        return (decode_frame(self.decoder, latents, noise, stream), *stream.states)


def random_decoder(shape: Shape) -> PaperDecoder:
    """The network of a shape with random weights, its noise audible."""
    torch.manual_seed(0)
    # One descriptor that nothing uses: the latents are the whole input of a published decoder.
    decoder = PaperDecoder(
        shape.inputs - 1,
        torch.linspace(0.0, 1.0, KNOTS)[None],
        shape.bands,
        shape.attenuation,
        shape.capacity,
        shape.ratios,
        shape.dilations,
        (4, 4, 4) if shape.noise else (2, 2, 2),
        5,
    ).eval()
    fold_weight_norm(decoder)
    with torch.no_grad():
        decoder.noise_level.fill_(1.0)
        decoder.noise.convs[-1].bias.add_(4.0)
        for up in decoder.ups:
            # A transposed convolution has one bias for all its phases.
            bias = up.conv.bias.reshape(up.ratio, -1)
            bias.copy_(bias[:1].expand_as(bias).clone())
    return decoder


def prepare_shape(shape: Shape, folder: Path) -> Prepared:
    """Writes graph and peer of a shape; raises RuntimeError where they do not agree."""
    decoder = random_decoder(shape)
    rows, values = decoder.noise_shape
    inputs = {"latents": torch.zeros(1, 1, shape.inputs)}
    if shape.noise:
        inputs["noise"] = torch.zeros(1, rows, values)
    path = folder / "decoder.onnx"
    write_onnx(_graph(FrameGraph(decoder, shape.noise), inputs, ["audio"]), path)
    peer = torch.jit.script(PeerRave(decoder, shape.noise).eval())
    graph = OnnxGraph(str(path))
    difference = _worst(_shape_frames(graph, peer, decoder, shape))
    torch.jit.script(PeerRave(decoder, shape.noise).eval()).save(str(folder / "peer.ts"))
    files = {"decoder": str(path), "peer": str(folder / "peer.ts")}
    weights = sum(
        p.numel() for n, p in decoder.named_parameters() if shape.noise or "noise" not in n
    )
    weights -= sum(p.numel() for p in decoder.bank.parameters())
    hop = graph.outputs["audio"][1]
    macs = count_macs(path)
    return Prepared(shape.title, shape.sample_rate, hop, files, weights, macs, difference)


def _shape_frames(graph: OnnxGraph, peer: Any, decoder: PaperDecoder, shape: Shape) -> Any:
    random = np.random.Generator(np.random.PCG64(1))
    bands, block = decoder.bank.bands, decoder.noise.block if shape.noise else 1
    for _ in range(CHECKED_FRAMES):
        z = random.standard_normal((1, 1, shape.inputs), dtype=np.float32)
        given = {"latents": z}
        even = torch.zeros(1, 1, 1, 1)
        if shape.noise:
            given["noise"] = random.standard_normal(graph.inputs["noise"], dtype=np.float32)
            # The published noise is uniform; bundles are given normal numbers.
            even = torch.erf(torch.from_numpy(given["noise"]) * 0.5**0.5)
            even = even.reshape(1, -1, bands, block)
        with torch.inference_mode():
            wanted = peer.decode(torch.from_numpy(z).transpose(1, 2), even).numpy().copy()
        yield graph.run(**given)["audio"].copy(), wanted


def prepare_shipped(bundle_folder: str, folder: Path) -> Prepared:
    """The same for a bundle: prior and decoder, with its own weights in the peer."""
    bundle = load_bundle(bundle_folder)
    peer = torch.jit.script(make_instrument(bundle))
    difference = _worst(_hand_frames(bundle.graphs, peer))
    torch.jit.script(make_instrument(bundle)).save(str(folder / "peer.ts"))
    paths = [Path(bundle.path) / f"{role}.onnx" for role in ("prior", "decoder")]
    files = {"prior": str(paths[0]), "decoder": str(paths[1]), "peer": str(folder / "peer.ts")}
    info = bundle.info
    title = f"`{Path(bundle_folder).name}`, prior and decoder, {info.sample_rate / 1000:g} kHz"
    parameters, macs = sum(map(count_parameters, paths)), sum(map(count_macs, paths))
    return Prepared(title, info.sample_rate, info.hop, files, parameters, macs, difference)


def _hand_frames(graphs: Dict[str, Graph], peer: Any) -> Any:
    random = np.random.Generator(np.random.PCG64(1))
    prior, decoder = graphs["prior"], graphs["decoder"]
    mask = np.ones(decoder.inputs["mask"], np.float32)
    for _ in range(CHECKED_FRAMES):
        drawn = random.standard_normal(prior.inputs["noise"], dtype=np.float32)
        noise = random.standard_normal(decoder.inputs["noise"], dtype=np.float32)
        found = prior.run(noise=drawn, temperature=1.0, forced=0.0, force=0.0)
        audio = decoder.run(
            latents=found["latents"], descriptors=found["descriptors"], mask=mask, noise=noise
        )["audio"]
        with torch.inference_mode():
            wanted = peer.decode(
                torch.from_numpy(drawn[0]),
                torch.ones(1),
                torch.from_numpy(mask[0]),
                torch.from_numpy(noise),
            )
        yield found["latents"][0].copy(), wanted[0].numpy()
        yield found["descriptors"][0].copy(), wanted[1].numpy()
        yield audio.copy(), wanted[2].numpy()


def _worst(frames: Any) -> float:
    worst = 0.0
    for found, wanted in frames:
        size = float(np.abs(wanted).max())
        worst = max(worst, float(np.abs(found - wanted).max()) / size)
        if not (size > 1e-4 and worst <= TOLERANCE):
            raise RuntimeError(
                f"engine and peer differ by {worst:.2g} of the largest value, {size:.2g}"
            )
    return worst
