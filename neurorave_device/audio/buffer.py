"""The buffer between the synthesis thread and the audio callback."""

import numpy as np

# A gap begins and ends with a ramp of this many samples (1.5 ms at 44.1 kHz) instead of a click.
RAMP = 64


class FrameBuffer:
    """A ring of samples with one writer and one reader, which never wait for each other.

    With two frames of capacity it is the double buffer of the module: the synthesis thread is one frame ahead
    of the callback.  The reader copies and counts; it takes no lock and opens nothing.  `underruns` counts the
    reads that came too early once sound had begun.

    What is queued and not yet read can be replaced (`overwrite`): a gate does not wait until the buffer has been
    played, and what is queued stays there until there is something to replace it with.

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
        # After a gap the sound rises from place `_rise` of one ramp while what was last heard falls from place
        # `_fall` of the other, so that the shortest gap is soft too. A first attack is not touched.
        self._up = np.arange(1, RAMP + 1, dtype=np.float32) / RAMP
        self._down = np.float32(1.0) - self._up
        self._rise = RAMP
        self._fall = RAMP
        self._residue = 0.0
        self._scratch = np.zeros(RAMP, dtype=np.float32)
        self.underruns = 0

    @property
    def filled(self) -> int:
        """How many samples wait to be read.  Any thread."""
        return self._written - self._read

    @property
    def capacity(self) -> int:
        """How many samples it holds at most."""
        return self._capacity

    @property
    def free(self) -> int:
        """How many samples can be written.  Any thread."""
        return self._capacity - self.filled

    @property
    def read_position(self) -> int:
        """How many samples have been read since the start.  Any thread."""
        return self._read

    def close(self) -> None:
        """Says that no more is written: running dry is then no underrun.  Writer's thread."""
        self._closed = True

    def write(self, samples: np.ndarray) -> None:
        """Appends float32 samples [n]; raises ValueError where they do not fit (see `free`).  Writer's thread."""
        self.overwrite(self._written, samples)

    def overwrite(self, position: int, samples: np.ndarray) -> None:
        """Puts float32 samples [n] at the absolute sample `position`, in place of everything from there on.

        Raises ValueError where that has been read, or was not reached yet, or where they do not fit. The reader
        must be further from `position` than its largest read: it may be in the middle of one.  Writer's thread.
        """
        if not self._read <= position <= self._written:
            raise ValueError("{} is not from {} to {}".format(position, self._read, self._written))
        count = samples.size
        free = self._capacity - (position - self._read)
        if count > free:
            raise ValueError("{} samples do not fit, {} are free".format(count, free))
        place = position % self._capacity
        first = min(count, self._capacity - place)
        self._ring[place : place + first] = samples[:first]
        self._ring[: count - first] = samples[first:]
        self._written = position + count

    def read(self, out: np.ndarray) -> None:
        """Fills `out` [n] in place; where samples are missing, the sound ends in a short ramp.  Callback."""
        wanted = out.size
        count = max(0, min(wanted, self._written - self._read))
        if count > 0:
            place = self._read % self._capacity
            first = min(count, self._capacity - place)
            out[:first] = self._ring[place : place + first]
            out[first:count] = self._ring[: count - first]
            self._read += count
            self._began = True
            self._dry = False
            self._soften(out[:count])
            self._last = float(out[count - 1])
        if count < wanted:
            if self._began and not self._closed:
                self.underruns += 1
            if not self._dry:
                self._dry = True
                self._residue = self._last
                self._rise = self._fall = 0
            steps = min(RAMP - self._fall, wanted - count)
            np.multiply(
                self._down[self._fall : self._fall + steps],
                self._residue,
                out=out[count : count + steps],
            )
            out[count + steps :] = 0.0
            self._fall += steps
            self._last = float(out[-1])

    def _soften(self, part: np.ndarray) -> None:
        """Lets `part` rise, and what was heard before the gap fall, as far as they have not yet."""
        steps = min(RAMP - self._rise, part.size)
        if steps > 0:
            part[:steps] *= self._up[self._rise : self._rise + steps]
            self._rise += steps
        steps = min(RAMP - self._fall, part.size)
        if steps > 0:
            rest = self._scratch[:steps]
            np.multiply(self._down[self._fall : self._fall + steps], self._residue, out=rest)
            part[:steps] += rest
            self._fall += steps
