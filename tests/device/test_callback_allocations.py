"""The audio callback allocates nothing: no samples while it runs, and nothing is left behind."""

import sys
import tracemalloc
from typing import Any, List, Tuple

import numpy as np
import pytest

from neurorave_device.audio.buffer import FrameBuffer
from neurorave_device.audio.soundcard import SoundCardOut
from neurorave_device.clock import VirtualClock
from tests.device.fake_cards import FakeCards


def allocated_by(call: Any, times: int) -> Tuple[int, int]:
    """Return how many memory blocks are more after `times` calls, and the most bytes held within one."""
    for _ in range(200):
        call()
    before = sys.getallocatedblocks()
    for _ in range(times):
        call()
    blocks = sys.getallocatedblocks() - before
    tracemalloc.start()
    try:
        call()
        tracemalloc.clear_traces()
        held, _ = tracemalloc.get_traced_memory()
        for _ in range(50):
            call()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return blocks, peak - held


# Views and numbers that live for the length of a statement; the samples of a block are sixteen times that.
A_FEW_OBJECTS = 1024
BIG_BLOCK = 4096


@pytest.mark.parametrize("frames", [BIG_BLOCK, BIG_BLOCK - 1])
def test_the_callback_allocates_nothing(frames: int) -> None:
    cards = FakeCards(["HDMI"])
    out = SoundCardOut(44100, BIG_BLOCK, backend=cards, clock=VirtualClock())
    buffer = FrameBuffer(4 * BIG_BLOCK)
    samples = np.ones(frames, np.float32)
    out.open(buffer.read)
    played = np.zeros((frames, 2), np.float32)
    status = type("Status", (), {"output_underflow": False})()
    callback = cards.stream.options["callback"]

    def call() -> None:
        buffer.write(samples)
        callback(played, frames, None, status)

    blocks, peak = allocated_by(call, 5000)
    # What the test itself holds may differ by a block or two.
    assert blocks <= 5
    assert peak < A_FEW_OBJECTS
    assert played.all() and buffer.underruns == 0


def test_a_buffer_that_is_dry_allocates_nothing_either() -> None:
    buffer = FrameBuffer(4 * BIG_BLOCK)
    buffer.write(np.ones(BIG_BLOCK, np.float32))
    out = np.zeros(BIG_BLOCK, np.float32)
    blocks, peak = allocated_by(lambda: buffer.read(out), 5000)
    assert blocks <= 5
    assert peak < A_FEW_OBJECTS
    assert buffer.underruns > 5000


def test_the_measure_of_allocations_sees_both_kinds() -> None:
    kept: List[Any] = []
    blocks, _ = allocated_by(lambda: kept.append(object()), 1000)
    assert blocks >= 1000
    source = np.ones(BIG_BLOCK, np.float32)
    _, peak = allocated_by(lambda: source * 2.0, 10)
    assert peak >= 4 * BIG_BLOCK
