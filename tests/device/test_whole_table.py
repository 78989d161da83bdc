"""The whole parameter table: each row is set by a file, kept, in or out of presets, and does something."""

import json
import os
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from neurorave_device.clock import VirtualClock
from neurorave_device.config import load_config
from neurorave_device.engine.bundle import load_bundle
from neurorave_device.engine.voice import Voice
from neurorave_device.face.face import Face
from neurorave_device.face.panel.actions import Actions, Session
from neurorave_device.inputs.base import Edge, Volts
from neurorave_device.link.settings import pack_values, unpack_values
from neurorave_device.parameter import Parameter
from neurorave_device.parameters import PARAMETERS, PATCH_PARAMETERS, by_id, default_values
from neurorave_device.storage.morph import Morph
from neurorave_device.storage.patch import Patch, load_patch, patch_file, to_payload
from neurorave_device.storage.presets import Presets
from tests.make_parameter_page import PAGE, text

from .fake_link import FakeLink
from .toy import TOY

RATE = 44100
ROWS = pytest.mark.parametrize("row", PARAMETERS, ids=[row.id for row in PARAMETERS])
PATCH_ROWS = pytest.mark.parametrize("row", PATCH_PARAMETERS, ids=[r.id for r in PATCH_PARAMETERS])
# What belongs to the module acts elsewhere: the part and its tests.
ELSEWHERE = {
    "screen.": "the front panel (test_front_panel, test_saver)",
    "encoder.": "the face (test_encoder, test_front_panel)",
    "midi.": "MIDI in (test_midi)",
}


def other(row: Parameter) -> float:
    """Return an allowed value that is not the default, the further end or the next choice."""
    if not row.measured:
        return row.default + 1.0 if row.default < row.high else row.default - 1.0
    return row.high if row.high - row.default > row.default - row.low else row.low


@ROWS
def test_a_row_is_written_for_people(row: Parameter) -> None:
    assert row.name and row.page and row.help.endswith(".")
    assert row.setup == row.id.startswith(tuple(ELSEWHERE))


@ROWS
def test_a_file_sets_it(row: Parameter, tmp_path: Path) -> None:
    raw: Any = other(row) if row.measured else row.format(other(row))
    path = tmp_path / "module.yaml"
    path.write_text("patch:\n  %s: %s\n" % (row.id, json.dumps(raw)))
    assert dict(load_config(str(path)).patch) == {row.id: other(row)}


@ROWS
def test_it_is_kept_and_a_preset_holds_it_if_it_belongs_to_the_patch(
    row: Parameter, tmp_path: Path
) -> None:
    values = dict(default_values(), **{row.id: other(row)})
    file = patch_file(str(tmp_path))
    file.save(to_payload(Patch(values)))
    assert load_patch(file) == (Patch(values), [])
    presets = Presets(str(tmp_path))
    presets.save("one", Patch(values))
    held = presets.load("one")[0].values
    assert row.setup == (row.id not in held)
    assert row.setup or held[row.id] == other(row)
    assert unpack_values(pack_values(values)) == values


@ROWS
def test_the_panel_sets_it(row: Parameter) -> None:
    link = FakeLink(VirtualClock())
    message = json.dumps({"do": "set", "id": row.id, "value": other(row)})
    Actions(link, Face(link)).apply(message, Session(), 0.0)
    assert link.values[row.id] == other(row)


# Under which other settings a row can be heard at all.
_MOVED = {"cv%d.destination" % n: "centroid" for n in (1, 2, 3, 4)}
_CALM = {"temperature": 0.0, "guard": "off"}


def context(row: Parameter) -> Dict[str, Any]:
    head, _, tail = row.id.partition(".")
    found: Dict[str, Any] = dict(_CALM)
    if head.startswith("cv"):
        found.update(_MOVED)
        found[head + ".destination"] = "booming"
    elif tail == "value":
        found[head + ".mode"] = "asked"
    elif row.id == "release":
        found["gate1.role"] = "hold"
    elif row.id == "temperature":
        found.pop("temperature")
    elif row.id == "guard":
        for name, value in (("centroid", 1), ("bandwidth", 0), ("sharpness", 0), ("booming", 1)):
            found.update({name + ".mode": "asked", name + ".value": value})
    elif head == "motion" and not tail.endswith("shape"):
        found[row.id.rsplit(".", 1)[0] + ".shape"] = "triangle"
    elif row.id == "gate1.role":
        found["gate2.role"] = "trigger"
    elif head == "seed":
        found["temperature"] = 1.0
    return found


def volts_for(row: Parameter) -> Any:
    def moving(sample: int) -> Volts:
        # 0 V where the motions or the model alone shall act.
        v = sample / 2500.0 - 1.2
        return (v, v, v, v) if row.id.startswith(("cv", "gate")) else (0.0, 0.0, 0.0, 0.0)

    return moving


def heard(row: Parameter, value: float) -> Tuple[Any, ...]:
    """Return all that can be heard or seen of two hits with a row at a value."""
    values = {key: by_id(key).parse(raw) for key, raw in context(row).items()}
    values[row.id] = value
    voice = Voice(load_cached(), values)
    ends = [{r.id: r.default for r in PATCH_PARAMETERS} for _ in range(2)]
    ends[1]["level"] = -20.0
    voice.update(values, Morph(ends[0], ends[1]) if row.id == "morph" else None)
    pulses = [(1, 0.0, 0.05), (2, 0.02, 0.04), (2, 0.06, 0.09), (1, 0.1, 0.11), (2, 0.12, 0.13)]
    edges = [
        Edge(gate, rising, up if rising else down)
        for gate, up, down in pulses
        for rising in (True, False)
    ]
    edges.sort(key=lambda edge: edge.time)
    sound = voice.render(8000, volts_for(row), edges)
    frames = [(frame.asked, frame.mask) for frame in voice.take_frames()]
    return sound.tobytes(), frames, voice.steering.take_levels(8000), voice.take_wishes()


_LOADED: List[Any] = []


def load_cached() -> Any:
    if not _LOADED:
        _LOADED.append(load_bundle(TOY))
    return _LOADED[0]


@PATCH_ROWS
def test_it_does_something(row: Parameter) -> None:
    assert heard(row, row.default) != heard(row, other(row))


@pytest.mark.parametrize("row", [r for r in PATCH_PARAMETERS if r.choices], ids=lambda r: r.id)
def test_every_choice_does_something_of_its_own(row: Parameter) -> None:
    found = [heard(row, float(index)) for index in range(len(row.choices))]
    alike = {
        row.choices[index]
        for index, one in enumerate(found)
        if any(one == two for place, two in enumerate(found) if place != index)
    }
    # Without a morph, with one variant and a calm model these settings have nothing to move.
    assert alike <= {"none", "morph", "vary", "temperature"}, alike


def test_the_page_of_all_parameters_is_up_to_date() -> None:
    with open(PAGE, encoding="utf-8") as handle:
        assert handle.read() == text(), "python -m tests.make_parameter_page"
    with open(os.path.join(os.path.dirname(PAGE), "README.md"), encoding="utf-8") as handle:
        assert "(parameters.md)" in handle.read()
