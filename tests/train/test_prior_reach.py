"""The bound of the prior's latents: it stops slips, and alters nothing that a trained model says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from neurorave_train.export.bundle import order_latents
from neurorave_train.export.graphs import PriorGraph, _graph
from neurorave_train.export.lint import lint
from neurorave_train.export.onnx_file import write_onnx
from neurorave_train.export.preview import StreamedGraph
from neurorave_train.nets.prior import REACH, Prior
from neurorave_train.nets.stream import Stream


def latents(seed: int, count: int, size: int, low: float, high: float, tail: float) -> Tensor:
    """Correlated latents [count, size] with deviations between `low` and `high`; tail 0 is normal."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((count, size)) * np.exp(tail * rng.standard_normal((count, 1)))
    mixed = z @ (np.eye(size) + 0.3 * rng.standard_normal((size, size)))
    scale = np.exp(rng.uniform(np.log(low), np.log(high), size))
    return torch.from_numpy((mixed / mixed.std(axis=0) * scale + rng.uniform(-2, 2, size))).float()


def ordered(z: Tensor) -> Tensor:
    """Coordinates as the prior speaks them."""
    q = torch.rand(len(z), 5, generator=torch.Generator().manual_seed(0))
    ordering = order_latents(z, q)
    return (z - ordering.mean) @ ordering.basis.T


def says(prior: Prior, wanted: Tensor) -> Tensor:
    """What comes out of a prior whose networks ask for these latents [N, L], [N, L]."""

    def fixed(values: Tensor):  # type: ignore[no-untyped-def]
        return lambda *_: values

    rest = torch.cat([wanted[:, 1:], torch.full((len(wanted), prior.descriptors), 0.5)], dim=-1)
    prior.lead.sample = fixed(wanted[:, :1])  # type: ignore[method-assign]
    prior.follow.sample = fixed(rest)  # type: ignore[method-assign]
    one = torch.ones(len(wanted), 1)
    with torch.no_grad():
        z, _ = prior(torch.zeros(len(wanted), prior.noise_size), one, one, 0.0 * one, Stream())
    return z[:, 0]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), size=st.sampled_from([3, 8, 128]))
def test_six_deviations_alter_no_normalised_latent(seed: int, size: int) -> None:
    """As the playable models have them: unit spread, whitened, no call of `reach`."""
    z = torch.from_numpy(np.random.default_rng(seed).standard_normal((2000, size)))
    # White as a sample, too: main axes of 2000 points in 128 dimensions spread by up to 1.24.
    z = z - z.mean(dim=0)
    white = torch.linalg.solve_triangular(torch.linalg.cholesky(torch.cov(z.T)), z.T, upper=False)
    wanted = ordered(white.T.float())
    torch.testing.assert_close(wanted.std(dim=0), torch.ones(size), rtol=1e-3, atol=0.0)
    # A draw beyond six is one in 5e8; chance is no part of this test.
    wanted = wanted.clamp(-REACH, REACH)
    wanted[0], wanted[1] = REACH, -REACH
    assert torch.equal(says(Prior(size, 5, 8, 2).eval(), wanted), wanted)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    size=st.sampled_from([3, 8, 128]),
    high=st.sampled_from([0.1, 1.0, 30.0, 1e4]),
    tail=st.sampled_from([0.0, 1.0, 2.0]),
)
def test_latents_of_any_spread_come_through(seed: int, size: int, high: float, tail: float) -> None:
    wanted = ordered(latents(seed, 600, size, high * 1e-3, high, tail))
    prior = Prior(size, 5, 8, 2).eval()
    prior.reach(wanted)
    assert torch.equal(says(prior, wanted), wanted)
    assert bool((prior.limit >= REACH).all())
    assert bool((prior.limit >= REACH * wanted.std(dim=0) * 0.999).all())
    # A slip is stopped all the same.
    slipped = says(prior, wanted[:4] + 3.0 * prior.limit)
    torch.testing.assert_close(slipped, prior.limit.expand(4, size))


def test_without_the_call_wide_latents_would_be_cut() -> None:
    wanted = ordered(latents(1, 600, 128, 1.0, 30.0, 0.0))
    assert not torch.equal(says(Prior(128, 5, 8, 2).eval(), wanted), wanted)


def test_the_bound_is_no_part_of_a_checkpoint_but_of_the_graph(tmp_path: Path) -> None:
    torch.manual_seed(0)
    prior = Prior(128, 5, 8, 2).eval()
    assert not any("limit" in name for name in prior.state_dict())
    with torch.no_grad():
        # Every component asks for 50 in each latent and the middle of each descriptor.
        for mixture, size in ((prior.lead, 1), (prior.follow, 132)):
            mixture.out.weight.zero_()
            mixture.out.bias.zero_()
            mixture.out.bias[2 : 2 + 2 * size] = 50.0
    prior.reach(torch.stack([torch.full((128,), 10.0), torch.full((128,), -10.0)]))
    assert float(prior.limit[0]) > 6.0 * 10.0
    prior.limit[64:] = 12.0
    one = torch.ones(1, 1)
    inputs = {"noise": torch.zeros(1, prior.noise_size), "temperature": one, "forced": one}
    graph = _graph(PriorGraph(prior), {**inputs, "force": 0.0 * one}, ["latents", "descriptors"])
    write_onnx(graph, tmp_path / "prior.onnx")
    assert lint(tmp_path / "prior.onnx") == []
    arrays = {name: value.numpy() for name, value in inputs.items()}
    found = StreamedGraph(tmp_path / "prior.onnx")(**arrays, force=np.zeros((1, 1), np.float32))
    np.testing.assert_allclose(found["latents"][0, 0], [50.0] * 64 + [12.0] * 64, rtol=1e-6)
