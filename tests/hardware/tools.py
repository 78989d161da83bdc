"""Programs that tests here need."""

import os
import shutil

import pytest


def needs(program: str) -> None:
    """Skip the test where a program is missing; in the continuous integration it fails."""
    if shutil.which(program):
        return
    message = f"{program} is missing: `.ci/debian {program}` installs it"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)
