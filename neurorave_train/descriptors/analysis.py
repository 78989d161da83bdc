"""The fast path of a training step: from padded audio to band powers and spectral moments.

It computes what `PowerSpectrum` and the plain formulas of `measure` compute, with its gradient
written out, about a hundred frames at a time: for autograd the spectra of a batch are hundreds of
megabytes of passing arrays, and here they stay in the processor's cache.
"""

from itertools import pairwise
from typing import Any, List, NamedTuple, Tuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Most frames that are worked on at once.
CHUNK = 128


class SpectralConstants(NamedTuple):
    """What turns frames into moments: window shape [window], the rest per bin.

    shape: the window, scaled so that |X|^2 is the power of a bin, but twice that in the end bins.
    floor [bins]; frequency [bins] Hz; basis [3, bins]: squares, values and ones of the relative
    frequency; bands [bins, 28].
    """

    shape: Tensor
    floor: Tensor
    frequency: Tensor
    basis: Tensor
    bands: Tensor


def _chunks(rows: int, count: int) -> List[Tuple[int, int, int]]:
    """Return (row, first frame, past last frame) of each piece of work, all about as long."""
    pieces = -(-count // CHUNK)
    edges = [count * piece // pieces for piece in range(pieces + 1)]
    return [(row, a, b) for row in range(rows) for a, b in pairwise(edges)]


def _scale_ends(values: Tensor, factor: float) -> None:
    values[:, 0].mul_(factor)
    values[:, -1].mul_(factor)


class SpectralAnalysis(torch.autograd.Function):
    """Audio [B, L] to total power, centroid, bandwidth [B, F] and band powers [B, F, 28].

    Frame t of F begins at sample t * hop; the last one must lie inside the audio.
    """

    @staticmethod
    def forward(
        ctx: Any, audio: Tensor, hop: int, count: int, constants: SpectralConstants
    ) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the four results and keep the spectra for the gradient."""
        shape, floor, frequency, _, bands = constants
        rows = audio.shape[0]
        frames = audio.unfold(1, shape.numel(), hop)
        total, centroid, bandwidth = (audio.new_empty(rows, count) for _ in range(3))
        powers = audio.new_empty(rows, count, bands.shape[1])
        spectra = []
        for row, first, last in _chunks(rows, count):
            spectrum = torch.fft.rfft(frames[row, first:last] * shape)
            parts = torch.view_as_real(spectrum)
            power = parts[..., 0].square().addcmul_(parts[..., 1], parts[..., 1])
            _scale_ends(power, 0.5)
            total[row, first:last] = power.sum(-1)
            power += floor
            torch.mm(power, bands, out=powers[row, first:last])
            magnitude = power.sqrt_()
            _scale_ends(magnitude, 2.0**0.5)
            size = magnitude.sum(-1)
            middle = (magnitude @ frequency) / size
            apart = frequency - middle[:, None]
            spread = (apart.square_().mul_(magnitude).sum(-1) / size).sqrt_()
            centroid[row, first:last], bandwidth[row, first:last] = middle, spread
            if ctx.needs_input_grad[0]:
                spectra.append((spectrum, magnitude, size))
        ctx.spectra, ctx.hop, ctx.constants, ctx.length = spectra, hop, constants, audio.shape[1]
        ctx.save_for_backward(centroid, bandwidth)
        return total, centroid, bandwidth, powers

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> Tuple[Tensor, None, None, None]:
        """Return the gradient of the audio."""
        shape, _, frequency, basis, bands = ctx.constants
        centroid, bandwidth = ctx.saved_tensors
        to_total, to_centroid, to_bandwidth, to_powers = grads
        # The slopes by magnitude are a parabola over frequency. Units of the highest frequency
        # keep its coefficients alike in size.
        unit = frequency[-1]
        middle, spread = centroid / unit, bandwidth / unit
        bend = 0.5 * to_bandwidth * unit / spread
        tilt = to_centroid * unit
        level = bend * (middle.square() - spread.square()) - tilt * middle
        parabola = 0.5 * torch.stack([bend, tilt - 2.0 * bend * middle, level], dim=-1)
        # One more band that takes all bins: the total power.
        to_powers = torch.cat([to_powers, to_total[..., None]], dim=-1)
        takes = torch.cat([bands, torch.ones_like(bands[:, :1])], dim=1).t().contiguous()

        hop, window = ctx.hop, shape.numel()
        rows, count = centroid.shape
        pieces = -(-window // hop)
        grid = centroid.new_zeros(rows, max(count - 1 + pieces, -(-ctx.length // hop)), hop)
        for (row, first, last), (spectrum, magnitude, size) in zip(
            _chunks(rows, count), ctx.spectra
        ):
            slope = (parabola[row, first:last] / size[:, None]) @ basis
            slope.div_(magnitude)
            _scale_ends(slope, 2.0)
            slope.addmm_(to_powers[row, first:last], takes)
            frame = torch.fft.irfft(spectrum * slope, n=window, norm="forward").mul_(shape)
            for piece in range(pieces):
                part = frame[:, piece * hop : (piece + 1) * hop]
                grid[row, first + piece : last + piece, : part.shape[1]] += part
        return grid.reshape(rows, -1)[:, : ctx.length], None, None, None
