"""What holds for all tests."""

import ctypes
import itertools
import multiprocessing
import os
import shutil
import tempfile
from typing import Any, Iterator

import pytest
from hypothesis import HealthCheck, settings

# A busy machine must not fail a test: no example has a time limit, pytest-timeout alone ends what hangs. Where nobody
# looks at a surprise, in the continuous integration, each run tries the same examples.
settings.register_profile(
    "neurorave",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("neurorave")

# No test may write into the home of whoever runs it; modules of a whole session of tests share this folder.
_STATE = tempfile.mkdtemp(prefix="neurorave-tests-")
os.environ["XDG_STATE_HOME"] = _STATE
_numbers = itertools.count()

# The system's own, whatever a test has put in their place.
_scheduler, _set_scheduler = os.sched_getscheduler, os.sched_setscheduler
_DEFAULT_ENVIRONMENT = ctypes.c_void_p(-1)  # glibc's FE_DFL_ENV


@pytest.fixture(autouse=True)
def _nothing_is_remembered(monkeypatch: Any) -> None:
    """Give each test a state folder of its own, so that no module finds what another test has set."""
    monkeypatch.setenv("XDG_STATE_HOME", os.path.join(_STATE, str(next(_numbers))))


@pytest.fixture(autouse=True)
def _ordinary_floats(request: Any) -> Iterator[None]:
    """Give property tests ordinary floating-point arithmetic.

    The first ONNX Runtime session of a process makes its thread take denormal numbers for zero, for good. That is
    wanted in the module, but hypothesis refuses to draw floats there, so whether a test passed would depend on the
    tests before it.
    """
    if not getattr(request.function, "is_hypothesis_test", False):
        yield
        return
    library = ctypes.CDLL(None)
    before = ctypes.create_string_buffer(128)  # larger than any fenv_t
    library.fegetenv(before)
    library.fesetenv(_DEFAULT_ENVIRONMENT)
    yield
    library.fesetenv(before)


def pytest_sessionfinish() -> None:
    """End the processes that failed tests have left: Python would wait for them, perhaps for ever."""
    for child in multiprocessing.active_children():
        child.terminate()
        child.join(10)
    shutil.rmtree(_STATE, ignore_errors=True)


@pytest.fixture(autouse=True)
def no_priority_is_left_behind() -> Iterator[None]:
    """A real-time test process would hand its priority to the browsers and modules that later tests start."""
    before = _scheduler(0)
    yield
    after = _scheduler(0)
    if after != before:
        _set_scheduler(0, before, os.sched_param(0))
    assert after == before, "the test has left its own thread with another priority"
