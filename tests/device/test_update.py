"""Updates from the card with the real launcher and real processes: installed beside, tried, confirmed or left again."""

import json
import os
import random
import signal
import subprocess
import time
import zipfile
from typing import Any, List

import pytest

from neurorave_device import __version__
from neurorave_device.errors import UserError
from neurorave_device.update import install, package, trial, versions
from neurorave_device.update.versions import Versions
from tests.device.update_rig import Rig


@pytest.fixture
def rig(tmp_path: Any) -> Rig:
    return Rig(str(tmp_path))


def _silent(text: str) -> None:
    pass


def test_a_version_is_tried_and_stays_once_it_has_played(rig: Rig) -> None:
    rig.package("9.0.0")
    assert rig.start("confirm")[0] == "plays 9.0.0"
    assert rig.state().chosen == "9.0.0" and rig.state().trial == ""
    assert rig.start()[0] == "plays 9.0.0"


def test_a_version_that_never_confirms_itself_is_left_after_two_starts(rig: Rig) -> None:
    rig.package("9.0.0")
    played = [rig.start()[0] for _ in range(4)]
    assert played == ["plays 9.0.0", "plays 9.0.0", "plays factory", "plays factory"]
    assert "never played for 30 s" in rig.state().refused["9.0.0"]


def test_one_that_dies_at_once_is_left_for_the_one_before_and_not_for_the_first(rig: Rig) -> None:
    rig.package("9.0.0")
    rig.start("confirm")
    rig.package("9.1.0", dies=True)
    played = [rig.start("confirm")[0] for _ in range(3)]
    assert played == ["", "", "plays 9.0.0"]
    assert rig.state().chosen == "9.0.0"


def test_settings_are_put_back_when_a_version_is_left(rig: Rig) -> None:
    patch = os.path.join(rig.settings, "patch.json")
    preset = os.path.join(rig.settings, "presets", "one.json")
    os.makedirs(os.path.dirname(preset))
    for path in (patch, preset):
        with open(path, "w") as file:
            file.write("old")
    rig.package("9.0.0")
    for _ in range(2):
        rig.start()
        for path in (patch, preset):
            with open(path, "w") as file:
                file.write("of a newer form")
    rig.start()
    assert [open(path).read() for path in (patch, preset)] == ["old", "old"]


def test_settings_made_after_the_trial_are_not_touched(rig: Rig) -> None:
    patch = os.path.join(rig.settings, "patch.json")
    rig.package("9.0.0")
    rig.start("confirm")
    with open(patch, "w") as file:
        file.write("new")
    rig.start()
    assert open(patch).read() == "new"


def test_the_newest_package_wins_and_an_older_one_is_not_looked_at(rig: Rig) -> None:
    for version in ("9.0.0", "9.10.0", "9.9.0"):
        rig.package(version)
    assert rig.start("confirm")[0] == "plays 9.10.0"
    assert rig.start("confirm")[0] == "plays 9.10.0"


def test_going_back_plays_the_version_before(rig: Rig) -> None:
    rig.package("9.0.0")
    rig.start("confirm")
    rig.package("9.1.0")
    rig.start("confirm")
    versions.write_versions(rig.versions, versions.go_back(rig.state()))
    assert rig.start("confirm")[0] == "plays 9.0.0"


def test_a_package_that_tells_another_version_is_refused(rig: Rig) -> None:
    path = rig.package("9.0.0", told="8.0.0")
    with pytest.raises(UserError, match=r"says 'neurorave 8\.0\.0' and not 9\.0\.0"):
        install.install(path, rig.versions, rig.key, _silent)
    assert versions.installed(rig.versions) == frozenset()
    assert rig.start()[0] == "plays factory"


def test_a_package_signed_with_another_key_is_refused(rig: Rig, tmp_path: Any) -> None:
    path = rig.package("9.0.0")
    other = Rig(str(tmp_path / "other"))
    with pytest.raises(UserError, match="not signed with the key of this module"):
        install.install(path, rig.versions, other.key, _silent)


def test_one_that_is_not_newer_is_refused(rig: Rig) -> None:
    rig.package("9.0.0")
    rig.start("confirm")
    with pytest.raises(UserError, match=r"8\.0\.0 is not newer than 9\.0\.0"):
        install.install(rig.package("8.0.0"), rig.versions, rig.key, _silent)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9, 0.999])
def test_a_package_that_is_cut_off_is_refused(rig: Rig, share: float) -> None:
    path = rig.package("9.0.0")
    size = os.path.getsize(path)
    with open(path, "r+b") as file:
        file.truncate(int(share * size))
    with pytest.raises(UserError, match="damaged, or no zip file"):
        package.open_package(path, rig.key)


def test_each_byte_of_what_is_installed_is_signed_for(rig: Rig, tmp_path: Any) -> None:
    path = rig.package("9.0.0")
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    for name in contents:
        changed = dict(contents)
        changed[name] = changed[name][:-1] + bytes([changed[name][-1] ^ 1])
        with zipfile.ZipFile(path, "w") as archive:
            for member, content in changed.items():
                archive.writestr(member, content)
        with pytest.raises(UserError):
            package.extract(package.open_package(path, rig.key), str(tmp_path))


@pytest.mark.parametrize(
    "name", ["../evil.whl", "/etc/evil.whl", "a/b.whl", "x" * 300 + ".whl", "readme"]
)
def test_names_that_lead_elsewhere_are_refused(rig: Rig, name: str) -> None:
    document = {
        "schema": 1,
        "version": "9.0.0",
        "install": ["neurorave==9.0.0"],
        "files": {name: {"size": 1, "sha256": "0" * 64}},
    }
    with pytest.raises(UserError, match="allowed are names of wheels"):
        package._read_manifest("p.zip", json.dumps(document).encode())


def test_a_file_beside_those_of_the_manifest_is_refused(rig: Rig) -> None:
    path = rig.package("9.0.0")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("stowaway.whl", b"1")
    with pytest.raises(UserError, match=r"not those of its manifest: stowaway\.whl"):
        package.open_package(path, rig.key)


def test_a_full_disk_is_said_before_anything_is_written(rig: Rig, monkeypatch: Any) -> None:
    class Full:
        f_bavail, f_frsize = 1, 4096

    path = rig.package("9.0.0")
    monkeypatch.setattr(os, "statvfs", lambda folder: Full)
    with pytest.raises(UserError, match=r"0 MB free, the update needs"):
        install.install(path, rig.versions, rig.key, _silent)
    assert os.listdir(rig.versions) == ["versions.json"]


def test_a_state_that_cannot_be_read_means_the_first_version(rig: Rig) -> None:
    for content in (
        "",
        "{",
        "[]",
        '{"chosen": "../../bin"}',
        json.dumps(Versions()._asdict())[:-9],
    ):
        with open(os.path.join(rig.versions, versions.STATE), "w") as file:
            file.write(content)
        assert versions.read_versions(rig.versions) == Versions()
        assert rig.start(updates=False)[0] == "plays factory"


def test_a_program_that_cannot_be_run_is_no_reason_for_silence(rig: Rig) -> None:
    rig.package("9.0.0")
    rig.start("confirm")
    program = versions.program(rig.versions, "9.0.0")
    with open(program, "w") as file:
        file.write("#!/no/such/shell\n")
    played, said = rig.start()
    assert played == "plays factory"
    assert "cannot be started" in said


def test_a_missing_card_and_a_folder_that_cannot_be_written_are_no_reason_either(rig: Rig) -> None:
    os.rmdir(rig.updates)
    assert rig.start()[0] == "plays factory"
    os.rmdir(rig.versions)
    with open(rig.versions, "w"):
        pass
    assert rig.start()[0] == "plays factory"


def test_cut_off_at_any_moment_a_version_plays(rig: Rig) -> None:
    # benchmarks/update_cut.py does so more often.
    chance = random.Random(1)
    rig.package("9.0.0")
    began = time.monotonic()
    assert rig.start()[0] == "plays 9.0.0"
    whole = time.monotonic() - began
    played: List[str] = []
    for _ in range(3):
        for name in os.listdir(rig.versions):
            os.system("rm -rf '%s'" % os.path.join(rig.versions, name))
        process = subprocess.Popen(
            rig.command([]),
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            env=rig.environment(),
        )
        # Only how much is done by then depends on the machine; that a version plays does not.
        time.sleep(chance.uniform(0.0, whole))
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        played.append(rig.start("confirm")[0])
    assert set(played) <= {"plays 9.0.0", "plays factory"}


def test_the_module_confirms_itself_only_on_trial(rig: Rig) -> None:
    environment = {versions.FOLDER_VARIABLE: rig.versions}
    assert trial.played_well({}) is None and trial.greeting({}) is None
    versions.write_versions(rig.versions, Versions(trial="9.9.9", tries=1, notice="something"))
    assert trial.played_well(environment) is None
    assert trial.greeting(environment) == "something"
    assert trial.greeting(environment) is None
    versions.write_versions(rig.versions, Versions(trial=__version__, tries=1))
    told = trial.greeting(environment)
    assert told is not None and "on trial" in told
    assert trial.played_well(environment) == "version %s has played well and stays" % __version__
    assert rig.state().chosen == __version__


def test_how_it_stands_with_an_update_can_be_asked_at_any_time(rig: Rig) -> None:
    environment = {versions.FOLDER_VARIABLE: rig.versions}

    def standing() -> trial.Standing:
        return trial.standing(environment)

    plays = trial.Standing(__version__)
    assert trial.standing({}) == standing() == plays
    install.install(rig.package("9.0.0"), rig.versions, rig.key, _silent)
    assert standing() == plays._replace(update="9.0.0")
    # It never plays for long enough, so the factory's plays at the third start.
    assert [rig.start()[0] for _ in range(3)][-1] == "plays factory"
    assert trial.greeting(environment) is not None
    why = "it was started 2 times and never played for 30 s"
    for _ in range(2):
        assert standing() == plays._replace(update="9.0.0", why=why)
        assert trial.greeting(environment) is None
    # A newer one is tried in its place; it is the newest that counts, by number and not by letters.
    install.install(rig.package("9.9.0"), rig.versions, rig.key, _silent)
    assert standing() == plays._replace(update="9.9.0")
    state = versions.refuse(versions.refuse(rig.state(), "9.9.0", "one"), "9.10.0", "other")
    versions.write_versions(rig.versions, state)
    assert standing() == plays._replace(update="9.10.0", why="other")


def test_how_it_stands_with_the_version_that_plays(rig: Rig) -> None:
    environment = {versions.FOLDER_VARIABLE: rig.versions}
    versions.write_versions(rig.versions, Versions(trial=__version__, tries=1))
    assert trial.standing(environment) == trial.Standing(__version__, on_trial=True)
    trial.played_well(environment)
    assert trial.standing(environment) == trial.Standing(__version__)
    # What was refused before it is over and done with.
    old = {"0.0.1": "too old", __version__: "not newer"}
    versions.write_versions(rig.versions, Versions(chosen=__version__, refused=old))
    assert trial.standing(environment) == trial.Standing(__version__)
