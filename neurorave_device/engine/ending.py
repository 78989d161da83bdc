"""How an old hit ends: it fades out under the new one, however soon the next trigger comes."""

from typing import Dict

import numpy as np

from neurorave_device.engine.hit import Hit


class Ending:
    """The hit that fades out, and what is left of those before it.

    Up to one frame beyond the present one is computed for a hit that is pushed out in the middle of its fade,
    so that a trigger costs at most two decoder frames.  Synthesis thread.
    """

    def __init__(self, spare: Hit) -> None:
        self._hit = spare
        self._curves: Dict[int, np.ndarray] = {}
        self._curve = np.zeros(0, dtype=np.float32)
        self._done = 0
        # Ends of fades that were cut short by yet another trigger, summed.
        self._tail = np.zeros(2 * spare.hop, dtype=np.float32)
        self._tail_left = 0

    @property
    def bad_frames(self) -> int:
        """Bad frames of the hit that this holds."""
        return self._hit.bad_frames

    def begin(self, hit: Hit, length: int) -> Hit:
        """Starts to fade `hit` out over `length` samples and gives a free hit in exchange."""
        self._flush()
        free, self._hit = self._hit, hit
        self._curve = self._shape(length)
        self._done = 0
        return free

    def add_to(self, out: np.ndarray) -> None:
        """Adds the next samples of all that ends to `out` [n]."""
        place = 0
        while place < out.size and self._done < self._curve.size:
            if self._hit.left == 0:
                self._hit.again()
            wanted = min(out.size - place, self._curve.size - self._done)
            part = self._hit.read(min(wanted, self._hit.left))
            out[place : place + part.size] += part * self._curve[self._done :][: part.size]
            self._done += part.size
            place += part.size
        count = min(out.size, self._tail_left)
        if count > 0:
            out[:count] += self._tail[:count]
            self._tail[:-count] = self._tail[count:]
            self._tail[-count:] = 0.0
            self._tail_left -= count

    def _flush(self) -> None:
        """Moves the rest of the present fade into the tail, shortened where it would need many frames."""
        rest = self._curve.size - self._done
        if rest == 0:
            return
        gain = self._curve[self._done - 1] if self._done else np.float32(1.0)
        first = self._hit.read(min(rest, self._hit.left)).copy()
        second = np.zeros(0, dtype=np.float32)
        if first.size < rest:
            self._hit.again()
            second = self._hit.read(min(rest - first.size, self._hit.left))
        part = np.concatenate((first, second))
        if part.size == rest:
            part *= self._curve[self._done :]
        else:
            part *= gain * self._shape(part.size)
        self._tail[: part.size] += part
        self._tail_left = max(self._tail_left, part.size)
        self._done = self._curve.size

    def _shape(self, length: int) -> np.ndarray:
        """Returns the gain of a fade, float32 [length]: a raised cosine without its two ends."""
        if length not in self._curves:
            steps = np.arange(1, length + 1) / (length + 1.0)
            self._curves[length] = (0.5 + 0.5 * np.cos(np.pi * steps)).astype(np.float32)
        return self._curves[length]
