"""How sounds end: faded out under the next one, or dying away when the gate that holds them falls."""

from typing import Optional

import numpy as np


def falling(length: int) -> np.ndarray:
    """Return the gain of a fade, float32 [length]: a raised cosine without its two ends."""
    steps = np.arange(1, length + 1) / (length + 1.0)
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * steps), dtype=np.float32)


class Release:
    """A gain that depends on nothing but the sample, so that it is the same however the stream is cut."""

    def __init__(self) -> None:
        self._begin: Optional[int] = None
        self._length = 1

    @property
    def set(self) -> bool:
        """Whether the sound dies away, or will."""
        return self._begin is not None

    def begin(self, sample: int, length: int) -> None:
        """Let the sound die away from `sample` on and be gone after `length` samples."""
        self._begin, self._length = sample, max(1, length)

    def cancel(self) -> None:
        """Let it sound on, or a new sound begin."""
        self._begin = None

    def slip(self, since: int, samples: int) -> None:
        """Let it happen so many samples later where it begins at the sample `since` or after it."""
        if self._begin is not None and self._begin >= since:
            self._begin += samples

    def withdraw(self, sample: int) -> None:
        """Let it sound on where it is still whole at `sample`; what has begun to die away goes on doing so."""
        if self._begin is not None and sample < self._begin:
            self._begin = None

    def over(self, sample: int) -> bool:
        """Say whether the sound is gone at `sample`."""
        return self._begin is not None and sample >= self._begin + self._length

    def apply(self, sound: np.ndarray, sample: int) -> None:
        """Turn down `sound` [n], which begins at `sample`, in place."""
        if self._begin is None:
            return
        first = max(self._begin - sample, 0)
        if first < sound.size:
            passed = np.arange(sample + first - self._begin, sample + sound.size - self._begin)
            # Nearly as a drum dies away, but it does end.
            left = np.maximum(1.0 - (passed + 1.0) / (self._length + 1.0), 0.0)
            gain = left**3
            gain[passed >= self._length] = 0.0
            sound[first:] *= gain.astype(np.float32)
