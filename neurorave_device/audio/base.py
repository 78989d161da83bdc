"""Where sound can go: one small interface, and the outputs that keep time themselves."""

import abc
import threading
from typing import Callable, NamedTuple, Optional

import numpy as np

from neurorave_device.clock import Clock
from neurorave_device.processes.realtime import OUTPUT_PRIORITY, raise_priority

# Fills the float32 block [n] that it is given, in place. Called from the output's own thread or callback.
Pull = Callable[[np.ndarray], None]

# An output that is later than this gives up catching up: the lost time is left out.
PATIENCE_SECONDS = 0.5


class AudioStats(NamedTuple):
    """Counts since `start`: `underruns` that the device reported, `late` blocks, `blocks` altogether."""

    underruns: int
    late: int
    blocks: int


class AudioOut(abc.ABC):
    """Takes blocks of mono float32 samples at its own pace and brings them to somebody's ears.

    `start`, `stop` and `stats` belong to one controlling thread; `fault` and `notice` may be read by any.
    """

    @property
    def fault(self) -> Optional[str]:
        """One sentence for the player where something went wrong since `start`, otherwise None."""
        return None

    @property
    def notice(self) -> Optional[str]:
        """One sentence for the face where it plays on, but not as it should; otherwise None."""
        return None

    @abc.abstractmethod
    def start(self, pull: Pull) -> None:
        """Begins to pull blocks; raises UserError where the output cannot be opened."""

    @abc.abstractmethod
    def stop(self) -> None:
        """Ends the pulling and closes the output; nothing happens where it is stopped already."""

    @abc.abstractmethod
    def stats(self) -> AudioStats:
        """Returns the counts since `start`."""


class PacedOut(AudioOut):
    """An output without a clock of its own: a thread pulls one block after the other by `clock`."""

    def __init__(self, sample_rate: int, block: int, clock: Clock) -> None:
        self._period = block / float(sample_rate)
        self._clock = clock
        self._block = np.zeros(block, dtype=np.float32)
        self._pull: Optional[Pull] = None
        self._thread: Optional[threading.Thread] = None
        self._stopping = False
        self._due = 0.0
        self._late = 0
        self._blocks = 0
        self._fault: Optional[str] = None

    @property
    def fault(self) -> Optional[str]:
        """One sentence for the player where something went wrong since `start`, otherwise None."""
        return self._fault

    def start(self, pull: Pull) -> None:
        """Begins to pull blocks on a thread of its own."""
        self.open(pull)
        self._thread = threading.Thread(target=self._run, name="audio-out", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Waits for the block in work, then closes."""
        self._stopping = True
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._pull is not None:
            self._pull = None
            self._close()

    def stats(self) -> AudioStats:
        """Returns the counts since `start`; a paced output has no underruns of its own."""
        return AudioStats(0, self._late, self._blocks)

    def open(self, pull: Pull) -> None:
        """Makes ready for `step` without a thread; `start` does this too."""
        self._open()
        self._pull = pull
        self._stopping = False
        self._late = self._blocks = 0
        self._fault = None
        self._due = self._clock.now()

    def step(self) -> None:
        """Pulls one block, hands it on, and sleeps until the next one is due.  Thread of the output."""
        assert self._pull is not None
        self._pull(self._block)
        self._consume(self._block)
        self._blocks += 1
        self._due += self._period
        ahead = self._due - self._clock.now()
        if ahead > 0.0:
            self._clock.sleep(ahead)
            return
        if ahead < 0.0:
            self._late += 1
        if ahead < -PATIENCE_SECONDS:
            self._due = self._clock.now()

    def _run(self) -> None:
        raise_priority(OUTPUT_PRIORITY)
        try:
            while not self._stopping:
                self.step()
        except Exception as error:
            # The thread is the last one to know: the daemon finds this sentence and ends or restarts.
            self._fault = "the sound stopped: {}: {}".format(type(error).__name__, error)

    def _open(self) -> None:
        """Opens what blocks are written to; raises UserError."""

    @abc.abstractmethod
    def _consume(self, block: np.ndarray) -> None:
        """Takes one block, float32 [n]; the array is used again for the next one."""

    def _close(self) -> None:
        """Closes what `_open` opened."""
