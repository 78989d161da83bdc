"""Beginning with the weights of another model: of a run's checkpoint, or of a bundle's graphs.

A bundle holds no weights for training, only graphs, in which weights are transposed, joined and
renamed. So the untrained model is exported once more with a number of its own in each weight: where
that number turns up in its graph, the bundle's graph has the value.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from neurorave_device.errors import UserError
from neurorave_train.data.prepared import PreparedData
from neurorave_train.export.graphs import Ordering, build_graphs
from neurorave_train.export.onnx_file import write_onnx
from neurorave_train.export.static_graph import StaticGraph
from neurorave_train.nets.prior import Prior
from neurorave_train.nets.sound_model import SoundModel
from neurorave_train.training.families import Training, load_training
from neurorave_train.training.trainer import checkpoint_of

Array = npt.NDArray[Any]
Place = tuple[str, nn.Module, str]
PARTS = ("encoder", "decoder")
# Numbers are multiples of this, so that a one added to a weight on its way (a scale around one) shows;
# the first is beyond what a graph's own constants are. float32 tells them all apart.
APART, FIRST = 4, 1024
MOST_WEIGHTS = 2**24 // APART - FIRST


def begin_from(source: Path, module: Training, prepared: PreparedData) -> None:
    """Puts the encoder's and decoder's weights of a run or a bundle into an untrained module.

    Raises UserError where there are none, or none of the same network.
    """
    if checkpoint_of(source, "model").is_file():
        _from_model(
            source, load_training(checkpoint_of(source, "model"), prepared).model, module.model
        )
    elif (source / "bundle.yaml").is_file():
        for part in PARTS:
            _from_graph(source, module.model, part)
    else:
        raise UserError(f"--from {source}: is neither a run with a trained model nor a bundle")
    print(f"beginning with the weights of {source}", flush=True)


def _places(model: SoundModel, part: str) -> list[Place]:
    """Name, layer and attribute of each weight of a part; a normalised one counts as a whole."""
    found: list[Place] = []
    for path, layer in getattr(model, part).named_modules(prefix=part):
        if "parametrizations" in path:
            continue
        names = [n for n, p in layer.named_parameters(recurse=False) if p.requires_grad]
        if is_parametrized(layer, "weight"):
            names.append("weight")
        found += [(f"{path}.{name}", layer, name) for name in names]
    return found


def _set(places: list[Place], values: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, layer, attribute in places:
            if is_parametrized(layer, attribute):
                setattr(layer, attribute, values[name])
            else:
                getattr(layer, attribute).copy_(values[name])


def _from_model(source: Path, old: SoundModel, new: SoundModel) -> None:
    """The weights of a trained model, and the running statistics of its encoder."""
    for part in PARTS:
        values = {name: getattr(layer, a).detach() for name, layer, a in _places(old, part)}
        places = _places(new, part)
        for name, layer, attribute in places:
            here = tuple(getattr(layer, attribute).shape)
            there = tuple(values[name].shape) if name in values else None
            if here != there:
                raise UserError(
                    f"--from {source}: {name} has the shape {there} there and {here} in this recipe; "
                    "use the recipe of that model"
                )
        _set(places, values)
        statistics = {k: v for k, v in getattr(old, part).named_buffers() if "running" in k}
        getattr(new, part).load_state_dict(statistics, strict=False)


def _from_graph(source: Path, model: SoundModel, part: str) -> None:
    """The weights that a bundle's graph of a part holds."""
    path = source / f"{part}.onnx"
    if not path.is_file():
        raise UserError(f"--from {source}: the bundle has no {part}, and its weights are needed")
    places = _places(model, part)
    shapes = [getattr(layer, a).shape for _, layer, a in places]
    ends = np.cumsum([0, *(shape.numel() for shape in shapes)])
    if ends[-1] > MOST_WEIGHTS:
        raise UserError(
            f"--from {source}: its {part} has {ends[-1]} weights, at most {MOST_WEIGHTS} can be told "
            "apart in a bundle; begin with the run instead"
        )
    numbers = {
        name: ((torch.arange(a, b) + FIRST) * APART).float().reshape(shape)
        for (name, _, _), shape, a, b in zip(places, shapes, ends[:-1], ends[1:], strict=True)
    }
    _set(places, numbers)
    theirs = StaticGraph(onnx.load(str(path)))
    values = np.full(int(ends[-1]), np.nan, np.float32)
    for ours, there in _pairs(source, part, _exported(model, part), theirs):
        _read(ours, there, values)
    if np.isnan(values).any():
        raise UserError(
            f"--from {source}: {part}.onnx does not hold each weight by itself; begin with the run"
        )
    found = torch.from_numpy(values)
    pieces = zip(places, shapes, ends[:-1], ends[1:], strict=True)
    _set(places, {name: found[a:b].reshape(shape) for (name, _, _), shape, a, b in pieces})


def _exported(model: SoundModel, part: str) -> StaticGraph:
    """The graph of a part, as the exporter writes it."""
    latents, count = model.latents, len(model.quantiles.knots)
    prior = Prior(latents, count, width=4, components=2).eval()
    # An ordering that nothing can simplify away.
    basis = torch.linalg.qr(torch.randn(latents, latents)).Q
    learning = model.training
    graphs = build_graphs(model.eval(), prior, Ordering(torch.randn(latents), basis))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.onnx"
        write_onnx(graphs[part], path, check=False)
        found = StaticGraph(onnx.load(str(path)))
    model.train(learning)
    return found


def _pairs(
    source: Path, part: str, ours: StaticGraph, theirs: StaticGraph
) -> Iterator[tuple[Array, Array]]:
    """The constants of both graphs that stand in the same places."""
    same = len(ours.nodes) == len(theirs.nodes)
    for a, b in zip(ours.nodes, theirs.nodes, strict=False):
        same = same and a.op == b.op and len(a.inputs) == len(b.inputs)
        if not same:
            break
        for x, y in zip(a.inputs, b.inputs, strict=True):
            if x in ours.constants and y in theirs.constants:
                yield ours.constants[x], theirs.constants[y]
    if not same:
        raise UserError(
            f"--from {source}: {part}.onnx is of another network than this recipe's, or was exported by "
            "another version; begin with the run instead"
        )


def _read(numbers: Array, there: Array, values: Array) -> None:
    """Puts what stands where one of our numbers stood into its place."""
    if numbers.dtype != np.float32 or numbers.shape != there.shape or not numbers.size:
        return
    if np.array_equal(numbers, there):
        # The graph's own, such as the 2^20 steps of a cycle, which is also one of our numbers.
        return
    added = np.remainder(numbers, APART)
    place = (numbers - added) / APART - FIRST
    # A constant of the graph itself holds something else.
    if not np.isin(added, (0.0, 1.0)).all() or place.min() < 0 or place.max() >= len(values):
        return
    values[place.astype(np.int64).reshape(-1)] = (there - added).reshape(-1)
