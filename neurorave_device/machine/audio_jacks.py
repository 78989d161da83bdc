"""Which inputs of a sound card are the jacks, and what they read at full scale."""

import os
from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple

from neurorave_device.machine.section import check_section

SCHEMA_PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "audio_jacks_schema.json")


class AudioJacks(NamedTuple):
    """A DC-coupled card; `docs/audio-panel.md` lists the keys.

    `device` is a part of the card's name, None the system's default; `channels` its inputs, counted from 1: CV 1-4,
    gate 1, gate 2. `volts` are those at full scale, `inverted` a card that turns them around. `rate` in Hz, None the
    card's own; `block` in samples; `latency_ms` is what is asked of the card, None its own low one.
    """

    device: Optional[str] = None
    channels: Tuple[int, ...] = (1, 2, 3, 4, 5, 6)
    volts: float = 10.0
    inverted: bool = False
    rate: Optional[int] = None
    block: int = 128
    latency_ms: Optional[float] = None


def jacks_from(values: Mapping[str, Any]) -> AudioJacks:
    """Return the jacks that checked values (see `checked`) describe."""
    plain: Dict[str, Any] = dict(values)
    if "channels" in plain:
        plain["channels"] = tuple(plain["channels"])
    return AudioJacks(**plain)


def checked(source: str, values: Mapping[str, Any]) -> Dict[str, Any]:
    """Return `values` where they describe jacks; UserError names source, key, value and what is allowed."""
    plain = dict(values)
    check_section(source, "audio_panel", SCHEMA_PATH, plain)
    return plain
