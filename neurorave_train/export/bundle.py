"""Assembling a bundle folder: statistics of the latents, graphs, preview and bundle.yaml."""

from __future__ import annotations

import hashlib
import platform
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor

from neurorave_train.data.prepared import PreparedData
from neurorave_train.descriptors import DESCRIPTORS, PROBABILITIES
from neurorave_train.export.graphs import Ordering
from neurorave_train.nets.sound_model import SoundModel

HORIZON_DB = -60.0


def sounding_latents(model: SoundModel, prepared: PreparedData) -> tuple[Tensor, Tensor]:
    """Latents [N, L] and quantile units [N, D] of all training frames above -60 dB."""
    latents, curves = [], []
    with torch.no_grad():
        for hit in prepared.split("train").hits:
            audio = torch.from_numpy(np.array(hit.audio))[None]
            audio = torch.nn.functional.pad(audio, (0, -audio.shape[1] % model.hop))
            values, q = model.measure(audio)
            loud = values[0, :, 0] > HORIZON_DB
            latents.append(model.encode(audio)[0][loud])
            curves.append(q[0][loud])
    return torch.cat(latents), torch.cat(curves)


def order_latents(z: Tensor, q: Tensor, fixed: int = 0) -> Ordering:
    """Principal axes of the latents, largest variance first; up means brighter for each.

    z [N, L], q [N, D] with the centroid at index 1. The first `fixed` coordinates stay as they are.
    """
    if fixed:
        rest = order_latents(z[:, fixed:], q)
        mean = torch.cat([torch.zeros(fixed), rest.mean])
        return Ordering(mean, _beside(torch.eye(fixed), rest.basis))
    mean = z.mean(dim=0)
    # With fewer frames than coordinates the narrow form would leave axes out.
    few = len(z) < z.shape[1]
    _, _, axes = torch.linalg.svd((z - mean).double(), full_matrices=few)
    coordinates = (z - mean).double() @ axes.T
    centred = (q[:, 1] - q[:, 1].mean()).double()
    signs = torch.sign(coordinates.T @ centred)
    signs[signs == 0] = 1.0
    return Ordering(mean.float(), (axes * signs[:, None]).float())


def _beside(a: Tensor, b: Tensor) -> Tensor:
    """Two square matrices along one diagonal."""
    size = len(a)
    both = torch.zeros(size + len(b), size + len(b))
    both[:size, :size], both[size:, size:] = a, b
    return both


def latent_quantiles(z: Tensor, ordering: Ordering) -> list[list[float]]:
    """Knots [L][25] of each ordered coordinate, strictly ascending."""
    c = ((z - ordering.mean) @ ordering.basis.T).double().numpy()
    knots = np.quantile(c, PROBABILITIES, axis=0).T
    for row in knots:
        for j in range(1, len(row)):
            row[j] = max(row[j], row[j - 1] + 1e-5)
    return [[round(float(v), 5) for v in row] for row in knots]


def digest(path: Path) -> str:
    """sha256 of a file as hexadecimal text."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def machine() -> str:
    """What the model was trained on, for the model card; no host name."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name(0)
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        pass
    return f"{model}, {torch.get_num_threads()} thread(s)"


def write_description(
    folder: Path,
    identity: dict[str, str],
    training: dict[str, Any],
    model: SoundModel,
    prepared: PreparedData,
    knots: list[list[float]],
    files: dict[str, str],
    cost: dict[str, Any],
) -> None:
    """Writes bundle.yaml (schema 1); `files` maps roles to names inside the folder."""
    guard = prepared.guard
    document = {
        "schema": 1,
        **identity,
        "training": training,
        "sample_rate": model.sample_rate,
        "hop": model.hop,
        "latents": model.latents,
        "latent_rate": round(model.sample_rate / model.hop, 6),
        "descriptors": [
            {"name": d.name, "unit": d.unit, "quantiles": [round(float(v), 5) for v in row]}
            for d, row in zip(DESCRIPTORS, prepared.quantiles, strict=True)
        ],
        "latent_quantiles": knots,
        "follows": [
            d.name for d, one in zip(DESCRIPTORS, model.followed.tolist(), strict=True) if one
        ],
        "frees": model.frees,
        "pitched": model.fixed_latents > 0,
        "guard": {
            "mean": [round(float(v), 6) for v in guard.mean],
            "covariance": [[round(float(v), 6) for v in row] for row in guard.covariance],
            "limit": round(float(guard.limit), 4),
            "rate": [round(float(v), 6) for v in guard.rate],
        },
        "files": {
            role: {"path": name, "sha256": digest(folder / name)} for role, name in files.items()
        },
        "latency_samples": model.latency,
        "cost": cost,
    }
    text = yaml.safe_dump(document, sort_keys=False, width=100)
    (folder / "bundle.yaml").write_text(text, encoding="utf-8")
