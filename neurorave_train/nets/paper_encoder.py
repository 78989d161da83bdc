"""The published encoder: PQMF bands through strided convolutions to a normal distribution."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from neurorave_train.nets.layers import CausalConv, activate
from neurorave_train.nets.paper_layers import ChannelNorm
from neurorave_train.nets.stream import Stream


class PaperEncoder(nn.Module):
    """Bands to mean and deviation of each latent (RAVE, Caillon and Esling, 2021), causal here.

    Shapes: [B, F * prod(ratios), bands] -> two [B, F, latents]. Channels start at `capacity` and
    double with every ratio.
    """

    def __init__(self, bands: int, latents: int, capacity: int, ratios: Sequence[int]) -> None:
        super().__init__()
        self.enter = CausalConv(bands, capacity, kernel=7)
        width = capacity
        self.norms, self.steps = nn.ModuleList(), nn.ModuleList()
        for ratio in ratios:
            self.norms.append(ChannelNorm(width))
            self.steps.append(CausalConv(width, 2 * width, kernel=2 * ratio + 1, stride=ratio))
            width *= 2
        # Two groups: one half of the channels gives the means, the other the deviations.
        self.leave = CausalConv(width, 2 * latents, kernel=5, groups=2)

    def forward(self, bands: Tensor, stream: Stream) -> tuple[Tensor, Tensor]:
        x = self.enter(bands, stream)
        for norm, step in zip(self.norms, self.steps, strict=True):
            x = step(activate(norm(x)), stream)
        mean, scale = self.leave(activate(x), stream).chunk(2, dim=-1)
        return mean, F.softplus(scale) + 1e-4
