"""The netlist, made once for all tests."""

import pytest

from hardware.design import Design
from hardware.netlist import build


@pytest.fixture(scope="session")
def module() -> Design:
    return build()
