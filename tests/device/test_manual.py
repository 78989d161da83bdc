"""The player's manual: its pictures are those of the pages as they are, and it leaves no page out."""

import os
import re

import pytest
from PIL import Image

from .hand import Hand
from .manual_pictures import FOLDER, MANUAL, drawn, pages, path_of, wanted
from .page_states import STATES

# Where the manual tells of each page of the list.
TOLD = {
    "Models": "models.md",
    "Presets": "presets.md",
    "Morph": "presets.md",
    "CV 1": "cvs.md",
    "CV 2": "cvs.md",
    "CV 3": "cvs.md",
    "CV 4": "cvs.md",
    "Gates": "gates.md",
    "Descriptors": "descriptors.md",
    "Macro": "descriptors.md",
    "Motion": "motion.md",
    "Sound": "sound.md",
    "Calibrate": "calibration.md",
    "MIDI": "midi.md",
    "MIDI learn": "midi.md",
    "Screen": "setup.md",
    "Encoder": "setup.md",
    "System": "setup.md",
    "Info": "info.md",
}
_LINK = re.compile(r"\]\(([^)#]+)")


def test_each_page_of_the_list_has_its_page_in_the_manual() -> None:
    titles = [line.name for line in Hand().face.menu.contents.lines()][1:]
    assert sorted(TOLD) == sorted(titles)
    assert set(TOLD.values()) <= set(pages())


def test_the_pictures_are_those_that_the_manual_shows() -> None:
    stored = {name[:-4] for name in os.listdir(FOLDER)}
    assert stored == wanted() <= set(STATES)


@pytest.mark.parametrize("name", sorted(wanted()))
def test_each_picture_is_current_and_small(name: str) -> None:
    with Image.open(path_of(name)) as stored:
        assert stored.size == (408, 216)
        assert stored.convert("1").tobytes() == drawn(name).tobytes(), (
            "draw it anew: python -m tests.device.manual_pictures"
        )
    assert os.path.getsize(path_of(name)) < 4000


@pytest.mark.parametrize("name", sorted(pages()))
def test_every_link_leads_somewhere(name: str) -> None:
    for target in _LINK.findall(pages()[name]):
        assert os.path.exists(os.path.join(MANUAL, target)), target


@pytest.mark.parametrize("name", sorted(pages()))
def test_each_page_is_short(name: str) -> None:
    assert len(pages()[name].split("\n")) <= 50
    if name == "quick-start.md":
        # One screen.
        assert len(pages()[name].split("\n")) <= 25
