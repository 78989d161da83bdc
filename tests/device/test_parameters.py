"""The parameter table: every row keeps its promises."""

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.errors import UserError
from neurorave_device.parameter import Parameter
from neurorave_device.parameters import DESCRIPTORS, PARAMETERS, by_id, default_values

rows = st.sampled_from(PARAMETERS)
units = st.floats(0.0, 1.0)


def test_ids_are_unique_and_complete() -> None:
    ids = [row.id for row in PARAMETERS]
    assert len(set(ids)) == len(ids)
    for number in range(1, 5):
        for key in (
            "destination",
            "mode",
            "amount",
            "offset",
            "range",
            "curve",
            "quantise",
            "slew",
        ):
            assert "cv{}.{}".format(number, key) in ids
    for name in DESCRIPTORS:
        assert name + ".mode" in ids and name + ".value" in ids
    for key in ("level", "seed", "temperature", "guard", "crossfade", "gate1.role", "gate2.role"):
        assert key in ids


def test_the_default_patch_is_the_documented_one() -> None:
    shown = {key: by_id(key).format(value) for key, value in default_values().items()}
    assert [shown["cv{}.destination".format(n)] for n in (1, 2, 3, 4)] == [
        "latent_0",
        "rms",
        "centroid",
        "booming",
    ]
    assert [shown["cv{}.mode".format(n)] for n in (1, 2, 3, 4)] == ["replace", "add", "add", "add"]
    assert shown["gate1.role"] == "trigger" and shown["gate2.role"] == "macro"
    assert shown["guard"] == "on" and shown["cv1.slew"] == "5 ms"


@pytest.mark.parametrize("row", PARAMETERS, ids=lambda row: row.id)
def test_a_row_is_sound(row: Parameter) -> None:
    assert row.low < row.high
    assert row.low <= row.default <= row.high
    assert row.clamp(row.default) == row.default
    assert row.curve in ("linear", "log", "cubic", "choice", "toggle")
    assert bool(row.choices) == (row.curve == "choice")
    if row.curve == "choice":
        assert row.high == len(row.choices) - 1
    if row.curve == "log":
        assert row.low > 0.0


@settings(max_examples=50, deadline=None)
@given(rows, units)
def test_unit_and_value_are_inverse(row: Parameter, unit: float) -> None:
    value = row.from_unit(unit)
    assert row.low <= value <= row.high
    assert row.from_unit(row.to_unit(value)) == pytest.approx(value, rel=1e-9, abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(rows, units, units)
def test_values_rise_with_the_unit(row: Parameter, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert row.from_unit(low) <= row.from_unit(high)
    assert row.from_unit(0.0) == pytest.approx(row.low)
    assert row.from_unit(1.0) == pytest.approx(row.high)


@settings(max_examples=50, deadline=None)
@given(rows, st.floats(allow_nan=True, allow_infinity=True))
def test_clamp_always_gives_an_allowed_value(row: Parameter, value: float) -> None:
    clamped = row.clamp(value)
    assert row.low <= clamped <= row.high
    assert row.clamp(clamped) == clamped
    assert row.parse(clamped) == clamped


def test_choices_and_toggles_are_whole_numbers() -> None:
    row = by_id("cv1.destination")
    assert row.clamp(2.4) == 2.0
    assert by_id("guard").clamp(0.7) == 1.0


def test_format_is_for_reading() -> None:
    assert by_id("level").format(-6.0) == "-6.0 dB"
    assert by_id("level").format(-0.01) == "0.0 dB"
    assert by_id("macro.time").format(0.25) == "250 ms"
    assert by_id("macro.time").format(1.5) == "1.500 s"
    assert by_id("cv2.range").format(3.0) == "0..10 V"
    assert by_id("guard").format(0.0) == "off"
    assert by_id("seed").format(12.0) == "12"


@pytest.mark.parametrize(
    "key, raw, value",
    [
        ("level", -12, -12.0),
        ("cv1.destination", "booming", 5.0),
        ("cv1.destination", 5, 5.0),
        ("guard", True, 1.0),
        ("guard", "off", 0.0),
        ("gate1.role", "off", 9.0),
        ("gate1.role", False, 9.0),
    ],
)
def test_parse_takes_what_people_write(key: str, raw: object, value: float) -> None:
    assert by_id(key).parse(raw) == value


@pytest.mark.parametrize(
    "key, raw",
    [
        ("level", 7.0),
        ("level", "loud"),
        ("level", math.nan),
        ("level", True),
        ("level", None),
        ("level", [1]),
        ("seed", 1.5),
        ("cv1.destination", "pitch"),
        ("cv1.destination", 12),
        ("cv1.destination", False),
        ("guard", "maybe"),
    ],
)
def test_parse_refuses_in_one_sentence(key: str, raw: object) -> None:
    with pytest.raises(UserError) as caught:
        by_id(key).parse(raw)
    text = str(caught.value)
    assert text.startswith("{} is {!r}, allowed is ".format(key, raw))
    assert "\n" not in text and re.search("allowed is .+", text)


def test_an_unknown_id_is_named() -> None:
    with pytest.raises(
        UserError, match=r"unknown parameter 'cv5\.amount', allowed are cv\d\.amount, "
    ):
        by_id("cv5.amount")


def test_default_values_is_a_fresh_copy() -> None:
    default_values()["level"] = -60.0
    assert default_values()["level"] == 0.0
