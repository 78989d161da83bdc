"""What a process that plays and the one that runs its graphs tell each other: one packet there, one packet back.

A request is one byte that says what is wanted, the number of a graph, and what is needed for it; an answer is one byte
that says how it went, and what was asked for. Of a frame that is float32 numbers, the inputs or the outputs of a graph
one after the other in the graph's own order; of anything else it is UTF-8.
"""

import struct
from typing import Any, Dict, Mapping, Tuple

import numpy as np

from neurorave_device.engine.base import Shape

# What is wanted: LOAD has a path, FORK and RUN the number of a graph, RUN a frame too; RUN_FRESH zeroes the states
# before it. PLAY says that from now on each answer is urgent.
LOAD, FORK, RUN, RUN_FRESH, PLAY = range(1, 6)
# How it went: with a sentence for the player where it was REFUSED, a line about the fault where it was BROKEN.
FINE, REFUSED, BROKEN = range(3)

REQUEST = struct.Struct("<BxH")
ANSWER = struct.Struct("<Bxxx")
# A socket carries so much in one piece, which is ten times the frame of the largest preset.
LARGEST = 1 << 16


def frame_packet(
    head: struct.Struct, shapes: Mapping[str, Shape]
) -> Tuple[bytearray, Dict[str, np.ndarray]]:
    """Return a packet for numbers of these shapes, and the arrays by name that lie in it."""
    packet = bytearray(head.size + 4 * sum(int(np.prod(shape)) for shape in shapes.values()))
    return packet, arrays_in(packet, head, shapes)


def arrays_in(
    packet: bytearray, head: struct.Struct, shapes: Mapping[str, Shape]
) -> Dict[str, np.ndarray]:
    """Return the arrays by name that lie in a packet, behind its head."""
    arrays = {}
    start = head.size
    for name, shape in shapes.items():
        size = int(np.prod(shape))
        arrays[name] = np.frombuffer(packet, np.float32, size, start).reshape(shape)
        start += 4 * size
    return arrays


def to_json(shapes: Mapping[str, Shape]) -> Any:
    """Return shapes for JSON, in their order."""
    return [[name, list(shape)] for name, shape in shapes.items()]


def from_json(pairs: Any) -> Dict[str, Shape]:
    """Return what `to_json` was given."""
    return {name: tuple(shape) for name, shape in pairs}
