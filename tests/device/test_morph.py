"""The morph as it plays: between two presets, by menu or CV, and what an edit does meanwhile."""

from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurorave_device.clock import VirtualClock
from neurorave_device.errors import UserError
from neurorave_device.face_process.link import SharedLink
from neurorave_device.link import telemetry
from neurorave_device.link.commands import CommandSender, make_pipe
from neurorave_device.link.settings import pack_morph, pack_values, unpack_morph, unpack_values
from neurorave_device.link.shared import MORPH_BYTES, SharedMemory
from neurorave_device.link.telemetry import Report
from neurorave_device.mapping.mapper import Mapper
from neurorave_device.parameters import PARAMETERS, PATCH_PARAMETERS, by_id, default_values
from neurorave_device.sound_process.timing import timing
from neurorave_device.storage.morph import Morph, morph
from neurorave_device.storage.morph_file import MorphFile

from .control_bundle import make_bundle
from .toy import TOY

FRAME = 512 / 44100.0
REST = (0.0, 0.0, 0.0, 0.0)
DESTINATION = by_id("cv4.destination").parse("morph")
UNITS = st.fixed_dictionaries({row.id: st.floats(0.0, 1.0) for row in PATCH_PARAMETERS})


def end(**changes: Any) -> Dict[str, float]:
    """level=-6 and gate1_role="hold" stand for parameters; all others have their default."""
    values = {row.id: row.default for row in PATCH_PARAMETERS}
    for name, raw in changes.items():
        key = name.replace("_", ".", 1)
        values[key] = by_id(key).parse(raw)
    return values


SOFT = end(level=-20, temperature=0.0, gate1_role="hold", seed=3, macro_time=0.001)
LOUD = end(level=0, temperature=2.0, gate1_role="toggle", seed=9, macro_time=1.0)


def settle(mapper: Mapper, volts: Any = REST, frames: int = 40) -> Any:
    for _ in range(frames):
        targets = mapper.frame(volts, False, FRAME)
    return targets


def playing(position: float, own: Optional[Dict[str, float]] = None, kept: Any = ()) -> Mapper:
    values = dict(default_values(), **(own or {}), morph=position)
    mapper = Mapper(values, make_bundle())
    mapper.update(values, Morph(SOFT, LOUD, frozenset(kept)))
    settle(mapper)
    return mapper


def test_the_menu_moves_between_the_ends() -> None:
    for position in (0.0, 0.25, 0.5, 1.0):
        mapper = playing(position)
        expected = morph(SOFT, LOUD, position)
        del expected["morph"]
        for key, value in expected.items():
            assert mapper.values[key] == pytest.approx(value), key
        assert settle(mapper).level == pytest.approx(-20.0 + 20.0 * position)
        assert settle(mapper).morph == pytest.approx(position)


def test_the_position_glides_and_times_move_by_factors() -> None:
    mapper = playing(0.0)
    values = dict(default_values(), morph=1.0)
    mapper.update(values, Morph(SOFT, LOUD))
    course = [mapper.frame(REST, False, FRAME).morph for _ in range(30)]
    assert 0.0 < course[0] < 0.6 and course == sorted(course)
    assert course[-1] == pytest.approx(1.0, abs=1e-4)
    assert playing(0.5).values["macro.time"] == pytest.approx(0.001**0.5)


def test_a_cv_adds_to_the_menus_position_and_is_no_part_of_the_morph() -> None:
    own = {"cv4.destination": DESTINATION, "cv4.range": 1.0, "cv4.slew": 0.0}
    mapper = playing(0.25, own)
    for volts, position in ((1.25, 0.5), (3.75, 1.0), (5.0, 1.0), (0.0, 0.25)):
        targets = settle(mapper, (0.0, 0.0, 0.0, volts))
        assert targets.morph == pytest.approx(position)
        # Both presets let CV 4 move something else; it goes on moving the morph.
        assert mapper.values["cv4.destination"] == DESTINATION
        assert mapper.values["cv4.range"] == 1.0
        assert targets.level == pytest.approx(-20.0 + 20.0 * position)


def test_a_cv_that_only_the_presets_let_move_the_morph_does_not() -> None:
    both = dict(SOFT, **{"cv4.destination": DESTINATION})
    values = dict(default_values(), morph=0.3)
    mapper = Mapper(values, make_bundle())
    mapper.update(values, Morph(both, both))
    targets = settle(mapper, (0.0, 0.0, 0.0, 5.0))
    assert targets.morph == pytest.approx(0.3) and not any(targets.moved)


def test_choices_switch_at_the_half_and_do_not_flutter_there() -> None:
    own = {"cv4.destination": DESTINATION, "cv4.slew": 0.0}
    mapper = playing(0.5, own)
    roles: List[str] = []
    for step in range(200):
        volts = 0.06 if step % 2 else -0.06
        settle(mapper, (0.0, 0.0, 0.0, volts), 1)
        roles.append(by_id("gate1.role").format(mapper.values["gate1.role"]))
    assert len(set(roles)) == 1
    settle(mapper, (0.0, 0.0, 0.0, -1.0))
    assert by_id("gate1.role").format(mapper.values["gate1.role"]) == "hold"
    settle(mapper, (0.0, 0.0, 0.0, 1.0))
    assert by_id("gate1.role").format(mapper.values["gate1.role"]) == "toggle"
    assert mapper.values["seed"] == 9.0


def test_an_edit_near_the_half_does_not_switch_choices_either() -> None:
    mapper = playing(0.6)
    values = dict(default_values(), morph=0.49)
    mapper.update(values, Morph(SOFT, LOUD))
    settle(mapper)
    mapper.update(dict(values, level=-3.0), Morph(SOFT, LOUD, frozenset(["level"])))
    settle(mapper)
    assert by_id("gate1.role").format(mapper.values["gate1.role"]) == "toggle"
    assert mapper.values["level"] == -3.0


def test_what_the_player_has_changed_stays_and_setup_is_never_touched() -> None:
    own = {"temperature": 1.5, "screen.contrast": 0.1}
    mapper = playing(1.0, own, ["temperature"])
    assert settle(mapper).temperature == 1.5
    assert mapper.values["screen.contrast"] == 0.1
    assert settle(mapper).level == 0.0


def test_without_a_morph_the_position_changes_nothing() -> None:
    mapper = Mapper(dict(default_values(), morph=0.7), make_bundle())
    targets = settle(mapper)
    assert targets.morph == pytest.approx(0.7) and targets.level == 0.0


@settings(max_examples=25, deadline=None)
@given(UNITS, UNITS, st.lists(st.floats(-5.0, 5.0), min_size=1, max_size=8))
def test_whatever_the_presets_are_all_values_stay_allowed(
    one: Dict[str, float], other: Dict[str, float], course: List[float]
) -> None:
    first, second = (
        {row.id: row.from_unit(units[row.id]) for row in PATCH_PARAMETERS} for units in (one, other)
    )
    own = dict(default_values(), **{"cv4.destination": DESTINATION, "morph": 0.5})
    mapper = Mapper(own, make_bundle())
    mapper.update(own, Morph(first, second))
    for volts in course:
        targets = mapper.frame((volts, 1.0, -1.0, volts), True, FRAME)
        assert 0.0 <= targets.morph <= 1.0 and -60.0 <= targets.level <= 6.0
        for row in PARAMETERS:
            assert row.clamp(mapper.values[row.id]) == mapper.values[row.id], row.id
        assert all(-1e3 < value < 1e3 for value in targets.descriptors)


@settings(max_examples=25, deadline=None)
@given(UNITS, UNITS, st.sets(st.sampled_from([row.id for row in PATCH_PARAMETERS])), st.text())
def test_a_morph_goes_through_shared_memory_as_it_is(
    one: Dict[str, float], other: Dict[str, float], kept: Any, name: str
) -> None:
    found = Morph(one, other, frozenset(kept), (name[:60], "B"))
    record = pack_morph(found)
    assert len(record) <= MORPH_BYTES
    assert unpack_morph(record) == found
    assert unpack_morph(pack_morph(None)) is None and unpack_morph(None) is None


def test_the_longest_names_fit_the_cell() -> None:
    assert len(pack_morph(Morph(SOFT, LOUD, frozenset(), ("\U0001f941" * 60,) * 2))) < MORPH_BYTES


class Linked:
    """A face's link on a block of shared memory, and the sound's side of it."""

    def __init__(self) -> None:
        self.shared = SharedMemory.create(ring_samples=1024)
        self.shared.parameters.write(pack_values(default_values()))
        self.ends = make_pipe()
        self.clock = VirtualClock()
        self.link = self.new_link()

    def new_link(self) -> SharedLink:
        return SharedLink(
            self.shared,
            CommandSender(self.ends[1]),
            TOY,
            lambda info: timing(20.0, 128, info.sample_rate, info.hop),
            True,
            self.clock,
        )

    def at(self, position: float) -> None:
        report = Report(state=telemetry.PLAYING, mask=(False,) * 5, asked=(0.0,) * 5)
        report = report._replace(
            heard=(0.0,) * 5, morph=position, patched=(True, False, True, False)
        )
        self.shared.telemetry.write(telemetry.pack(report._replace(frozen=True, macro=-0.5)))
        self.link.telemetry()

    @property
    def morph(self) -> Optional[Morph]:
        return unpack_morph(self.shared.morph.read())

    @property
    def values(self) -> Dict[str, float]:
        return unpack_values(self.shared.parameters.read() or b"")

    def close(self) -> None:
        self.shared.close()
        for one in self.ends:
            one.close()


@pytest.fixture
def linked() -> Any:
    made = Linked()
    yield made
    made.close()


def test_the_face_shows_what_plays_and_an_edit_takes_it_out_of_the_morph(linked: Linked) -> None:
    link = linked.link
    link.set_morph(SOFT, LOUD, ("soft", "loud"))
    linked.at(0.5)
    assert link.get("level") == pytest.approx(-10.0) and link.get("screen.contrast") == 0.8
    assert linked.morph is not None and linked.morph.names == ("soft", "loud")
    # The hand goes on from what is heard, and has the last word.
    link.set("level", -9.0)
    assert linked.values["level"] == -9.0 and linked.morph.kept == {"level"}
    linked.at(1.0)
    assert link.get("level") == -9.0 and link.get("temperature") == 2.0
    # What is no part of a morph is set as ever.
    link.set("morph", 0.25)
    link.set("screen.contrast", 0.5)
    assert linked.morph.kept <= {"level", "morph"}
    assert link.get("morph") == 0.25 and link.get("screen.contrast") == 0.5
    with pytest.raises(UserError):
        link.get("volume")


def test_what_plays_when_the_morph_ends_is_what_is_set_from_then_on(linked: Linked) -> None:
    linked.link.set_morph(SOFT, LOUD)
    linked.at(0.25)
    linked.link.set("temperature", 0.1)
    linked.link.clear_morph()
    assert linked.morph is None and linked.link.morph() is None
    assert linked.values["level"] == pytest.approx(-15.0) and linked.values["temperature"] == 0.1
    assert by_id("gate1.role").format(linked.values["gate1.role"]) == "hold"
    linked.link.clear_morph()
    linked.at(1.0)
    assert linked.link.get("level") == pytest.approx(-15.0)


def test_a_face_that_is_started_again_goes_on_with_the_morph(linked: Linked) -> None:
    linked.link.set_morph(SOFT, LOUD, ("soft", "loud"))
    linked.link.set("seed", 5.0)
    again = linked.new_link()
    assert again.morph() == linked.link.morph()
    again.telemetry()
    assert again.get("seed") == 5.0


def test_the_face_is_told_of_cables_freeze_macro_and_position(linked: Linked) -> None:
    linked.at(0.25)
    told = linked.link.telemetry()
    assert told.patched == (True, False, True, False)
    assert (told.frozen, told.macro, told.morph) == (True, -0.5, 0.25)


def test_no_morph_file_is_left_where_none_plays(tmp_path: Path) -> None:
    file = MorphFile(str(tmp_path))
    assert file.load() == (None, [])
    kept = Morph(SOFT, LOUD, frozenset(["level"]), ("a", "b"))
    file.save(kept)
    assert file.load() == (kept, [])
    file.save(None)
    assert file.load() == (None, [])
