"""Specific loudness after Zwicker from third-octave powers: batched, differentiable, exportable.

The standard draws the curve N'(z) by a walk along the Bark axis. Here the walk is replaced by
closed forms. Inside one critical band a curve that decays from the level n has used up the
distance T(n), where T is concave and piecewise linear (knots at RNS, steepness 1/USL); so the
level after dz Bark is Tinv(T(n) - dz). All points of all bands follow at once when the level at
which each band begins is known, and these levels follow from 20 steps of `max` in units of
distance. The result equals the walk, not an approximation of it.
"""

from typing import Any, Tuple

import numpy as np
import torch
from torch import Tensor, nn

from . import tables

BANDS = len(tables.ZUP)
# The uppermost range of RNS has no upper end; no sound of 100 dB full scale comes near this.
TOP_LOUDNESS = 400.0
# Comparisons are ramps this steep (relative), so that only Mul and Clip are exported.
STEP = 1.0e5


def _above(value: Tensor, limit: Tensor) -> Tensor:
    """Return 1 where value > limit and 0 elsewhere, without gradient."""
    return ((value / limit - 1.0) * STEP).clamp(0.0, 1.0).detach()


def _distances(column: int) -> Tuple[tables.Array, tables.Array, tables.Array]:
    """Return the ranges of one USL column from the quietest up: (n, distance) knots, steepness."""
    levels = np.append(tables.RNS[::-1], TOP_LOUDNESS)
    steepness = tables.USL[::-1, column]
    travelled = np.concatenate([[0.0], np.cumsum(np.diff(levels) / steepness)])
    return levels, travelled, steepness


class _MaxOfLines(torch.autograd.Function):
    """max over j of (steepness[j] * x + offset[j]), floored at 0, without a [..., j] temporary."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, steepness: Tensor, offset: Tensor) -> Tensor:
        """Return [points, R] for x [points, R]; both tables are [ranges, points, 1]."""
        best = torch.zeros_like(x)
        line = torch.empty_like(x)
        for j in range(len(steepness)):
            torch.addcmul(offset[j], steepness[j], x, out=line)
            torch.maximum(best, line, out=best)
        ctx.save_for_backward(best, steepness)
        return best

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tuple[Tensor, None, None]:
        """Return the gradient: the steepness of the line that was the highest."""
        best, steepness = ctx.saved_tensors
        levels = torch.as_tensor(tables.RNS[::-1].copy(), dtype=best.dtype)
        slope = torch.zeros_like(best)
        previous = torch.zeros_like(steepness[0])
        for j in range(len(steepness)):
            torch.addcmul(
                slope, (best > levels[j]).to(best.dtype), steepness[j] - previous, out=slope
            )
            previous = steepness[j]
        return grads[0] * slope, None, None


class SpecificLoudness(nn.Module):
    """Third-octave powers to N'(z).

    `spread` points of 0.1 Bark are represented by their middle one: 1 gives all 240 points.
    """

    def __init__(self, spread: int = 1) -> None:
        super().__init__()
        self._core_constants()
        self._slope_constants(spread)

    def _constant(self, name: str, value: tables.Array) -> None:
        tensor = torch.as_tensor(np.ascontiguousarray(value), dtype=torch.get_default_dtype())
        self.register_buffer(name, tensor, persistent=False)

    def _core_constants(self) -> None:
        full = tables.FULL_SCALE_DB
        factors = 10.0 ** (0.1 * tables.DLL)
        limits = 10.0 ** (0.1 * (tables.RAP[:-1, None] - tables.DLL[:-1] - full))
        self._constant("low_first", factors[0])
        self._constant("low_steps", np.diff(factors, axis=0))
        self._constant("low_limits", limits)
        merge = np.zeros((28, 20))
        for band, (first, last) in enumerate(tables.LOW_BAND_GROUPS):
            merge[first:last, band] = 1.0
        merge[11:, 3:] = np.eye(17)
        self._constant("merge", merge)
        self._constant("quiet", 10.0 ** (0.1 * (tables.LTQ - full)))
        excitation = full - tables.A0 - tables.DCB - tables.LTQ
        self._constant("excitation", 0.25 * 10.0 ** (0.1 * excitation))
        self._constant("scale", 0.0635 * 10.0 ** (0.025 * tables.LTQ))

    def _slope_constants(self, spread: int) -> None:
        starts = np.concatenate([[0.0], tables.ZUP[:-1]])
        self.widths = tuple(float(w) for w in tables.ZUP - starts)
        owner, bark, weight = [], [], []
        for band in range(BANDS):
            inside = np.flatnonzero(
                (tables.BARK > starts[band] + 1e-6) & (tables.BARK <= tables.ZUP[band] + 1e-6)
            )
            for group in np.array_split(inside, max(1, int(np.ceil(len(inside) / spread)))):
                owner.append(band)
                bark.append(tables.BARK[group].mean())
                weight.append(float(len(group)))
        owners = np.array(owner)
        self.bark = np.array(bark)
        self.first = int((owners > 0).argmax())
        self.register_buffer("owner", torch.as_tensor(owners), persistent=False)
        self._constant("weight", np.array(weight))
        after = (self.bark - starts[owners])[self.first :]
        self._constant("after", after[:, None])
        knots = [_distances(tables.slope_column(band)) for band in range(1, BANDS)]
        # T for the level at the end of each band, in the distances of the band that follows it.
        level_width = np.diff(knots[0][0])
        self._constant("level_scale", 1.0 / level_width)
        self._constant("level_shift", -knots[0][0][:-1] / level_width)
        self._constant(
            "distance_width", np.stack([np.diff(t) for _, t, _ in knots])[:, :, None]
        )
        # The same levels in the distances of the band before: only bands 2..8 change the column.
        travelled = np.stack([t for _, t, _ in knots[:8]])
        self._constant("change_scale", 1.0 / np.diff(travelled))
        self._constant("change_shift", -travelled[:, :-1] / np.diff(travelled))
        lines = np.stack([s for _, _, s in knots], axis=1)
        offsets = np.stack([n[:-1] - s * t[:-1] for n, t, s in knots], axis=1)
        bands = owners[self.first :] - 1
        self._constant("lines", lines[:, bands, None])
        self._constant("offsets", offsets[:, bands, None])

    def core(self, bands: Tensor) -> Tensor:
        """Return the core loudness [R, 20] of third-octave powers [R, 28] (1.0 = 100 dB)."""
        low = bands[:, :11]
        steps = _above(low[:, None, :], self.low_limits)
        factor = self.low_first + (steps * self.low_steps).sum(1)
        power = torch.cat([low * factor, bands[:, 11:]], dim=1) @ self.merge
        heard = _above(power, self.quiet)
        root = (0.75 + self.excitation * power).sqrt().sqrt()
        loudness = torch.relu(self.scale * (root - 1.0)) * heard
        lowest = loudness[:, :1]
        corrected = torch.minimum(lowest, 0.4 * lowest + 0.32 * lowest.pow(1.2))
        return torch.cat([corrected, loudness[:, 1:]], dim=1)

    def _starts(self, loudness: Tensor) -> Tensor:
        """Return [20, R], the distance that is left at the start of bands 1..20, from [20, R]."""
        share = loudness[:, :, None] * self.level_scale + self.level_shift
        own = torch.matmul(share.clamp(0.0, 1.0), self.distance_width)[:, :, 0]
        left = [own[0]]
        for band in range(2, BANDS):
            rest = left[-1] - self.widths[band - 1]
            if band <= 8:
                source = band - 2
                part = rest[:, None] * self.change_scale[source] + self.change_shift[source]
                rest = (part.clamp(0.0, 1.0) @ self.distance_width[band - 1])[:, 0]
            left.append(torch.maximum(own[band - 1], rest))
        return torch.stack(left)

    def forward(self, bands: Tensor, plain: bool = False) -> Tensor:
        """Return N'(z) [points, R] in sone/Bark of third-octave powers [R, 28] (1.0 = 100 dB).

        `plain` keeps to operators that every ONNX runtime knows. Source: DIN 45631, ISO 532-1.
        """
        loudness = self.core(bands).t()
        loudness = torch.cat([loudness, torch.zeros_like(loudness[:1])])
        left = self._starts(loudness[:-1])
        rest = left[self.owner[self.first :] - 1] - self.after
        if plain:
            decay = torch.relu((self.lines * rest + self.offsets).amax(0))
        else:
            decay = _MaxOfLines.apply(rest, self.lines, self.offsets)
        flat = loudness[self.owner]
        return torch.cat([flat[: self.first], torch.maximum(flat[self.first :], decay)])
