"""One frame of the published decoder, channels first: the form that engines run fastest.

Over whole sounds the layers are products of matrices. Of a single frame most layers see few steps and
many weights, and ONNX Runtime's blocked convolutions read weights faster than its products do; so a frame
is made of two-dimensional convolutions of height 1. Same weights, same result.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neurorave_train.nets.layers import CausalConv, Upsample, activate
from neurorave_train.nets.paper_layers import SubbandBank, positive
from neurorave_train.nets.stream import Stream


class NoiseLayers(Protocol):
    """What a frame takes from a noise head: its layers, its numbers and the responses of its bins."""

    convs: nn.ModuleList
    bands: int
    bins: int
    block: int
    reach: int
    taps: Tensor


class DecoderLayers(Protocol):
    """What a frame takes from a decoder: its layers, and how loud the noise is."""

    enter: CausalConv
    ups: nn.ModuleList
    stacks: nn.ModuleList
    wave: CausalConv
    loudness: CausalConv
    noise_level: Tensor
    bank: SubbandBank

    @property
    def noise(self) -> NoiseLayers:
        """The noise head."""


def decode_frame(decoder: DecoderLayers, x: Tensor, noise: Tensor | None, stream: Stream) -> Tensor:
    """One frame of what the decoder's first layer takes, [1, 1, inputs], to samples [1, hop].

    noise [1, rows, values] standard normal; without it the noise is left out. States are
    [1, channels, 1, steps], not those of the form for whole sounds.
    """
    x = conv(decoder.enter, x.transpose(1, 2).unsqueeze(2), stream)
    for up, stack in zip(decoder.ups, decoder.stacks, strict=True):
        assert isinstance(up, Upsample) and isinstance(stack, nn.ModuleList)
        x = upsample(up, activate(x), stream)
        for unit in stack:
            assert isinstance(unit.mix, CausalConv) and isinstance(unit.spread, CausalConv)
            x = x + conv(unit.mix, activate(conv(unit.spread, activate(x), stream)), stream)
    y = torch.tanh(conv(decoder.wave, x, stream)) * positive(conv(decoder.loudness, x, stream))
    if noise is not None:
        y = y + decoder.noise_level * shape_noise(decoder.noise, x, noise, stream)
    bank = decoder.bank
    sign = bank.sign.T.reshape(1, bank.bands, 1, 2).repeat(1, 1, 1, y.shape[3] // 2)
    y = conv(bank.pqmf.synthesise, y * sign, stream)
    return y.squeeze(2).transpose(1, 2).reshape(1, -1)


def conv(layer: CausalConv, x: Tensor, stream: Stream) -> Tensor:
    """The layer on [1, inputs, 1, T]: [1, outputs, 1, T / stride]."""
    if layer.past > 0:
        x = torch.cat([stream.take(x, layer.inputs, 1, layer.past), x], dim=3)
        stream.give(x[..., x.shape[3] - layer.past :])
    elif layer.past < 0:
        x = x[..., -layer.past :]
    weight = layer.weight.reshape(layer.kernel, layer.inputs, layer.outputs)
    weight = weight.permute(2, 1, 0).unsqueeze(2)
    step, spread = (1, layer.stride), (1, layer.dilation)
    return F.conv2d(x, weight, layer.bias, stride=step, dilation=spread)


def upsample(layer: Upsample, x: Tensor, stream: Stream) -> Tensor:
    """The layer on [1, inputs, 1, T]: [1, outputs, 1, T * ratio]."""
    y = conv(layer.conv, x, stream)
    if layer.ratio == 1:
        return y
    steps = y.shape[3]
    y = y.reshape(1, layer.ratio, layer.outputs, steps).permute(0, 2, 3, 1)
    return y.reshape(1, layer.outputs, 1, steps * layer.ratio)


def shape_noise(head: NoiseLayers, x: Tensor, noise: Tensor, stream: Stream) -> Tensor:
    """The head on x [1, channels, 1, T]: the noise in its bands [1, bands, 1, T]."""
    for i, layer in enumerate(head.convs):
        assert isinstance(layer, CausalConv)
        x = conv(layer, activate(x) if i else x, stream)
    blocks, bands, bins = x.shape[3], head.bands, head.bins
    amplitudes = positive(x - 5.0).reshape(bands, bins, blocks).permute(2, 0, 1)
    even = torch.erf(noise * math.sqrt(0.5)).reshape(blocks * bands, head.block)
    # Each bin's noise by one product, then their sum weighted with the amplitudes.
    each = torch.matmul(even, bin_filters(head)).reshape(blocks * bands, bins, head.block)
    y = torch.matmul(amplitudes.reshape(blocks * bands, 1, bins), each)
    y = y.reshape(blocks, bands, head.block).permute(1, 0, 2)
    return y.reshape(1, bands, 1, blocks * head.block)


def bin_filters(head: NoiseLayers) -> Tensor:
    """The matrix [block, bins * block] that filters a block with each bin, around the block's end."""
    size = head.block
    lags = torch.arange(-head.reach, head.reach + 1)
    response = torch.zeros(head.bins, size).to(head.taps)
    response[:, lags % size] = head.taps
    # Row i is the answer to an impulse at sample i.
    lag = (torch.arange(size) - torch.arange(size)[:, None]) % size
    return response[:, lag].permute(1, 0, 2).reshape(size, head.bins * size)
