"""The peer of the sub-band decoders: RAVE v1, BRAVE and F-RAVE as plain torch with cached convolutions."""

import math

import torch
from torch import Tensor, nn

from benchmarks.peer_layers import CachedConv, CachedUnit, CachedUpsample, activate
from neurorave_train.nets.layers import CausalConv, Upsample
from neurorave_train.nets.paper_decoder import PaperDecoder


class PeerNoise(nn.Module):
    """Noise shaped in a few bins per band and block, through the Fourier transform as published."""

    window: Tensor

    def __init__(self, channels: int, bands: int, ratios: list[int], bins: int) -> None:
        super().__init__()
        self.bands, self.bins, self.block = bands, bins, math.prod(ratios)
        widths = [channels] * len(ratios) + [bands * bins]
        self.convs = nn.ModuleList(
            CachedConv(a, b, 3, stride=r)
            for a, b, r in zip(widths, widths[1:], ratios, strict=False)
        )
        # From the bins to an impulse response of the block's length around sample 0.
        size = 2 * (bins - 1)
        window = torch.fft.ifftshift(torch.hann_window(size))
        self.size = size
        self.register_buffer("window", window, persistent=False)

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        """x [1, channels, T], noise [1, T / block, bands, block] even in -1 .. 1 -> [1, bands, T]."""
        for i, conv in enumerate(self.convs):
            x = conv(activate(x) if i else x)
        amplitudes = positive(x - 5.0).permute(0, 2, 1)
        shape = (1, x.shape[2], self.bands, self.bins)
        response = torch.fft.irfft(amplitudes.reshape(shape), n=self.size) * self.window
        half = self.size // 2
        middle = torch.zeros(1, x.shape[2], self.bands, self.block - self.size)
        response = torch.cat([response[..., :half], middle, response[..., half:]], dim=-1)
        product = torch.fft.rfft(noise) * torch.fft.rfft(response)
        shaped = torch.fft.irfft(product, n=self.block)
        return shaped.permute(0, 2, 1, 3).reshape(1, self.bands, x.shape[2] * self.block)


class NoNoise(nn.Module):
    """In place of the noise where a network has none."""

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        return torch.zeros(1, 1, 1)


def positive(x: Tensor) -> Tensor:
    """The published amplitude curve."""
    return 2.0 * torch.sigmoid(x).pow(2.3) + 1e-7


class PeerRave(nn.Module):
    """Latents [1, L, 1] to samples [1, hop]; draws its noise itself, as an exported model does.

    Built from our own decoder, whose weights it takes over: the same network in the usual form.
    """

    sign: Tensor

    def __init__(self, ours: PaperDecoder, has_noise: bool) -> None:
        super().__init__()
        self.enter = _conv(ours.enter)
        self.ups = nn.ModuleList(_upsample(up) for up in ours.ups)
        self.stacks = nn.ModuleList(nn.Sequential(*(_unit(u) for u in s)) for s in ours.stacks)
        self.wave, self.loudness = _conv(ours.wave), _conv(ours.loudness)
        self.bands = ours.bank.bands
        self.steps = math.prod(up.ratio for up in ours.ups)
        self.block = 1
        self.has_noise = has_noise
        self.noise: nn.Module = NoNoise()
        if has_noise:
            self.noise = _noise(ours)
            self.block = ours.noise.block
        self.bank = _conv(ours.bank.pqmf.synthesise)
        sign = torch.ones(1, self.bands, self.steps)
        sign[:, 1::2, ::2] = -1.0
        self.register_buffer("sign", sign, persistent=False)

    def forward(self, latents: Tensor) -> Tensor:
        noise = torch.rand(1, self.steps // self.block, self.bands, self.block) * 2.0 - 1.0
        return self.decode(latents, noise)

    @torch.jit.export
    def decode(self, latents: Tensor, noise: Tensor) -> Tensor:
        """The sound with the noise given [1, steps / block, bands, block], even in -1 .. 1."""
        x = self.enter(latents)
        for up, stack in zip(self.ups, self.stacks):
            x = stack(up(activate(x)))
        y = torch.tanh(self.wave(x)) * positive(self.loudness(x))
        if self.has_noise:
            y = y + self.noise(x, noise)
        y = self.bank(y * self.sign)
        return y.permute(0, 2, 1).reshape(1, y.shape[1] * y.shape[2])


def _conv(ours: CausalConv) -> CachedConv:
    """The layer in torch's layout: ours has [taps * inputs, outputs], the oldest tap first."""
    made = CachedConv(
        ours.inputs, ours.outputs, ours.kernel, ours.dilation, ours.stride, ours.bias is not None
    )
    weight = ours.weight.detach().reshape(ours.kernel, ours.inputs, ours.outputs)
    made.conv.weight.data = weight.permute(2, 1, 0).contiguous()
    if ours.bias is not None:
        assert made.conv.bias is not None
        made.conv.bias.data = ours.bias.detach().clone()
    return made


def _upsample(ours: Upsample) -> nn.Module:
    if ours.ratio == 1:
        return _conv(ours.conv)
    inputs, ratio, outputs = ours.conv.inputs, ours.ratio, ours.outputs
    made = CachedUpsample(inputs, outputs, ratio)
    weight = ours.conv.weight.detach().reshape(2, inputs, ratio, outputs)
    # The present sample gives the first half of the response, the one before it the second.
    response = torch.cat([weight[1], weight[0]], dim=1)
    made.conv.weight.data = response.permute(0, 2, 1).contiguous()
    assert ours.conv.bias is not None
    bias = ours.conv.bias.detach().reshape(ratio, outputs)
    if not torch.equal(bias, bias[:1].expand_as(bias)):
        raise ValueError("a transposed convolution has one bias for all phases")
    made.bias.data = bias[0][:, None].clone()
    return made


def _unit(ours: nn.Module) -> CachedUnit:
    spread, mix = _conv(ours.spread), _conv(ours.mix)
    made = CachedUnit(ours.spread.inputs, ours.spread.dilation)
    made.spread, made.mix = spread, mix
    return made


def _noise(ours: PaperDecoder) -> PeerNoise:
    head = ours.noise
    made = PeerNoise(
        head.convs[0].inputs, head.bands, [conv.stride for conv in head.convs], head.bins
    )
    made.convs = nn.ModuleList(_conv(conv) for conv in head.convs)
    return made
