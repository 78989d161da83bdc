"""The records of the virtual machine's last run, or the reason why there are none."""

import os
from pathlib import Path

import pytest

from tests.vm.records import Records

VARIABLE = "NEURORAVE_VM"


@pytest.fixture(scope="session")
def records() -> Records:
    folder = os.environ.get(VARIABLE)
    if folder is None:
        pytest.skip("the virtual machine's devices are tested by `make test-vm`")
    absent, found = Path(folder) / "absent", Path(folder) / "found"
    if absent.exists():
        pytest.skip(absent.read_text("utf-8").strip())
    assert found.exists(), "the virtual machine has brought nothing back; what it said is above"
    return Records(found)
