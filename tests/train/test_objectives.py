"""Objectives: distances are zero where they should be, requests ask what a player might."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurorave_train.descriptors import QuantileMap
from neurorave_train.objectives.balance import DescriptorBalance
from neurorave_train.objectives.requests import (
    RMS,
    control_loss,
    counted,
    draw_mask,
    draw_requests,
    invent,
)
from neurorave_train.objectives.spectral import SpectralDistance

from .small_models import RATE, knots


def test_distance_is_zero_for_the_same_and_grows() -> None:
    g = torch.Generator().manual_seed(0)
    x = 0.1 * torch.randn(2, 8192, generator=g)
    distance = SpectralDistance(RATE)
    same, mel = distance(x, x)
    # The floor under the square root leaves 1e-6 per norm and scale.
    assert float(same) < 1e-3 and float(mel) == 0.0
    values = [float(distance(x, x * gain)[0]) for gain in (0.9, 0.5, 0.1)]
    assert values == sorted(values) and values[0] > 0.1


def test_mel_distance_is_in_decibels() -> None:
    x = 0.1 * torch.randn(1, 16384, generator=torch.Generator().manual_seed(1))
    _, mel = SpectralDistance(RATE)(x, x * 10 ** (-6 / 20))
    assert abs(float(mel) - 6.0) < 0.05


def test_distance_of_silence_has_finite_gradients() -> None:
    y = torch.zeros(1, 8192, requires_grad=True)
    total, mel = SpectralDistance(RATE)(torch.zeros(1, 8192), y)
    (total + mel).backward()
    assert y.grad is not None and bool(torch.isfinite(y.grad).all())


def test_every_example_counts_alike() -> None:
    """The error of a quiet clip is not drowned by a loud one beside it."""
    g = torch.Generator().manual_seed(2)
    quiet, loud = (a * torch.randn(1, 8192, generator=g) for a in (0.01, 0.5))
    wrong = quiet + 0.01 * torch.randn(1, 8192, generator=g)
    distance = SpectralDistance(RATE)
    alone = float(distance(quiet, wrong)[0])
    beside = float(distance(torch.cat([quiet, loud]), torch.cat([wrong, loud]))[0])
    assert abs(beside - alone / 2) < 0.05 * alone


def test_requests_ask_what_they_say() -> None:
    table = QuantileMap(knots())
    seen = set()
    for seed in range(30):
        g = torch.Generator().manual_seed(seed)
        q = torch.rand(4, 50, 5, generator=g)
        r = draw_requests(q, 86.1, table, g)
        assert ((r.asked >= 0) & (r.asked <= 1)).all()
        assert (r.mask[..., RMS] == 1).all()
        # Nothing is demanded of a free descriptor, something is demanded of every item.
        assert (r.weight[r.mask == 0] == 0).all()
        assert (r.weight.sum(dim=(1, 2)) > 0).all()
        # Quiet frames are demanded of the loudness only.
        quiet = table.to_value(r.asked)[..., RMS] <= -60.0
        assert (r.weight[quiet][:, 1:] == 0).all()
        for i in range(4):
            free = int((r.mask[i, 0] == 0).sum())
            changed = int((r.asked[i] != q[i]).any(dim=0).sum())
            seen.add((free > 0, changed == 5))
    assert seen >= {(False, True), (False, False), (True, False)}


@pytest.mark.parametrize("seed", range(5))
def test_invented_curves_stay_in_range(seed: int) -> None:
    curves = invent(64, 96, 86.1, torch.Generator().manual_seed(seed))
    assert curves.shape == (64, 96)
    assert float(curves.min()) >= 0.0 and float(curves.max()) <= 1.0
    assert int((curves.std(dim=1) > 0.05).sum()) > 20


def test_masks_free_all_but_the_loudness() -> None:
    q = torch.rand(400, 3, 5)
    mask = draw_mask(q, torch.Generator().manual_seed(0), share=0.5)
    assert (mask[..., RMS] == 1).all()
    whole = (mask[:, 0] == 1).all(dim=1).float().mean()
    assert 0.45 < float(whole) < 0.75
    assert 0.1 < float((mask[:, 0, 1:] == 0).float().mean()) < 0.45


def test_control_loss_is_huber() -> None:
    asked, weight = torch.zeros(1, 2, 1), torch.ones(1, 2, 1)
    heard = torch.tensor([[[0.05], [0.5]]])
    wanted = np.mean([0.5 * 0.05**2 / 0.1, 0.5 - 0.05])
    assert abs(float(control_loss(heard, asked, weight)) - wanted) < 1e-6


def test_counted_frames() -> None:
    weight = counted(torch.rand(1, 2, 5), torch.tensor([[-70.0, -50.0]]))
    assert weight[0].tolist() == [[1, 0, 0, 0, 0], [1, 1, 1, 1, 1]]


def test_the_least_followed_descriptor_counts_most_within_bounds() -> None:
    asked, weight = torch.zeros(2, 4, 3), torch.ones(2, 4, 3)
    followed = torch.ones(3)
    balance = DescriptorBalance(3, strength=1.0)
    weight[..., 2] = 0.0
    balance.update(asked + torch.tensor([0.1, 0.2, 5.0]), asked, weight)
    # The last one has not been asked for yet, so nothing is known of it.
    assert balance(followed).tolist() == [1.0, 1.0, 1.0]
    weight[0, :, 2] = 1.0
    balance.update(asked + torch.tensor([0.1, 0.2, 0.3]), asked, weight)
    torch.testing.assert_close(balance.error, torch.tensor([0.1, 0.2, 0.3]))
    torch.testing.assert_close(balance(followed), torch.tensor([0.5, 1.0, 1.5]))
    # What no descriptor steers is left out of the mean, and one bad one does not silence the others.
    torch.testing.assert_close(
        balance(torch.tensor([1.0, 1.0, 0.0]))[:2], torch.tensor([2 / 3, 4 / 3])
    )
    for _ in range(400):
        balance.update(asked + torch.tensor([0.01, 0.01, 0.9]), asked, weight)
    assert balance(followed).tolist() == [0.5, 0.5, 2.0]
