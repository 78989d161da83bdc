"""Statistics over the frames of a batch that training minimises or reports."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from neurorave_train.together import mean_of_all, weighted_mean


def off_diagonal(z: Tensor) -> Tensor:
    """Mean squared correlation between different latent coordinates of z [B, F, L].

    Fixed variances alone would let all coordinates carry the same thing; at zero here each of them
    has something of its own to say (Barlow twins, Zbontar et al., 2021).
    """
    flat = z.reshape(-1, z.shape[-1])
    centred = flat - mean_of_all(flat.mean(dim=0))
    unit = centred / mean_of_all(centred.square().mean(dim=0)).add(1e-6).sqrt()
    c = mean_of_all(unit.T @ unit / unit.shape[0])
    count = c.shape[0]
    if count == 1:
        return c.sum() * 0.0
    return (c.square().sum() - c.diagonal().square().sum()) / (count * (count - 1))


def mean_over(values: Tensor, where: Tensor) -> Tensor:
    """Mean of values [B, F] over the frames where `where` [B, F] holds, zero if there is none."""
    return weighted_mean(values, where.to(values.dtype))


def correlation(asked: Tensor, heard: Tensor, weight: Tensor) -> Tensor:
    """Plain pooled Pearson correlation per descriptor [D] over the counted frames."""
    values = []
    for k in range(asked.shape[-1]):
        counted_frames = weight[..., k] > 0
        a = asked[..., k][counted_frames].double().cpu().numpy()
        b = heard[..., k][counted_frames].double().cpu().numpy()
        defined = len(a) > 2 and a.std() > 0 and b.std() > 0
        values.append(float(np.corrcoef(a, b)[0, 1]) if defined else 0.0)
    return torch.tensor(values)
