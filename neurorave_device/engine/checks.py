"""What `neurorave models check` says about a bundle: all its faults at once."""

import os
from typing import Iterator, List, NamedTuple, Optional

from neurorave_device.engine.base import Engine
from neurorave_device.engine.bundle import GRAPH_ROLES, file_faults, file_path, graph_faults
from neurorave_device.engine.choice import make_engine
from neurorave_device.engine.description import (
    Description,
    document_faults,
    make_info,
    read_description,
    read_document,
)
from neurorave_device.engine.info import BundleInfo
from neurorave_device.errors import UserError

ERROR = "error"
NOTE = "note"


class Finding(NamedTuple):
    """One thing that a check found: `level` is 'error' (cannot be played) or 'note', `text` a sentence."""

    level: str
    text: str


def check_bundle(folder: str, engine: Optional[Engine] = None) -> List[Finding]:
    """Returns everything that is wrong with the bundle in `folder`, graphs loaded and compared; [] is well.

    Raises nothing for a bad bundle.  Takes up to some seconds; not for a real-time thread.
    """
    try:
        path, document = read_document(folder)
    except UserError as error:
        return [Finding(ERROR, str(error))]
    findings = [Finding(ERROR, fault) for fault in document_faults(path, document)]
    if findings:
        return findings
    description = Description(path, document, make_info(document))
    findings = [Finding(ERROR, fault) for fault in file_faults(description)]
    if findings:
        return findings
    engine = engine or make_engine()
    for role in GRAPH_ROLES:
        entry = document["files"].get(role)
        if entry is None:
            findings.append(Finding(NOTE, "{}: files has no {}".format(path, role)))
            continue
        target = file_path(folder, role, entry)
        try:
            graph = engine.load(target)
        except UserError as error:
            findings.append(Finding(ERROR, str(error)))
            continue
        for fault in graph_faults(role, target, graph, description.info):
            findings.append(Finding(ERROR, fault))
    if "preview" not in document["files"]:
        findings.append(Finding(NOTE, "{}: files has no preview".format(path)))
    return findings + [Finding(NOTE, text) for text in _variant_faults(path, description.info)]


def _variant_faults(path: str, info: BundleInfo) -> Iterator[str]:
    """Yields why the lighter variant is none; the bundle can be played all the same."""
    if not info.lighter:
        return
    folder = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(path))), info.lighter)
    start = "{}: lighter is {!r}, ".format(path, info.lighter)
    try:
        variant = read_description(folder).info
    except UserError as error:
        yield start + "which cannot be read ({})".format(error)
        return
    if variant.sample_rate != info.sample_rate:
        text = "which plays at {} Hz, allowed is {} Hz"
        yield start + text.format(variant.sample_rate, info.sample_rate)
    if not variant.mac_per_second < info.mac_per_second:
        text = "which has cost.mac_per_second {:g}, allowed is less than {:g}"
        yield start + text.format(variant.mac_per_second, info.mac_per_second)
