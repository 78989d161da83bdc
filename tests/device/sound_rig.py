"""A sound process in virtual time: its voice, its output, and what the two say of each other."""

from typing import Dict, List, Optional

import numpy as np

from neurorave_device.audio.buffer import FrameBuffer
from neurorave_device.audio.output import OutputStage
from neurorave_device.clock import VirtualClock
from neurorave_device.engine.bundle import load_bundle
from neurorave_device.engine.voice import Voice
from neurorave_device.inputs.base import Panel
from neurorave_device.inputs.virtual import VirtualPanel
from neurorave_device.link.commands import CommandReceiver, CommandSender, GatePress, make_pipe
from neurorave_device.link.settings import pack_values
from neurorave_device.link.shared import SharedMemory
from neurorave_device.parameters import default_values
from neurorave_device.sound_process.scan import InputScan
from neurorave_device.sound_process.stream import StreamClock, VoltHistory
from neurorave_device.sound_process.synthesis import Synthesis
from neurorave_device.sound_process.timing import timing
from tests.device.toy import TOY

RATE = 44100
BLOCK = 128
PERIOD = BLOCK / RATE
HOP = 512


class Rig:
    """Inputs, synthesis and output of a sound process, run by hand on one virtual clock.

    The output takes a block each period; the scan runs each millisecond; buttons are pressed at any time.
    """

    def __init__(
        self,
        length: Optional[int] = None,
        panel: Optional[Panel] = None,
        meter: bool = False,
        latency: float = 20.0,
        values: Optional[Dict[str, float]] = None,
    ) -> None:
        self.clock = VirtualClock(500.0)
        self.shared = SharedMemory.create()
        self.values = dict(default_values(), **(values or {}))
        self.shared.parameters.write(pack_values(self.values))
        receiving, self.sending = make_pipe()
        self.receiving = receiving
        self.plan = timing(latency, BLOCK, RATE, HOP)
        self.stream = StreamClock(self.clock, RATE, BLOCK)
        self.history = VoltHistory()
        self.panel = panel or VirtualPanel(self.stream)
        self.asked_for: List[str] = []
        self.wishes: List[str] = []
        self.buffer = FrameBuffer(self.plan.capacity)
        self.voice = Voice(load_bundle(TOY), self.values, meter)
        self.stage = OutputStage(RATE, self.values["level"], limiter_db=self.values["limiter"])
        self.synthesis = Synthesis(
            self.voice,
            self.stage,
            self.buffer,
            self.stream,
            self.history,
            self.shared.parameters,
            self.shared.telemetry,
            BLOCK,
            self.plan.gate,
            self.shared.ring.write,
            self.clock,
            length,
            self.shared.morph,
            self.wishes.append,
        )
        self.scan = InputScan(
            self.panel,
            self.shared.calibration,
            self.stream,
            self.history,
            self.synthesis.add_edge,
            CommandReceiver(receiving),
            self.shared.panel,
            self.asked_for.append,
        )
        self.commands = CommandSender(self.sending)
        self.heard: List[np.ndarray] = []
        self.synthesis.prefill()
        self.next_pull = self.clock.now()
        self.next_scan = self.clock.now()

    def close(self) -> None:
        self.shared.close()
        self.receiving.close()
        self.sending.close()

    def pull(self) -> None:
        out = np.zeros(BLOCK, np.float32)
        self.buffer.read(out)
        self.heard.append(out)

    def fill(self) -> None:
        while self.synthesis.step():
            pass

    def run(self, until: float, starved: bool = False) -> None:
        """Let the output, the synthesis (unless ``starved``) and the scan work up to a time."""
        while True:
            due = min(self.next_pull, self.next_scan)
            if due > until:
                self.clock.advance(until - self.clock.now())
                return
            self.clock.advance(due - self.clock.now())
            if due == self.next_pull:
                self.pull()
                self.next_pull += PERIOD
                if not starved:
                    self.fill()
            else:
                self.next_scan += 0.001
                self.scan.step()

    def press(self, gate: int, down: bool) -> None:
        """A button's message arrives: the scan wakes at once, as its wait on the pipe does."""
        assert self.commands.send(GatePress(gate, down))
        self.scan.step()

    @property
    def taken(self) -> int:
        """How many samples the output has taken of the voice's sound."""
        return self.voice.position - self.buffer.filled


def sound_of(rig: Rig) -> np.ndarray:
    return np.concatenate(rig.heard)
