"""Plays the module on the guest's simulated chips and notes all that can be checked afterwards.

`python -m tests.vm.guest.scenario FOLDER` fills FOLDER with notes.json (what was done when, what the daemon said), the
recordings, the I2C bus's log, and what a page of the browser panel saw.  Nothing is judged here: the host does that.
"""

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import Any, Callable, List, Sequence, Tuple

from tests.vm.guest import bench, card
from tests.vm.guest.page import Page

GATES = 50
# The card is looked at every five seconds.
CARD_SECONDS = 7.0
PORT = 8765
LOW_VOLTS, HIGH_VOLTS = -3.0, 3.0
# Each jack its own, so that none can be taken for another.
FOUR_VOLTS = (1.25, 0.5, 3.75, -4.5)
NO_VOLTS = (0.0, 0.0, 0.0, 0.0)
# A device that is gone is tried again after 0.5 s, then 1 s later: it is away for longer than the one, back before
# the other.
AWAY_SECONDS = 0.7
BACK_SECONDS = 1.2
_I2C_LOG = "/sys/kernel/debug/fake_i2c/log"
_CONFIG = {
    "bundle": "/tree/tests/data/toy_bundle",
    "panel": "jetson",
    "audio": "soundcard",
    "device": "Loopback: PCM (hw:0,0)",
    "engine": "onnx",
    "port": PORT,
    "card": card.PLACE,
    # Both gates start sounds, so that each edge of either can be heard.
    "patch": {"gate2.role": "trigger"},
}

Plug = Callable[[bool], None]


class Notes:
    """What happened, each with the time; several threads."""

    def __init__(self) -> None:
        self.rows: List[Tuple[float, str, Any]] = []

    def add(self, what: str, value: Any = None) -> None:
        """Note that something is about to be done or has just been seen."""
        self.rows.append((time.monotonic(), what, value))

    def step(self, name: str) -> None:
        """Note the beginning of a part, and say so."""
        self.add("step", name)
        print("%8.2f  %s" % (time.monotonic(), name), flush=True)


class Module:
    """The daemon as a player starts it, and what it says."""

    def __init__(self, notes: Notes) -> None:
        with open("/tmp/config.json", "w", encoding="ascii") as file:
            # JSON is YAML, too.
            json.dump(_CONFIG, file)
        self._notes = notes
        self._lines: List[str] = []
        command = [sys.executable, "-m", "neurorave_device.cli", "run", "--config", file.name]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        for line in self.process.stdout or ():
            text = line.decode("utf-8").rstrip()
            self._notes.add("said", text)
            print("          " + text, flush=True)
            self._lines.append(text)

    def ready(self) -> None:
        """Wait until it plays."""
        if not self.says((" plays ",), 60.0):
            raise RuntimeError("the module does not start")

    def says(self, parts: Sequence[str], seconds: float) -> bool:
        """Wait until the parts have been said since the last question, but no longer than `seconds`; say whether."""
        end = time.monotonic() + seconds
        while not all(any(part in line for line in self._lines) for part in parts):
            if time.monotonic() >= end:
                return False
            time.sleep(0.05)
        self._lines = []
        return True

    def end(self) -> int:
        """Ask it to end and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(30.0)
        self._thread.join(5.0)
        return status


class Recording:
    """The recorder's process while it runs."""

    def __init__(self, path: str) -> None:
        command = [sys.executable, "-m", "tests.vm.guest.recorder", path]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        if self._process.stdout.readline() != b"recording\n":
            raise RuntimeError("nothing can be recorded")

    def end(self) -> None:
        """Let it end, so that the card is free."""
        self._process.terminate()
        self._process.wait(10.0)


class Player:
    """Two hands at the module."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._chance = random.Random(0)
        self._turned = 0

    def gate(self, number: int, kind: str) -> None:
        """Raise a gate for 30 ms and wait until another one may follow."""
        self._notes.add(kind, number)
        bench.gate(number, True)
        time.sleep(0.03)
        bench.gate(number, False)
        time.sleep(self._chance.uniform(0.1, 0.17))

    def gates(self) -> None:
        """Raise gates 1 and 2 in turns; the body of a thread."""
        for number in range(GATES):
            self.gate(1 + number % 2, "gate")

    def gates_until(self, over: threading.Event) -> None:
        """Raise gates 1 and 2 in turns until it is over; the body of a thread."""
        for number in itertools.takewhile(lambda _: not over.is_set(), itertools.count()):
            self.gate(1 + number % 2, "gate beside the card")

    def press(self, seconds: float) -> None:
        """Press the switch for so long."""
        self._notes.add("press", seconds)
        bench.switch(True)
        time.sleep(seconds)
        bench.switch(False)
        self.look()

    def turn(self, steps: int) -> None:
        """Turn the encoder."""
        self._turned += steps
        self._notes.add("turn", steps)
        bench.turned(self._turned)
        self.look()

    def patch(self, volts: Sequence[float]) -> None:
        """Patch volts into the four jacks."""
        self._notes.add("volts", volts)
        bench.volts(volts)

    def look(self, seconds: float = 0.3) -> None:
        """Wait until all has been drawn, and note that it should be."""
        time.sleep(seconds)
        self._notes.add("seen")

    def away(self, plugs: Sequence[Tuple[str, Plug]]) -> None:
        """Take devices away, and put them back."""
        names = ", ".join(name for name, _ in plugs)
        self._notes.step("away: " + names)
        for _, plug in plugs:
            plug(False)
        self.look(AWAY_SECONDS)
        self._notes.step("back: " + names)
        for _, plug in plugs:
            plug(True)
        # A breakout that comes back counts from nothing.
        self._turned = 0
        self.look(BACK_SECONDS)


def play_on_card(player: Player, module: Module, notes: Notes) -> None:
    """Let the card get bundles, be full, read-only and gone, while gates and the output's level are played."""
    notes.step("card: bundles")
    over = threading.Event()
    gates = threading.Thread(target=player.gates_until, args=(over,))
    gates.start()
    card.copy_bundle("mine")
    card.copy_bundle("torn", lacking="decoder.onnx")
    notes.add("copied")
    for name, happen, sentences in (
        ("full", card.fill, ("is full, so", "cannot be written")),
        ("read-only", card.refuse_writes, ("is read-only",)),
        ("pulled", card.pull, ("is not there",)),
    ):
        notes.step("card: " + name)
        happen()
        # The first one may only take away what the screen says.
        player.turn(-1)
        player.turn(-1)
        if module.says(sentences, CARD_SECONDS):
            notes.add("told", name)
    over.set()
    gates.join()
    # In time for what is still to be remembered.
    card.put_in()


def play(folder: str, notes: Notes) -> None:
    """Do everything, in order."""
    player = Player(notes)
    bench.switch(False)
    card.mount()
    notes.step("start")
    module = Module(notes)
    recording = Recording(os.path.join(folder, "sound.raw"))
    module.ready()
    page = Page(PORT)
    player.look(1.0)

    notes.step("gates, and meanwhile the menu")
    gates = threading.Thread(target=player.gates)
    gates.start()
    player.patch(FOUR_VOLTS)
    # The first takes away the sentence of the start.
    player.press(0.05)
    player.press(0.1)
    player.patch(NO_VOLTS)
    player.turn(1)
    player.turn(-1)
    player.press(0.9)
    player.away((("screen", bench.screen), ("spidev", bench.spi)))
    player.patch(FOUR_VOLTS)
    player.away((("encoder", bench.encoder), ("converter", bench.converter)))
    player.turn(1)
    player.press(0.9)
    player.patch(NO_VOLTS)
    gates.join()

    notes.step("a step of CV 3")
    for kind, volts in (("low", LOW_VOLTS), ("high", HIGH_VOLTS)):
        player.patch((0.0, 0.0, volts, 0.0))
        time.sleep(0.05)
        for _ in range(4):
            player.gate(1, kind)
    player.patch(NO_VOLTS)

    play_on_card(player, module, notes)
    recording.end()
    page.close()

    with open(os.path.join(folder, "page.json"), "w", encoding="ascii") as file:
        pictures = [(when, picture.hex()) for when, picture in page.pictures]
        told = {"heard": page.heard, "pictures": pictures, "offered": page.offered}
        json.dump(told, file)
    notes.step("end")
    notes.add("status", module.end())


def main() -> int:
    """Run as a command."""
    folder = sys.argv[1]
    notes = Notes()
    try:
        play(folder, notes)
        return 0
    finally:
        notes.add("transfers", bench.counted("fake_mcp3208", "transfers"))
        notes.add("refused", bench.counted("fake_mcp3208", "refused"))
        shutil.copyfile(_I2C_LOG, os.path.join(folder, "i2c.log"))
        with open(os.path.join(folder, "notes.json"), "w", encoding="ascii") as file:
            json.dump(notes.rows, file)


if __name__ == "__main__":
    sys.exit(main())
