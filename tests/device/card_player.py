"""Plays 1, 2, 3 ... through `SoundCardOut` on the rig's card until stdin ends; answers each line with its state.

`python -m tests.device.card_player LATENCY_MS [RATE]`, in a process of its own: PortAudio reads once which cards there
are, and the rig's shall not stay with the other tests.
"""

import json
import sys

import numpy as np

from neurorave_device.audio.soundcard import SoundCardOut
from tests.device.pulse import RATE, SINK, STEPS

BLOCK = 128


class Counter:
    """Counts samples, in steps that float32 holds exactly; 0 is never among them."""

    def __init__(self) -> None:
        self.count = 0
        self._ramp = np.arange(1, BLOCK + 1)

    def __call__(self, out: np.ndarray) -> None:
        out[:] = (self.count + self._ramp[: out.size]) / STEPS
        self.count += out.size


def main() -> None:
    rate = int(sys.argv[2]) if len(sys.argv) > 2 else RATE
    counter = Counter()
    out = SoundCardOut(rate, BLOCK, SINK, float(sys.argv[1]))
    out.start(counter)
    for _ in sys.stdin:
        state = {"notice": out.notice, "fault": out.fault, "count": counter.count}
        state.update(underruns=out.stats().underruns, latency=out.latency)
        print(json.dumps(state))
    out.stop()


if __name__ == "__main__":
    main()
