"""Records the other end of the loop-back card until SIGTERM: `python -m tests.vm.guest.recorder FILE`.

FILE gets 16-bit stereo samples, FILE.times a line for each piece: the samples before its end, and when that came.
A process of its own, so that nobody waits for the interpreter of another.
"""

import signal
import sys
import threading
import time
from typing import Any

import sounddevice

RATE = 44100
PIECE = 512
CARD = "Loopback: PCM (hw:0,1)"


def main() -> int:
    """Run as a command."""
    path = sys.argv[1]
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
    count = 0
    with open(path, "wb") as file, open(path + ".times", "w", encoding="ascii") as times:

        def take(data: Any, frames: int, when: Any, status: Any) -> None:
            nonlocal count
            count += frames
            file.write(data)
            times.write("%d %.6f %d\n" % (count, time.monotonic(), bool(status)))

        stream = sounddevice.RawInputStream(
            RATE, PIECE, CARD, channels=2, dtype="int16", latency=0.1, callback=take
        )
        with stream:
            print("recording", flush=True)
            stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
