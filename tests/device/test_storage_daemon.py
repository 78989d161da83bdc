"""The memory with real processes: ends, kills, and bundles that cannot be played any more."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, List

import pytest

from neurorave_device.parameters import default_values
from neurorave_device.storage.patch import Patch, load_patch, patch_file, to_payload
from tests.device.test_daemon import PATIENCE, ROOT, SOUND, Running, no_tracebacks
from tests.device.toy import TOY

LOUD = Patch(dict(default_values(), level=3.0))


@pytest.fixture
def start() -> Any:
    made: List[Running] = []

    def begin(*arguments: str) -> Running:
        made.append(Running("--audio", "null", *arguments))
        return made[-1]

    yield begin
    for running in made:
        running.kill()


def test_a_remembered_bundle_that_is_refused_is_replaced_in_the_same_start(tmp_path: Path) -> None:
    # What ships lies where the module is started.
    models = tmp_path / "models"
    for name in ("hand_percussion", "broken"):
        shutil.copytree(TOY, str(models / name))
    with open(str(models / "broken" / "decoder.onnx"), "ab") as handle:
        handle.write(b"tampered")
    file = patch_file(str(tmp_path / "state"))
    file.save(to_payload(LOUD._replace(bundle="broken")))
    line = [sys.executable, "-m", "neurorave_device.cli", "run", "--port", "0", "--audio", "null"]
    ended = subprocess.run(
        line + ["--seconds", "0.5", "--state", str(tmp_path / "state")],
        cwd=str(tmp_path),
        env=dict(os.environ, PYTHONPATH=ROOT),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        timeout=PATIENCE,
    )
    assert ended.returncode == 0
    first, second = ended.stderr.splitlines()
    assert "decoder.onnx" in first
    assert "broken cannot be played; the bundle that ships plays instead" in second
    assert "s played" in ended.stdout
    # It does not come up again at the next start; all else does.
    assert load_patch(file)[0] == LOUD


def test_two_deaths_end_it_and_the_next_start_is_fresh_and_says_so(
    start: Any, tmp_path: Path
) -> None:
    state = str(tmp_path / "state")
    patch_file(state).save(to_payload(LOUD))
    running = start("--bundle", TOY, "--state", state)
    running.wait_for("Panel: ")
    first = running.children()[SOUND]
    os.kill(first, signal.SIGSEGV)
    running.wait_for("is started again")
    os.kill(running.child(SOUND, {first}), signal.SIGSEGV)
    assert running.end() == 1
    again = start("--bundle", TOY, "--state", state)
    again.wait_for("died twice with toy_bundle .*'before the crash'")
    again.wait_for("Panel: ")
    again.process.send_signal(signal.SIGTERM)
    assert again.end() == 0
    assert load_patch(patch_file(state))[0] == Patch(default_values())
    assert no_tracebacks(running.seen + again.seen)


def test_a_folder_where_nothing_can_be_written_is_said_and_it_plays(start: Any) -> None:
    running = start("--bundle", TOY, "--state", "/proc/neurorave", "--seconds", "0.5")
    assert running.end() == 0
    assert any("cannot be written" in line and "playing goes on" in line for line in running.seen)
    assert any("s played" in line for line in running.seen)
    assert no_tracebacks(running.seen)


def test_a_damaged_preset_that_is_copied_there_while_it_plays_is_said(
    start: Any, tmp_path: Path
) -> None:
    presets = tmp_path / "state" / "presets"
    presets.mkdir(parents=True)
    (presets / "old.json").write_text("{")
    running = start("--bundle", TOY, "--state", str(tmp_path / "state"))
    running.wait_for("old.json: damaged .*left out")
    running.wait_for("Panel: ")
    (presets / "copied.json").write_text("{")
    running.wait_for("copied.json: damaged .*left out")
    running.process.send_signal(signal.SIGTERM)
    assert running.end() == 0
    assert no_tracebacks(running.seen)
