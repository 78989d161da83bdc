"""The buffer between synthesis and callback: all samples in order, gaps without clicks."""

import threading
from typing import List, Tuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurorave_device.audio.buffer import RAMP, FrameBuffer


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 300)), min_size=1, max_size=40))
def test_no_sample_is_lost_or_doubled_while_there_are_enough(moves: List[Tuple[int, int]]) -> None:
    buffer = FrameBuffer(512)
    written = read = 0
    for wanted, taken in moves:
        count = min(wanted, buffer.free)
        buffer.write(np.arange(written + 1, written + count + 1, dtype=np.float32))
        written += count
        count = min(taken, buffer.filled)
        if count == 0:
            continue
        out = np.zeros(count, dtype=np.float32)
        buffer.read(out)
        assert np.array_equal(out, np.arange(read + 1, read + count + 1))
        read += count
    assert buffer.filled == written - read
    assert buffer.underruns == 0


def test_more_than_fits_is_refused_and_nothing_is_written() -> None:
    buffer = FrameBuffer(100)
    buffer.write(np.ones(60, dtype=np.float32))
    with pytest.raises(ValueError, match="41 samples do not fit, 40 are free"):
        buffer.write(np.ones(41, dtype=np.float32))
    assert (buffer.filled, buffer.free) == (60, 40)


@pytest.mark.parametrize("late", [1, 3, 40, 63, 64, 65, 128, 350])
def test_a_late_frame_is_a_short_fade_not_a_click(late: int) -> None:
    buffer = FrameBuffer(1024)
    heard = []
    out = np.zeros(128, dtype=np.float32)
    buffer.write(np.full(3 * 128 - late, 0.5, dtype=np.float32))
    for _ in range(3 + late // 128):
        buffer.read(out)
        heard.append(out.copy())
    buffer.write(np.full(512, 0.5, dtype=np.float32))
    for _ in range(3):
        buffer.read(out)
        heard.append(out.copy())
    sound = np.concatenate(heard)
    assert buffer.underruns >= 1
    assert sound[0] == 0.5, "the first attack is kept"
    assert np.abs(np.diff(sound)).max() <= 0.5 / RAMP + 1e-6
    assert sound[-1] == 0.5


def test_silence_before_the_first_sample_and_after_the_end_is_no_underrun() -> None:
    buffer = FrameBuffer(256)
    out = np.ones(128, dtype=np.float32)
    buffer.read(out)
    assert not out.any()
    buffer.write(np.full(100, 0.5, dtype=np.float32))
    buffer.close()
    buffer.read(out)
    assert out[0] == 0.5 and out[127] < 0.5
    for _ in range(2):
        buffer.read(out)
    assert not out.any()
    assert buffer.underruns == 0


def test_underruns_are_counted_once_per_read() -> None:
    buffer = FrameBuffer(256)
    out = np.zeros(64, dtype=np.float32)
    buffer.write(np.full(64, 0.5, dtype=np.float32))
    for _ in range(4):
        buffer.read(out)
    assert buffer.underruns == 3


def test_a_writer_and_a_reader_in_two_threads_agree() -> None:
    buffer = FrameBuffer(384)
    total = 60 * 64
    got: List[np.ndarray] = []

    def write() -> None:
        at = 0
        while at < total:
            if buffer.free >= 64:
                buffer.write(np.arange(at + 1, at + 65, dtype=np.float32))
                at += 64

    writer = threading.Thread(target=write)
    writer.start()
    while sum(part.size for part in got) < total:
        count = min(buffer.filled, 100)
        if count:
            out = np.zeros(count, dtype=np.float32)
            buffer.read(out)
            got.append(out)
    writer.join()
    assert np.array_equal(np.concatenate(got), np.arange(1, total + 1))


@given(
    st.integers(0, 600),
    st.integers(0, 600),
    st.integers(-50, 700),
    st.integers(0, 700),
)
def test_what_is_queued_can_be_overwritten_and_nothing_else(
    written: int, taken: int, position: int, count: int
) -> None:
    buffer = FrameBuffer(600)
    taken = min(written, taken)
    buffer.write(np.arange(written, dtype=np.float32))
    buffer.read(np.zeros(taken, dtype=np.float32))
    new = np.arange(1000, 1000 + count, dtype=np.float32)
    old = np.arange(taken, written)
    if taken <= position <= written and position + count <= taken + buffer.capacity:
        buffer.overwrite(position, new)
        expected = np.concatenate((old[: position - taken], new))
    else:
        with pytest.raises(ValueError):
            buffer.overwrite(position, new)
        expected = old
    assert (buffer.read_position, buffer.filled) == (taken, expected.size)
    out = np.zeros(buffer.filled, dtype=np.float32)
    buffer.read(out)
    assert np.array_equal(out, expected)
    assert buffer.underruns == 0
