"""The buffer between the synthesis thread and the audio callback."""

import numpy as np

# A gap begins and ends with a ramp of this many samples (1.5 ms at 44.1 kHz) instead of a click.
RAMP = 64


class FrameBuffer:
    """A ring of samples with one writer and one reader, which never wait for each other.

    With two frames of capacity it is the double buffer of the module: the synthesis thread is one frame ahead
    of the callback.  The reader copies and counts; it takes no lock and opens nothing.  `underruns` counts the
    reads that came too early once sound had begun.

    Writer and reader each own one counter. A counter moves only after the samples are in place, and CPython
    executes these steps in order.
    """

    def __init__(self, capacity: int) -> None:
        self._ring = np.zeros(capacity, dtype=np.float32)
        self._capacity = capacity
        self._written = 0
        self._read = 0
        self._last = 0.0
        self._dry = True
        self._began = False
        self._closed = False
        self._up = np.arange(1, RAMP + 1, dtype=np.float32) / RAMP
        # One ramp down for each length of a gap, made beforehand: the callback allocates nothing.
        self._downs = [
            np.linspace(1.0, 0.0, size + 1, dtype=np.float32)[1:] for size in range(RAMP + 1)
        ]
        self.underruns = 0

    @property
    def filled(self) -> int:
        """How many samples wait to be read.  Any thread."""
        return self._written - self._read

    @property
    def free(self) -> int:
        """How many samples can be written.  Any thread."""
        return self._capacity - self.filled

    def close(self) -> None:
        """Says that no more is written: running dry is then no underrun.  Writer's thread."""
        self._closed = True

    def write(self, samples: np.ndarray) -> None:
        """Appends float32 samples [n]; raises ValueError where they do not fit (see `free`).  Writer's thread."""
        count = samples.size
        if count > self.free:
            raise ValueError("{} samples do not fit, {} are free".format(count, self.free))
        place = self._written % self._capacity
        first = min(count, self._capacity - place)
        self._ring[place : place + first] = samples[:first]
        self._ring[: count - first] = samples[first:]
        self._written += count

    def read(self, out: np.ndarray) -> None:
        """Fills `out` [n] in place; where samples are missing, the sound ends in a short ramp.  Callback."""
        wanted = out.size
        count = min(wanted, self._written - self._read)
        if count > 0:
            place = self._read % self._capacity
            first = min(count, self._capacity - place)
            out[:first] = self._ring[place : place + first]
            out[first:count] = self._ring[: count - first]
            self._read += count
            if self._dry:
                # A buffer that was dry starts softly, unless it never sounded: a first attack is kept.
                if self._began:
                    ramp = min(RAMP, count)
                    out[:ramp] *= self._up[:ramp]
                self._dry = False
                self._began = True
            self._last = float(out[count - 1])
        if count < wanted:
            if self._began and not self._closed:
                self.underruns += 1
            ramp = min(RAMP, wanted - count)
            np.multiply(self._downs[ramp], self._last, out=out[count : count + ramp])
            out[count + ramp :] = 0.0
            self._last = float(out[-1])
            self._dry = True
