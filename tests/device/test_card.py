"""The card: what is said of it, whatever state it is in."""

import os
from pathlib import Path
from typing import Any, List

import pytest

from neurorave_device.storage import card
from neurorave_device.storage.card import CardState, home, labelled, look, prepare


class Disk:
    """What the system says of a file system."""

    def __init__(self, free: int, flags: int = 0) -> None:
        self.f_bavail, self.f_frsize, self.f_flag = free // 4096, 4096, flags
        self.f_blocks = 1 << 20


@pytest.fixture
def inserted(tmp_path: Path) -> str:
    """A card in its place, with its folders."""
    assert prepare(str(tmp_path)) == ""
    return str(tmp_path)


def nobody(folder: str) -> CardState:
    return look(folder, udev="/no/such", devices="/no/such")


def test_a_card_has_its_folders_and_nothing_is_said_of_it(inserted: str) -> None:
    assert sorted(os.listdir(inserted)) == ["logs", "models", "settings", "updates"]
    state = nobody(inserted)
    assert state.there and state.writable and state.sentence == ""
    assert state.free is not None and state.free > 0


def test_an_empty_mount_point_is_no_card(tmp_path: Path) -> None:
    state = nobody(str(tmp_path))
    assert not state.there and not state.writable
    assert "is not there" in state.sentence
    assert nobody(str(tmp_path / "missing")).sentence


@pytest.mark.parametrize(
    "disk,writable,words",
    [
        (Disk(2 << 30), True, ""),
        (Disk(card.LOW_BYTES - 4096), True, "only 67 MB left"),
        (Disk(card.FULL_BYTES - 4096), True, "is full"),
        (Disk(2 << 30, os.ST_RDONLY), False, "read-only"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    inserted: str, monkeypatch: Any, disk: Disk, writable: bool, words: str
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda path: disk)
    state = nobody(inserted)
    assert state.writable is writable
    assert words in state.sentence and bool(words) is bool(state.sentence)
    assert "\n" not in state.sentence


def test_one_that_does_not_tell_its_size_is_not_taken_for_full(
    inserted: str, monkeypatch: Any
) -> None:
    disk = Disk(0)
    disk.f_blocks = 0
    monkeypatch.setattr(os, "statvfs", lambda path: disk)
    assert nobody(inserted) == CardState(True, True, None, "")


def test_a_card_that_no_longer_answers_is_said_to_be_so(inserted: str, monkeypatch: Any) -> None:
    def broken(path: str) -> List[str]:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "listdir", broken)
    state = nobody(inserted)
    assert "cannot be read (Input/output error)" in state.sentence and not state.writable


def a_partition(root: Path, number: str, name: str, label: str) -> None:
    (root / "udev").mkdir(exist_ok=True)
    (root / "udev" / ("b" + number)).write_text("S:disk/by-label/x\nE:ID_FS_LABEL=%s\n" % label)
    (root / "block" / name).mkdir(parents=True)
    (root / "dev").mkdir(exist_ok=True)
    os.symlink(str(root / "block" / name), str(root / "dev" / number))


def test_two_cards_are_named(inserted: str, tmp_path: Path) -> None:
    udev, devices = str(tmp_path / "udev"), str(tmp_path / "dev")
    a_partition(tmp_path, "179:3", "mmcblk0p3", "NEURORAVE")
    a_partition(tmp_path, "8:17", "sdb1", "OTHER")
    assert look(inserted, udev, devices).sentence == ""
    a_partition(tmp_path, "8:1", "sda1", "NEURORAVE")
    assert labelled(udev, devices) == ["/dev/mmcblk0p3", "/dev/sda1"]
    sentence = look(inserted, udev, devices).sentence
    assert "2 cards" in sentence and "/dev/mmcblk0p3, /dev/sda1" in sentence


def test_what_is_remembered_lies_on_the_card_unless_another_folder_is_given(inserted: str) -> None:
    assert home(None, None) == (None, [])
    assert home(inserted, None) == (os.path.join(inserted, "settings"), [])
    assert home(inserted, "/elsewhere") == ("/elsewhere", [])


def test_without_the_card_the_usual_folder_is_used_and_it_is_said(tmp_path: Path) -> None:
    state, sentences = home(str(tmp_path), None)
    assert state is None
    assert len(sentences) == 1 and "is not there" in sentences[0]
    assert os.listdir(str(tmp_path)) == [], "nothing is made in an empty mount point"
