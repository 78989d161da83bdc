"""The memory in the module: what it begins with, what the face saves of it, what a crash bars."""

import errno
import json
import os
import queue
import re
from pathlib import Path
from typing import Any, List, Optional

import pytest

from neurorave_device import storage
from neurorave_device.clock import VirtualClock
from neurorave_device.config import Config, Given, load_given
from neurorave_device.face_process.keeper import Keeper
from neurorave_device.inputs.virtual import VirtualPanel
from neurorave_device.launch.memory import CRASHED_PRESET, Beginning, Memory, face_settings
from neurorave_device.link import telemetry
from neurorave_device.link.settings import pack_morph, pack_panel, pack_values
from neurorave_device.link.shared import SharedMemory
from neurorave_device.link.telemetry import Report
from neurorave_device.parameters import PATCH_PARAMETERS, default_values
from neurorave_device.storage.crash import CrashRecord
from neurorave_device.storage.morph import Morph
from neurorave_device.storage.morph_file import MorphFile
from neurorave_device.storage.patch import Patch, load_patch, patch_file, to_payload
from neurorave_device.storage.place import lock, state_folder
from neurorave_device.storage.presets import Presets
from tests.device.toy import TOY, copy_toy, edit_description

LOUD = dict(default_values(), level=3.0)


def given(folder: Path, **more: Any) -> Given:
    return load_given(None, dict(more, state=str(folder / "state")))


def stored(folder: Path) -> Optional[Patch]:
    return load_patch(patch_file(str(folder / "state")))[0]


def store(folder: Path, patch: Patch) -> None:
    patch_file(str(folder / "state")).save(to_payload(patch))


def bundles(folder: Path, monkeypatch: Any) -> str:
    """Make a folder with the bundles `shipped` (where nothing else is given) and `mine`; return it."""
    root = folder / "models"
    root.mkdir()
    for name in ("shipped", "mine"):
        os.rename(copy_toy(folder), str(root / name))
    monkeypatch.setattr(
        Config.__new__, "__defaults__", (str(root / "shipped"),) + Config.__new__.__defaults__[1:]
    )
    return str(root)


class Module:
    """The launcher's and the face's memory around one shared block, in virtual time."""

    def __init__(self, start: Given) -> None:
        self.clock = VirtualClock(1000.0)
        self.memory = Memory(start)
        self.beginning: Beginning = self.memory.begin()
        self.writes, self.sentences = self.memory.open()
        self.shared = SharedMemory.create(ring_samples=1024)
        self.shared.parameters.write(pack_values(self.beginning.values))
        if self.beginning.jacks is not None:
            self.shared.panel.write(self.beginning.jacks)
        self.shared.morph.write(pack_morph(self.beginning.morph))
        self.plays(self.beginning.config.bundle)
        self.said: List[str] = []
        self.keeper = self.new_keeper()

    def new_keeper(self) -> Keeper:
        settings = json.loads(json.dumps(face_settings(self.memory, self.beginning, self.writes)))
        return Keeper(
            settings["folder"],
            settings["stored"],
            self.shared,
            self.beginning.config,
            self.clock,
            queue.Queue(),
            self.said.append,
        )

    def plays(self, folder: str) -> None:
        self.shared.telemetry.write(telemetry.pack(Report(folder=folder)))

    def set(self, **values: float) -> None:
        now = dict(self.beginning.values, **values)
        self.shared.parameters.write(pack_values(now))

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds * 4)):
            self.clock.advance(0.25)
            self.keeper.step()

    def end(self) -> None:
        self.keeper.close()
        self.memory.close()
        self.shared.close()


@pytest.fixture
def begin() -> Any:
    made: List[Module] = []

    def start(found: Given) -> Module:
        made.append(Module(found))
        return made[-1]

    yield start
    for module in made:
        module.memory.close()
        module.shared.close()


def test_tests_do_not_write_into_anybodys_home() -> None:
    assert not state_folder().startswith(os.path.expanduser("~"))


def test_storage_knows_neither_engine_nor_face() -> None:
    folder = os.path.dirname(storage.__file__)
    for name in sorted(os.listdir(folder)):
        if name.endswith(".py"):
            text = (Path(folder) / name).read_text(encoding="utf-8")
            found = re.findall(r"^from neurorave_device\.(\w+)", text, re.MULTILINE)
            allowed = {"errors", "inputs", "machine", "parameter", "parameters", "storage"}
            assert set(found) <= allowed, name


def test_the_folder_follows_the_specification(monkeypatch: Any) -> None:
    assert state_folder("here") == os.path.abspath("here")
    monkeypatch.setenv("XDG_STATE_HOME", "/var/state")
    assert state_folder() == "/var/state/neurorave"
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_STATE_HOME", value)
        assert state_folder() == os.path.expanduser("~/.local/state/neurorave")


def test_the_first_start_has_the_defaults_and_writes_nothing(tmp_path: Path, begin: Any) -> None:
    module = begin(given(tmp_path, bundle=TOY))
    assert module.beginning.values == default_values()
    assert module.beginning.jacks is None
    assert module.beginning.sentences == [] and module.sentences == []
    module.wait(60.0)
    module.end()
    assert stored(tmp_path) is None and module.said == []


def test_it_comes_back_as_it_was_left(tmp_path: Path, begin: Any, monkeypatch: Any) -> None:
    root = bundles(tmp_path, monkeypatch)
    module = begin(given(tmp_path))
    panel = VirtualPanel(VirtualClock())
    panel.set_jack(2, source="sine", rate=3.0, depth=2.0)
    panel.set_clock(1, on=True, rate=4.0)
    module.set(level=3.0)
    module.shared.panel.write(pack_panel(panel))
    module.plays(os.path.join(root, "mine"))
    module.wait(3.0)
    module.end()
    again = begin(given(tmp_path))
    assert again.beginning.values == LOUD
    assert json.loads(again.beginning.jacks) == json.loads(pack_panel(panel))
    assert again.beginning.config.bundle == os.path.join(root, "mine")
    assert again.beginning.recalled and again.beginning.sentences == []
    # Nothing was touched, so nothing is written.
    before = os.stat(str(tmp_path / "state" / "patch.json")).st_mtime_ns
    again.wait(30.0)
    again.end()
    assert os.stat(str(tmp_path / "state" / "patch.json")).st_mtime_ns == before


def test_a_change_is_on_disk_two_seconds_later_and_at_the_end_at_once(
    tmp_path: Path, begin: Any
) -> None:
    module = begin(given(tmp_path, bundle=TOY))
    module.set(level=3.0)
    module.wait(2.0)
    assert stored(tmp_path) is None
    module.wait(0.5)
    assert stored(tmp_path) == Patch(LOUD)
    module.set(level=4.0)
    module.keeper.close()
    assert stored(tmp_path) == Patch(dict(LOUD, level=4.0))


def test_a_face_that_was_killed_before_it_could_save_is_made_up_for(
    tmp_path: Path, begin: Any
) -> None:
    module = begin(given(tmp_path, bundle=TOY))
    module.set(level=3.0)
    module.keeper = module.new_keeper()
    module.wait(3.0)
    assert stored(tmp_path) == Patch(LOUD)


def test_what_is_given_wins_for_this_start_and_is_not_remembered(
    tmp_path: Path, begin: Any, monkeypatch: Any
) -> None:
    root = bundles(tmp_path, monkeypatch)
    store(tmp_path, Patch(LOUD, "mine"))
    module = begin(given(tmp_path, bundle=TOY, patch={"level": -6, "seed": 9}))
    assert module.beginning.config.bundle == TOY
    assert module.beginning.values == dict(LOUD, level=-6.0, seed=9.0)
    module.set(temperature=1.0)
    module.wait(3.0)
    assert stored(tmp_path) == Patch(dict(LOUD, temperature=1.0), "mine")
    # Once the player has changed it, it is the player's, whatever the value.
    module.set(level=-7.0)
    module.wait(6.0)
    module.set(level=-6.0)
    module.plays(os.path.join(root, "shipped"))
    module.wait(6.0)
    assert stored(tmp_path) == Patch(dict(LOUD, level=-6.0), "shipped")


def test_a_bundle_that_is_gone_or_broken_is_said_and_the_shipped_one_plays(
    tmp_path: Path, begin: Any, monkeypatch: Any
) -> None:
    root = bundles(tmp_path, monkeypatch)
    store(tmp_path, Patch(LOUD, "gone"))
    module = begin(given(tmp_path))
    assert module.beginning.config.bundle == os.path.join(root, "shipped")
    assert "gone" in module.beginning.sentences[0]
    assert module.beginning.values == LOUD
    module.set(level=1.0)
    module.wait(3.0)
    module.end()
    # A card that is not in today is in again tomorrow.
    found = stored(tmp_path)
    assert found is not None and found.bundle == "gone"
    store(tmp_path, Patch(LOUD, "mine"))
    edit_description(os.path.join(root, "mine"), lambda document: document.update(schema=99))
    assert "schema" in begin(given(tmp_path)).beginning.sentences[0]


def test_jacks_that_make_no_sense_are_left_unpatched(tmp_path: Path, begin: Any) -> None:
    exact = {"gain": 1.0, "offset": 0.0, "noise": 0.0}
    jack = dict(exact, source="noise", value=0.0, rate=1.0, depth=1.0)
    jacks = {"jacks": [jack], "gates": []}
    store(tmp_path, Patch(LOUD, "", jacks))
    module = begin(given(tmp_path, bundle=TOY))
    assert module.beginning.jacks is None and "noise" in module.beginning.sentences[0]
    assert module.beginning.values == LOUD


def test_a_recording_leaves_the_remembered_jacks_alone(tmp_path: Path, begin: Any) -> None:
    jacks = json.loads(pack_panel(VirtualPanel(VirtualClock())).decode("utf-8"))
    store(tmp_path, Patch(LOUD, "", jacks))
    module = begin(given(tmp_path, bundle=TOY, panel="replay"))
    assert module.beginning.jacks is None
    module.set(level=1.0)
    module.wait(3.0)
    assert stored(tmp_path) == Patch(dict(LOUD, level=1.0), "", jacks)


def test_a_disk_that_refuses_is_said_once_and_tried_again(
    tmp_path: Path, begin: Any, monkeypatch: Any
) -> None:
    module = begin(given(tmp_path, bundle=TOY))

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        module.set(level=3.0)
        module.wait(100.0)
        assert len(module.said) == 1
        assert "No space left on device" in module.said[0] and "playing goes on" in module.said[0]
        assert stored(tmp_path) is None
    module.wait(31.0)
    assert stored(tmp_path) == Patch(LOUD)
    assert len(module.said) == 2 and "all is remembered" in module.said[1]


def test_a_folder_that_cannot_be_made_is_said_and_it_plays(tmp_path: Path, begin: Any) -> None:
    (tmp_path / "file").write_text("")
    module = begin(load_given(None, {"bundle": TOY, "state": str(tmp_path / "file" / "state")}))
    assert module.writes and "playing goes on" in module.sentences[0]
    module.set(level=3.0)
    module.wait(10.0)
    assert len(module.said) == 1
    module.end()


def test_only_one_module_remembers_in_a_folder(tmp_path: Path, begin: Any) -> None:
    first = begin(given(tmp_path, bundle=TOY))
    second = Memory(given(tmp_path, bundle=TOY))
    assert second.begin().values == default_values()
    writes, sentences = second.open()
    assert not writes and "--state DIR" in sentences[0]
    assert second.died(first.shared, Config(), "x") is None
    first.memory.close()
    taken = lock(str(tmp_path / "state"))
    assert taken is not None
    taken.release()


def crash(folder: Path, times: int, bundle: str = TOY) -> None:
    """Let the sound process die that often, in as many starts."""
    for _ in range(times):
        memory = Memory(given(folder, bundle=bundle))
        memory.begin()
        memory.open()
        shared = SharedMemory.create(ring_samples=1024)
        shared.parameters.write(pack_values(LOUD))
        shared.telemetry.write(telemetry.pack(Report(folder=bundle)))
        assert memory.died(shared, Config(bundle=bundle), "ended by signal SIGSEGV") is None
        shared.close()
        memory.close()


def test_what_died_twice_is_not_loaded_by_itself_but_kept(
    tmp_path: Path, begin: Any, monkeypatch: Any
) -> None:
    root = bundles(tmp_path, monkeypatch)
    mine = os.path.join(root, "mine")
    store(tmp_path, Patch(LOUD, "mine"))
    crash(tmp_path, 1, mine)
    once = begin(given(tmp_path))
    assert once.beginning.config.bundle == mine and once.beginning.sentences == []
    once.end()
    crash(tmp_path, 1, mine)
    module = begin(given(tmp_path))
    assert module.beginning.config.bundle == os.path.join(root, "shipped")
    assert module.beginning.values == default_values()
    (sentence,) = module.beginning.sentences
    assert "died twice with mine (ended by signal SIGSEGV)" in sentence
    assert repr(CRASHED_PRESET) in sentence
    module.end()
    presets = Presets(str(tmp_path / "state"))
    assert presets.shelf().names == (CRASHED_PRESET,)
    crashed = presets.load(CRASHED_PRESET)[0]
    assert crashed.bundle == "mine" and crashed.values["level"] == LOUD["level"]
    # It is over with that: the next start has nothing to say and is not back at the old patch.
    after = begin(given(tmp_path))
    assert after.beginning.sentences == [] and after.beginning.values == default_values()


def test_the_morph_is_remembered_as_long_as_it_plays(tmp_path: Path, begin: Any) -> None:
    module = begin(given(tmp_path))
    assert module.beginning.morph is None
    rows = {row.id: row.default for row in PATCH_PARAMETERS}
    loud = dict(rows, level=3.0, **{"gate1.role": 1.0})
    morph = Morph(rows, loud, frozenset(["seed"]), ("Rain on tin", "\u00c4pfel"))
    module.shared.morph.write(pack_morph(morph))
    module.wait(3.0)
    again = begin(given(tmp_path))
    assert again.beginning.morph == morph and again.beginning.sentences == []
    module.end()
    again.shared.morph.write(pack_morph(None))
    again.end()
    assert begin(given(tmp_path)).beginning.morph is None


def test_a_morph_that_is_damaged_is_said_and_none_plays(tmp_path: Path, begin: Any) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "morph.json").write_text("{")
    beginning = begin(given(tmp_path)).beginning
    assert beginning.morph is None and "morph.json" in beginning.sentences[0]


def test_after_a_crash_what_belongs_to_the_module_is_as_it_was(tmp_path: Path, begin: Any) -> None:
    memory = Memory(given(tmp_path, bundle=TOY))
    for _ in range(2):
        memory.begin()
        memory.open()
        shared = SharedMemory.create(ring_samples=1024)
        shared.parameters.write(pack_values(dict(LOUD, **{"screen.contrast": 0.3})))
        memory.died(shared, Config(bundle=TOY), "ended by signal SIGSEGV")
        shared.close()
        memory.close()
    rows = {row.id: row.default for row in PATCH_PARAMETERS}
    MorphFile(str(tmp_path / "state")).save(Morph(rows, rows))
    module = begin(given(tmp_path))
    assert module.beginning.morph is None
    assert module.beginning.values == dict(default_values(), **{"screen.contrast": 0.3})
    module.end()
    assert begin(given(tmp_path)).beginning.values["screen.contrast"] == 0.3


def test_what_is_asked_for_by_name_is_played_also_after_a_crash(tmp_path: Path, begin: Any) -> None:
    store(tmp_path, Patch(LOUD, "toy_bundle"))
    crash(tmp_path, 2)
    module = begin(given(tmp_path, bundle=TOY, patch={"seed": 5}))
    assert module.beginning.config.bundle == TOY
    assert module.beginning.values == dict(default_values(), seed=5.0)
    assert "starts with its first settings" in module.beginning.sentences[0]


def test_steady_playing_makes_up_for_a_death(tmp_path: Path, begin: Any) -> None:
    crash(tmp_path, 1)
    module = begin(given(tmp_path, bundle=TOY))
    assert module.memory.steady() is None
    module.end()
    crash(tmp_path, 1)
    assert begin(given(tmp_path)).beginning.sentences == []


def test_deaths_with_different_bundles_are_not_added(tmp_path: Path, begin: Any) -> None:
    crash(tmp_path, 1)
    crash(tmp_path, 1, copy_toy(tmp_path))
    record = CrashRecord(str(tmp_path / "state")).read()
    assert record is not None and record.deaths == 1
    assert begin(given(tmp_path)).beginning.sentences == []


def test_a_crash_on_a_read_only_disk_still_bars_what_crashed(
    tmp_path: Path, begin: Any, monkeypatch: Any
) -> None:
    store(tmp_path, Patch(LOUD))
    crash(tmp_path, 2)

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refuse)
        for _ in range(2):
            module = begin(given(tmp_path, bundle=TOY))
            assert module.beginning.values == default_values()
            assert "Read-only file system" in module.sentences[0]
            module.memory.close()
