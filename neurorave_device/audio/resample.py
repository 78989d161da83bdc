"""Another sample rate for a sound card that lacks the model's."""

from typing import Any

import numpy as np

from neurorave_device.audio.base import Pull
from neurorave_device.errors import UserError

# soxr's coarsest filter with a low-pass: flat to 16 kHz at 44.1 kHz, -3.5 dB at 18 kHz, images and aliases below
# -110 dB. Towards a higher rate it holds back half a millisecond; the finer ones hold back 20 and come in lumps.
QUALITY = "LQ"
# To learn how much the filter holds back, so many steps of so many samples are tried out.
_TRIALS = 600
_STEP = 8


class ResampledPull:
    """A pull at the rate `outgoing` of what `pull` gives at the rate `incoming`, block by block.

    `pull` is asked for equal shares, as if the card ran at its rate, and never for more than `block` samples at
    once.  The filter's own delay and lumps are covered by silence at the start: `delay` seconds in all.
    Called like the pull that it stands for; unlike that it makes short-lived arrays.  Raises UserError where
    soxr is missing.
    """

    def __init__(self, pull: Pull, incoming: int, outgoing: int, block: int) -> None:
        self._pull = pull
        self._incoming = incoming
        self._outgoing = outgoing
        self._block = np.zeros(max(1, block), np.float32)
        self._stream = _stream(incoming, outgoing)
        margin = _held_back(incoming, outgoing)
        self._ready = np.zeros(margin, np.float32)
        self._asked = 0
        self._owed = 0
        self.delay = margin / float(outgoing)

    def __call__(self, out: np.ndarray) -> None:
        """Fills `out` [n] in place.  Callback."""
        self._asked += out.size
        share = self._asked * self._incoming // self._outgoing - self._owed
        self._owed += share
        parts = [self._ready]
        while share > 0:
            part = self._block[: min(share, self._block.size)]
            share -= part.size
            self._pull(part)
            parts.append(self._stream.resample_chunk(part))
        ready = np.concatenate(parts)
        count = min(out.size, ready.size)
        out[:count] = ready[:count]
        out[count:] = 0.0
        self._ready = ready[count:]


def _stream(incoming: int, outgoing: int) -> Any:
    try:
        import soxr
    except ImportError:
        raise UserError(
            "audio: soundcard plays at {} Hz, the model at {}; the package soxr, which is missing, is needed "
            "in between (`make setup`)".format(outgoing, incoming)
        ) from None
    return soxr.ResampleStream(incoming, outgoing, 1, dtype="float32", quality=QUALITY)


def _held_back(incoming: int, outgoing: int) -> int:
    """Returns how many samples, at the outgoing rate, the filter is behind at worst."""
    stream = _stream(incoming, outgoing)
    silence = np.zeros(_STEP, np.float32)
    worst = given = 0
    for number in range(1, _TRIALS + 1):
        given += stream.resample_chunk(silence).size
        worst = max(worst, number * _STEP * outgoing // incoming - given)
    # Between two steps it may be behind by one step more; the shares are whole numbers.
    return worst + (_STEP + 1) * outgoing // incoming + 1
