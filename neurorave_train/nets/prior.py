"""The prior: one small recurrent network that moves latents and base descriptor curves."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neurorave_train.nets.stream import Stream

QUIET_FRAMES = 12
# Latents of unit spread stay within this; a sample far outside is a slip of the mixture.
REACH = 6.0


def _step(x: Tensor) -> Tensor:
    """0 below zero, 1 above, in operators every engine has."""
    return torch.clamp(x * 1e6, 0.0, 1.0)


class Mixture(nn.Module):
    """A mixture of diagonal Gaussians over `size` values whose parameters a network gives."""

    upper: Tensor
    rise: Tensor

    def __init__(self, inputs: int, size: int, components: int, width: int) -> None:
        super().__init__()
        self.size, self.components = size, components
        self.hidden = nn.Linear(inputs, width)
        self.out = nn.Linear(width, components * (1 + 2 * size))
        upper = torch.triu(torch.ones(components, components))
        self.register_buffer("upper", upper, persistent=False)
        # Column k takes entry k - 1 from entry k: of a row of steps that is the one that rises.
        rise = torch.eye(components) - torch.triu(torch.ones(components, components), 1).tril(1)
        self.register_buffer("rise", rise, persistent=False)

    def parameters_of(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits [..., K], means and log deviations [..., K, size]."""
        y = self.out(torch.tanh(self.hidden(x)))
        k, shape = self.components, (*y.shape[:-1], self.components, self.size)
        logits, mean, scale = y.split([k, k * self.size, k * self.size], dim=-1)
        return logits, mean.reshape(shape), scale.reshape(shape).clamp(-4.0, 1.5)

    def log_likelihood(self, x: Tensor, value: Tensor) -> Tensor:
        """Log density of value [..., size] given x [..., inputs]."""
        logits, mean, scale = self.parameters_of(x)
        normal = -0.5 * ((value.unsqueeze(-2) - mean) / scale.exp()).square() - scale
        each = normal.sum(dim=-1) - 0.5 * self.size * math.log(2.0 * math.pi)
        return torch.logsumexp(torch.log_softmax(logits, dim=-1) + each, dim=-1)

    def sample(self, x: Tensor, chance: Tensor, noise: Tensor, temperature: Tensor) -> Tensor:
        """One draw: chance [..., 1] even in 0..1, noise [..., size] normal, temperature [..., 1]."""
        logits, mean, scale = self.parameters_of(x)
        cool = temperature.clamp(min=0.05)
        reached = torch.matmul(torch.softmax(logits / cool, dim=-1), self.upper)
        choice = torch.matmul(_step(reached - chance), self.rise).unsqueeze(-2)
        spread = scale.exp() * (temperature * noise).unsqueeze(-2)
        return torch.matmul(choice, mean + spread).squeeze(-2)


class Prior(nn.Module):
    """Autoregressive over [latents, descriptors]; latent 0 first, the rest given it.

    Values are the ordered latents and quantile units (scaled to unit spread inside). Because every
    other value of a frame is drawn given latent 0 of the same frame, a control voltage can force
    that coordinate and the rest follows (the published prior reaches the same by a diagonal shift).
    Zero state starts one sound. A sound that has been quiet for twelve frames stays silent.
    """

    quiet_level: Tensor
    limit: Tensor

    def __init__(
        self, latents: int, descriptors: int, width: int = 192, components: int = 6
    ) -> None:
        super().__init__()
        self.latents, self.descriptors, self.width = latents, descriptors, width
        size = latents + descriptors
        self.cell = nn.GRU(size + 1, width, batch_first=True)
        self.lead = Mixture(width, 1, components, 64)
        self.follow = Mixture(width + 1, size - 1, components, 128)
        self.register_buffer("quiet_level", torch.tensor(0.03))
        self.register_buffer("limit", torch.full((latents,), REACH), persistent=False)

    @property
    def noise_size(self) -> int:
        """Values of the noise input of one frame."""
        return 2 + 1 + (self.latents + self.descriptors - 1)

    def reach(self, latents: Tensor) -> None:
        """Let the output reach as far as ordered latents [N, L] do that have no unit spread.

        That is six deviations of each coordinate, more where one of these frames lies beyond, and
        never less than without this call.
        """
        spread = torch.maximum(REACH * latents.std(dim=0), latents.abs().amax(dim=0))
        self.limit = spread.clamp(min=REACH).to(self.limit)

    def pack(self, z: Tensor, q: Tensor) -> Tensor:
        """Latents and quantile units as one vector of about unit spread."""
        return torch.cat([z, (q - 0.5) * 3.5], dim=-1)

    def unpack(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x[..., : self.latents], x[..., self.latents :] / 3.5 + 0.5

    def log_likelihood(self, z: Tensor, q: Tensor, input_noise: float = 0.0) -> Tensor:
        """Log density per frame [B, F] of whole sounds z [B, F, L], q [B, F, D]."""
        x = self.pack(z, q)
        before = torch.cat([torch.zeros_like(x[:, :1]), x[:, :-1]], dim=1)
        started = torch.ones_like(before[..., :1])
        started[:, 0] = 0.0
        if input_noise:
            # The network meets its own slightly wrong output when it plays, so it trains on such.
            before = before + input_noise * torch.randn_like(before) * started
        h, _ = self.cell(torch.cat([before, started], dim=-1))
        lead = self.lead.log_likelihood(h, x[..., :1])
        rest = self.follow.log_likelihood(torch.cat([h, x[..., :1]], dim=-1), x[..., 1:])
        return lead + rest

    def _advance(self, x: Tensor, h: Tensor) -> Tensor:
        """One step of the recurrent cell in plain products (Cho et al., 2014)."""
        w = self.width
        from_x, from_h, x_bias, h_bias = self.cell.all_weights[0]
        a = F.linear(x, from_x, x_bias)
        b = F.linear(h, from_h, h_bias)
        a_gates, a_new = a.split_with_sizes([2 * w, w], dim=-1)
        b_gates, b_new = b.split_with_sizes([2 * w, w], dim=-1)
        r, u = torch.sigmoid(a_gates + b_gates).chunk(2, dim=-1)
        n = torch.tanh(a_new + r * b_new)
        return n + u * (h - n)

    def forward(
        self, noise: Tensor, temperature: Tensor, forced: Tensor, force: Tensor, stream: Stream
    ) -> tuple[Tensor, Tensor]:
        """One frame: noise [B, noise_size], the others [B, 1] -> z [B, 1, L], q [B, 1, D]."""
        size = self.latents + self.descriptors
        before, h = stream.take(noise, size), stream.take(noise, self.width)
        # started, frames of quiet so far, 1 once the sound has ended
        marks = stream.take(noise, 3)
        started, quiet, ended = marks.chunk(3, dim=-1)
        # Of each draw's noise the first value chooses the component; here it becomes even in 0..1.
        first, lead_noise, second, rest_noise = noise.split_with_sizes([1, 1, 1, size - 1], dim=-1)
        even = 0.5 * (1.0 + torch.erf(torch.cat([first, second], dim=-1) / math.sqrt(2.0)))
        first, second = (even * 0.999999).chunk(2, dim=-1)
        h = self._advance(torch.cat([before, started], dim=-1), h)
        lead = self.lead.sample(h, first, lead_noise, temperature)
        lead = lead + force * (forced - lead)
        rest = self.follow.sample(torch.cat([h, lead], dim=-1), second, rest_noise, temperature)
        x = torch.cat([lead, rest], dim=-1)
        z, q = self.unpack(x)
        z = torch.minimum(torch.maximum(z, -self.limit), self.limit)
        loudness, others = q.split_with_sizes([1, self.descriptors - 1], dim=-1)
        silent = _step(self.quiet_level - loudness)
        quiet = (quiet + silent) * silent
        ended = torch.maximum(ended, _step(quiet - (QUIET_FRAMES - 0.5)))
        q = torch.clamp(torch.cat([loudness * (1.0 - ended), others], dim=-1), 0.0, 1.0)
        stream.give(x)
        stream.give(h)
        stream.give(torch.cat([torch.ones_like(started), quiet, ended], dim=-1))
        return z.unsqueeze(1), q.unsqueeze(1)
