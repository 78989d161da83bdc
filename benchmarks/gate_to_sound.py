"""How long a gate takes to be heard through a real PortAudio stream, and how much that varies.

The module's own sound process plays into a private PulseAudio null sink whose monitor is recorded, while gates fall
at random times. Per gate three moments on the machine's monotonic clock: the press, the output taking the
hit's first sample (blocks come in bursts, so their line in time is fitted), and that sample coming out of the
recording. The stream's own latency, recording included, is what lies between the last two at the median; it is
subtracted and stated. That no sample was lost on the way is checked on the first and the last hit.

Needs what `tests/device/pulse.py` needs.  `python -m benchmarks.gate_to_sound [--gates N] [--json FILE]`
"""

import argparse
import json
import os
import random
import sys
import threading
import time
from typing import Any, Dict, List, Tuple

import numpy as np

from neurorave_device.audio.buffer import FrameBuffer
from neurorave_device.clock import SystemClock
from neurorave_device.commands import CommandReceiver, CommandSender, GatePress, make_pipe
from neurorave_device.config import Config
from neurorave_device.parameters import default_values
from neurorave_device.render import write_json
from neurorave_device.settings import pack_values
from neurorave_device.shared import SharedMemory
from neurorave_device.sound import Sound
from neurorave_device.telemetry import unpack
from tests.device.pulse import RATE, SINK, PulseRig, missing

# A hit has begun above this (-54 dBFS); what the model leaves between hits lies far below.
AUDIBLE = 2e-3
# Long enough for a hit to have died away: only then can its successor's first sample be seen.
PAUSE_SECONDS = 3.0
SHORTEST, LONGEST = 0.15, 0.4


class TimedBuffer:
    """Notes when the output takes which sample, on its way into the buffer."""

    def __init__(self, buffer: FrameBuffer) -> None:
        self._buffer = buffer
        self.taken: List[Tuple[int, float]] = []

    def read(self, out: np.ndarray) -> None:
        """Fill `out` in place. Callback."""
        self.taken.append((self._buffer.read_position, time.monotonic()))
        self._buffer.read(out)


def play(bundle: str, gates: int) -> Dict[str, Any]:
    """Play in this process, whose only sound card is the rig's; return what it knows of each gate."""
    shared = SharedMemory.create()
    shared.parameters.write(pack_values(default_values()))
    receiving, sending = make_pipe()
    commands = CommandSender(sending)
    config = Config(bundle=bundle, audio="soundcard", device=SINK)
    sound = Sound(config, shared, CommandReceiver(receiving), SystemClock())
    timed = TimedBuffer(sound._buffer)
    start = sound._out.start
    sound._out.start = lambda pull: start(timed.read)  # type: ignore[method-assign]
    stop = threading.Event()
    presses: List[float] = []

    def hand() -> None:
        chance = random.Random(0)
        time.sleep(PAUSE_SECONDS)
        for number in range(gates):
            # The first and the last hit stand alone.
            alone = number in (0, 1, gates - 1)
            time.sleep(PAUSE_SECONDS if alone else chance.uniform(SHORTEST, LONGEST))
            presses.append(time.monotonic())
            commands.send(GatePress(1, True))
            time.sleep(0.02)
            commands.send(GatePress(1, False))
        time.sleep(1.0)
        stop.set()

    sound.start()
    threading.Thread(target=hand, daemon=True).start()
    sound.play(stop, os.getppid())
    report = unpack(shared.telemetry.read())
    triggers = sound._synthesis._voice.take_triggers()
    result = {
        "presses": presses,
        "triggers": triggers,
        "taken": timed.taken,
        "underruns": report.underruns + sound._out.stats().underruns,
        "late": report.late,
        "late_edges": report.late_edges,
        "stream_latency_ms": 1e3 * getattr(sound._out, "latency", 0.0),
        "realtime": report.realtime,
    }
    sound.close()
    return result


def measure(bundle: str, gates: int) -> Dict[str, Any]:
    """Run the rig and the player, and return the figures."""
    rig = PulseRig(RATE)
    try:
        rig.start()
        recorder = rig.record()
        options = ["--play", "--bundle", os.path.abspath(bundle), "--gates", str(gates)]
        player = rig.python("benchmarks.gate_to_sound", *options)
        text, _ = player.communicate()
        if player.returncode != 0:
            raise RuntimeError("the player ended with status %d" % player.returncode)
        time.sleep(0.5)
        recorder.stop()
        return figures(json.loads(text.splitlines()[-1]), recorder.samples[:, 0], recorder.arrivals)
    finally:
        rig.close()


def figures(played: Dict[str, Any], sound: np.ndarray, arrivals: np.ndarray) -> Dict[str, Any]:
    """Return the delays of all gates, from what the player knows and from the recording."""
    presses, triggers = np.array(played["presses"]), np.array(played["triggers"])
    if presses.size != triggers.size:
        raise RuntimeError("%d gates made %d hits" % (presses.size, triggers.size))
    heard = np.flatnonzero(np.abs(sound) > AUDIBLE)
    # A hit that stands alone begins where sound follows a second of silence.
    alone = heard[np.flatnonzero(np.diff(heard, prepend=-RATE) > RATE)]
    shift = int(alone[0] - triggers[0])
    lost = int(alone[-1] - triggers[-1]) - shift
    taken_at = line(np.array(played["taken"]), triggers, 50.0)
    # A fragment of the recording cannot come before its last sample: the earliest ones tell the line.
    heard_at = line(arrivals, triggers + shift, 5.0)
    stream = float(np.median(heard_at - taken_at))
    delays = 1e3 * (heard_at - presses - stream)
    own = 1e3 * (taken_at - presses)
    p1, p50, p99 = np.percentile(delays, (1, 50, 99))
    return {
        "gates": int(presses.size),
        "gate_to_sound_ms": {
            "p1": float(p1),
            "p50": float(p50),
            "p99": float(p99),
            "max": float(delays.max()),
            "p99_minus_p1": float(p99 - p1),
        },
        "until_taken_ms": {"p50": float(np.median(own)), "max": float(own.max())},
        "stream_ms": 1e3 * stream,
        "stream_ms_by_portaudio": played["stream_latency_ms"],
        "samples_lost": lost,
        "late_edges": played["late_edges"],
        "late": played["late"],
        "underruns": played["underruns"],
        "realtime": played["realtime"],
    }


def line(moments: np.ndarray, samples: np.ndarray, percentile: float) -> np.ndarray:
    """Return when the stream is at each of `samples` [n], seconds.

    `moments` are rows of (sample, seconds); those within half a second count, of their distances from the straight
    line the percentile given.
    """
    found = []
    for sample in samples:
        near = moments[np.abs(moments[:, 0] - sample) < RATE / 2]
        distances = near[:, 1] - near[:, 0] / RATE
        found.append(np.percentile(distances, percentile) + sample / RATE)
    return np.array(found)


def main() -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", default="models/hand_percussion", metavar="DIR")
    parser.add_argument("--gates", type=int, default=500, metavar="N")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--play", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.play:
        print(json.dumps(play(options.bundle, options.gates)))
        return 0
    lacking = missing()
    if lacking is not None:
        print("gate_to_sound: " + lacking, file=sys.stderr)
        return 2
    result = measure(options.bundle, options.gates)
    write_json(options.json or "-", result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
