"""What the model browser says of each bundle, in the little room that it has."""

import itertools

import pytest

from neurorave_device.face.font import NO_BREAK, text_width, wrap
from neurorave_device.face.groups import alone, groups
from neurorave_device.face.pages.models import without_folder
from neurorave_device.parameters import PATCH_PARAMETERS

from .hand import Hand


@pytest.mark.parametrize(
    "fault, said",
    [
        ("/card/my models/rain/bundle.yaml: no YAML", "bundle.yaml: no YAML"),
        ("/card/models/rain: bundle.yaml is missing", "bundle.yaml is missing"),
        (
            "/card/models/rain/decoder.onnx: the decoder is missing",
            "decoder.onnx: the decoder is missing",
        ),
        ("rain...: the folder's name is too long", "rain...: the folder's name is too long"),
        ("no file at all", "no file at all"),
    ],
)
def test_a_fault_has_the_screen_to_itself(fault: str, said: str) -> None:
    assert without_folder(fault, "rain") == said


def test_bundles_of_one_title_are_told_apart_by_their_folders() -> None:
    hand = Hand()
    hand.link.shelf = [("first", ""), ("second", ""), ("third", "")]
    rows = hand.link.bundles()
    for row in rows[:2]:
        row["title"] = "rain"
    hand.link.bundles = lambda: rows  # type: ignore[assignment]
    hand.open("Models")
    assert [line.name for line in hand.page.lines()][1:] == ["first", "second", "third"]


def test_a_number_keeps_its_unit() -> None:
    text = "somebody, 12.4%sMB, at last" % NO_BREAK
    lines = wrap(text, text_width("somebody, 12.4 M"))
    assert lines[0] == "somebody,"
    assert lines[1].startswith("12.4%sMB" % NO_BREAK)
    assert text_width("1%sM" % NO_BREAK) == text_width("1 M")


def test_no_two_parameters_are_offered_under_one_name() -> None:
    for group, pitched in itertools.product(groups(PATCH_PARAMETERS), (False, True)):
        names = [alone(entry, pitched) for entry in group.entries]
        assert len(set(names)) == len(names), group.title
        assert not any(name.startswith(" ") for name in names)
