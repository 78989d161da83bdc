"""How long a gate takes to be heard through a real PortAudio stream, and how much that varies.

The module's own sound process plays into a private PulseAudio null sink whose monitor is recorded, while gates fall at
random times. Each hit is found in the recording by comparing it with what was played, so that gaps shift nothing. Per
gate three moments on the machine's monotonic clock: the press, the output taking the hit's first sample,
and that sample coming out of the recording. The stream's own latency, recording included, is what lies
between the last two at the median; it is subtracted and stated.

A thread above all others on each processor watches meanwhile whether the machine itself stands still, as a virtual
machine does whose host is busy. All gates count in `gate_to_sound_ms`; those that no such stop of more than
2 ms touched, from half a second before the press on, are also given apart.

Needs what `tests/device/pulse.py` needs.  `python -m benchmarks.gate_to_sound [--gates N] [--json FILE]`
"""

import argparse
import multiprocessing
import os
import random
import sys
import tempfile
import threading
import time
from typing import Any, Dict, List, Tuple

import numpy as np

from benchmarks.stalls import StallWatch
from neurorave_device.audio.buffer import FrameBuffer
from neurorave_device.clock import SystemClock
from neurorave_device.config import Config
from neurorave_device.link.commands import CommandReceiver, CommandSender, GatePress, make_pipe
from neurorave_device.link.settings import pack_values
from neurorave_device.link.shared import SharedMemory
from neurorave_device.link.telemetry import unpack
from neurorave_device.parameters import default_values
from neurorave_device.processes.realtime import OUTPUT_PRIORITY, awake, raise_priority
from neurorave_device.sound_process.sound import Sound
from neurorave_device.tools.render import write_json
from tests.device.pulse import RATE, SINK, PulseRig, missing

WARM_SECONDS = 3.0
SHORTEST, LONGEST = 0.15, 0.4
PRESSED_SECONDS = 0.02
# Above all of the module's threads, as a card of metal and an interrupt are.
CARD_PRIORITY = 80
# How much of a hit is compared, and how far from where it should be it is looked for.
COMPARED = 2048
SEARCHED = RATE // 2
# A hit counts as found where recording and sound agree so well.
AGREEMENT = 0.95
STALL_SECONDS = 0.002
STALL_REACH = 0.5


class TimedBuffer:
    """Notes what the output takes and when, on its way out of the buffer.

    `taken` has a row for each block: its first sample as the voice counts them, where it begins in `sound`, in which
    gaps count too, and the moment, seconds.
    """

    def __init__(self, buffer: FrameBuffer) -> None:
        self._buffer = buffer
        self._place = 0
        self.taken: List[Tuple[int, int, float]] = []
        self.sound: List[np.ndarray] = []

    def read(self, out: np.ndarray) -> None:
        """Fill `out` in place. Callback."""
        self.taken.append((self._buffer.read_position, self._place, time.monotonic()))
        self._buffer.read(out)
        self.sound.append(out.copy())
        self._place += out.size


def play(bundle: str, gates: int, path: str) -> None:
    """Play in this process, whose only sound card is the rig's; write what it knows to `path`."""
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
        raise_priority(OUTPUT_PRIORITY)
        chance = random.Random(0)
        time.sleep(WARM_SECONDS)
        for _ in range(gates):
            time.sleep(chance.uniform(SHORTEST, LONGEST))
            presses.append(time.monotonic())
            commands.send(GatePress(1, True))
            time.sleep(PRESSED_SECONDS)
            commands.send(GatePress(1, False))
        time.sleep(1.0)
        stop.set()

    with awake():
        sound.start()
        threading.Thread(target=hand, daemon=True).start()
        sound.play(stop, os.getppid())
    report = unpack(shared.telemetry.read())
    np.savez(
        path,
        presses=presses,
        triggers=sound._synthesis._voice.take_triggers(),
        taken=timed.taken,
        sound=np.concatenate(timed.sound),
        underruns=report.underruns,
        card_underruns=sound._out.stats().underruns,
        late=report.late,
        late_edges=report.late_edges,
        latency=getattr(sound._out, "latency", 0.0),
        realtime=report.realtime,
    )
    sound.close()


def measure(bundle: str, gates: int) -> Dict[str, Any]:
    """Run the rig, the watch and the player, and return the figures."""
    rig = PulseRig(RATE, CARD_PRIORITY)
    path = os.path.join(tempfile.mkdtemp(prefix="neurorave-gates-"), "played.npz")
    try:
        rig.start()
        recorder = rig.record()
        with StallWatch(STALL_SECONDS) as watch:
            options = ["--play", path, "--bundle", os.path.abspath(bundle), "--gates", str(gates)]
            player = rig.python("benchmarks.gate_to_sound", *options)
            player.communicate()
            time.sleep(0.5)
        if player.returncode != 0:
            raise RuntimeError("the player ended with status %d" % player.returncode)
        recorder.stop()
        with np.load(path) as played:
            return figures(dict(played), recorder.samples[:, 0], recorder.arrivals, watch.stalls)
    finally:
        rig.close()
        if os.path.exists(path):
            os.remove(path)
        os.rmdir(os.path.dirname(path))


def figures(
    played: Dict[str, np.ndarray], recording: np.ndarray, arrivals: np.ndarray, stalls: np.ndarray
) -> Dict[str, Any]:
    """Return the delays of all gates, from what the player knows, the recording, and the machine's stops."""
    presses, triggers, taken = played["presses"], played["triggers"], played["taken"]
    if presses.size != triggers.size:
        raise RuntimeError("%d gates made %d hits" % (presses.size, triggers.size))
    blocks = np.searchsorted(taken[:, 0], triggers, side="right") - 1
    places = (taken[blocks, 1] + triggers - taken[blocks, 0]).astype(int)
    found = find(played["sound"], recording, places)
    heard_at = arrival_of(arrivals, found)
    taken_at = taken[blocks, 2]
    known = found >= 0
    stream = float(np.median((heard_at - taken_at)[known]))
    delays = heard_at - presses - stream
    quiet = known & ~touched(stalls, presses - STALL_REACH, heard_at)
    return {
        "gates": int(presses.size),
        "found": int(known.sum()),
        "gate_to_sound_ms": spread(delays[known]),
        "without_stalls": dict(spread(delays[quiet]), gates=int(quiet.sum())),
        "stalls": {
            "count": len(stalls),
            "longest_ms": 1e3 * float((stalls[:, 1] - stalls[:, 0]).max()) if len(stalls) else 0.0,
        },
        "stream_ms": 1e3 * stream,
        "stream_ms_by_portaudio": 1e3 * float(played["latency"]),
        "late_edges": int(played["late_edges"]),
        "late": int(played["late"]),
        "underruns": int(played["underruns"]),
        "card_underruns": int(played["card_underruns"]),
        "realtime": bool(played["realtime"]),
    }


def find(sound: np.ndarray, recording: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return where in the recording what was played at `places` [n] begins, -1 where it is not there."""
    found = np.full(places.size, -1)
    shift = 0
    for number, place in enumerate(places):
        part = sound[place : place + COMPARED].astype(np.float64)
        # The whole recording for the first hit, then only where the last one was.
        begin = 0 if number == 0 else max(0, place + shift - SEARCHED)
        end = recording.size if number == 0 else place + shift + SEARCHED + COMPARED
        window = recording[begin:end].astype(np.float64)
        if window.size < part.size:
            continue
        size = 2 ** int(np.ceil(np.log2(window.size + part.size)))
        product = np.fft.irfft(np.fft.rfft(window, size) * np.conj(np.fft.rfft(part, size)), size)
        sums = np.concatenate(([0.0], np.cumsum(window**2)))
        energy = sums[part.size :] - sums[: -part.size]
        # Near silence is like everything.
        own = max(float(part @ part), 1e-12)
        likeness = product[: energy.size] / np.sqrt(np.maximum(energy, 0.5 * own) * own)
        best = int(np.argmax(likeness))
        if likeness[best] > AGREEMENT:
            found[number] = begin + best
            shift = begin + best - place
    return found


def arrival_of(arrivals: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Return when the recording is at each of `samples` [n], seconds; `arrivals` are rows of (sample, seconds).

    A fragment cannot come before its last sample: the earliest ones within half a second tell the line.
    """
    found = []
    for sample in samples:
        near = arrivals[np.abs(arrivals[:, 0] - sample) < RATE / 2]
        distances = near[:, 1] - near[:, 0] / RATE
        found.append((np.percentile(distances, 5.0) if len(near) else 0.0) + sample / RATE)
    return np.array(found)


def touched(stalls: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Say for each time from `begins` to `ends` [n] whether one of `stalls` [m, 2] lies in it."""
    if not len(stalls):
        return np.zeros(begins.size, bool)
    overlap = (stalls[:, 0] < ends[:, None]) & (stalls[:, 1] > begins[:, None])
    return np.asarray(overlap.any(axis=1))


def spread(delays: np.ndarray) -> Dict[str, float]:
    """Return percentiles in milliseconds."""
    if not delays.size:
        return {}
    p1, p50, p99 = 1e3 * np.percentile(delays, (1, 50, 99))
    found = {"p1": p1, "p50": p50, "p99": p99, "max": 1e3 * delays.max(), "p99_minus_p1": p99 - p1}
    return {name: float(value) for name, value in found.items()}


def main() -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", default="models/hand_percussion", metavar="DIR")
    parser.add_argument("--gates", type=int, default=500, metavar="N")
    parser.add_argument("--json", default="-", metavar="FILE")
    parser.add_argument("--play", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.play is not None:
        play(options.bundle, options.gates, options.play)
        return 0
    lacking = missing()
    if lacking is not None:
        print("gate_to_sound: " + lacking, file=sys.stderr)
        return 2
    write_json(options.json, measure(options.bundle, options.gates))
    return 0


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    sys.exit(main())
