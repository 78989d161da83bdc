"""The peer of the shipped model: its prior and decoder as plain torch, with the weights of its bundle."""

import re
from typing import Dict, List, Tuple

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from benchmarks.peer_layers import CachedConv, CachedUnit, FilmUnit, activate
from neurorave_device.engine.bundle import Bundle
from neurorave_train.nets.carrier_decoder import CarrierDecoder
from neurorave_train.nets.prior import QUIET_FRAMES

# Their matrices are no weights: both have them from the formulas.
CONSTANT = ("tones", "noise")
EASED = "how much lower a rise begins"
Weights = Dict[str, Tuple[np.ndarray, np.ndarray]]


class PeerDraw(nn.Module):
    """One draw from a mixture of Gaussians whose parameters a small network gives."""

    def __init__(self, inputs: int, size: int, components: int, width: int) -> None:
        super().__init__()
        self.size, self.components = size, components
        self.hidden = nn.Linear(inputs, width)
        self.out = nn.Linear(width, components * (1 + 2 * size))

    def forward(self, x: Tensor, chance: Tensor, noise: Tensor, temperature: Tensor) -> Tensor:
        y = self.out(torch.tanh(self.hidden(x)))[0]
        k = self.components
        logits, mean, scale = y.split([k, k * self.size, k * self.size])
        reached = torch.softmax(logits / temperature.clamp(min=0.05), dim=0).cumsum(0)
        chosen = (reached < chance).sum().clamp(max=k - 1)
        mean, scale = mean.reshape(k, self.size)[chosen], scale.reshape(k, self.size)[chosen]
        return (mean + scale.clamp(-4.0, 1.5).exp() * temperature * noise).unsqueeze(0)


class PeerPrior(nn.Module):
    """One frame of the prior: latents [1, L] and descriptors [1, D], in quantile units."""

    before: Tensor
    hidden: Tensor
    started: Tensor
    quiet: Tensor
    ended: Tensor

    def __init__(self, latents: int, descriptors: int, weights: Weights) -> None:
        super().__init__()
        self.latents, self.size = latents, latents + descriptors
        self.limit = QUIET_FRAMES - 0.5
        from_x, from_h = weights["#0"], weights["#1"]
        width = from_h[0].shape[0]
        self.cell = nn.GRUCell(self.size + 1, width)
        self.cell.weight_ih.data, self.cell.bias_ih.data = _tensors(from_x)
        self.cell.weight_hh.data, self.cell.bias_hh.data = _tensors(from_h)
        parts = []
        for size, end in ((1, ""), (self.size - 1, "_1")):
            hidden, out = weights["hidden" + end], weights["out" + end]
            components = out[0].shape[1] // (1 + 2 * size)
            draw = PeerDraw(hidden[0].shape[0], size, components, hidden[0].shape[1])
            draw.hidden.weight.data, draw.hidden.bias.data = _tensors(hidden)
            draw.out.weight.data, draw.out.bias.data = _tensors(out)
            parts.append(draw)
        self.lead, self.follow = parts
        self.register_buffer("before", torch.zeros(1, self.size))
        self.register_buffer("hidden", torch.zeros(1, width))
        for name in ("started", "quiet", "ended"):
            self.register_buffer(name, torch.zeros(1))

    def forward(self, noise: Tensor, temperature: Tensor) -> Tuple[Tensor, Tensor]:
        self.hidden = self.cell(
            torch.cat([self.before, self.started.reshape(1, 1)], dim=1), self.hidden
        )
        even = 0.5 * (1.0 + torch.erf(noise * 0.7071067811865476)) * 0.999999
        lead = self.lead(self.hidden, even[0], noise[1], temperature)
        x = torch.cat([self.hidden, lead], dim=1)
        x = torch.cat([lead, self.follow(x, even[2], noise[3:], temperature)], dim=1)
        self.before, self.started = x, torch.ones(1)
        z, q = x[:, : self.latents].clamp(-6.0, 6.0), x[:, self.latents :] / 3.5 + 0.5
        silent = ((0.03 - q[:, 0]) * 1e6).clamp(0.0, 1.0)
        self.quiet = (self.quiet + silent) * silent
        enough = ((self.quiet - self.limit) * 1e6).clamp(0.0, 1.0)
        self.ended = torch.maximum(self.ended, enough)
        loud = q[:, :1] * (1.0 - self.ended)
        return z, torch.cat([loud, q[:, 1:]], dim=1).clamp(0.0, 1.0)


class PeerDecoder(nn.Module):
    """One frame of the carrier decoder: latents [1, L], descriptors and mask [1, D] to [1, hop]."""

    knots: Tensor
    position: Tensor
    level: Tensor
    envelope: Tensor
    tail: Tensor

    def __init__(self, ours: CarrierDecoder, knots: Tensor, weights: Weights) -> None:
        super().__init__()
        self.blocks, self.count = ours.blocks, ours.count
        self.fine_width, self.bands = ours.fine_width, ours.bands
        self.block = ours.noise.block
        matrix, mean = weights["#0"]
        self.order = nn.Linear(*matrix.shape)
        self.order.weight.data, self.order.bias.data = _tensors((matrix, mean))
        self.enter = _conv(ours.enter, weights["enter"])
        self.body = nn.ModuleList()
        for i, unit in enumerate(ours.body.units):
            film = weights[f"body.units.{i}.film"]
            made = FilmUnit(ours.enter.outputs, unit.spread.dilation, film[0].shape[0])
            made.film.weight.data, made.film.bias.data = _tensors(film)
            made.spread = _conv(unit.spread, weights[f"body.units.{i}.spread"])
            made.mix = _conv(unit.mix, weights[f"body.units.{i}.mix"])
            self.body.append(made)
        self.split = _conv(ours.split, weights["split"])
        self.film = nn.Linear(weights["fine_film"][0].shape[0], 2 * ours.split.outputs)
        self.film.weight.data, self.film.bias.data = _tensors(weights["fine_film"])
        self.fine = nn.Sequential()
        for i, unit in enumerate(ours.fine.units):
            fine = CachedUnit(ours.fine_width, unit.spread.dilation, second_kernel=1, bias=True)
            fine.spread = _conv(unit.spread, weights[f"fine.units.{i}.spread"])
            fine.mix = _conv(unit.mix, weights[f"fine.units.{i}.mix"])
            self.fine.append(fine)
        self.head = _conv(ours.head, weights["head"])
        for name in ("phase_cos", "phase_sin", "basis"):
            self.register_buffer(name, getattr(ours.tones, name), persistent=False)
        self.register_buffer("spread", ours.noise.twice, persistent=False)
        self.register_buffer("waves", ours.noise.basis, persistent=False)
        self.register_buffer("steps", torch.arange(1, 1 + self.blocks) / self.blocks, False)
        eased = torch.from_numpy(weights[EASED][1]).float()
        self.register_buffer("eased", eased, persistent=False)
        self.register_buffer("knots", knots[0].clone(), persistent=False)
        self.register_buffer("position", torch.zeros(1, dtype=torch.long))
        self.register_buffer("level", torch.full((1,), -100.0))
        self.register_buffer("envelope", torch.zeros(1, 2 * self.count))
        self.register_buffer("tail", torch.zeros(1, self.block))

    def base(self, q: Tensor) -> Tensor:
        """The asked loudness as an amplitude per sub-block [blocks, 1]."""
        spot = (q[0, :1] - 0.01) * (24.0 / 0.98)
        below = spot.floor().clamp(0.0, 23.0).long()
        low, high = self.knots[below], self.knots[below + 1]
        level = (low + (high - low) * (spot - below)).clamp(-100.0, 6.0)
        gliding = self.level + (level - self.level) * self.steps
        self.level = level
        return torch.exp(torch.maximum(gliding, level - self.eased) * 0.1151292546497023).unsqueeze(
            1
        )

    def forward(self, latents: Tensor, q: Tensor, mask: Tensor, noise: Tensor) -> Tensor:
        condition = torch.cat([(2.0 * q - 1.0) * mask, mask], dim=1)
        base = self.base(q)
        x = self.enter(torch.cat([self.order(latents), condition], dim=1).unsqueeze(2))
        for unit in self.body:
            x = unit(x, condition)
        scale, shift = self.film(condition).unsqueeze(2).chunk(2, dim=1)
        x = self.split(activate(x)) * scale + shift
        x = x.reshape(1, self.blocks, self.fine_width).transpose(1, 2)
        x = self.head(activate(self.fine(x)))[0].t()
        n = self.count
        size = torch.exp(x[:, :n].clamp(-14.0, 4.0)) * base
        turns = torch.tanh(x[:, n : 3 * n])
        now = torch.cat([size * turns[:, :n], size * turns[:, n:]], dim=1)
        hiss = torch.exp(x[:, 3 * n :].clamp(-14.0, 4.0)) * base
        return self.tones(now) + self.noise(hiss, noise)

    def tones(self, now: Tensor) -> Tensor:
        """Carriers under the envelopes [blocks, 2 * count]."""
        cosine = self.phase_cos[self.position].reshape(self.blocks, 1, self.count)
        sine = self.phase_sin[self.position].reshape(self.blocks, 1, self.count)
        self.position = (self.position + 1) % self.phase_cos.shape[0]
        before = torch.cat([self.envelope, now[: self.blocks - 1]])
        self.envelope = now[self.blocks - 1 :]
        a, b = torch.cat([before, now], dim=1).reshape(self.blocks, 2, -1).chunk(2, dim=2)
        turned = torch.cat([a * cosine + b * sine, b * cosine - a * sine], dim=2)
        return torch.mm(turned.reshape(self.blocks, 4 * self.count), self.basis).reshape(1, -1)

    def noise(self, hiss: Tensor, noise: Tensor) -> Tensor:
        """Filtered noise of the bands' amplitudes [blocks, bands]."""
        y = torch.mm(torch.mm(hiss, self.spread) * noise[0], self.waves)
        before = torch.cat([self.tail, y[: self.blocks - 1, self.block :]])
        self.tail = y[self.blocks - 1 :, self.block :]
        return (y[:, : self.block] + before).reshape(1, -1)


class PeerInstrument(nn.Module):
    """Prior and decoder in one scripted model; it draws its noise itself."""

    def __init__(self, prior: PeerPrior, decoder: PeerDecoder, rows: int, values: int) -> None:
        super().__init__()
        self.prior, self.decoder = prior, decoder
        self.rows, self.values = rows, values

    def forward(self, temperature: Tensor, mask: Tensor) -> Tensor:
        drawn = torch.randn(self.prior.size + 2)
        z, q = self.prior(drawn, temperature)
        return self.decoder(z, q, mask, torch.randn(1, self.rows, self.values))

    @torch.jit.export
    def play(self, z: Tensor, q: Tensor, mask: Tensor) -> Tensor:
        """The decoder alone."""
        return self.decoder(z, q, mask, torch.randn(1, self.rows, self.values))

    @torch.jit.export
    def decode(
        self, drawn: Tensor, temperature: Tensor, mask: Tensor, noise: Tensor
    ) -> Tuple[Tensor, Tensor, Tensor]:
        """Latents, descriptors and sound with the noise given."""
        z, q = self.prior(drawn, temperature)
        return z, q, self.decoder(z, q, mask, noise)

    @torch.jit.export
    def again(self) -> None:
        """Starts another sound, as a trigger does."""
        self.prior.hidden.zero_()
        self.prior.before = torch.zeros_like(self.prior.before)
        self.prior.started, self.prior.quiet = torch.zeros(1), torch.zeros(1)
        self.prior.ended = torch.zeros(1)


def make_instrument(bundle: Bundle) -> PeerInstrument:
    """The peer of a bundle of the `carriers` family, with the weights of the bundle's own graphs."""
    info = bundle.info
    knots = torch.tensor([d.quantiles for d in info.descriptors], dtype=torch.float32)
    ours = CarrierDecoder(info.sample_rate, info.hop, info.latents, knots)
    weights = {r: read_weights(f"{bundle.path}/{r}.onnx", r) for r in ("prior", "decoder")}
    weights["decoder"][EASED] = np.zeros(0), read_easing(bundle.path, ours.blocks)
    prior = PeerPrior(info.latents, len(info.descriptors), weights["prior"])
    _, rows, values = bundle.graphs["decoder"].inputs["noise"]
    return PeerInstrument(prior, PeerDecoder(ours, knots, weights["decoder"]), rows, values).eval()


def read_weights(path: str, role: str) -> Weights:
    """Matrix [inputs, outputs] and bias of each layer of a graph by its place in the network.

    A value's name tells the layer that made it; of a product of several layers each gets its columns.
    Layers at the top are called #0, #1 and so on, in their order.
    """
    graph = onnx.load(path).graph
    constants = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    splits = {n.input[0]: n for n in graph.node if n.op_type == "Split"}
    parts: Dict[str, List[Tuple[np.ndarray, np.ndarray]]] = {}
    top = 0
    for node in graph.node:
        if node.op_type not in ("Gemm", "MatMul") or node.input[1] not in constants:
            continue
        matrix = constants[node.input[1]]
        if any(a.name == "transB" and a.i for a in node.attribute):
            matrix = matrix.T
        row = constants[node.input[2]] if len(node.input) > 2 else np.zeros(matrix.shape[1])
        names, sizes = [node.output[0]], [matrix.shape[1]]
        if names[0].startswith("product."):
            split = splits[names[0]]
            names, sizes = list(split.output), constants[split.input[1]].tolist()
        ends = np.cumsum([0, *sizes])
        for name, start, end in zip(names, ends, ends[1:]):
            found = re.match(rf"/(?:{role}/)?(?:(.+)/)?[^/]+$", name)
            place = (found.group(1) or "").replace("/", ".") if found else ""
            if place in CONSTANT:
                continue
            if not place:
                place, top = f"#{top}", top + 1
            parts.setdefault(place, []).append((matrix[:, start:end], row[start:end]))
    return {
        k: (np.hstack([m for m, _ in v]), np.hstack([r for _, r in v])) for k, v in parts.items()
    }


def read_easing(folder: str, blocks: int) -> np.ndarray:
    """By how many decibels the sub-blocks [blocks] of a rise begin lower; zeros in older bundles."""
    for constant in onnx.load(f"{folder}/decoder.onnx").graph.initializer:
        values = numpy_helper.to_array(constant).reshape(-1)
        if values.size == blocks and values[0] > 1.0 and not values[1:].any():
            return values.copy()
    return np.zeros(blocks, np.float32)


def _tensors(layer: Tuple[np.ndarray, np.ndarray]) -> Tuple[Tensor, Tensor]:
    """Weight [outputs, inputs] and bias as torch's layers have them."""
    matrix, row = layer
    return torch.tensor(matrix.T.copy()).float(), torch.tensor(row.copy()).float()


def _conv(ours: nn.Module, layer: Tuple[np.ndarray, np.ndarray]) -> CachedConv:
    made = CachedConv(ours.inputs, ours.outputs, ours.kernel, ours.dilation)
    weight = torch.tensor(layer[0].copy()).float()
    weight = weight.reshape(ours.kernel, ours.inputs, ours.outputs)
    made.conv.weight.data = weight.permute(2, 1, 0).contiguous()
    made.conv.bias.data = torch.tensor(layer[1].copy()).float()
    return made
