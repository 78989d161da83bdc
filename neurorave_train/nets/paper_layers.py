"""What the published network needs besides `layers.py`: batch and weight normalisation, PQMF bands."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm
from torch.nn.utils.parametrize import is_parametrized, remove_parametrizations

from neurorave_train.nets.layers import CausalConv, Upsample
from neurorave_train.nets.pqmf import Pqmf
from neurorave_train.nets.stream import Stream
from neurorave_train.together import SharedBatchNorm

Layer = TypeVar("Layer", CausalConv, Upsample)


class ChannelNorm(SharedBatchNorm):
    """Batch normalisation of [B, T, channels] (Ioffe and Szegedy, 2015).

    In evaluation it is a scale and a shift in plain operators, which every engine folds away.
    """

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return super().forward(x.reshape(-1, x.shape[-1])).reshape(x.shape)
        assert self.running_mean is not None and self.running_var is not None
        scale = self.weight / torch.sqrt(self.running_var + self.eps)
        return x * scale + (self.bias - self.running_mean * scale)


def weight_normed(layer: Layer) -> Layer:
    """The layer with its weights split into length and direction per output (Salimans and Kingma)."""
    conv = layer.conv if isinstance(layer, Upsample) else layer
    weight_norm(conv, "weight", dim=2)
    return layer


def fold_weight_norm(network: nn.Module) -> None:
    """Turns all normalised weights of a trained network into plain ones; no way back."""
    for module in network.modules():
        if is_parametrized(module, "weight"):
            remove_parametrizations(module, "weight")


def positive(x: Tensor) -> Tensor:
    """The published amplitude curve 2 * sigmoid(x)^2.3 + 1e-7."""
    return 2.0 * torch.pow(torch.sigmoid(x), 2.3) + 1e-7


class SubbandBank(nn.Module):
    """The PQMF bank with the spectra of its odd bands turned the right way up.

    Shapes: audio [B, T] -> [B, T / bands, bands] and back, T a multiple of 2 * bands. Every other
    sample of an odd band changes its sign, as published: a filter bank by itself puts the lower
    edge of these bands at their highest frequency.
    """

    sign: Tensor

    def __init__(self, bands: int, attenuation: float) -> None:
        super().__init__()
        self.pqmf = Pqmf(bands, attenuation)
        self.bands, self.delay = bands, self.pqmf.delay
        sign = torch.ones(2, bands)
        sign[0, 1::2] = -1.0
        self.register_buffer("sign", sign, persistent=False)

    def _turned(self, x: Tensor) -> Tensor:
        b, t, c = x.shape
        return (x.reshape(b, t // 2, 2, c) * self.sign).reshape(b, t, c)

    def forward(self, audio: Tensor, stream: Stream) -> Tensor:
        return self._turned(self.pqmf(audio, stream))

    def inverse(self, bands: Tensor, stream: Stream) -> Tensor:
        """Bands [B, T, bands] to audio [B, T * bands], `delay` samples late with `forward`."""
        return self.pqmf.inverse(self._turned(bands), stream)

    def target(self, audio: Tensor) -> Tensor:
        """The bands that `inverse` turns into this very audio, without a delay."""
        bands: Tensor = self.pqmf(F.pad(audio, (0, self.delay)), Stream())
        return self._turned(bands[:, self.delay // self.bands :])
