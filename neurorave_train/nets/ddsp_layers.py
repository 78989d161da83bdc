"""What the harmonic-plus-noise baselines need besides `layers.py`: perceptrons, a recurrent cell, MFCCs."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neurorave_train.descriptors.spectrum import PowerSpectrum
from neurorave_train.nets.encoder import LONG_SCALE, MelFrames, mel_matrix
from neurorave_train.nets.harmonics import REACH
from neurorave_train.nets.layers import CausalConv, Stack, activate
from neurorave_train.nets.stream import Stream

COEFFICIENTS, MELS = 30, 128
PITCH_CLASSES = 97


class Perceptron(nn.Module):
    """Three times linear, layer norm, leaky rectifier (DDSP, Engel et al., 2020)."""

    def __init__(self, inputs: int, width: int, layers: int = 3) -> None:
        super().__init__()
        sizes = [inputs] + [width] * layers
        self.linear = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        for linear, norm in zip(self.linear, self.norms, strict=True):
            x = activate(norm(linear(x)))
        return x


class FrameGru(nn.Module):
    """A recurrent layer over frames [B, F, inputs] -> [B, F, width], its state in the stream.

    One frame is computed in plain products, which every engine has; the published encoder runs over
    the items of a batch instead of its frames.
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.cell = nn.GRU(inputs, width, batch_first=True)

    def forward(self, x: Tensor, stream: Stream) -> Tensor:
        before = stream.take(x, 1, self.width)
        if x.shape[1] == 1:
            y = self._advance(x, before)
        else:
            y, _ = self.cell(x, before.transpose(0, 1).contiguous())
        stream.give(y[:, y.shape[1] - 1 :])
        return y

    def _advance(self, x: Tensor, h: Tensor) -> Tensor:
        w = self.width
        from_x, from_h, x_bias, h_bias = self.cell.all_weights[0]
        a = F.linear(x, from_x, x_bias)
        b = F.linear(h, from_h, h_bias)
        a_gates, a_new = a.split_with_sizes([2 * w, w], dim=-1)
        b_gates, b_new = b.split_with_sizes([2 * w, w], dim=-1)
        r, u = torch.sigmoid(a_gates + b_gates).chunk(2, dim=-1)
        n = torch.tanh(a_new + r * b_new)
        return n + u * (h - n)


class Mfcc(nn.Module):
    """Thirty mel-frequency cepstral coefficients of each frame [..., window] -> [..., 30]."""

    mel: Tensor
    cosine: Tensor

    def __init__(self, sample_rate: int, window: int) -> None:
        super().__init__()
        self.power = PowerSpectrum(window)
        self.register_buffer("mel", mel_matrix(sample_rate, window, MELS), persistent=False)
        n, k = torch.arange(MELS).double() + 0.5, torch.arange(COEFFICIENTS).double()
        cosine = torch.cos(math.pi / MELS * n[:, None] * k) * math.sqrt(2.0 / MELS)
        self.register_buffer("cosine", cosine.float(), persistent=False)

    def forward(self, frames: Tensor, dft_as_matmul: bool = False) -> Tensor:
        mel = torch.matmul(self.power(frames, dft_as_matmul), self.mel) * LONG_SCALE
        return torch.matmul(torch.log(mel + 1e-6), self.cosine)


class PitchHead(nn.Module):
    """The pitch coordinate of each frame, learnt from a pitch tracker: [B, F, window] -> [B, F, 1].

    A tracker cannot be part of a bundle, this can. `logits` gives classes an equal part of an octave
    wide; the answer is their mean.
    """

    centres: Tensor

    def __init__(self, sample_rate: int, hop: int, window: int, width: int = 96) -> None:
        super().__init__()
        self.features = MelFrames(sample_rate, hop, window, long=96)
        self.enter = CausalConv(self.features.size, width, kernel=1)
        self.body = Stack(width, (1, 2))
        self.leave = CausalConv(width, PITCH_CLASSES, kernel=1)
        centres = torch.linspace(-REACH, REACH, PITCH_CLASSES)[:, None]
        self.register_buffer("centres", centres, persistent=False)

    def logits(self, frames: Tensor, stream: Stream, dft_as_matmul: bool = False) -> Tensor:
        """Logits [B, F, classes]."""
        x = self.enter(self.features(frames, dft_as_matmul), stream)
        y: Tensor = self.leave(self.body(x, None, stream), stream)
        return y

    def coordinate(self, logits: Tensor) -> Tensor:
        """The pitch coordinate [B, F, 1]."""
        return torch.matmul(torch.softmax(logits, dim=-1), self.centres)

    def loss(self, logits: Tensor, coordinate: Tensor, known: Tensor) -> Tensor:
        """Cross-entropy against the tracker's coordinates [B, F] where they are `known` [B, F]."""
        scaled = (coordinate + REACH) * ((PITCH_CLASSES - 1) / (2.0 * REACH))
        wanted = scaled.round().long().clamp(0, PITCH_CLASSES - 1)
        losses = F.cross_entropy(logits.transpose(1, 2), wanted, reduction="none")
        return (losses * known).sum() / known.sum().clamp(min=1.0)
