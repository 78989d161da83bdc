"""The synthesis: blocks of the voice's sound, made a little ahead of the output.

The synthesis thread fills the frame buffer whenever a block fits. How far ahead that is, is fixed (the
buffer's size), and every gate edge acts the same time after it happened, long enough that its sample has not
been made yet: constant delay, no jitter.
"""

import collections
from typing import Callable, Deque, Mapping, Optional

import numpy as np

from neurorave_device import telemetry
from neurorave_device.audio.buffer import FrameBuffer
from neurorave_device.audio.output import FADE_SECONDS, OutputStage
from neurorave_device.clock import Clock
from neurorave_device.engine.voice import Voice
from neurorave_device.inputs.base import Edge, Volts
from neurorave_device.settings import unpack_values
from neurorave_device.shared import Cell
from neurorave_device.stream import StreamClock, VoltHistory
from neurorave_device.telemetry import Report

CHECK_SECONDS = 0.05
# How often the thread looks whether a block fits.
_WAIT_SECONDS = 0.001
_LOAD_SMOOTHING = 0.1


class Synthesis:
    """Fills the frame buffer; all methods belong to the synthesis thread but where they say otherwise.

    ``tap`` gets a copy of all sound as it is made. ``parameters`` is read, ``report`` written in shared memory.
    After ``length`` samples (None: never) the sound fades out and ends.
    """

    def __init__(
        self,
        voice: Voice,
        stage: OutputStage,
        buffer: FrameBuffer,
        stream: StreamClock,
        history: VoltHistory,
        parameters: Cell,
        report: Cell,
        block: int,
        delay: float,
        tap: Callable[[np.ndarray], None],
        clock: Clock,
        length: Optional[int] = None,
    ) -> None:
        self._voice = voice
        self._stage = stage
        self._buffer = buffer
        self._stream = stream
        self._history = history
        self._parameters = parameters
        self._report = report
        self._block = block
        self._delay = delay
        self._tap = tap
        self._clock = clock
        self._length = length
        self._rate = float(voice.sample_rate)
        self._edges: Deque[Edge] = collections.deque()
        self._read_position = -1
        self._seen = 0
        self._stopping = False
        self._frame = np.zeros(0, np.float32)
        self._load = 0.0
        self._late = 0
        self.template = Report()
        self.ended = False

    def add_edge(self, edge: Edge) -> None:
        """Take an edge at its stream time; it acts the constant delay later. Inputs thread."""
        self._edges.append(edge._replace(time=edge.time + self._delay))

    def fade_out(self) -> None:
        """Fade out and end. Any thread."""
        self._stopping = True

    @property
    def late(self) -> int:
        """How many frames took longer to compute than they last. Any thread."""
        return self._late

    def prefill(self) -> None:
        """Fill the buffer before the output starts; how long that takes counts nowhere."""
        while self.step():
            pass
        self._late = 0
        self._load = 0.0

    def run(self, check: Callable[[], None]) -> None:
        """Fill the buffer until the sound has faded out; ``check`` is called now and then and may raise."""
        due = self._clock.now()
        while not self.ended:
            if self._clock.now() >= due:
                due = self._clock.now() + CHECK_SECONDS
                check()
            if not self.step():
                self._clock.sleep(_WAIT_SECONDS)

    def step(self) -> bool:
        """Make one block if there is room for it, and say whether there was."""
        self._follow_output()
        if self.ended or self._buffer.free < self._block:
            return False
        position = self._voice.position
        if self._length is not None and not self._stopping:
            # The fade is part of the length that was asked for.
            self._stopping = position + self._block >= self._length - FADE_SECONDS * self._rate
        if self._stopping:
            self._stage.stop()
        began = self._clock.now()
        samples = self._make()
        self._measure(self._clock.now() - began)
        self._buffer.write(samples)
        self._tap(samples)
        self._publish(samples)
        if self._stage.silent:
            self._buffer.close()
            self.ended = True
        return True

    def _make(self) -> np.ndarray:
        if self._parameters.sequence != self._seen:
            self._seen = self._parameters.sequence
            record = self._parameters.read()
            if record is not None:
                self._take(unpack_values(record))
        edges = []
        while self._edges:
            edges.append(self._edges.popleft())
        return self._stage.process(self._voice.render(self._block, self._volts_at, edges))

    def _take(self, values: Mapping[str, float]) -> None:
        self._voice.update(values)
        self._stage.set_level(values["level"])

    def _volts_at(self, sample: int) -> Volts:
        return self._history.at(sample / self._rate - self._delay)

    def _follow_output(self) -> None:
        """Note when the output has taken something: that is what stream time is made of."""
        position = self._voice.position - self._buffer.filled
        if position != self._read_position:
            self._read_position = position
            if position > 0:
                self._stream.anchor(position)

    def _measure(self, seconds: float) -> None:
        self._load += _LOAD_SMOOTHING * (seconds * self._rate / self._block - self._load)
        if seconds > self._voice.hop / self._rate:
            self._late += 1

    def _publish(self, samples: np.ndarray) -> None:
        """Report once per frame."""
        self._frame = np.concatenate((self._frame, samples))
        if self._frame.size < self._voice.hop and not self._stage.silent:
            return
        frame, self._frame = self._frame, np.zeros(0, np.float32)
        voice = self._voice
        report = self.template._replace(
            time=voice.position / self._rate,
            samples=voice.position,
            state=telemetry.STOPPING if self._stopping else telemetry.PLAYING,
            gates=voice.gate_levels,
            mask=voice.frame.mask,
            asked=voice.frame.asked,
            heard=voice.heard.heard,
            level=float(np.sqrt(np.mean(np.square(frame)))),
            peak=float(np.max(np.abs(frame))),
            load=self._load,
            late=self._late,
            underruns=self._buffer.underruns,
            late_edges=voice.late_edges,
            volts=self._history.newest,
        )
        self._report.write(telemetry.pack(report))
