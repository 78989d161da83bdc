"""The patch as a document and back, when it is saved, and the function between two of them."""

import json
import math
import os
from pathlib import Path
from typing import Any, Dict, List

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.parameters import PARAMETERS, PATCH_PARAMETERS, by_id, default_values
from neurorave_device.storage.autosave import QUIET, RETRY, SPACING, AutoSave
from neurorave_device.storage.crash import CrashRecord
from neurorave_device.storage.morph import morph
from neurorave_device.storage.patch import (
    KIND,
    Patch,
    default_patch,
    from_payload,
    load_patch,
    patch_file,
    to_payload,
)
from neurorave_device.storage.safe_file import checksum

UNITS = st.fixed_dictionaries({row.id: st.floats(0.0, 1.0) for row in PARAMETERS})


def held(values: Dict[str, float]) -> Dict[str, float]:
    """Return of the values those that a preset holds."""
    return {row.id: values[row.id] for row in PATCH_PARAMETERS}


def values_at(units: Dict[str, float]) -> Dict[str, float]:
    return {row.id: row.from_unit(units[row.id]) for row in PARAMETERS}


@settings(max_examples=40)
@given(units=UNITS)
def test_every_patch_comes_back_as_it_was(units: Dict[str, float]) -> None:
    patch = Patch(values_at(units), "mine", {"jacks": [], "gates": []})
    payload = json.loads(json.dumps(to_payload(patch)))
    assert from_payload(payload) == (patch, "")


def test_every_parameter_is_kept_and_choices_by_name() -> None:
    payload = to_payload(default_patch())
    assert set(payload["values"]) == {row.id for row in PARAMETERS}
    assert payload["values"]["cv1.destination"] == "latent_0"
    assert payload["values"]["guard"] == "on"
    assert payload["values"]["level"] == 0.0


@pytest.mark.parametrize(
    "key,raw,value,words",
    [
        ("volume", 3, None, "this version does not know volume"),
        ("level", 99, 6.0, "level 99 is now 6.0 dB"),
        ("level", -1e300, -60.0, "level -1e+300 is now -60.0 dB"),
        ("level", 10**400, 0.0, "is now 0.0 dB"),
        ("level", "loud", 0.0, "level 'loud' is now 0.0 dB"),
        ("level", None, 0.0, "level None is now 0.0 dB"),
        ("seed", 2.6, 3.0, "seed 2.6 is now 3"),
        ("seed", True, 1.0, "seed True is now 1"),
        ("cv1.destination", "wetness", 0.0, "cv1.destination 'wetness' is now latent_0"),
        ("cv1.destination", [], 0.0, "cv1.destination [] is now latent_0"),
        ("guard", "off", 0.0, ""),
        ("gate2.role", "trigger", 0.0, ""),
    ],
)
def test_what_does_not_fit_is_brought_into_range_or_dropped_and_said(
    key: str, raw: Any, value: Any, words: str
) -> None:
    payload = to_payload(default_patch())
    payload["values"][key] = raw
    patch, sentence = from_payload(payload)
    assert patch.values == (
        default_values() if value is None else dict(default_values(), **{key: value})
    )
    assert words in sentence and bool(words) == bool(sentence)


def test_what_is_missing_has_its_default_and_needs_no_word() -> None:
    payload = to_payload(default_patch())
    payload["values"] = {"level": -6.0}
    assert from_payload(payload) == (Patch(dict(default_values(), level=-6.0)), "")


def test_a_patch_from_before_there_were_percent_motions_and_more_roles_comes_over_whole() -> None:
    # What 0.1 wrote, where a share stood without its sign and the shortest slew was 1 ms.
    payload = to_payload(default_patch())
    payload["values"] = {
        "temperature": 0.8,
        "cv1.amount": -1.5,
        "cv1.slew": 0.001,
        "gate2.role": "off",
        "macro.amount": 0.25,
    }
    wanted = dict(default_values(), **payload["values"])
    wanted["gate2.role"] = by_id("gate2.role").parse("off")
    assert from_payload(payload) == (Patch(wanted), "")


def test_many_faults_are_still_one_sentence() -> None:
    payload = to_payload(default_patch())
    payload["values"] = {"unknown%d" % n: 1 for n in range(50)}
    _, sentence = from_payload(payload)
    assert sentence == "this version does not know unknown0, unknown1, unknown10 and 47 more"


def test_a_patch_of_an_older_schema_is_brought_over(tmp_path: Path) -> None:
    # A made-up one, from before bundles and jacks were remembered, in which the level was a factor.
    def from_zero(payload: Dict[str, Any]) -> Dict[str, Any]:
        values = dict(payload["settings"])
        values["level"] = 20.0 * math.log10(values.pop("gain"))
        return {"values": values, "bundle": "", "jacks": None}

    payload = {"settings": {"gain": 0.1, "seed": 7}}
    document = {"kind": "patch", "version": 0, "payload": payload}
    document["sha256"] = checksum("patch", 0, payload)
    file = patch_file(
        str(tmp_path), KIND._replace(migrations={0: from_zero, 1: KIND.migrations[1]})
    )
    Path(file.path).write_text(json.dumps(document))
    patch, sentences = load_patch(file)
    assert patch == Patch(dict(default_values(), level=-20.0, seed=7.0)) and sentences == []


def test_a_patch_from_before_jacks_had_errors_has_exact_ones(tmp_path: Path) -> None:
    jack = {"source": "sine", "value": 1.0, "rate": 2.0, "depth": 3.0}
    payload = dict(to_payload(default_patch()), jacks={"jacks": [jack], "gates": []})
    document = {"kind": "patch", "version": 1, "payload": payload}
    document["sha256"] = checksum("patch", 1, payload)
    file = patch_file(str(tmp_path))
    Path(file.path).write_text(json.dumps(document))
    patch, sentences = load_patch(file)
    assert patch is not None and patch.jacks is not None and sentences == []
    assert patch.jacks["jacks"] == [dict(jack, gain=1.0, offset=0.0, noise=0.0)]


def test_a_note_of_a_crash_from_before_jacks_had_errors_is_still_read(tmp_path: Path) -> None:
    jack = {"source": "sine", "value": 1.0, "rate": 2.0, "depth": 3.0}
    patch = dict(to_payload(default_patch()), jacks={"jacks": [jack], "gates": []})
    payload = {"deaths": 2, "bundle": "mine", "reason": "a fault", "patch": patch}
    document = {"kind": "crash", "version": 1, "payload": payload}
    document["sha256"] = checksum("crash", 1, payload)
    (tmp_path / "crash.json").write_text(json.dumps(document))
    crash = CrashRecord(str(tmp_path)).read()
    assert crash is not None and crash.deaths == 2 and crash.patch.jacks is not None
    assert crash.patch.jacks["jacks"][0]["gain"] == 1.0


def test_every_older_schema_has_its_way_to_the_present_one() -> None:
    assert set(KIND.migrations) == set(range(1, KIND.version))


@pytest.mark.parametrize("bundle", ["../evil", "a/b", 5, "x" * 300])
def test_a_bundle_is_a_name_and_no_path(tmp_path: Path, bundle: Any) -> None:
    payload = dict(to_payload(default_patch()), bundle=bundle)
    document = {"kind": "patch", "version": 1, "payload": payload}
    document["sha256"] = checksum("patch", 1, payload)
    file = patch_file(str(tmp_path))
    Path(file.path).write_text(json.dumps(document))
    patch, sentences = load_patch(file)
    assert patch is None and "bundle is not as it should be" in sentences[0]


def test_a_file_that_says_too_much_is_loaded_with_a_word(tmp_path: Path) -> None:
    file = patch_file(str(tmp_path))
    payload = to_payload(default_patch())
    payload["values"]["level"] = 99.0
    file.save(payload)
    patch, sentences = load_patch(file)
    assert patch is not None and patch.values["level"] == 6.0
    assert sentences == [os.path.join(str(tmp_path), "patch.json") + ": level 99.0 is now 6.0 dB"]


class Saves:
    """An AutoSave with time, and when it saved."""

    def __init__(self) -> None:
        self.auto = AutoSave()
        self.times: List[float] = []

    def run(self, changes: List[float], until: float, fails: bool = False) -> List[float]:
        """Step through time in steps of 50 ms; return the moments of the saves."""
        left = sorted(changes)
        for step in range(int(until * 20) + 1):
            now = step / 20.0
            while left and left[0] <= now:
                self.auto.changed(left.pop(0))
            if self.auto.due(now):
                self.times.append(now)
                (self.auto.failed if fails else self.auto.saved)(now)
        return self.times


def test_a_change_is_saved_two_seconds_after_the_last_one() -> None:
    assert (QUIET, SPACING) == (2.0, 5.0)
    assert Saves().run([1.0], 60.0) == [3.0]
    assert Saves().run([1.0, 1.5, 2.5], 60.0) == [4.5]


def test_saves_lie_five_seconds_apart_and_nothing_is_left_out() -> None:
    saves = Saves()
    assert saves.run([1.0, 3.5, 10.0], 60.0) == [3.0, 8.0, 13.0]
    assert not saves.auto.unsaved


def test_who_never_stops_turning_is_saved_every_five_seconds() -> None:
    times = Saves().run([n / 10.0 for n in range(205)], 60.0)
    assert len(times) == 5 and times[0] == 5.0
    assert all(5.0 <= after - before < 5.2 for before, after in zip(times, times[1:]))


def test_a_disk_that_refuses_is_tried_again_later() -> None:
    saves = Saves()
    assert saves.run([1.0], 70.0, fails=True) == [3.0, 3.0 + RETRY, 3.0 + 2 * RETRY]
    assert saves.auto.unsaved


@settings(max_examples=40)
@given(changes=st.lists(st.floats(0.0, 60.0), min_size=1, max_size=40))
def test_nothing_stays_unsaved_for_long_and_saves_are_never_close(changes: List[float]) -> None:
    saves = Saves()
    times = saves.run(changes, 75.0)
    assert not saves.auto.unsaved
    assert all(after - before >= SPACING - 1e-9 for before, after in zip(times, times[1:]))
    for change in changes:
        after = [time for time in times if time >= change]
        assert after and after[0] - change <= SPACING + 0.1


FIRST = default_values()
SECOND = dict(
    FIRST, **{"level": -20.0, "macro.time": 0.001, "gate2.role": 0.0, "guard": 0.0, "seed": 4.0}
)


def test_a_morph_moves_numbers_along_their_curve_and_switches_choices_at_the_half() -> None:
    start = dict(FIRST, **{"macro.time": 1.0})
    middle = morph(start, SECOND, 0.5)
    assert middle["level"] == pytest.approx(-10.0)
    # A time moves by factors: the middle between 1 s and 1 ms.
    assert middle["macro.time"] == pytest.approx(math.sqrt(0.001))
    assert morph(start, SECOND, 0.49)["gate2.role"] == FIRST["gate2.role"]
    assert middle["gate2.role"] == 0.0 and middle["guard"] == 0.0
    assert morph(start, SECOND, 0.49)["guard"] == 1.0
    # Between two seeds there is nothing: each is a series of hits of its own.
    assert morph(start, SECOND, 0.4)["seed"] == 1.0 and middle["seed"] == 4.0


@settings(max_examples=40)
@given(first=UNITS, second=UNITS, position=st.floats(-1.0, 2.0))
def test_a_morph_stays_between_its_ends_and_ends_exactly(
    first: Dict[str, float], second: Dict[str, float], position: float
) -> None:
    start, end = values_at(first), values_at(second)
    found = morph(start, end, position)
    for row in PATCH_PARAMETERS:
        low, high = sorted((start[row.id], end[row.id]))
        slack = 1e-9 * max(1.0, abs(low), abs(high))
        assert low - slack <= found[row.id] <= high + slack
        assert by_id(row.id).clamp(found[row.id]) == found[row.id]
    assert morph(start, end, 0.0) == held(start) and morph(start, end, 1.0) == held(end)
    assert morph(start, start, 0.5) == pytest.approx(held(start))


def test_a_morph_takes_what_is_missing_or_no_number_for_its_default() -> None:
    assert morph({}, {}, 0.3) == pytest.approx(held(default_values()))
    assert morph({"level": math.nan}, {"level": -20.0}, math.nan)["level"] == 0.0
