"""Specific loudness after Zwicker from third-octave powers: batched, differentiable, exportable.

The standard draws the curve N'(z) by a walk along the Bark axis. Here the walk is replaced by
closed forms. Inside one critical band a curve that decays from the level n has used up the
distance T(n), where T is concave and piecewise linear (knots at RNS, steepness 1/USL); so the
level after dz Bark is Tinv(T(n) - dz). All points of all bands follow at once when the level at
which each band begins is known, and these levels follow from 20 steps of `max` in units of
distance. The result equals the walk, not an approximation of it.
"""

from typing import Any, NamedTuple, Tuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from . import tables

BANDS = len(tables.ZUP)
# The uppermost range of RNS has no upper end; no sound of 100 dB full scale comes near this.
TOP_LOUDNESS = 400.0
# Comparisons are ramps this steep (relative), so that only Mul and Clip are exported.
STEP = 1.0e5


# Cells of the look-up of Tinv: narrower than the distance between any two of its knots.
CELLS_PER_BARK = 4
CELLS = 72
# A distance in Bark that no decay survives.
FAR = 1.0e6


class CurveConstants(NamedTuple):
    """Points to bands: owner [points], after [p, 1], cell_start [p, 1], lines, member."""

    owner: Tensor
    after: Tensor
    cell_start: Tensor
    lines: Tuple[Tuple[Tensor, Tensor], Tuple[Tensor, Tensor]]
    member: Tensor


def _above(value: Tensor, limit: Tensor) -> Tensor:
    """Return 1 where value > limit and 0 elsewhere, without gradient."""
    return ((value / limit - 1.0) * STEP).clamp(0.0, 1.0).detach()


def _distances(column: int) -> Tuple[tables.Array, tables.Array, tables.Array]:
    """Return the ranges of one USL column from the quietest up: (n, distance) knots, steepness."""
    levels = np.append(tables.RNS[::-1], TOP_LOUDNESS)
    steepness = tables.USL[::-1, column]
    travelled = np.concatenate([[0.0], np.cumsum(np.diff(levels) / steepness)])
    return levels, travelled, steepness


class _Travelled(torch.autograd.Function):
    """T(n), the lowest of the lines steepness[j] * n + offset[j]; its slope follows from n alone."""

    @staticmethod
    def forward(
        ctx: Any, level: Tensor, steepness: Tensor, offset: Tensor, knots: Tensor
    ) -> Tensor:
        """Return [bands, R] for level [bands, R]; the tables are [ranges, bands or 1, 1]."""
        ctx.save_for_backward(level, steepness, knots)
        return torch.addcmul(offset, steepness, level).amin(0)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> Tuple[Tensor, None, None, None]:
        """Return the gradient: the steepness of the range that the level lies in."""
        level, steepness, knots = ctx.saved_tensors
        change = torch.diff(steepness, dim=0, prepend=torch.zeros_like(steepness[:1]))
        slope = ((level > knots).to(level.dtype) * change).sum(0)
        return grads[0] * slope, None, None, None


class _Curve(torch.autograd.Function):
    """N'(z) from what reigns in each band: max(N, Tinv(rest)) at every point.

    Tinv is convex, so it is the higher of two lines wherever at most one knot is near. The pair
    is looked up by the cell of 1 / CELLS_PER_BARK that the distance falls into.
    """

    @staticmethod
    def forward(ctx: Any, left: Tensor, loudness: Tensor, constants: CurveConstants) -> Tensor:
        """Return [points, R] for distances left [20, R] and core loudness [21, R]."""
        owner, after, cell_start, lines = constants[:4]
        first = len(owner) - len(after)
        curve = loudness.index_select(0, owner)
        flat = curve[first:]
        rest = left.index_select(0, owner[first:] - 1).sub_(after)
        cell = (rest * CELLS_PER_BARK).clamp_(0.0, CELLS - 1.0).add_(cell_start)
        index = cell.to(torch.int32).view(-1)
        (low, low_offset), (high, high_offset) = (
            [table.index_select(0, index).view_as(rest) for table in pair] for pair in lines
        )
        low_offset.addcmul_(low, rest)
        high_offset.addcmul_(high, rest)
        slope = torch.where(low_offset > high_offset, low, high)
        decay = torch.maximum(low_offset, high_offset, out=low_offset)
        slope.mul_(decay > flat)
        torch.maximum(flat, decay, out=flat)
        ctx.save_for_backward(slope)
        ctx.constants = constants
        return curve

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> Tuple[Tensor, Tensor, None]:
        """Return the gradients: through the decay where it is higher, else through the flat."""
        (slope,) = ctx.saved_tensors
        member = ctx.constants.member
        first = len(member) - len(slope)
        to_left = member[first:, 1:].t() @ (grads[0][first:] * slope)
        to_flat = grads[0].clone()
        to_flat[first:].mul_(slope == 0.0)
        return to_left, member.t() @ to_flat, None


class SpecificLoudness(nn.Module):
    """Third-octave powers to N'(z) at its 240 points. Thread: any; it holds constants only."""

    owner: Tensor
    after: Tensor
    low_first: Tensor
    low_steps: Tensor
    low_limits: Tensor
    merge: Tensor
    quiet: Tensor
    excitation: Tensor
    scale: Tensor
    knots: Tensor
    travel_slope: Tensor
    travel_offset: Tensor
    source: Tensor
    decay_slope: Tensor
    decay_offset: Tensor
    change_scale: Tensor
    change_shift: Tensor
    change_width: Tensor
    arrival: Tensor
    cell_start: Tensor
    cell_low_slope: Tensor
    cell_low_offset: Tensor
    cell_high_slope: Tensor
    cell_high_offset: Tensor
    member: Tensor

    def __init__(self) -> None:
        super().__init__()
        self._core_constants()
        self._slope_constants()

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

    def _slope_constants(self) -> None:
        starts = np.concatenate([[0.0], tables.ZUP[:-1]])
        self.widths = tuple(float(w) for w in tables.ZUP - starts)
        # A point on the border of two bands belongs to the lower one.
        owners = np.searchsorted(tables.ZUP, tables.BARK - 1e-6).astype(np.int64)
        self.first = int((owners > 0).argmax())
        self.register_buffer("owner", torch.as_tensor(owners), persistent=False)
        after = (tables.BARK - starts[owners])[self.first :]
        self._constant("after", after[:, None])
        knots = [_distances(tables.slope_column(band)) for band in range(1, BANDS)]
        bands = owners[self.first :] - 1
        # Lines of T and of its inverse, [ranges, bands, 1].
        steepness = np.stack([s for _, _, s in knots], axis=1)[:, :, None]
        levels = np.stack([n[:-1] for n, _, _ in knots], axis=1)[:, :, None]
        travelled = np.stack([t for _, t, _ in knots], axis=1)[:, :, None]
        self._constant("knots", tables.RNS[::-1, None, None])
        self._constant("travel_slope", 1.0 / steepness)
        self._constant("travel_offset", travelled[:-1] - levels / steepness)
        offsets = levels - steepness * travelled[:-1]
        # The plain form takes all points alike: those of band 0, where nothing decays, stay below 0.
        self.register_buffer("source", torch.as_tensor(np.maximum(owners - 1, 0)), persistent=False)
        inner = offsets[:, bands] - steepness[:, bands] * after[:, None]
        ahead = ((0, 0), (self.first, 0), (0, 0))
        self._constant("decay_slope", np.pad(steepness[:, bands], ahead))
        self._constant("decay_offset", np.pad(inner, ahead, constant_values=-1.0))
        # From the distances of one band to those of the next: only bands 2..8 change the column.
        length = np.diff(travelled[:, :8, 0], axis=0)
        shift = -(travelled[:-1, :8, 0] + np.array(self.widths[1:9])) / length
        self._constant("change_scale", (1.0 / length).T)
        self._constant("change_shift", shift.T)
        self._constant("change_width", np.diff(travelled, axis=0).transpose(1, 0, 2))
        # From band 8 on the column stays: what is left at band b of band j's own distance.
        way = starts[8:, None] - starts[None, 8:]
        self._constant("arrival", np.where(way >= 0.0, -way, -FAR)[:, :, None])
        self._cell_constants(owners, bands, steepness[:, :8, 0], offsets[:, :8, 0], travelled)

    def _cell_constants(
        self,
        owners: NDArray[np.int64],
        bands: NDArray[np.int64],
        steepness: tables.Array,
        offsets: tables.Array,
        travelled: tables.Array,
    ) -> None:
        edges = np.arange(CELLS + 1) / CELLS_PER_BARK
        for side, at in (("low", edges[:-1]), ("high", edges[1:])):
            ranges = [np.searchsorted(travelled[1:-1, c, 0], at, side="right") for c in range(8)]
            for name, table in (("slope", steepness), ("offset", offsets)):
                looked_up = np.concatenate([table[ranges[c], c] for c in range(8)])
                self._constant(f"cell_{side}_{name}", looked_up)
        columns = np.minimum(bands, 7)
        self._constant("cell_start", (columns * float(CELLS))[:, None])
        self._constant("member", np.eye(BANDS)[owners])

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

    def _starts(self, loudness: Tensor, plain: bool) -> Tensor:
        """Return [20, R], the distance that is left at the start of bands 1..20, from [20, R]."""
        if plain:
            own = (self.travel_slope * loudness + self.travel_offset).amin(0)
        else:
            lines = self.travel_slope, self.travel_offset, self.knots
            own = _Travelled.apply(loudness, *lines)  # type: ignore[no-untyped-call]
        owns = own.split_with_sizes([1] * 8 + [BANDS - 9])
        left = [owns[0]]
        for band in range(2, 9):
            source = band - 2
            part = left[-1].t() * self.change_scale[source] + self.change_shift[source]
            rest = part.clamp(0.0, 1.0) @ self.change_width[band - 1]
            left.append(torch.maximum(owns[band - 1], rest.t()))
        if plain:
            upper = torch.cat([left.pop(), owns[8]])
            return torch.cat([*left, (upper + self.arrival).amax(1)])
        for band, row in enumerate(owns[8].split_with_sizes([1] * (BANDS - 9)), 9):
            left.append(torch.maximum(row, left[-1] - self.widths[band - 1]))
        return torch.cat(left)

    def forward(self, bands: Tensor, plain: bool = False) -> Tensor:
        """Return N'(z) [240, R] in sone/Bark of third-octave powers [R, 28] (1.0 = 100 dB).

        `plain` keeps to operators that every ONNX runtime knows. Source: DIN 45631, ISO 532-1.
        """
        loudness = torch.cat([self.core(bands), torch.zeros_like(bands[:, :1])], dim=1)
        loudness = loudness.t().contiguous()
        left = self._starts(loudness[:-1], plain)
        if not plain:
            constants = self._curve_constants()
            curve: Tensor = _Curve.apply(left, loudness, constants)  # type: ignore[no-untyped-call]
            return curve
        decay = (self.decay_slope * left[self.source] + self.decay_offset).amax(0)
        return torch.maximum(loudness[self.owner], decay)

    def _curve_constants(self) -> CurveConstants:
        low = (self.cell_low_slope, self.cell_low_offset)
        high = (self.cell_high_slope, self.cell_high_offset)
        return CurveConstants(self.owner, self.after, self.cell_start, (low, high), self.member)
