"""`neurorave render`: a CV recording through the voice into a file, byte for byte the same each time."""

import array
import json
import math
import os
import sys
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

import numpy as np

from neurorave_device.audio.file import SoundWriter
from neurorave_device.audio.output import FADE_SECONDS, OutputStage
from neurorave_device.config import load_config
from neurorave_device.engine.base import Engine
from neurorave_device.engine.bundle import load_bundle
from neurorave_device.engine.voice import Voice
from neurorave_device.errors import UserError
from neurorave_device.inputs.base import Volts
from neurorave_device.inputs.cv_file import CvRecording
from neurorave_device.parameters import by_id, default_values

# After the recording the sound may ring on, at most so long.
TAIL_SECONDS = 3.0
# The tail ends when the output has stayed below QUIET (-80 dBFS) for QUIET_SECONDS.
QUIET = 1e-4
QUIET_SECONDS = 0.1
# No FLOAT: libsndfile writes the time of day into those files.
SUBTYPE = "PCM_24"

Progress = Callable[[float], None]


def render(
    bundle_dir: str,
    cv_path: str,
    out_path: str,
    seed: Optional[int] = None,
    preset: Optional[str] = None,
    json_path: Optional[str] = None,
    engine: Optional[Engine] = None,
    progress: Optional[Progress] = None,
) -> Dict[str, Any]:
    """Plays the CV recording `cv_path` through a bundle into `out_path` (24-bit mono WAV) and reports.

    The file has the bundle's sample rate and the length of the recording plus a tail, in whole frames. `seed`
    overrides the preset's; `preset` is a YAML file with a `patch`, as in a configuration. The same
    arguments give the same bytes on the same machine. `out_path` and `json_path` appear only when they are
    complete; "-" as `json_path` prints to stdout. `progress` is told the part that is done, 0..1.

    The report: `frames`, `seconds`, `samples`, `sample_rate`, `hop`, `seed`, `gates` (rising edges) and
    `triggers` (the hits that were started) in output samples, and by descriptor name, one value for each
    frame of `hop` output samples from sample 0, in quantile units 0..1: `asked` (in force at the middle of the
    frame; 0 before the first hit), `mask` (1 asked, 0 left to the model) and `heard` (measured on a window
    centred on the frame). Raises UserError on bad input, OSError where writing fails.
    """
    if os.path.splitext(out_path)[1].lower() != ".wav":
        # The file is a WAV whatever it is called.
        raise UserError("{}: the output is a WAV file, its name must end in .wav".format(out_path))
    values = _values(preset, seed)
    bundle = load_bundle(bundle_dir, engine)
    with CvRecording(cv_path) as recording:
        if os.path.abspath(out_path) == os.path.abspath(cv_path):
            raise UserError("{}: is the recording, it cannot be the output too".format(out_path))
        if os.path.exists(out_path) and not os.path.isfile(out_path):
            # A folder cannot be replaced by the finished file, a device must not be.
            raise UserError("{}: is not a file, the output must be one".format(out_path))
        voice = Voice(bundle, values)
        report = _play(voice, values, recording, out_path, progress)
    report["bundle"] = bundle_dir
    report["cv"] = cv_path
    report["out"] = out_path
    if json_path is not None:
        write_json(json_path, report)
    return report


def write_json(path: str, report: Mapping[str, Any]) -> None:
    """Writes a report as UTF-8 JSON, whole or not at all; "-" prints it; OSError where that fails.

    A list of plain values stands on one line, however long.
    """
    text = _json(report, "\n") + "\n"
    if path == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    part = path + ".part"
    try:
        with open(part, "w", encoding="utf-8") as handle:
            handle.write(text)
        os.replace(part, path)
    except OSError as error:
        _forget(part)
        raise OSError("{}: cannot be written ({})".format(path, error.strerror)) from None


def _json(value: Any, line: str) -> str:
    """Returns `value` as JSON; `line` is a line break with the indent of what `value` stands in."""
    inner = line + " "
    if isinstance(value, Mapping) and value:
        # json.dumps makes a key of what is no text, and refuses what cannot be one.
        texts = [json.dumps({key: 0}, ensure_ascii=False)[1:-4] for key in value]
        parts = [
            "{}: {}".format(key, _json(entry, inner)) for key, entry in zip(texts, value.values())
        ]
        return "{" + inner + ("," + inner).join(parts) + line + "}"
    if isinstance(value, (list, tuple)) and any(
        isinstance(entry, (Mapping, list, tuple)) for entry in value
    ):
        entries = [_json(entry, inner) for entry in value]
        return "[" + inner + ("," + inner).join(entries) + line + "]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _values(preset: Optional[str], seed: Optional[int]) -> Dict[str, float]:
    values = default_values()
    if preset is not None:
        values.update(load_config(preset).patch)
    if seed is not None:
        values["seed"] = by_id("seed").parse(seed)
    return values


def _play(
    voice: Voice,
    values: Mapping[str, float],
    recording: CvRecording,
    out_path: str,
    progress: Optional[Progress],
) -> Dict[str, Any]:
    part = out_path + ".part"
    try:
        writer = SoundWriter(part, voice.sample_rate, SUBTYPE)
    except UserError as error:
        raise UserError(str(error).replace(part, out_path)) from None
    try:
        collected, samples = _stream(voice, values, recording, writer, progress)
        writer.close()
        if writer.fault is not None:
            raise OSError(writer.fault.replace(part, out_path))
        os.replace(part, out_path)
    except BaseException:
        writer.close()
        _forget(part)
        raise
    rate = voice.sample_rate
    gates: Dict[str, List[int]] = {"1": [], "2": []}
    for edge in recording.edges():
        if edge.rising:
            gates[str(edge.gate)].append(round(float(edge.time) * rate))
    frames = samples // voice.hop
    report: Dict[str, Any] = {
        "frames": frames,
        "seconds": samples / float(rate),
        "samples": samples,
        "sample_rate": rate,
        "hop": voice.hop,
        "seed": int(values["seed"]),
        "gates": gates,
        "triggers": collected.triggers,
        "bad_frames": voice.bad_frames,
    }
    names = [row.name for row in voice.info.descriptors]
    report.update(collected.by_name(names, frames, voice.hop))
    return report


class _Collected:
    """What the voice reported while it played, packed: a recording may last for hours."""

    def __init__(self, descriptors: int) -> None:
        self.triggers: List[int] = []
        self._width = descriptors
        self._starts = array.array("q")
        self._asked = array.array("f")
        self._mask = array.array("f")
        self._centres = array.array("q")
        self._heard = array.array("f")

    def take(self, voice: Voice) -> None:
        self.triggers.extend(voice.take_triggers())
        for frame in voice.take_frames():
            self._starts.append(frame.sample)
            self._asked.extend(frame.asked)
            self._mask.extend(frame.mask)
        for report in voice.take_heard():
            self._centres.append(report.sample)
            self._heard.extend(report.heard)

    def by_name(self, names: List[str], frames: int, hop: int) -> Dict[str, Dict[str, List[Any]]]:
        """Returns asked, mask and heard on the grid of hops that starts at sample 0."""
        first = np.arange(frames) * hop
        asked = self._held(self._starts, self._asked, first + hop // 2)
        mask = self._held(self._starts, self._mask, first + hop // 2)
        heard = self._held(self._centres, self._heard, first)
        result: Dict[str, Dict[str, List[Any]]] = {"asked": {}, "mask": {}, "heard": {}}
        for index, name in enumerate(names):
            result["asked"][name] = np.round(asked[:, index], 6).tolist()
            result["mask"][name] = mask[:, index].astype(int).tolist()
            result["heard"][name] = []
            if self._centres:
                result["heard"][name] = np.round(heard[:, index], 6).tolist()
        return result

    def _held(self, starts: "array.array[int]", values: "array.array[float]", at: Any) -> Any:
        """Returns the rows of `values` in force at the samples `at` [n], zeros before the first: [n, D]."""
        rows = np.zeros((len(starts) + 1, self._width))
        rows[1:] = np.array(values, dtype=np.float64).reshape(-1, self._width)
        return rows[np.searchsorted(np.array(starts, dtype=np.int64), at, side="right")]


def _stream(
    voice: Voice,
    values: Mapping[str, float],
    recording: CvRecording,
    writer: SoundWriter,
    progress: Optional[Progress],
) -> Tuple[_Collected, int]:
    """Plays everything into `writer`; returns what was reported and the count of samples."""
    rate, hop = voice.sample_rate, voice.hop
    stage = OutputStage(rate, values["level"], True, values["limiter"])
    collected = _Collected(len(voice.info.descriptors))

    def volts(sample: int) -> Volts:
        return recording.volts_at(sample / float(rate))

    played = math.ceil(recording.seconds * rate / hop)
    longest = played + math.ceil(TAIL_SECONDS * rate / hop)
    needed = math.ceil(QUIET_SECONDS * rate / hop)
    fading = math.ceil(FADE_SECONDS * rate / hop)
    quiet = 0
    edges = recording.edges()
    frame = 0
    while frame < played or (frame < longest and quiet < needed):
        if frame == longest - fading:
            stage.stop()
        sound = voice.render(hop, volts, edges)
        voice.listen(sound)
        start = frame * hop
        block = stage.play(sound, start, voice.steering.take_levels(start + hop))
        edges = []
        quiet = quiet + 1 if float(np.abs(block).max()) < QUIET else 0
        collected.take(voice)
        if not writer.write(block):
            return collected, frame * hop
        frame += 1
        if progress is not None:
            progress(min(1.0, frame / float(played)))
    # The last frames are measured with a little sound beyond the end of the file.
    voice.listen(voice.render(voice.info.latency_samples + hop, volts))
    collected.take(voice)
    return collected, frame * hop


def _forget(path: str) -> None:
    try:
        os.remove(path)
    except OSError:
        pass
