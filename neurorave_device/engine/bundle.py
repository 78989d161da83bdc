"""A bundle on disk: the folder, its checked description, its files and its loaded graphs."""

import os
from typing import Any, Dict, Iterator, Mapping, Optional, Sequence, Tuple

from neurorave_device.engine.base import Engine, Graph, Shape
from neurorave_device.engine.choice import make_engine
from neurorave_device.engine.description import Description, read_description
from neurorave_device.engine.digest import sha256_of
from neurorave_device.engine.info import BundleInfo
from neurorave_device.errors import UserError

GRAPH_ROLES = ("decoder", "prior", "encoder", "meter")
# What the module plays with; the encoder is for evaluation and later inputs.
PLAYED_ROLES = ("decoder", "prior", "meter")
# None stands for a size that the graph chooses itself (how much noise it wants).
Pattern = Tuple[Optional[int], ...]


class Bundle:
    """A loaded bundle: `path` of the folder, `info`, `document` (bundle.yaml as read) and `graphs` by role.

    A graph belongs to one thread at a time, and so does a voice made of it; the rest is read-only.
    """

    def __init__(self, description: Description, graphs: Mapping[str, Graph]) -> None:
        self.path = os.path.dirname(description.path)
        self.info: BundleInfo = description.info
        self.document: Dict[str, Any] = description.document
        self.graphs: Dict[str, Graph] = dict(graphs)

    def file(self, role: str) -> Optional[str]:
        """Returns the path of the file with this role, None where the bundle has none."""
        entry = self.document["files"].get(role)
        return None if entry is None else file_path(self.path, role, entry)


def load_bundle(
    folder: str, engine: Optional[Engine] = None, roles: Sequence[str] = PLAYED_ROLES
) -> Bundle:
    """Loads and checks the bundle in `folder` with the graphs of `roles` (those that it has).

    `engine` is ONNX Runtime with one thread where none is given.  Every file's sha256 is checked, also
    of files that are not loaded.  Raises UserError with one sentence on the first fault.  Takes up to
    some seconds; not for a real-time thread.
    """
    description = read_description(folder)
    for fault in file_faults(description):
        raise UserError(fault)
    engine = engine or make_engine()
    files = description.document["files"]
    paths = {role: file_path(folder, role, files[role]) for role in roles if role in files}
    graphs = {}
    for role, path in paths.items():
        graphs[role] = engine.load(path)
        for fault in graph_faults(role, path, graphs[role], description.info):
            raise UserError(fault)
    return Bundle(description, graphs)


def file_path(folder: str, role: str, entry: Mapping[str, str]) -> str:
    """Returns where a file of the bundle lies; raises UserError where that is outside the folder."""
    name = entry["path"]
    root = os.path.realpath(folder)
    path = os.path.realpath(os.path.join(root, name))
    inside = path.startswith(root + os.sep)
    if os.path.isabs(name) or "\\" in name or ".." in name.split("/") or not inside:
        raise UserError(
            "{}: files.{}.path is {!r}, allowed is a path inside the bundle's folder".format(
                os.path.join(folder, "bundle.yaml"), role, name
            )
        )
    return os.path.join(folder, name)


def file_faults(description: Description) -> Iterator[str]:
    """Yields a sentence for each file that lies outside, is missing, or is not what its sha256 says."""
    folder = os.path.dirname(description.path)
    for role, entry in sorted(description.document["files"].items()):
        try:
            path = file_path(folder, role, entry)
            found = sha256_of(path)
        except UserError as error:
            yield str(error)
            continue
        if found != entry["sha256"]:
            yield "{}: changed or damaged, its sha256 is {}... and bundle.yaml says {}...".format(
                path, found[:12], entry["sha256"][:12]
            )


def graph_faults(role: str, path: str, graph: Graph, info: BundleInfo) -> Iterator[str]:
    """Yields a sentence for each input or output that is missing, unknown or of a wrong shape."""
    inputs, outputs = signature(role, info)
    for kind, wanted, found in (
        ("input", inputs, graph.inputs),
        ("output", outputs, graph.outputs),
    ):
        for name in sorted(set(wanted) | set(found)):
            if name not in found:
                yield "{}: the {} {} is missing from this {}".format(path, kind, name, role)
            elif name not in wanted:
                yield "{}: the {} {} is unknown; a {} has {}".format(
                    path, kind, name, role, ", ".join(wanted)
                )
            elif not _fits(found[name], wanted[name]):
                yield "{}: the {} {} is {}, allowed is {}".format(
                    path, kind, name, _text(found[name]), _text(wanted[name])
                )


def signature(role: str, info: BundleInfo) -> Tuple[Dict[str, Pattern], Dict[str, Pattern]]:
    """Returns the inputs and outputs that a graph of this role has, states left out."""
    audio = (1, info.hop)
    latents = (1, 1, info.latents)
    descriptors = (1, 1, len(info.descriptors))
    table: Dict[str, Tuple[Dict[str, Pattern], Dict[str, Pattern]]] = {
        "decoder": (
            {
                "latents": latents,
                "descriptors": descriptors,
                "mask": descriptors,
                "noise": (1, None, None),
            },
            {"audio": audio},
        ),
        "prior": (
            {"noise": (1, None), "temperature": (1, 1), "forced": (1, 1), "force": (1, 1)},
            {"latents": latents, "descriptors": descriptors},
        ),
        "meter": ({"audio": audio}, {"descriptors": descriptors, "quantiles": descriptors}),
        "encoder": ({"audio": audio}, {"latents": latents}),
    }
    return table[role]


def _fits(shape: Shape, wanted: Pattern) -> bool:
    return len(shape) == len(wanted) and all(b is None or a == b for a, b in zip(shape, wanted))


def _text(shape: Pattern) -> str:
    return "[{}]".format(", ".join("any" if size is None else str(size) for size in shape))
