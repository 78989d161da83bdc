"""The bytes of Linux's GPIO character device, both versions (include/uapi/linux/gpio.h).

Version 2 came with Linux 5.10. JetPack 4.6 has Linux 4.9, which knows version 1 only; newer kernels still take it.
"""

import struct
from typing import List, NamedTuple, Sequence, Tuple

# _IOR and _IOWR of the kernel with type 0xB4: direction, size of the structure, number.
GET_CHIP_INFO = 0x8044B401
V1_GET_EVENT = 0xC030B404
V1_GET_VALUES = 0xC040B408
V2_GET_LINE = 0xC250B407
V2_GET_VALUES = 0xC010B40E

_CHIP_INFO = struct.Struct("=32s32sI")
# Line, flags of the line, flags of the event, consumer, and the descriptor that the kernel fills in.
_V1_REQUEST = struct.Struct("=III32si")
# Time stamp, what happened; 16 bytes on every machine, since the kernel pads them to the time stamp's size.
_V1_EVENT = struct.Struct("=QI4x")
_V1_VALUES = struct.Struct("=64B")
# Lines, consumer, flags and no attributes, count of lines, size of the buffer, and the descriptor.
_V2_REQUEST = struct.Struct("=64I32sQ264xII20xi")
_V2_EVENT = struct.Struct("=QIIII24x")
_V2_VALUES = struct.Struct("=QQ")

_V1_INPUT, _V1_ACTIVE_LOW, _V1_BOTH_EDGES = 1, 4, 3
_V2_ACTIVE_LOW, _V2_INPUT, _V2_BOTH_EDGES = 2, 4, 0x30
_RISING, _FALLING = 1, 2

V1_EVENT_BYTES = _V1_EVENT.size
V2_EVENT_BYTES = _V2_EVENT.size
CHIP_INFO_BYTES = _CHIP_INFO.size
_BUFFERED = 256


class RawEvent(NamedTuple):
    """One edge as the kernel tells it; `stamp` in nanoseconds."""

    stamp: int
    line: int
    rising: bool


def unpack_chip(payload: bytes) -> Tuple[str, str, int]:
    """Return name, label and count of lines of a chip."""
    name, label, lines = _CHIP_INFO.unpack(payload)
    return _text(name), _text(label), lines


def pack_v1_request(line: int, active_low: bool, consumer: str) -> bytearray:
    """Return the request for one line's events; the kernel writes the descriptor into it."""
    flags = _V1_INPUT | (_V1_ACTIVE_LOW if active_low else 0)
    return bytearray(_V1_REQUEST.pack(line, flags, _V1_BOTH_EDGES, consumer.encode(), -1))


def v1_descriptor(request: bytearray) -> int:
    """Return the descriptor that the kernel has written into a request."""
    return int(_V1_REQUEST.unpack(request)[-1])


def unpack_v1_events(payload: bytes, line: int) -> List[RawEvent]:
    """Return the events of one line; ValueError for half of one or another kind."""
    _check_length(payload, V1_EVENT_BYTES)
    return [
        RawEvent(stamp, line, _is_rising(kind)) for stamp, kind in _V1_EVENT.iter_unpack(payload)
    ]


def pack_v1_values() -> bytearray:
    """Return the structure in which version 1 tells the level of a line, as its first byte."""
    return bytearray(_V1_VALUES.size)


def pack_v2_request(lines: Sequence[int], active_low: bool, consumer: str) -> bytearray:
    """Return the request for the events of all lines; the kernel writes the descriptor into it."""
    flags = _V2_INPUT | _V2_BOTH_EDGES | (_V2_ACTIVE_LOW if active_low else 0)
    offsets = list(lines) + [0] * (64 - len(lines))
    packed = _V2_REQUEST.pack(*(offsets + [consumer.encode(), flags, len(lines), _BUFFERED, -1]))
    return bytearray(packed)


def v2_descriptor(request: bytearray) -> int:
    """Return the descriptor that the kernel has written into a request."""
    return int(_V2_REQUEST.unpack(request)[-1])


def unpack_v2_events(payload: bytes) -> List[RawEvent]:
    """Return the events of all lines; ValueError for half of one or another kind."""
    _check_length(payload, V2_EVENT_BYTES)
    rows = _V2_EVENT.iter_unpack(payload)
    return [RawEvent(stamp, line, _is_rising(kind)) for stamp, kind, line, _, _ in rows]


def pack_v2_values(count: int) -> bytearray:
    """Return the question for the levels of the first `count` lines of a request."""
    return bytearray(_V2_VALUES.pack(0, (1 << count) - 1))


def unpack_v2_values(values: bytearray, count: int) -> List[bool]:
    """Return the levels that the kernel has answered with."""
    bits = _V2_VALUES.unpack(values)[0]
    return [bool(bits >> place & 1) for place in range(count)]


def _is_rising(kind: int) -> bool:
    if kind not in (_RISING, _FALLING):
        raise ValueError("an event of kind %d" % kind)
    return kind == _RISING


def _check_length(payload: bytes, size: int) -> None:
    if len(payload) % size:
        raise ValueError("%d bytes, which is no whole number of events" % len(payload))


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("utf-8", "replace")
