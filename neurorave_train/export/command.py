"""The `export` command: checks everything in a temporary folder, then puts the bundle in place."""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch

from neurorave_device.engine.bundle import load_bundle
from neurorave_device.errors import UserError
from neurorave_train.data.prepared import PreparedData
from neurorave_train.export import bundle as content
from neurorave_train.export.graphs import build_graphs
from neurorave_train.export.lint import lint
from neurorave_train.export.onnx_file import count_macs, count_parameters, write_onnx
from neurorave_train.export.preview import write_preview
from neurorave_train.nets.model import PlayableModel
from neurorave_train.nets.sound_model import SoundModel
from neurorave_train.training.families import load_training
from neurorave_train.training.prior import load_prior
from neurorave_train.training.sameness import DATA_FILE
from neurorave_train.training.trainer import TIMES_FILE, best_of, checkpoint_of

LIMIT_BYTES = 12_000_000
# The published networks are references for comparisons, larger than a bundle to be shared may be.
PAPER_LIMIT_BYTES = 100_000_000


def main(args: argparse.Namespace) -> None:
    """Writes the bundle of a run; arguments as in `neurorave-train export --help`."""
    run, out = Path(args.run), Path(args.out)
    if not run.is_dir():
        raise UserError(f"--run {run} is not a folder; it must be the --out of neurorave-train fit")
    facts = json.loads((run / DATA_FILE).read_text())
    prepared = PreparedData(facts["prepared"])
    training = load_training(checkpoint_of(run, "model"), prepared)
    prior, ordering = load_prior(best_of(run, "prior"))
    identity = {
        "name": args.name or out.name,
        "version": args.version or "1.0.0",
        "author": args.author or "unknown",
        "licence": args.licence or "unspecified",
        "description": getattr(args, "description", None) or "",
    }
    steps = int(torch.load(checkpoint_of(run, "model"), weights_only=False)["global_step"])
    seconds = json.loads((run / TIMES_FILE).read_text())
    made = {
        "data": ", ".join(facts["data"]),
        "recipe": facts["recipe"],
        "steps": steps,
        "seconds": round(sum(seconds.values()), 1),
        "hardware": content.machine(),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as temporary:
        folder = Path(temporary) / out.name
        folder.mkdir()
        write_bundle(folder, training.model, prior, ordering, prepared, identity, made)
        load_bundle(str(folder))
        _put(folder, out)
    print(f"{out}: {identity['name']}, {_size(out) / 1e6:.1f} MB, {steps} steps")


def write_bundle(
    folder: Path,
    model: SoundModel,
    prior: Any,
    ordering: Any,
    prepared: PreparedData,
    identity: dict[str, str],
    training: dict[str, Any],
) -> None:
    """Writes graphs, preview and bundle.yaml into an empty folder; raises UserError where the
    graphs would not run on the board or weigh too much.
    """
    z, _ = content.sounding_latents(model, prepared)
    if model.fixed_latents or not isinstance(model, PlayableModel):
        # Nothing brings other latents to unit spread, as the playable models do with theirs.
        prior.reach((z - ordering.mean) @ ordering.basis.T)
    files, parameters, macs = {}, 0, 0.0
    for role, graph in build_graphs(model, prior, ordering).items():
        path = folder / f"{role}.onnx"
        write_onnx(graph, path)
        faults = lint(path)
        if faults:
            raise UserError(f"the {role} cannot be exported: {faults[0]}")
        files[role] = path.name
        if role in ("decoder", "prior"):
            parameters += count_parameters(path)
            macs += count_macs(path) * model.sample_rate / model.hop
    files["preview"] = write_preview(folder, model.sample_rate, model.hop)
    cost = {"parameters": parameters, "mac_per_second": round(macs)}
    knots = content.latent_quantiles(z, ordering)
    content.write_description(folder, identity, training, model, prepared, knots, files, cost)
    limit = LIMIT_BYTES if isinstance(model, PlayableModel) else PAPER_LIMIT_BYTES
    if _size(folder) > limit:
        raise UserError(
            f"the bundle weighs {_size(folder) / 1e6:.1f} MB, at most {limit / 1e6:.0f} MB "
            "is allowed; make the decoder narrower"
        )


def _size(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def _put(folder: Path, out: Path) -> None:
    """Replaces the bundle's own files; a model card that lies beside them stays."""
    out.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.name != "bundle.yaml":
            shutil.copyfile(path, out / path.name)
    # The description goes last: until then the folder fails its own sha256 check.
    shutil.copyfile(folder / "bundle.yaml", out / "bundle.yaml")
