"""The support bundle: what is in it, that it is whole, and that nothing keeps it from being written but the disk."""

import json
import os
import time
import zipfile
from pathlib import Path
from typing import Any, Dict, List

import pytest

from neurorave_device import cli
from neurorave_device.config import Config
from neurorave_device.doctor import OK, WARN, Result, support
from neurorave_device.doctor.support import write_support_bundle
from neurorave_device.errors import UserError
from neurorave_device.link.telemetry import PLAYING, Report
from neurorave_device.storage.patch import default_patch, patch_file, to_payload
from neurorave_device.storage.presets import Presets
from tests.device.test_doctor import Paper

RESULTS = [Result("python", OK, "3.6.9"), Result("card", WARN, "full")]


class Paperwork(Paper):
    """A machine on paper with a journal."""

    def tail(self, path: str) -> str:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read()

    def run(self, command: List[str]) -> str:
        return "the sound process died\n" if command[0] == "journalctl" else ""


def written(path: Path, **given: Any) -> Dict[str, str]:
    given.setdefault("config", Config())
    given.setdefault("results", RESULTS)
    names = write_support_bundle(str(path), machine=Paperwork(), **given)
    with zipfile.ZipFile(str(path)) as bundle:
        assert bundle.testzip() is None
        assert bundle.namelist() == names and len(set(names)) == len(names)
        return {name: str(bundle.read(name), "utf-8") for name in names}


def test_it_holds_what_a_fault_is_found_by(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    patch_file(state).save(to_payload(default_patch()))
    Presets(state).save("of nobody's business", default_patch())
    found = written(
        tmp_path / "fault.zip",
        report=Report(state=PLAYING, late=3, mask=(True, False)),
        state=state,
    )
    assert "warning  card" in found["doctor.txt"]
    assert json.loads(found["doctor.json"])["checks"][1]["text"] == "full"
    assert json.loads(found["config.json"])["panel"] == "virtual"
    assert json.loads(found["telemetry.json"])["late"] == 3
    assert json.loads(found["state/patch.json"])["kind"] == "patch"
    assert found["journal.txt"] == "the sound process died\n"
    versions = json.loads(found["versions.json"])
    assert versions["packages"]["numpy"] and versions["neurorave"]
    assert not any("nobody" in name or "nobody" in text for name, text in found.items())


def test_the_logs_of_the_card_are_in_it_and_long_ones_are_cut(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(support, "LARGEST_PART", 1000)
    logs = tmp_path / "card" / "logs"
    logs.mkdir(parents=True)
    (tmp_path / "card" / "models").mkdir()
    (logs / "neurorave.log").write_text("old\n" * 1000 + "the newest line\n")
    found = written(tmp_path / "fault.zip", config=Config(card=str(tmp_path / "card")))
    assert len(found["logs/neurorave.log"]) == 1000
    assert found["logs/neurorave.log"].endswith("the newest line\n")
    assert json.loads(found["card.json"])["there"] is True


def test_a_clock_in_1970_does_not_keep_it_from_being_written(
    tmp_path: Path, monkeypatch: Any
) -> None:
    long_ago = time.gmtime(0)
    monkeypatch.setattr(support.time, "localtime", lambda: long_ago)
    assert "doctor.txt" in written(tmp_path / "fault.zip")


def test_a_disk_that_refuses_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: Any
) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        write_support_bundle(str(tmp_path / "no" / "x.zip"), Config(), results=RESULTS)
    (tmp_path / "fault.zip").write_text("the one before")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="No space left"):
        write_support_bundle(str(tmp_path / "fault.zip"), Config(), results=RESULTS)
    assert os.listdir(str(tmp_path)) == ["fault.zip"]
    assert (tmp_path / "fault.zip").read_text() == "the one before"


def test_the_doctor_writes_it(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    from neurorave_device import doctor

    monkeypatch.setattr(doctor, "examine", lambda machine, config: RESULTS)
    path = str(tmp_path / "fault.zip")
    assert cli.main(["doctor", "--bundle", path]) == 0
    assert path in capsys.readouterr().out
    assert zipfile.is_zipfile(path)
    assert cli.main(["doctor", "--bundle", "fault.tar"]) == 2
    assert "'fault.tar', allowed is" in capsys.readouterr().err
