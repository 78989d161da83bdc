"""Fixtures of the module's tests."""

import os
from typing import Iterator

import pytest

from tests.device.pulse import PulseRig, missing


@pytest.fixture(scope="module")
def rig() -> Iterator[PulseRig]:
    """A sound card for this file, with what it plays recorded; always ended at the end."""
    lack = missing()
    if lack is not None:
        reason = "no sound card for tests: " + lack
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    made = PulseRig()
    try:
        made.start()
        yield made
    finally:
        made.close()
