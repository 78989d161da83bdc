"""A package that is not installed is told in one sentence, with what installs it; never in a traceback."""

import subprocess
import sys
from typing import List

import pytest

from .toy import CV, TOY

# Stands before all other finders and knows nothing of the package, nor lets another one know it.
BLOCK = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == {package!r}:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)
sys.meta_path.insert(0, Missing())
from neurorave_device.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    "package,arguments",
    [
        ("aiohttp", ["run", "--bundle", TOY, "--audio", "null", "--port", "0"]),
        ("onnxruntime", ["run", "--bundle", TOY, "--audio", "null", "--port", "0"]),
        ("sounddevice", ["run", "--bundle", TOY, "--audio", "soundcard", "--port", "0"]),
        ("numpy", ["run", "--bundle", TOY, "--audio", "null", "--port", "0"]),
        ("omegaconf", ["run", "--bundle", TOY, "--audio", "null", "--port", "0"]),
        ("onnxruntime", ["render", "--bundle", TOY, "--cv", CV, "--out", "/nowhere/sound.wav"]),
    ],
)
def test_a_missing_package_is_one_sentence(package: str, arguments: List[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCK.format(package=package)] + arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("neurorave: {} is not installed".format(package))
    assert "`make setup`" in line
    if package == "sounddevice":
        assert "--audio soundcard" in line
