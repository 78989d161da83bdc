"""How steadily the inputs are scanned while the face draws at full rate, and how soon a detent is seen.

Two processes, as in the module: the real scan with the board's panel on a fake converter (each transfer takes the time
of its 24 bits at 1 MHz and of a system call), and the real face with the front panel on fake chips on an I2C bus (each
byte takes its time), which draws a new picture 15 times a second throughout. Then the knob is turned in the menu. What
no fake shows is in docs/hardware-inputs.md.  `python -m benchmarks.cv_scan --seconds 20`
"""

import argparse
import multiprocessing
import sys
import threading
import time
from typing import Any, Dict, List

import numpy as np

from neurorave_device.clock import SystemClock
from neurorave_device.drivers.gpio_lines import LinePins
from neurorave_device.face.face import Face
from neurorave_device.face_process.front_wiring import FrontWiring
from neurorave_device.front_panel.front_panel import FrontPanel, Makers
from neurorave_device.front_panel.i2c_encoder import I2cEncoder
from neurorave_device.front_panel.oled import Oled
from neurorave_device.front_panel.protocols import stripes
from neurorave_device.inputs.cv_stage import CvInputs
from neurorave_device.inputs.gpio_gates import Gates
from neurorave_device.inputs.jetson import JetsonPanel
from neurorave_device.inputs.mcp3208 import Mcp3208
from neurorave_device.link.commands import CommandReceiver, make_pipe
from neurorave_device.link.shared import SharedMemory
from neurorave_device.machine.board import Board
from neurorave_device.processes.realtime import INPUTS_PRIORITY, Worker, awake, settle
from neurorave_device.sound_process.scan import SCAN_PERIOD, InputScan
from neurorave_device.sound_process.stream import StreamClock, VoltHistory
from tests.device.fake_gpio import FakeKernel
from tests.device.fake_link import FakeLink
from tests.device.fake_smbus import FakeBreakout, FakeBus, FakeOled
from tests.device.fake_spi import FakeSpi

TRANSFER_SECONDS = 24e-6 + 30e-6
FOLLOW_SECONDS = 0.01
TURNS = 60
GOAL_MS = 3.0
SEEN_GOAL_MS = 100.0


class SlowSpi(FakeSpi):
    """Answers after the time that a transfer takes; other threads run meanwhile, as during a system call."""

    def xfer2(self, sent: List[int]) -> List[int]:
        time.sleep(TRANSFER_SECONDS)
        return super().xfer2(sent)


class SlowBus(FakeBus):
    """A bus whose bytes take nine bits each at `hertz`."""

    hertz = 100000

    def _chip(self, address: int) -> Any:
        spent, self.bytes = self.bytes, 0
        time.sleep(9.0 * spent / self.hertz)
        return super()._chip(address)


def front(hertz: int, stop: Any, results: Any) -> None:
    """Be the face's process: draw, turn the knob now and then, and note how long it takes to be seen."""
    import smbus2

    clock = SystemClock()
    SlowBus.hertz = hertz
    breakout, screen = FakeBreakout(), FakeOled()
    chips = {0x0F: breakout, 0x3C: screen}
    smbus2.SMBus = lambda number: SlowBus(chips)
    board = Board()
    made = Makers(lambda: I2cEncoder(1, 0x0F, False, SlowBus(chips)), None, lambda: Oled(board))
    link = FakeLink(clock)
    link.cv[0].update(source="sine", rate=0.9, depth=5.0)
    link.cv[1].update(source="sine", rate=1.3, depth=5.0)
    face = Face(link)
    wiring = FrontWiring(FrontPanel(board, clock, made), face)
    wiring.start()
    pictures, last, begin = 0, b"", clock.now()
    while not stop.is_set():
        wiring.follow(clock.now())
        pictures, last = pictures + (face.picture is not last), face.picture
        time.sleep(FOLLOW_SECONDS)
    rates = pictures / (clock.now() - begin), screen.data_bytes / (clock.now() - begin)
    face.press(clock.now())
    face.release(clock.now())
    took = [_detent(wiring, face, breakout, screen, number) for number in range(TURNS)]
    wiring.close()
    results.put((took, rates))


def _detent(
    wiring: FrontWiring, face: Face, breakout: FakeBreakout, screen: FakeOled, number: int
) -> float:
    """Return how long it takes from a detent until the screen shows all of the picture that comes of it."""
    clock = SystemClock()
    # At any moment of the face's own rhythm.
    quiet_until = clock.now() + 0.3 + 0.0037 * number
    while clock.now() < quiet_until:
        wiring.follow(clock.now())
        time.sleep(FOLLOW_SECONDS)
    before = face.picture
    breakout.turn(-1 if number % 2 else 1)
    turned_at = clock.now()
    while face.picture == before or screen.memory != [*map(bytearray, stripes(face.picture))]:
        wiring.follow(clock.now())
        # Looked at as seldom as in the module: ten milliseconds are part of the answer.
        time.sleep(FOLLOW_SECONDS)
        if clock.now() - turned_at > 2.0:
            raise RuntimeError("the detent was never seen")
    return clock.now() - turned_at


def scan(seconds: float) -> np.ndarray:
    """Scan for so long; return the intervals between two readings of the converter, seconds [n]."""
    times: List[float] = []

    class Timed(JetsonPanel):
        def read(self, now: float) -> Any:
            times.append(time.monotonic())
            return super().read(now)

    clock = SystemClock()
    stream = StreamClock(clock, 44100, 128)
    stream.anchor(0)
    kernel = FakeKernel()
    board = Board()
    cvs = CvInputs(board, lambda: Mcp3208(0, 0, 1000000, SlowSpi([1000] * 8)))
    gates = Gates(board, stream, lambda: LinePins("tegra-gpio", [149, 200], False, kernel))
    shared = SharedMemory.create()
    receiving, sending = make_pipe()
    try:
        job = InputScan(
            Timed(board, stream, cvs, gates),
            shared.calibration,
            stream,
            VoltHistory(),
            lambda edge: None,
            CommandReceiver(receiving),
            shared.panel,
            lambda folder: None,
        )
        stop = threading.Event()
        worker = Worker("inputs", INPUTS_PRIORITY, lambda: job.run(stop))
        settle()
        with awake():
            worker.start()
            time.sleep(seconds)
            stop.set()
            worker.join()
        if worker.error is not None:
            raise worker.error
    finally:
        receiving.close()
        sending.close()
        shared.close()
    return np.diff(np.array(times[200:]))


def main() -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0, metavar="S", help="of each")
    parser.add_argument("--i2c-hz", type=int, default=100000, metavar="HZ", help="100000, 400000")
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    stop, results = context.Event(), context.Queue()
    drawing = context.Process(target=front, args=(arguments.i2c_hz, stop, results))
    alone = scan(arguments.seconds)
    drawing.start()
    time.sleep(3.0)
    beside = scan(arguments.seconds)
    stop.set()
    took, rates = results.get(timeout=120.0)
    drawing.join()
    found: Dict[str, np.ndarray] = {"alone": alone, "face drawing": beside}
    for name, intervals in found.items():
        p50, p99, p999 = 1e3 * np.percentile(intervals, (50, 99, 99.9))
        text = "scan, %-13s %6.1f Hz  interval p50 %.2f  p99 %.2f  p99.9 %.2f  max %.2f ms"
        values = (name, 1.0 / intervals.mean(), p50, p99, p999, 1e3 * intervals.max())
        print(text % values)
    text = "face: %.1f pictures/s, %.1f kB/s to the screen"
    print(text % (rates[0], 1e-3 * rates[1]))
    seen = 1e3 * np.array(took)
    p50, p99 = np.percentile(seen, (50, 99))
    text = "detent to picture at %d kHz: p50 %.0f  p99 %.0f  max %.0f ms, %d detents"
    print(text % (arguments.i2c_hz // 1000, p50, p99, seen.max(), len(seen)))
    p99_ms = 1e3 * float(np.percentile(beside, 99))
    slow = 1.0 / float(beside.mean()) < 0.99 / SCAN_PERIOD
    return int(p99_ms >= GOAL_MS or slow or float(p99) >= SEEN_GOAL_MS)


if __name__ == "__main__":
    sys.exit(main())
