"""`neurorave doctor`: what of the machine the module can use, each with one sentence on what to do.

Every check is a function of a `Machine`, which says what is there; tests make their own.
"""

import os
from typing import List, Optional

from neurorave_device.config import Config
from neurorave_device.doctor.board import board_checks
from neurorave_device.doctor.content import content
from neurorave_device.doctor.engines import engines
from neurorave_device.doctor.jacks import jacks
from neurorave_device.doctor.machine import Machine
from neurorave_device.doctor.results import (
    FAIL,
    OK,
    WARN,
    Result,
    as_json,
    as_text,
    exit_status,
)
from neurorave_device.doctor.software import software
from neurorave_device.doctor.timing import timing
from neurorave_device.machine.board import board_from
from neurorave_device.storage.card import MODELS

__all__ = [
    "FAIL",
    "OK",
    "WARN",
    "Machine",
    "Result",
    "as_json",
    "as_text",
    "examine",
    "exit_status",
]


def examine(machine: Machine, config: Optional[Config] = None) -> List[Result]:
    """Run every check that fits the configuration; takes a second or two for the imports."""
    config = config or Config()
    folders = [os.path.dirname(os.path.abspath(config.bundle))]
    if config.card is not None:
        folders.append(os.path.join(config.card, MODELS))
    results = software(machine) + timing(machine)
    results += content(machine, folders, config.card)
    results += board_checks(machine, board_from(config.board), config.panel == "jetson")
    results += jacks(machine, config)
    return results + engines(machine, folders)
