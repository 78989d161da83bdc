"""Stream time under jitter, drift and gaps, and the history of the jacks."""

import random
from typing import List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurorave_device.clock import VirtualClock
from neurorave_device.inputs.base import SILENT_VOLTS
from neurorave_device.sound_process.stream import AHEAD_SECONDS, StreamClock, VoltHistory
from neurorave_device.sound_process.timing import HIT_SECONDS, timing

RATE = 44100
BLOCK = 128


def play(seconds: float, jitter: float, speed: float) -> List[float]:
    """Let an output take blocks late by up to ``jitter``; return the errors of the stream time in between."""
    random.seed(1)
    clock = VirtualClock(1000.0)
    stream = StreamClock(clock, RATE, BLOCK)
    errors = []
    position = 0
    due = 0.0
    while due < seconds:
        position += BLOCK
        late = random.uniform(0.0, jitter)
        clock.advance(1000.0 + due + late - clock.now())
        stream.anchor(position)
        # The true position: what an output with this speed has taken, were no block late.
        passed = clock.now() - 1000.0
        errors.append(stream.now() - (BLOCK / RATE + passed * speed))
        due += BLOCK / RATE / speed
    return errors


def test_before_the_first_block_stream_time_stands_at_zero() -> None:
    clock = VirtualClock(50.0)
    stream = StreamClock(clock, RATE, BLOCK)
    clock.advance(10.0)
    assert stream.now() == 0.0
    stream.anchor(BLOCK)
    clock.advance(0.04)
    assert abs(stream.now() - (BLOCK / RATE + 0.04)) < 1e-9


def test_an_exact_output_gives_exact_time() -> None:
    assert max(abs(error) for error in play(3.0, 0.0, 1.0)) < 1e-9


def test_jitter_of_two_milliseconds_becomes_a_tenth() -> None:
    errors = play(6.0, 0.002, 1.0)
    assert max(abs(error) for error in errors) < 0.0011
    assert max(abs(error) for error in errors[len(errors) // 2 :]) < 0.0002


def test_a_card_that_drifts_is_followed() -> None:
    assert max(abs(error) for error in play(20.0, 0.002, 1.0005)) < 0.0015


@pytest.mark.parametrize("stop", [0.004, 0.02, 0.049, 0.2, 3.0])
def test_a_stop_of_the_output_is_forgotten_within_a_tenth_of_a_second(stop: float) -> None:
    clock = VirtualClock()
    stream = StreamClock(clock, RATE, BLOCK)
    random.seed(2)
    position = 0
    due = 0.0
    errors = []
    for number in range(400):
        due += BLOCK / RATE + (stop if number == 200 else 0.0)
        clock.advance(due + random.uniform(0.0, 0.001) - clock.now())
        position += BLOCK
        stream.anchor(position)
        errors.append((due, stream.now() - position / RATE - (clock.now() - due)))
    after = 201 * BLOCK / RATE + stop
    assert max(abs(error) for time, error in errors if 0.1 < time < after - 1e-6) < 0.0005
    assert max(abs(error) for time, error in errors if time > after + 0.11) < 0.0005
    # Meanwhile gates are late by the stop, and by no more.
    assert max(error for _, error in errors) <= min(stop, AHEAD_SECONDS) + 0.0005


def test_blocks_that_are_only_noticed_late_shift_nothing() -> None:
    clock = VirtualClock()
    stream = StreamClock(clock, RATE, BLOCK)
    for number in range(1, 400):
        # Every 40th look comes 30 ms late; the card has gone on, and those behind it come all at once.
        behind = 0.030 if 200 <= number % 40 + 180 < 190 else 0.0
        clock.advance(max(0.0, number * BLOCK / RATE + behind - clock.now()))
        stream.anchor(number * BLOCK)
        assert abs(stream.now() - clock.now()) < 1e-9


@given(
    steps=st.lists(st.tuples(st.floats(0.0, 0.3), st.integers(0, 40000)), min_size=1, max_size=30)
)
def test_stream_time_never_falls(steps: List[List[float]]) -> None:
    clock = VirtualClock()
    stream = StreamClock(clock, RATE, BLOCK)
    position = 0
    latest = 0.0
    for seconds, samples in steps:
        clock.advance(seconds)
        position += int(samples)
        stream.anchor(position)
        now = stream.now()
        assert now >= latest
        latest = now


@pytest.mark.parametrize("gap", [0.3, 10.0])
def test_after_a_gap_stream_time_goes_on_from_the_sound_not_from_the_wall(gap: float) -> None:
    clock = VirtualClock()
    stream = StreamClock(clock, RATE, BLOCK)
    stream.anchor(RATE)
    clock.advance(gap)
    # All that time without a block (the machine was busy): the sound stands at one second and a block.
    stream.anchor(RATE + BLOCK)
    clock.advance(0.025)
    assert abs(stream.now() - (1.0 + BLOCK / RATE + 0.025)) < 1e-9


@given(
    steps=st.lists(st.tuples(st.floats(0.0, 5.0), st.integers(0, 40000)), min_size=1, max_size=30)
)
def test_stream_time_waits_for_an_output_that_has_stopped(steps: List[List[float]]) -> None:
    clock = VirtualClock()
    stream = StreamClock(clock, RATE, BLOCK)
    position = 0
    for seconds, samples in steps:
        position += int(samples)
        stream.anchor(position)
        clock.advance(seconds)
        assert stream.now() <= position / RATE + AHEAD_SECONDS + 1e-9


@given(
    gaps=st.lists(st.floats(0.0, 0.01), max_size=60),
    size=st.integers(2, 40),
    when=st.floats(0, 0.7),
)
def test_the_history_gives_the_last_reading_not_after_a_time(
    gaps: List[float], size: int, when: float
) -> None:
    history = VoltHistory(size)
    readings = []
    time = 0.0
    for number, gap in enumerate(gaps):
        time += gap
        volts = (float(number), 0.0, 0.0, 0.0)
        history.put(time, volts)
        readings.append((time, volts))
    if not readings:
        assert history.at(when) == SILENT_VOLTS
        return
    kept = readings[-(size - 1) :]
    before = [volts for then, volts in kept if then <= when]
    assert history.at(when) == (before[-1] if before else kept[0][1])
    assert history.newest == readings[-1][1]


@given(
    latency=st.floats(1.0, 1000.0),
    block=st.integers(16, 4096),
    rate=st.integers(8000, 96000),
    hop=st.integers(64, 2048),
)
def test_the_buffer_holds_what_was_asked_and_a_gate_does_not_wait_for_it(
    latency: float, block: int, rate: int, hop: int
) -> None:
    plan = timing(latency, block, rate, hop)
    assert plan.capacity % block == 0
    assert plan.capacity >= max(2 * block, int(latency * 1e-3 * rate))
    assert plan.capacity < max(2 * block, latency * 1e-3 * rate) + block
    # The output may be reading a block, and the hit has to be computed.
    assert plan.gate >= block / rate + HIT_SECONDS
    assert plan.gate == timing(2.0 * latency, block, rate, hop).gate
    assert plan.knob * rate >= plan.capacity + hop
