"""Work beside the sound: in pieces, whatever it is made of."""

import sys
from typing import Any, List

import pytest

from neurorave_device.processes import polite as polite_module
from neurorave_device.processes.polite import LONGEST_REST, REST_RATIO, polite


class Time:
    """A clock that a test moves, in the place of the module's time."""

    def __init__(self) -> None:
        self.now = 100.0
        self.rests: List[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.rests.append(seconds)
        self.now += seconds


@pytest.fixture
def time(monkeypatch: Any) -> Time:
    made = Time()
    monkeypatch.setattr(polite_module, "time", made)
    return made


def test_work_that_is_made_of_calls_rests_for_most_of_the_time(time: Time) -> None:
    def piece() -> None:
        time.now += 0.0002

    began = time.now
    with polite():
        for _ in range(1000):
            piece()
    share = 0.2 / (time.now - began)
    assert share == pytest.approx(1.0 / (1.0 + REST_RATIO), abs=0.03)
    assert max(time.rests) < 0.01


def test_a_long_call_is_followed_by_a_long_rest_but_not_for_ever(time: Time) -> None:
    def load(seconds: float) -> None:
        time.now += seconds

    with polite():
        load(0.015)
        load(5.0)
    assert time.rests[:2] == [pytest.approx(0.015 * REST_RATIO), LONGEST_REST]


def test_afterwards_the_thread_is_as_it_was_also_after_a_fault(time: Time) -> None:
    before = sys.getprofile()
    with pytest.raises(ValueError, match="went wrong"):
        with polite():
            assert sys.getprofile() is not before
            raise ValueError("it went wrong")
    assert sys.getprofile() is before
