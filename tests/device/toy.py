"""Paths of the toy bundle and helpers around it."""

import os
import shutil
from typing import Any, Callable, Dict

import yaml

from neurorave_device.inputs.base import Volts

DATA = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data")
TOY = os.path.join(DATA, "toy_bundle")
BAD_GRAPHS = os.path.join(DATA, "bad_graphs")
CV = os.path.join(DATA, "cv_short.wav")


def still(sample: int) -> Volts:
    """Gives volts that never move."""
    return 1.0, 0.5, 1.5, 0.0


def copy_toy(folder: Any) -> str:
    """Copies the toy bundle into `folder` and returns where it is."""
    target = os.path.join(str(folder), "bundle")
    shutil.copytree(TOY, target)
    return target


def edit_description(bundle: str, change: Callable[[Dict[str, Any]], None]) -> None:
    """Rewrites bundle.yaml after `change` has had its way with the document."""
    path = os.path.join(bundle, "bundle.yaml")
    with open(path, encoding="utf-8") as handle:
        document = yaml.load(handle, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    change(document)
    with open(path, "w", encoding="utf-8") as handle:
        yaml.safe_dump(document, handle, sort_keys=False)
