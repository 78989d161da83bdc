"""The bundles that can be chosen: beside the first one and on the card, as they come, change, break and go."""

import os
import shutil
from pathlib import Path
from typing import Dict

import pytest

from neurorave_device.clock import VirtualClock
from neurorave_device.errors import UserError
from neurorave_device.face_process.catalogue import LOOK_SECONDS, Catalogue
from tests.device.toy import copy_toy


class Place:
    """A board with one bundle, a card with none yet, and the catalogue of both."""

    def __init__(self, folder: Path) -> None:
        (folder / "board").mkdir()
        self.models = folder / "card" / "models"
        self.models.mkdir(parents=True)
        self.shipped = copy_toy(folder / "board")
        self.clock = VirtualClock(100.0)
        self.catalogue = Catalogue(self.shipped, str(folder / "card"), self.clock)

    def faults(self) -> Dict[str, str]:
        """Return what there is, five seconds later."""
        self.clock.advance(5.0)
        return {row.name: row.fault for row in self.catalogue.rows()}

    def drop(self, name: str) -> Path:
        shutil.copytree(self.shipped, str(self.models / name))
        return self.models / name


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_what_is_dropped_in_is_there_within_five_seconds_and_what_is_taken_away_is_gone(
    place: Place,
) -> None:
    first = os.path.basename(place.shipped)
    assert place.faults() == {first: ""}
    place.drop("new")
    assert place.faults() == {first: "", "new": ""}
    assert place.catalogue.path("new") == str(place.models / "new")
    assert place.catalogue.path(first) == place.shipped
    shutil.rmtree(str(place.models / "new"))
    assert place.faults() == {first: ""}


def test_the_disk_is_not_looked_at_each_time_that_it_is_drawn(place: Place) -> None:
    place.faults()
    place.drop("new")
    assert len(place.catalogue.rows()) == 1
    place.clock.advance(LOOK_SECONDS)
    assert len(place.catalogue.rows()) == 2
    # Who chooses one wants to know what is there now.
    place.drop("newer")
    assert place.catalogue.path("newer")


def test_one_that_is_still_being_copied_has_its_reason_until_all_is_there(place: Place) -> None:
    folder = place.drop("slow")
    (folder / "decoder.onnx").rename(folder / "decoder.onnx.part")
    assert "the decoder is missing; was it copied wholly?" in place.faults()["slow"]
    with pytest.raises(UserError, match="decoder"):
        place.catalogue.path("slow")
    (folder / "decoder.onnx").write_bytes(b"")
    assert "the decoder is empty" in place.faults()["slow"]
    (folder / "decoder.onnx").unlink()
    (folder / "decoder.onnx.part").rename(folder / "decoder.onnx")
    assert place.faults()["slow"] == ""


def test_a_change_within_two_seconds_is_seen_although_fat_has_no_finer_times(place: Place) -> None:
    folder = place.drop("mine")
    assert place.faults()["mine"] == ""
    path = folder / "bundle.yaml"
    before = os.stat(str(path))
    path.write_text(path.read_text().replace("schema: 1", "schema: 20"))
    os.utime(str(path), (before.st_atime, before.st_mtime))
    assert "schema is 20" in place.faults()["mine"]


def test_what_was_meant_to_be_a_bundle_is_named_with_what_is_wrong(place: Place) -> None:
    (place.models / "download.zip").write_bytes(b"PK")
    (place.models / "outer").mkdir()
    shutil.move(str(place.drop("inner")), str(place.models / "outer" / "inner"))
    (place.models / "half").mkdir()
    (place.models / "half" / "decoder.onnx").write_bytes(b"x")
    (place.models / "System Volume Information").mkdir()
    (place.models / ".Trash-1000").mkdir()
    found = place.faults()
    assert "unpack it" in found["download.zip"]
    assert "one folder deeper, in inner" in found["outer"]
    assert "bundle.yaml is missing" in found["half"]
    assert len(found) == 4


def test_a_name_that_is_too_long_is_said_to_be_so(place: Place) -> None:
    # 120 characters, 240 bytes.
    name = "ä" * 120
    place.drop(name)
    assert "240 bytes, allowed are 200" in place.faults()[name]
    place.drop("n" * 200)
    assert place.faults()["n" * 200] == ""


@pytest.mark.parametrize("name", ["../board/toy", "a/b", "", "x" * 300, ".."])
def test_a_name_that_is_none_of_a_bundle_is_refused(place: Place, name: str) -> None:
    with pytest.raises(UserError, match="is not in") as caught:
        place.catalogue.path(name)
    assert len(str(caught.value)) < 600


def test_one_on_the_card_comes_before_one_of_the_same_name(place: Place) -> None:
    name = os.path.basename(place.shipped)
    folder = place.drop(name)
    place.faults()
    assert place.catalogue.path(name) == str(folder)
    assert [row.name for row in place.catalogue.rows()] == [name]


def test_a_card_that_is_pulled_takes_its_bundles_with_it_and_nothing_else(place: Place) -> None:
    place.drop("new")
    assert len(place.faults()) == 2
    shutil.rmtree(str(place.models.parent))
    assert list(place.faults()) == [os.path.basename(place.shipped)]
