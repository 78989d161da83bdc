"""What the sound process says about itself, as one fixed record in shared memory.

Written once per frame by the synthesis thread, read by whoever draws. The record is a numpy structure: it
costs some microseconds to fill and has the same layout in every process of one start.
"""

from typing import NamedTuple, Optional, Sequence, Tuple

import numpy as np

STARTING = "starting"
PLAYING = "playing"
STOPPING = "stopping"
FAULT = "fault"
_STATES = (STARTING, PLAYING, STOPPING, FAULT)

MAX_DESCRIPTORS = 16
_TEXT_BYTES = {
    "bundle": 64,
    "folder": 512,
    "engine": 16,
    "audio": 16,
    "message": 240,
    "midi_fault": 240,
}
_FAULTS_BYTES = 480

RECORD = np.dtype(
    [
        ("time", "f8"),
        ("samples", "u8"),
        ("state", "u1"),
        ("realtime", "u1"),
        ("measured", "u1"),
        ("eased", "u1"),
        ("descriptors", "u1"),
        ("gates", "u1", 2),
        ("patched", "u1", 4),
        ("frozen", "u1"),
        ("mask", "u1", MAX_DESCRIPTORS),
        ("level", "f4"),
        ("peak", "f4"),
        ("load", "f4"),
        ("late", "u4"),
        ("underruns", "u4"),
        ("late_edges", "u4"),
        ("midi_garbage", "u4"),
        ("macro", "f4"),
        ("morph", "f4"),
        ("volts", "f4", 4),
        ("raw", "f4", 4),
        ("spread", "f4", 4),
        ("asked", "f4", MAX_DESCRIPTORS),
        ("heard", "f4", MAX_DESCRIPTORS),
        ("faults", "S%d" % _FAULTS_BYTES),
    ]
    + [(name, "S%d" % size) for name, size in sorted(_TEXT_BYTES.items())],
    align=True,
)


class Report(NamedTuple):
    """One telemetry record.

    time: seconds of sound since the sound process started. samples: the same in samples. realtime: whether
    the synthesis thread has real-time priority. level, peak: RMS and peak of the last frame, 1.0 = full
    scale. load: share of the frame's time that its computation takes, smoothed; 1.0 is the deadline.
    late: frames finished after their deadline. underruns: blocks that the output had to fill with silence.
    late_edges: gate edges that arrived too late for their own sample. asked, heard: quantile units, one per
    descriptor. mask: True where the descriptor is asked, False where it is free. volts: calibrated.
    raw, spread: mean and standard deviation of what is read, uncalibrated, over a tenth of a second (RawVolts).
    midi_garbage: what came over MIDI that is none. midi_fault: why MIDI cannot be heard, '' where it can or is off.
    faults: one sentence for each part of the inputs, '' where it works.
    patched: which of CV 1-4 count as patched. frozen: a gate lets the sound stand still. macro: its height, -1..1.
    morph: where between its two presets the morph is, 0..1.
    measured: False where ``heard`` says nothing, because there is no meter or it rests. eased: the governor's level.
    bundle, folder: name and folder of the bundle that plays. message: one sentence for the player, or ''.
    """

    time: float = 0.0
    samples: int = 0
    state: str = STARTING
    realtime: bool = False
    gates: Tuple[bool, bool] = (False, False)
    patched: Tuple[bool, bool, bool, bool] = (False, False, False, False)
    frozen: bool = False
    macro: float = 0.0
    morph: float = 0.0
    mask: Tuple[bool, ...] = ()
    level: float = 0.0
    peak: float = 0.0
    load: float = 0.0
    late: int = 0
    underruns: int = 0
    late_edges: int = 0
    midi_garbage: int = 0
    volts: Tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    raw: Tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    spread: Tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    asked: Tuple[float, ...] = ()
    heard: Tuple[float, ...] = ()
    measured: bool = False
    eased: int = 0
    bundle: str = ""
    folder: str = ""
    engine: str = ""
    audio: str = ""
    message: str = ""
    midi_fault: str = ""
    faults: Tuple[str, ...] = ()


def pack(report: Report) -> bytes:
    """Turn a report into the bytes of one telemetry cell; texts that are too long are cut."""
    record = np.zeros(1, RECORD)
    row = record[0]
    count = len(report.mask)
    row["time"] = report.time
    row["samples"] = report.samples
    row["state"] = _STATES.index(report.state)
    row["realtime"] = report.realtime
    row["measured"] = report.measured
    row["eased"] = report.eased
    row["descriptors"] = count
    row["gates"] = report.gates
    row["patched"] = report.patched
    row["frozen"] = report.frozen
    row["macro"] = report.macro
    row["morph"] = report.morph
    row["mask"][:count] = report.mask
    row["level"] = report.level
    row["peak"] = report.peak
    row["load"] = report.load
    row["late"] = report.late
    row["underruns"] = report.underruns
    row["late_edges"] = report.late_edges
    row["midi_garbage"] = report.midi_garbage
    row["volts"] = report.volts
    row["raw"] = report.raw
    row["spread"] = report.spread
    row["asked"][:count] = report.asked
    row["heard"][:count] = report.heard
    for name in _TEXT_BYTES:
        row[name] = _cut(getattr(report, name), _TEXT_BYTES[name])
    row["faults"] = _cut("\n".join(report.faults), _FAULTS_BYTES)
    return bytes(record.tobytes())


def unpack(payload: Optional[bytes]) -> Report:
    """Turn the bytes of a telemetry cell back into a report; None (nothing written yet) gives 'starting'."""
    if payload is None:
        return Report()
    row = np.frombuffer(payload, RECORD)[0]
    count = int(row["descriptors"])
    return Report(
        time=float(row["time"]),
        samples=int(row["samples"]),
        state=_STATES[int(row["state"])],
        realtime=bool(row["realtime"]),
        gates=(bool(row["gates"][0]), bool(row["gates"][1])),
        patched=_bools(row["patched"]),
        frozen=bool(row["frozen"]),
        macro=float(row["macro"]),
        morph=float(row["morph"]),
        mask=tuple(bool(value) for value in row["mask"][:count]),
        level=float(row["level"]),
        peak=float(row["peak"]),
        load=float(row["load"]),
        late=int(row["late"]),
        underruns=int(row["underruns"]),
        late_edges=int(row["late_edges"]),
        midi_garbage=int(row["midi_garbage"]),
        volts=_four(row["volts"]),
        raw=_four(row["raw"]),
        spread=_four(row["spread"]),
        asked=tuple(float(value) for value in row["asked"][:count]),
        heard=tuple(float(value) for value in row["heard"][:count]),
        measured=bool(row["measured"]),
        eased=int(row["eased"]),
        bundle=_text(row["bundle"]),
        folder=_text(row["folder"]),
        engine=_text(row["engine"]),
        audio=_text(row["audio"]),
        message=_text(row["message"]),
        midi_fault=_text(row["midi_fault"]),
        faults=_lines(_text(row["faults"])),
    )


def _four(values: Sequence[float]) -> Tuple[float, float, float, float]:
    return float(values[0]), float(values[1]), float(values[2]), float(values[3])


def _bools(values: Sequence[int]) -> Tuple[bool, bool, bool, bool]:
    return bool(values[0]), bool(values[1]), bool(values[2]), bool(values[3])


def _text(raw: bytes) -> str:
    return str(raw, "utf-8", "replace")


def _lines(text: str) -> Tuple[str, ...]:
    return tuple(text.split("\n")) if text else ()


def _cut(text: str, size: int) -> bytes:
    # Cut between characters, never inside one.
    return str(text.encode("utf-8")[:size], "utf-8", "ignore").encode("utf-8")
