"""When a card's samples were: drift is followed without lag, late blocks hardly count, lost samples are got over."""

import random
from typing import Tuple

import pytest

from neurorave_device.inputs.sample_clock import LOST_SECONDS, SampleClock

RATE = 48000.0
BLOCK = 128
PERIOD = BLOCK / RATE


def locked(
    drift: float = 0.0, lateness: float = 0.0, seconds: float = 20.0
) -> Tuple[SampleClock, int]:
    """Return a clock that has followed blocks for a while, and how many there were."""
    clock, rng = SampleClock(RATE), random.Random(7)
    count = int(seconds / PERIOD)
    for block in range(1, count + 1):
        due = 100.0 + block * PERIOD * (1.0 + drift)
        clock.anchor(block * BLOCK, due + rng.uniform(0.0, lateness))
    return clock, count


@pytest.mark.parametrize("drift", [0.0, 3e-4, -3e-4])
def test_a_clock_that_drifts_is_followed_without_lag(drift: float) -> None:
    clock, count = locked(drift)
    true = 100.0 + count * PERIOD * (1.0 + drift)
    assert abs(clock.time_of(count * BLOCK) - true) < 2e-5
    assert clock.position_at(true) == pytest.approx(count * BLOCK, abs=1.0)


def test_what_blocks_are_late_by_is_averaged() -> None:
    clock, count = locked(lateness=0.002)
    errors = []
    rng = random.Random(9)
    for block in range(count + 1, count + 2000):
        due = 100.0 + block * PERIOD
        clock.anchor(block * BLOCK, due + rng.uniform(0.0, 0.002))
        errors.append(clock.time_of(block * BLOCK) - due)
    assert max(errors) - min(errors) < 2e-4
    assert abs(sum(errors) / len(errors) - 0.001) < 1e-4


def test_a_stop_of_the_machine_moves_nothing() -> None:
    clock, count = locked()
    late = 100.0 + (count + 20) * PERIOD
    # Twenty blocks that come all at once, the first of them 50 ms late.
    for block in range(count + 1, count + 21):
        clock.anchor(block * BLOCK, late)
    assert abs(clock.time_of((count + 20) * BLOCK) - late) < 1e-4


def test_samples_that_were_lost_are_got_over() -> None:
    clock, count = locked()
    # 40 ms of sound are missing from here on.
    blocks = int((LOST_SECONDS + 0.1) / PERIOD)
    for block in range(count + 1, count + blocks):
        clock.anchor(block * BLOCK, 100.04 + block * PERIOD)
    end = count + blocks - 1
    assert abs(clock.time_of(end * BLOCK) - (100.04 + end * PERIOD)) < 1e-4


def test_nothing_new_changes_nothing() -> None:
    clock, count = locked()
    before = clock.time_of(count * BLOCK)
    clock.anchor(count * BLOCK, 500.0)
    assert clock.time_of(count * BLOCK) == before
