"""What goes over the panel's WebSocket: two kinds of binary frames and JSON texts.

A binary frame begins with 16 bytes, little endian: kind (uint32, 1 = audio, 2 = picture), sequence (uint32, counts
the frames of this kind sent to this client), position (float64, for audio the number of the first sample). Audio
goes on with mono float32 samples, a picture with the 1024 bytes of ``Canvas.pixels``.
"""

import json
import math
import struct
from typing import Any

import numpy as np

AUDIO = 1
PICTURE = 2

_HEADER = struct.Struct("<IId")
HEADER_BYTES = _HEADER.size


def audio_frame(sequence: int, start: int, samples: np.ndarray) -> bytes:
    """Return the frame of the samples that begin at sample number ``start``."""
    header = _HEADER.pack(AUDIO, sequence & 0xFFFFFFFF, float(start))
    return header + bytes(np.ascontiguousarray(samples, dtype="<f4").tobytes())


def picture_frame(sequence: int, pixels: bytes) -> bytes:
    """Return the frame of one OLED picture."""
    return _HEADER.pack(PICTURE, sequence & 0xFFFFFFFF, 0.0) + pixels


def text_frame(kind: str, **fields: Any) -> str:
    """Return a JSON object with its type; numbers that JSON lacks (NaN, infinity) become null."""
    fields["type"] = kind
    return json.dumps(_plain(fields), separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    return value
