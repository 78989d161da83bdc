"""Without the packages of the training side its commands say in one sentence what installs them."""

import subprocess
import sys
from pathlib import Path

import pytest

from neurorave_train.errors import missing_package

BLOCK = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {packages!r}:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)
sys.meta_path.insert(0, Missing())
from {module} import main
sys.exit(main(sys.argv[1:]))
"""
EXTRA = (
    "torch lightning tensorboard soxr rich onnx onnxscript scipy matplotlib librosa mosqito".split()
)
TRAIN, EVALUATE = "neurorave_train.cli", "neurorave_train.evaluation.cli"
COMMANDS = {
    "prepare": (TRAIN, ["prepare", "--data", ".", "--out", "{tmp}/prepared"]),
    "fit": (TRAIN, ["fit", "--recipe", "playable", "--data", "{tmp}", "--out", "{tmp}/run"]),
    "export": (TRAIN, ["export", "--run", "{tmp}", "--out", "{tmp}/bundle"]),
    "evaluate": (EVALUATE, ["models/hand_percussion", "--data", "{tmp}"]),
}


def call(module: str, arguments: "list[str]") -> "subprocess.CompletedProcess[str]":
    code = BLOCK.format(packages=EXTRA, module=module)
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_without_the_extra_a_command_names_what_installs_it(name: str, tmp_path: Path) -> None:
    module, arguments = COMMANDS[name]
    done = call(module, [part.format(tmp=tmp_path) for part in arguments])
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert "is not installed; run `make setup-train` (or pip install 'neurorave[train]')" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("module", [TRAIN, EVALUATE])
def test_help_needs_none_of_them(module: str) -> None:
    done = call(module, ["--help"])
    assert done.returncode == 0, done.stderr
    assert "usage" in done.stdout


@pytest.mark.parametrize("name", ["neurorave_train.nowhere", None])
def test_a_module_of_our_own_that_is_missing_is_no_missing_package(name: "str | None") -> None:
    assert missing_package(ModuleNotFoundError("gone", name=name)) is None
