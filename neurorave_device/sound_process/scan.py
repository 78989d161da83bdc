"""The inputs thread: reads the jacks a thousand times a second and stamps what it finds with stream time."""

import threading
from typing import Callable, Iterable, Optional

from neurorave_device.clock import Clock, SystemClock
from neurorave_device.inputs.base import Edge, Panel
from neurorave_device.inputs.calibration import Calibration
from neurorave_device.inputs.gate_sum import GateSum
from neurorave_device.inputs.midi import MidiIn
from neurorave_device.inputs.virtual import VirtualPanel
from neurorave_device.link.commands import CommandReceiver, GatePress
from neurorave_device.link.settings import apply_panel, unpack_calibration
from neurorave_device.link.shared import Cell
from neurorave_device.sound_process.stream import StreamClock, VoltHistory

SCAN_PERIOD = 0.001
CATCH_UP_SECONDS = 0.01
_JACKS, _NOTES = "jacks", "notes"


class InputScan:
    """Carries volts and edges from a panel to the synthesis; all methods belong to the inputs thread.

    A virtual panel is played from the face: its buttons through ``commands``, its patching through the
    ``patching`` cell. The ``calibration`` cell is written by whoever calibrates. ``play_bundle`` is told, from the
    same pipe, which bundle is to play from now on. ``midi`` opens the same gates as the panel.
    """

    def __init__(
        self,
        panel: Panel,
        calibration: Cell,
        stream: StreamClock,
        history: VoltHistory,
        add_edge: Callable[[Edge], None],
        commands: CommandReceiver,
        patching: Cell,
        play_bundle: Callable[[str], None],
        midi: Optional[MidiIn] = None,
    ) -> None:
        self._panel = panel
        self._calibrations = calibration
        self._calibration = Calibration()
        self._stream = stream
        self._history = history
        self._add_edge = add_edge
        self._commands = commands
        self._patching = patching
        self._play_bundle = play_bundle
        self._midi = midi
        self._gates = GateSum()
        self._seen = self._calibrated = 0

    def step(self) -> None:
        """Scan once."""
        self._follow_face(self._panel if isinstance(self._panel, VirtualPanel) else None)
        if self._calibrations.sequence != self._calibrated:
            self._calibrated = self._calibrations.sequence
            self._calibration = unpack_calibration(self._calibrations.read())
        now = self._stream.now()
        raw = self._panel.read(now)
        self._history.put(now, self._calibration.apply(raw))
        self._history.raw.put(raw)
        # Reading a converter takes part of a millisecond: a gate of meanwhile need not wait for the next scan.
        now = self._stream.now()
        self._open(_JACKS, self._panel.take_edges(now))
        if self._midi is not None:
            self._open(_NOTES, self._midi.read(now))

    def run(self, stop: threading.Event, clock: Optional[Clock] = None) -> None:
        """Scan until ``stop`` is set, a thousand times a second however long a scan takes; the body of the thread."""
        clock = clock or SystemClock()
        due = clock.now()
        while not stop.is_set():
            # A few scans that were late are made up for; those of a longer stop would tell nothing new.
            due = max(due + SCAN_PERIOD, clock.now() - CATCH_UP_SECONDS)
            # A button's message ends the wait, so that it gets its time at once.
            self._commands.wait(max(0.0, due - clock.now()))
            self.step()

    def _open(self, source: str, edges: Iterable[Edge]) -> None:
        for edge in edges:
            for summed in self._gates.feed(source, edge):
                self._add_edge(summed)

    def _follow_face(self, panel: Optional[VirtualPanel]) -> None:
        if panel is not None and self._patching.sequence != self._seen:
            self._seen = self._patching.sequence
            apply_panel(self._patching.read(), panel)
        for command in self._commands.drain():
            if not isinstance(command, GatePress):
                self._play_bundle(command.folder)
            elif panel is not None and command.down:
                panel.press(command.gate)
            elif panel is not None:
                panel.release(command.gate)
