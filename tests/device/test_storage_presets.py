"""Presets: any name, one file each, and of another model what fits."""

import os
from pathlib import Path
from typing import Any, List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.clock import VirtualClock
from neurorave_device.errors import UserError
from neurorave_device.face.catch_up import CatchUp
from neurorave_device.face_process.preset_desk import PresetDesk
from neurorave_device.parameters import (
    DESCRIPTORS,
    PARAMETERS,
    PATCH_PARAMETERS,
    by_id,
    default_values,
)
from neurorave_device.storage.patch import Patch
from neurorave_device.storage.presets import (
    LONGEST_NAME,
    Presets,
    clean_name,
    file_name,
    fit,
)

from .fake_link import FakeLink


def patch(level: float, bundle: str = "hand_percussion") -> Patch:
    return Patch(dict(default_values(), level=level), bundle)


def kept(patch: Patch) -> Patch:
    """Return what a preset holds of a patch."""
    return patch._replace(values={row.id: patch.values[row.id] for row in PATCH_PARAMETERS})


@pytest.fixture
def presets(tmp_path: Path) -> Presets:
    return Presets(str(tmp_path / "state"))


def test_presets_are_saved_listed_loaded_renamed_and_deleted(presets: Presets) -> None:
    assert presets.shelf() == ((), ())
    presets.save("Rain on tin", patch(-3.0))
    presets.save("afternoon", patch(-4.0))
    assert presets.shelf() == (("afternoon", "Rain on tin"), ())
    assert presets.load("Rain on tin") == (kept(patch(-3.0)), "")
    presets.save("Rain on tin", patch(-5.0))
    assert presets.load(" Rain  on tin ") == (kept(patch(-5.0)), "")
    presets.rename("Rain on tin", "Hail")
    assert presets.shelf().names == ("afternoon", "Hail")
    assert presets.load("Hail") == (kept(patch(-5.0)), "")
    presets.delete("afternoon")
    assert presets.shelf().names == ("Hail",)


def test_what_is_not_there_or_taken_is_one_sentence_and_changes_nothing(presets: Presets) -> None:
    presets.save("one", patch(-1.0))
    presets.save("two", patch(-2.0))
    for wrong in (
        lambda: presets.load("three"),
        lambda: presets.delete("three"),
        lambda: presets.rename("three", "four"),
        lambda: presets.rename("one", "two"),
        lambda: presets.save(" \n ", patch(0.0)),
        lambda: presets.save("x" * (LONGEST_NAME + 1), patch(0.0)),
    ):
        with pytest.raises(UserError) as caught:
            wrong()
        assert "\n" not in str(caught.value)
    presets.rename("one", "one")
    assert presets.shelf().names == ("one", "two")
    assert presets.load("one") == (kept(patch(-1.0)), "")


NAMES = [
    "../../etc/passwd",
    "/",
    ".",
    "..",
    "CON",
    "a" * LONGEST_NAME,
    "Größe: 100 % \\ \"quoted\" 'n' | < > ?*",
    "雨",
    "🥁🥁",
    "-rf",
    "tab\tand\nline",
    "e\u0301",
]


@pytest.mark.parametrize("name", NAMES, ids=[str(n) for n in range(len(NAMES))])
def test_any_text_is_a_name_and_stays_in_its_folder(tmp_path: Path, name: str) -> None:
    presets = Presets(str(tmp_path / "state"))
    presets.save(name, patch(-7.0))
    assert presets.shelf().names == (clean_name(name),)
    assert presets.load(name)[0].values["level"] == -7.0
    found = [
        os.path.relpath(os.path.join(top, file), str(tmp_path))
        for top, _, files in os.walk(str(tmp_path))
        for file in files
    ]
    assert len(found) == 1 and os.path.dirname(found[0]) == os.path.join("state", "presets")


@settings(max_examples=60)
@given(name=st.text(), other=st.text())
def test_names_are_one_visible_line_and_files_legal_and_apart(name: str, other: str) -> None:
    cleaned = []
    for text in (name, other):
        try:
            clean = clean_name(text)
        except UserError:
            continue
        assert clean_name(clean) == clean and clean.isprintable() and len(clean) <= LONGEST_NAME
        file = file_name(clean)
        assert len(file) < 64 and not set(file) - set("abcdefghijklmnopqrstuvwxyz0123456789-.")
        cleaned.append(clean)
    if len(set(cleaned)) == 2:
        assert file_name(cleaned[0]) != file_name(cleaned[1])


def test_two_ways_to_write_the_same_letter_are_one_name() -> None:
    assert clean_name("e\u0301") == clean_name("\u00e9")


def test_a_damaged_preset_is_said_and_the_others_are_there(tmp_path: Path) -> None:
    presets = Presets(str(tmp_path))
    presets.save("good", patch(-1.0))
    presets.save("bad", patch(-2.0))
    (tmp_path / "presets" / file_name("bad")).write_bytes(b"half")
    (tmp_path / "presets" / "notes.txt").write_text("mine")
    names, faults = presets.shelf()
    assert names == ("good",)
    assert len(faults) == 1 and "cut off" in faults[0]
    with pytest.raises(UserError):
        presets.load("bad")
    # Saving under its name mends it.
    presets.save("bad", patch(-3.0))
    assert presets.shelf() == (("bad", "good"), ())


def test_a_preset_whose_newest_file_is_lost_comes_back_one_change_old(tmp_path: Path) -> None:
    presets = Presets(str(tmp_path))
    presets.save("mine", patch(-1.0))
    presets.save("mine", patch(-2.0))
    os.unlink(str(tmp_path / "presets" / file_name("mine")))
    assert presets.shelf().names == ("mine",)
    assert presets.load("mine")[0].values["level"] == -1.0


def test_of_a_model_with_fewer_descriptors_what_fits_is_kept() -> None:
    values = default_values()
    values["booming.mode"] = by_id("booming.mode").parse("asked")
    fitting, lacking = fit(values, DESCRIPTORS[:4])
    assert lacking == ["booming"]
    assert by_id("cv4.destination").format(fitting["cv4.destination"]) == "none"
    assert fitting["booming.mode"] == by_id("booming.mode").parse("free")
    changed = {key for key in values if values[key] != fitting[key]}
    assert changed == {"cv4.destination", "booming.mode"}
    assert fit(values, DESCRIPTORS) == (values, [])


class Absent(FakeLink):
    """A link that has one bundle only."""

    def play_bundle(self, name: str) -> None:
        raise UserError("bundle %r is not here" % name)

    def info(self) -> Any:
        found = FakeLink.info(self)
        return dict(found, descriptors=found["descriptors"][:4])


def desk(folder: Path, link: FakeLink) -> Tuple[PresetDesk, List[Any]]:
    jobs: List[Any] = []
    return PresetDesk(link, str(folder), jobs.append, link.clock, CatchUp()), jobs


def test_the_desk_writes_later_and_says_what_became_of_it(tmp_path: Path) -> None:
    link = FakeLink(VirtualClock())
    found, jobs = desk(tmp_path, link)
    assert found.said() == (0, "") and found.presets() == []
    link.set("level", -9.0)
    found.save_preset("mine")
    # What is set afterwards is no part of it.
    link.set("level", -1.0)
    assert found.presets() == [] and len(jobs) == 1
    jobs.pop()()
    assert found.presets() == ["mine"] and found.said() == (1, "Preset 'mine' is saved.")
    found.load_preset("mine")
    assert link.values["level"] == -9.0 and link.asked_for == []
    assert found.said() == (2, "Preset 'mine' is loaded.")
    found.rename_preset("mine", "ours")
    jobs.pop()()
    assert found.presets() == ["ours"]
    found.delete_preset("ours")
    jobs.pop()()
    assert found.presets() == []
    found.delete_preset("ours")
    jobs.pop()()
    assert found.said()[1] == "there is no preset 'ours'."
    with pytest.raises(UserError):
        found.load_preset("ours")
    assert desk(tmp_path, link)[0].presets() == []


class Card:
    """A desk on a folder to which files are copied while it works, with its writing thread, in virtual time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "presets"
        self.clock = VirtualClock(5.0)
        self.desk, self.jobs = desk(folder, FakeLink(self.clock))

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.5)):
            self.clock.advance(0.5)
            self.desk.follow(self.clock.now())
            while self.jobs:
                self.jobs.pop(0)()


def test_a_damaged_preset_that_is_copied_there_is_said_once(tmp_path: Path) -> None:
    Presets(str(tmp_path)).save("mine", patch(-3.0))
    card = Card(tmp_path)
    card.wait(10.0)
    assert card.desk.said() == (0, "")
    (card.folder / "copied.json").write_text("{")
    card.wait(5.0)
    count, said = card.desk.said()
    assert count == 1 and "copied.json: damaged" in said
    assert card.desk.presets() == ["mine"]
    card.wait(20.0)
    card.desk.save_preset("other")
    card.wait(5.0)
    assert card.desk.said() == (2, "Preset 'other' is saved.")
    # Another one is news, and so is the same one when it had gone.
    (card.folder / "copied.json").unlink()
    card.wait(5.0)
    assert card.desk.said()[0] == 2
    (card.folder / "copied.json").write_text("{")
    (card.folder / "more.json").write_text("[]")
    card.wait(5.0)
    count, said = card.desk.said()
    assert count == 3 and "copied.json" in said and "more.json" in said


def test_what_is_found_with_a_deed_of_the_player_is_said_with_it(tmp_path: Path) -> None:
    found, jobs = desk(tmp_path, FakeLink(VirtualClock()))
    found.save_preset("mine")
    jobs.pop()()
    (tmp_path / "presets" / "copied.json").write_text("{")
    for told in (True, False):
        found.save_preset("mine")
        jobs.pop()()
        said = found.said()[1]
        assert said.startswith("Preset 'mine' is saved") and ("copied.json" in said) == told


def test_a_preset_is_read_when_its_copying_is_over(tmp_path: Path) -> None:
    Presets(str(tmp_path / "elsewhere")).save("theirs", patch(-3.0))
    name = file_name("theirs")
    whole = (tmp_path / "elsewhere" / "presets" / name).read_bytes()
    (tmp_path / "presets").mkdir()
    card = Card(tmp_path)
    for size in range(0, len(whole), len(whole) // 6):
        (card.folder / name).write_bytes(whole[:size])
        card.wait(2.0)
    (card.folder / name).write_bytes(whole)
    card.wait(5.0)
    assert card.desk.presets() == ["theirs"] and card.desk.said() == (0, "")
    # It comes and goes with the card.
    card.folder.rename(tmp_path / "pulled")
    card.wait(5.0)
    assert card.desk.presets() == []
    (tmp_path / "pulled").rename(card.folder)
    card.wait(5.0)
    assert card.desk.presets() == ["theirs"] and card.desk.said() == (0, "")


def test_a_card_that_does_not_answer_is_not_asked_again(tmp_path: Path) -> None:
    clock = VirtualClock(5.0)
    found, jobs = desk(tmp_path, FakeLink(clock))
    for _ in range(20):
        clock.advance(1.0)
        found.follow(clock.now())
    assert len(jobs) == 1
    jobs.pop()()
    found.follow(clock.now())
    assert len(jobs) == 1


def test_what_belongs_to_the_module_is_no_part_of_a_preset(tmp_path: Path) -> None:
    link = FakeLink(VirtualClock())
    found, jobs = desk(tmp_path, link)
    setup = [row for row in PARAMETERS if row.setup]
    assert {"screen.contrast", "encoder.direction", "midi.on"} <= {row.id for row in setup}
    found.save_preset("mine")
    jobs.pop()()
    for row in PARAMETERS:
        link.set(row.id, row.high if row.default != row.high else row.low)
    changed = dict(link.values)
    found.load_preset("mine")
    for row in PARAMETERS:
        assert link.values[row.id] == (changed[row.id] if row.setup else row.default), row.id


def test_a_morph_is_between_two_presets_until_one_is_loaded(tmp_path: Path) -> None:
    Presets(str(tmp_path)).save("soft", patch(-20.0))
    Presets(str(tmp_path)).save("loud", patch(0.0))
    link = FakeLink(VirtualClock())
    found, _ = desk(tmp_path, link)
    found.morph_presets("soft", " loud ")
    morph = link.morph()
    assert morph is not None and morph.names == ("soft", "loud")
    assert (morph.first["level"], morph.second["level"]) == (-20.0, 0.0)
    assert "screen.contrast" not in morph.first
    assert found.said()[1] == "Morph from 'soft' to 'loud'."
    with pytest.raises(UserError, match="there is no preset 'gone'"):
        found.morph_presets("soft", "gone")
    assert link.morph() == morph
    found.load_preset("loud")
    assert link.morph() is None and link.values["level"] == 0.0


def test_a_disk_that_refuses_is_said_by_the_desk(tmp_path: Path) -> None:
    (tmp_path / "presets").write_text("in the way")
    found, jobs = desk(tmp_path, FakeLink(VirtualClock()))
    found.save_preset("mine")
    jobs.pop()()
    assert "'mine' cannot be kept" in found.said()[1]


def test_a_preset_brings_its_model_where_that_is_here(tmp_path: Path) -> None:
    Presets(str(tmp_path)).save("other", patch(-2.0, "notes"))
    link = FakeLink(VirtualClock())
    found, _ = desk(tmp_path, link)
    found.load_preset("other")
    assert link.asked_for == ["notes"] and link.values["level"] == -2.0


def test_a_preset_of_a_model_that_is_not_here_sets_what_fits_and_says_so(tmp_path: Path) -> None:
    Presets(str(tmp_path)).save("other", patch(-2.0, "gone"))
    link = Absent(VirtualClock())
    found, _ = desk(tmp_path, link)
    found.load_preset("other")
    assert link.values["level"] == -2.0
    assert by_id("cv4.destination").format(link.values["cv4.destination"]) == "none"
    said = found.said()[1]
    assert "bundle gone is not here" in said and "has no booming" in said


def test_what_is_under_the_hand_waits_for_the_end_of_the_turn(tmp_path: Path) -> None:
    clock = VirtualClock(5.0)
    link = FakeLink(clock)
    catch_up = CatchUp()
    found = PresetDesk(link, str(tmp_path), lambda job: job(), clock, catch_up)
    link.set("level", -9.0)
    link.set("seed", 3.0)
    found.save_preset("mine")
    assert found.present() == "mine"
    link.set("level", 0.0)
    link.set("seed", 4.0)
    catch_up.turned("level", clock.now())
    clock.advance(0.5)
    found.load_preset("mine")
    assert (link.values["level"], link.values["seed"]) == (0.0, 3.0)
    assert catch_up.due(clock.now() + 0.6) == [("level", -9.0)]
    found.rename_preset("mine", "ours")
    assert found.present() == "ours"
