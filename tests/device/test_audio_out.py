"""Outputs that keep time themselves: their pace in virtual time, a full disk."""

import os
import subprocess
import sys
from typing import Any, List

import numpy as np
import pytest
import soundfile

from neurorave_device.audio.base import PATIENCE_SECONDS
from neurorave_device.audio.browser import BrowserOut
from neurorave_device.audio.file import FileOut, SoundWriter
from neurorave_device.audio.null import NullOut
from neurorave_device.clock import VirtualClock
from neurorave_device.errors import UserError

RATE = 44100
BLOCK = 128
PERIOD = BLOCK / float(RATE)


class Ramp:
    """Gives 0, 1, 2 ... over 1024, block after block."""

    def __init__(self) -> None:
        self.at = 0

    def __call__(self, out: np.ndarray) -> None:
        out[:] = (np.arange(self.at, self.at + out.size) % 1024) / 1024.0
        self.at += out.size


def test_a_paced_output_takes_one_block_each_period() -> None:
    clock = VirtualClock(5.0)
    out = NullOut(RATE, BLOCK, clock)
    out.open(Ramp())
    for number in range(1, 50):
        out.step()
        assert clock.now() == pytest.approx(5.0 + number * PERIOD)
    assert out.stats() == (0, 0, 49)
    out.stop()


def test_late_blocks_are_counted_and_caught_up() -> None:
    clock = VirtualClock()
    out = NullOut(RATE, BLOCK, clock)
    slow = [0.0, 2.5 * PERIOD, 0.0, 0.0, 0.0]

    def pull(block: np.ndarray) -> None:
        clock.advance(slow[out.stats().blocks])

    out.open(pull)
    for _ in slow:
        out.step()
    assert out.stats().late == 2
    assert clock.now() == pytest.approx(5 * PERIOD)


def test_after_a_long_stop_the_lost_time_is_left_out() -> None:
    clock = VirtualClock()
    out = NullOut(RATE, BLOCK, clock)
    gaps = [PATIENCE_SECONDS + 1.0, 0.0, 0.0]
    out.open(lambda block: clock.advance(gaps[out.stats().blocks]))
    for _ in gaps:
        out.step()
    assert clock.now() == pytest.approx(gaps[0] + 2 * PERIOD)
    assert out.stats().late == 1


def test_the_sink_of_the_browser_gets_every_sample_in_order() -> None:
    got: List[np.ndarray] = []
    out = BrowserOut(RATE, BLOCK, VirtualClock(), lambda block: got.append(block.copy()))
    out.open(Ramp())
    for _ in range(5):
        out.step()
    assert np.array_equal(np.concatenate(got) * 1024.0, np.arange(5 * BLOCK))


def test_the_thread_pulls_until_it_is_stopped_and_tells_why_it_died() -> None:
    class Enough(Exception):
        pass

    counts: List[int] = []

    def pull(block: np.ndarray) -> None:
        counts.append(block.size)
        if len(counts) == 20:
            raise Enough("no more")

    out = NullOut(RATE, BLOCK, VirtualClock())
    out.start(pull)
    thread = out._thread
    assert thread is not None
    thread.join(10.0)
    out.stop()
    assert counts == [BLOCK] * 20
    assert out.fault == "the sound stopped: Enough: no more"
    out.stop()


@pytest.mark.parametrize("subtype, step", [("FLOAT", 0.0), ("PCM_24", 2e-7), ("PCM_16", 4e-5)])
def test_a_file_holds_what_was_played(tmp_path: Any, subtype: str, step: float) -> None:
    path = str(tmp_path / "out.wav")
    out = FileOut(path, RATE, BLOCK, VirtualClock(), subtype)
    out.open(Ramp())
    for _ in range(8):
        out.step()
    out.stop()
    samples, rate = soundfile.read(path)
    assert rate == RATE
    assert np.abs(samples - np.arange(1024) / 1024.0).max() <= step
    assert out.fault is None


def test_files_that_cannot_be_made_are_refused(tmp_path: Any) -> None:
    with pytest.raises(UserError, match="there is no folder"):
        SoundWriter(str(tmp_path / "nowhere" / "out.wav"), RATE)
    with pytest.raises(UserError, match="cannot be written"):
        SoundWriter(str(tmp_path), RATE)
    with pytest.raises(UserError, match="PCM_8 is unknown, allowed are FLOAT"):
        SoundWriter(str(tmp_path / "out.wav"), RATE, "PCM_8")


# Stands for a full disk: the system refuses every byte beyond the limit.
FULL_DISK = """
import resource, signal, sys
import numpy as np
from neurorave_device.audio.file import FileOut
from neurorave_device.clock import VirtualClock
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))
out = FileOut(sys.argv[1], 44100, 128, VirtualClock(), sys.argv[2])
played = []
def pull(block):
    block[:] = len(played) / 4096.0
    played.append(0)
out.open(pull)
for _ in range(2000):
    out.step()
out.stop()
print(out.fault)
print(len(played))
"""


@pytest.mark.parametrize("subtype", ["FLOAT", "PCM_24", "PCM_16"])
def test_a_full_disk_ends_the_file_not_the_sound(tmp_path: Any, subtype: str) -> None:
    path = str(tmp_path / "out.wav")
    source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    done = subprocess.Popen(
        [sys.executable, "-c", FULL_DISK, path, subtype],
        cwd=source,
        stdout=subprocess.PIPE,
        universal_newlines=True,
    )
    fault, played = done.communicate()[0].splitlines()
    assert done.returncode == 0
    assert fault.startswith(path + ": cannot be written any further (")
    assert "s are kept" in fault
    assert played == "2000"
    samples, _ = soundfile.read(path)
    kept = float(fault.split("the first ")[1].split(" s")[0])
    assert samples.size >= (kept - 0.05) * RATE > 20000
    blocks = samples[: samples.size // BLOCK * BLOCK].reshape(-1, BLOCK)
    assert np.allclose(blocks, np.arange(len(blocks))[:, None] / 4096.0, atol=4e-5)


# The system refuses the first byte already.
NO_ROOM = """
import resource, signal, sys
from neurorave_device.audio.file import SoundWriter
from neurorave_device.errors import UserError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
try:
    SoundWriter(sys.argv[1], 44100)
except UserError as error:
    print(error)
"""


def test_a_file_that_cannot_be_begun_says_the_systems_reason_and_leaves_nothing(
    tmp_path: Any,
) -> None:
    path = str(tmp_path / "out.wav")
    source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    done = subprocess.Popen(
        [sys.executable, "-c", NO_ROOM, path],
        cwd=source,
        stdout=subprocess.PIPE,
        universal_newlines=True,
    )
    assert done.communicate()[0] == path + ": cannot be written (File too large)\n"
    assert os.listdir(str(tmp_path)) == []


KILLED = """
import os, sys
import numpy as np
from neurorave_device.audio.file import SoundWriter
writer = SoundWriter(sys.argv[1], 8000, sys.argv[2])
for number in range(250):
    writer.write(np.full(100, number / 512.0, dtype=np.float32))
os._exit(0)
"""


@pytest.mark.parametrize("subtype", ["FLOAT", "PCM_24", "PCM_16"])
def test_a_power_cut_costs_no_more_than_the_last_second(tmp_path: Any, subtype: str) -> None:
    path = str(tmp_path / "out.wav")
    source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    done = subprocess.Popen([sys.executable, "-c", KILLED, path, subtype], cwd=source)
    assert done.wait() == 0
    samples, _ = soundfile.read(path)
    assert samples.size == 3 * 8000
    assert np.allclose(samples.reshape(-1, 100), np.arange(240)[:, None] / 512.0, atol=4e-5)
